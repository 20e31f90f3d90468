"""``runner resolve``: say what came of a step whose end nobody heard, or have one run again."""

from pathlib import Path

import click

from runner.cli.once import option
from runner.cli.printing import say

EPILOG = """\b
Examples:
  runner resolve last web03 migrate --ok
  runner resolve 20261121-094501 web03 migrate --rerun --reason "looked at the log: it never began"

\b
Exit status: 0 it is recorded, 2 there is no such step, or its end is known, 10 a process is at work on the run.
"""


@click.command(epilog=EPILOG)
@click.argument("run")
@click.argument("host")
@click.argument("step")
@option("--ok", "what", flag_value="ok", help="It was done.")
@option("--failed", "what", flag_value="failed", help="It was tried, and failed.")
@option("--rerun", "what", flag_value="rerun", help="It is to run again: it was not done, or its output is lost.")
@option("--play", default="", metavar="PLAY", help="The play, where several have a step of that name.")
@option("--item", type=click.IntRange(min=1), metavar="N", help="The item of the step's loop, from 1.")
@option("--reason", default="", metavar="TEXT", help="Why; it is recorded with your name.")
@option("--runs-dir", envvar="RUNNER_RUNS_DIR", type=click.Path(path_type=Path), help="Where run folders are kept.")
def command(
    run: str, host: str, step: str, *, what: str | None, play: str, item: int | None, reason: str, runs_dir: Path | None
) -> None:
    """Say what came of STEP on HOST in RUN, of which nobody heard the end; `runner resume` takes it from there.

    With --rerun it may be a step that has ended, too: where a later one needs what it printed and nobody heard that.

    RUN is an id, its beginning, or "last"; STEP is the step's id.
    """
    from runner.app.resolve import resolve  # noqa: PLC0415 - heavy, and wanted only now

    if what is None:
        raise click.UsageError("say what came of it: --ok, --failed or --rerun")
    say(resolve(runs_dir, run, host, step, what=what, play=play, item=item, reason=reason))
