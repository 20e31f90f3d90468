"""``runner rerun``: a new run on the hosts that ended in some way."""

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
  runner rerun last --only failed,unreachable
  runner rerun 20261121-094501 --only rolled_back -e release=1.4.4

\b
Exit status: as of `runner run`; 0 where no host ended so.
"""


@click.command(epilog=EPILOG)
@click.argument("run")
@option(
    "--only",
    required=True,
    metavar="STATUS,…",
    help="How hosts ended: failed, unreachable, cancelled, not_run, gate_failed, rolled_back, …",
)
@again_options
@person_options
@view_options
@records_options
def command(run: str, *, only: str, **options: Any) -> int:
    """Start a new run of the playbook of RUN, with its options, on those of its hosts that ended in some way.

    RUN is an id, its beginning, or "last".
    """
    from runner.app.rerun import rerun  # noqa: PLC0415 - heavy, and wanted only now
    from runner.app.settings import Settings  # noqa: PLC0415
    from runner.app.views import screen_of  # noqa: PLC0415

    settings = Settings(playbook=Path(), argv=tuple(sys.argv), **looking_on(options))
    words = tuple(word.strip() for word in only.split(",") if word.strip())
    status = rerun(run, settings, screen_of(settings), exit_codes.of_ending, words)
    if status is None:
        say(f"nothing to do: no host ended {' or '.join(words)}")
    return exit_codes.OK if status is None else status
