"""``runner run``: the main job."""

import sys
from pathlib import Path
from typing import Any

import click

from runner.cli import exit_codes
from runner.cli.once import option
from runner.cli.options import (
    helps_inputs,
    looking_on,
    person_options,
    plan_options,
    policy_option,
    read_limit,
    records_options,
    target_options,
    view_options,
)

EPILOG = """\b
Examples:
  runner run playbooks/rolling-deploy.yaml
  runner run site.yaml -i inventory/production.yaml --limit 'web[01-04]' --output plain
  runner plan site.yaml -o plan.json && runner run plan.json
  runner run site.yaml --output json | jq -r 'select(.event == "host.ended") | .host + " " + .status'

\b
Exit status: 0 well, 1 a step or host failed, 2 input is wrong and nothing was contacted, 4 hosts unreachable and
nothing else failed, 5 the failure budget was exceeded, 6 a step's outcome is unknown, 7 a gate or a person stopped the
run, 8 rolled back, 9 the rollback failed, 10 somebody else runs it, 11 the run folder cannot be used, 12 a saved plan
does not fit what is here, 20 a person has to decide, 130 and 143 interrupted.
"""


@click.command(epilog=EPILOG)
@click.argument("playbook", type=click.Path(path_type=Path))
@target_options
@plan_options
@option(
    "--connect-timeout",
    envvar="RUNNER_CONNECT_TIMEOUT",
    metavar="DURATION",
    help="Time a login may take, whatever the inventory says.",
)
@option("--sha256", metavar="SUM", help="Run a plan saved on another machine, or by another user, if this is its sum.")
@policy_option
@person_options
@view_options
@records_options
@helps_inputs
def command(playbook: Path, **options: Any) -> int:
    """Run PLAYBOOK: its plays, wave by wave, on the hosts of its inventory.

    PLAYBOOK may be a plan that `runner plan -o` saved: exactly it is run, once, if nothing that went into it has
    changed.
    """
    from runner.app.run import run  # noqa: PLC0415 - heavy, and wanted only now
    from runner.app.settings import Settings  # noqa: PLC0415
    from runner.app.views import screen_of  # noqa: PLC0415

    options["limit"] = read_limit(options["limit"], Path.cwd())
    options["exclude"] = read_limit(options["exclude"], Path.cwd())
    settings = Settings(playbook=playbook, argv=tuple(sys.argv), **looking_on(options))
    return run(settings, screen_of(settings), exit_codes.of_ending)
