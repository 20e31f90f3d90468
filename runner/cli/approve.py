"""``runner approve``: answer a run that waits."""

from pathlib import Path

import click

from runner.cli.once import option
from runner.cli.printing import say

EPILOG = """\b
Examples:
  runner approve last
  runner approve 20261121-094501 --deny

\b
Exit status: 0 the run has taken the answer, or will when it goes on; 1 it does not wait or was answered by somebody
else; 2 there is no such run.
"""


@click.command(epilog=EPILOG)
@click.argument("run")
@option("--deny", is_flag=True, help="Say no: the whole run stops.")
@option("--runs-dir", envvar="RUNNER_RUNS_DIR", type=click.Path(path_type=Path), help="Where run folders are kept.")
def command(run: str, *, deny: bool, runs_dir: Path | None) -> None:
    """Say yes to the question that RUN waits with. RUN is an id, its beginning, or "last".

    It may wait at another terminal, or be paused: then `runner resume RUN` goes on with the answer. Of several
    questions the first is answered, and how many are left is said.
    """
    from runner.app.approve import approve  # noqa: PLC0415 - heavy, and wanted only now

    say(approve(runs_dir, run, yes=not deny))
