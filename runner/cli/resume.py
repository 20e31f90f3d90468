"""``runner resume``: go on with a run."""

import sys
from pathlib import Path
from typing import Any

import click

from runner.cli import exit_codes
from runner.cli.once import option
from runner.cli.options import again_options, looking_on, person_options, records_options, view_options
from runner.cli.printing import say, say_json, say_lines

EPILOG = """\b
Examples:
  runner resume last
  runner resume 20261121-094501 --plan
  runner resume last --accept-changes --drop-hosts web07

\b
Exit status: as of `runner run`; 0 where nothing is left, 10 where a process is at work on the run, 11 where its journal
is damaged, 12 where what ended well, a host or an input is not what it was; nothing was contacted then.
"""


@click.command(epilog=EPILOG)
@click.argument("run")
@option(
    "--plan",
    "only_plan",
    is_flag=True,
    help="Only show what is left: wave, step, hosts; of the way back where it goes back. Contacts nothing.",
)
@option(
    "--format",
    "form",
    type=click.Choice(("text", "json")),
    default="text",
    envvar="RUNNER_FORMAT",
    help="The form of --plan.",
)
@option(
    "--accept-changes",
    "accept",
    is_flag=True,
    help="Steps that ended well and have changed since run again; inputs may have changed.",
)
@option("--drop-hosts", "drop", metavar="PATTERN", default="", help="Leave these hosts out from here on.")
@again_options
@person_options
@view_options
@records_options
def command(run: str, *, only_plan: bool, form: str, accept: bool, drop: str, **options: Any) -> int:
    """Go on with RUN where it was: what ended well is not run again. RUN is an id, its beginning, or "last".

    The playbook and its inventory are read again, with the options that RUN was started with. What runs is as they say
    now; what ended well must not have changed.
    """
    from runner.app.against import Changes  # noqa: PLC0415 - heavy, and wanted only now
    from runner.app.resume import look, resume  # noqa: PLC0415
    from runner.app.settings import Settings  # noqa: PLC0415
    from runner.app.views import screen_of  # noqa: PLC0415

    settings = Settings(playbook=Path(), argv=tuple(sys.argv), **looking_on(options))
    changes = Changes(accept, drop)
    if not only_plan:
        status = resume(run, settings, screen_of(settings), exit_codes.of_ending, changes)
        if status is None:
            say("nothing to do: the run has come to its end")
        return exit_codes.OK if status is None else status
    from runner.model.way_back import left_at_all  # noqa: PLC0415
    from runner.reporting.left import encoded, text  # noqa: PLC0415

    seen = look(run, settings, changes)
    found = left_at_all(seen.plan, seen.past, is_asked=seen.is_back)
    if form == "json":
        say_json(encoded(seen.run, found, seen.notes))
    else:
        say_lines((f"note: {note}" for note in seen.notes), err=True)
        say_lines(text(seen.plan, seen.run, found))
    return exit_codes.OK
