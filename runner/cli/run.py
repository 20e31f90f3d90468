"""``runner run``: the main job."""

import sys
from pathlib import Path
from typing import Any

import click

from runner.cli import exit_codes
from runner.cli.options import helps_inputs, plan_options, policy_option, read_limit, target_options

OUTPUTS = ("live", "plain", "stream", "json", "quiet")

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
@click.option(
    "--connect-timeout",
    envvar="RUNNER_CONNECT_TIMEOUT",
    metavar="DURATION",
    help="Time a login may take, whatever the inventory says.",
)
@click.option(
    "--sha256", metavar="SUM", help="Run a plan saved on another machine, or by another user, if this is its sum."
)
@policy_option
@click.option(
    "-b",
    "--batch",
    envvar="RUNNER_BATCH",
    is_flag=True,
    help="Nobody is there: ask nothing, and the first Ctrl-C ends steps.",
)
@click.option(
    "-y", "--yes", envvar="RUNNER_YES", is_flag=True, help="Answer yes to our questions, and let pauses go on."
)
@click.option(
    "--output", envvar="RUNNER_OUTPUT", type=click.Choice(OUTPUTS), help="What to show; live on a terminal, else plain."
)
@click.option(
    "--line",
    envvar="RUNNER_LINE",
    metavar="TEMPLATE",
    help="Form of a line under --output stream: '{time} {host} {line}'.",
)
@click.option("-q", "--quiet", envvar="RUNNER_QUIET", is_flag=True, help="The summary alone: --output quiet.")
@click.option(
    "--log-format",
    envvar="RUNNER_LOG_FORMAT",
    type=click.Choice(("console", "json", "logfmt")),
    help="Write the events as a log, too.",
)
@click.option(
    "--log-file",
    envvar="RUNNER_LOG_FILE",
    type=click.Path(path_type=Path),
    help="Where the log goes; standard error by default.",
)
@click.option(
    "--log-output", envvar="RUNNER_LOG_OUTPUT", is_flag=True, help="Keep chunks of output in the events as they come."
)
@click.option(
    "--runs-dir", envvar="RUNNER_RUNS_DIR", type=click.Path(path_type=Path), help="Where run folders are kept."
)
@click.option(
    "--durability",
    envvar="RUNNER_DURABILITY",
    type=click.Choice(("full", "relaxed")),
    default="full",
    show_default=True,
    help="relaxed: no syncs; the records survive the end of runner, but not of the machine.",
)
@click.option(
    "--no-color", envvar="RUNNER_NO_COLOR", is_flag=True, help="No colours, as NO_COLOR=1 in the environment."
)
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
    if options.pop("quiet"):
        options["output"] = "quiet"
    settings = Settings(playbook=playbook, argv=tuple(sys.argv), **options)
    return run(settings, screen_of(settings), lambda ending: exit_codes.of_ending(ending, settings.exit_policy))
