"""``runner rollback``: take back what a run has done."""

import sys
from pathlib import Path
from typing import Any

import click

from runner.cli import exit_codes
from runner.cli.once import option
from runner.cli.options import again_options, looking_on, person_options, records_options, view_options
from runner.cli.printing import say

EPILOG = """\b
Examples:
  runner rollback last
  runner rollback 20261121-094501 --batch --output plain

\b
Exit status: 8 rolled back, 9 where that failed on a host, 0 where nothing was to be taken back, 2 where no play has
rollback steps, 10 where a process is at work on the run, 11 where its journal is damaged, 12 where a host or an input
is not what it was; nothing was contacted then.
"""


@click.command(epilog=EPILOG)
@click.argument("run")
@option("--accept-changes", "accept", is_flag=True, help="Inputs may have changed.")
@option("--drop-hosts", "drop", metavar="PATTERN", default="", help="Leave these hosts as they are.")
@again_options
@person_options
@view_options
@records_options
def command(run: str, *, accept: bool, drop: str, **options: Any) -> int:
    """Take back what RUN has done. RUN is an id, its beginning, or "last".

    The `rollback` steps of every play, the last play first, run on the hosts where a step changed something, failed or
    is unknown, the latest wave first, and then their `always` steps again. They are read from the playbook as it is
    now. Hosts that were never touched are left alone.
    """
    from runner.app.against import Changes  # noqa: PLC0415 - heavy, and wanted only now
    from runner.app.rollback import rollback  # noqa: PLC0415
    from runner.app.settings import Settings  # noqa: PLC0415
    from runner.app.views import screen_of  # noqa: PLC0415

    settings = Settings(playbook=Path(), argv=tuple(sys.argv), **looking_on(options))
    status = rollback(run, settings, screen_of(settings), exit_codes.of_ending, Changes(accept, drop))
    if status is None:
        say("nothing to do: no host has anything to be taken back")
    return exit_codes.OK if status is None else status
