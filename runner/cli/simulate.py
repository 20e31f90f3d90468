"""``runner simulate``: what a run would come to if this went wrong and that took long. No host is contacted."""

import os
from pathlib import Path
from typing import Any

import click

from runner.cli import exit_codes
from runner.cli.once import option
from runner.cli.options import helps_inputs, plan_options, policy_option, read_limit, target_options
from runner.cli.printing import say, say_json

EPILOG = """\b
Examples:
  runner simulate playbooks/rolling-deploy.yaml
  runner simulate site.yaml --fail web03:migrate --unreachable web07 --takes restart=40s
  runner simulate site.yaml --fail 'web[01-03]:gate' --takes gate=20s
  runner simulate site.yaml --faults friday.yaml --format json | jq '.timeline[] | select(.what == "wave")'

\b
Where nothing is said of it, a step takes 1s and ends well, gates pass, approvals are given, and a condition on a
host's answer holds. HOST is a name, glob, range or group; STEP an id, PLAY.ID, a glob, or gate. The exit status is
that of the run.
"""


@click.command(epilog=EPILOG)
@click.argument("playbook", type=click.Path(path_type=Path))
@target_options
@plan_options
@policy_option
@option(
    "--fail", multiple=True, envvar="RUNNER_FAIL", metavar="HOST:STEP[@TRY]", help="A step fails, on this try or all."
)
@option(
    "--unreachable",
    multiple=True,
    envvar="RUNNER_UNREACHABLE",
    metavar="HOST[:STEP]",
    help="A host can't be reached; from the start, or from this step on.",
)
@option(
    "--lost",
    multiple=True,
    envvar="RUNNER_LOST",
    metavar="HOST:STEP",
    help="The connection is lost in this step: its outcome is unknown.",
)
@option(
    "--takes",
    multiple=True,
    envvar="RUNNER_TAKES",
    metavar="[HOST:]STEP=DURATION",
    help="How long a step takes, or each look of a gate: 40s, 5m; by default 1s.",
)
@option("--chance", envvar="RUNNER_CHANCE", metavar="N%", help="So many of all tries fail; --seed says which.")
@option("--deny", envvar="RUNNER_DENY", is_flag=True, help="Approvals are denied.")
@option(
    "--faults",
    "file",
    envvar="RUNNER_FAULTS",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="The same, as YAML.",
)
@option(
    "--format",
    "form",
    type=click.Choice(("text", "json")),
    default="text",
    envvar="RUNNER_FORMAT",
    show_default=True,
    help="For people, or for programs.",
)
@option("--no-color", envvar="RUNNER_NO_COLOR", is_flag=True, help="No colours, as NO_COLOR=1 in the environment.")
@helps_inputs
def command(playbook: Path, *, form: str, **options: Any) -> int:
    """Show what running PLAYBOOK would come to: waves over time, budget, gates, rollback, the exit status.

    The run's own engine does it, on a virtual clock: no host, secret or command is touched, and nothing is written.
    """
    from runner.app.settings import Settings  # noqa: PLC0415 - heavy, and wanted only now
    from runner.app.simulate import simulate  # noqa: PLC0415
    from runner.loading.faults import wanted  # noqa: PLC0415

    here = Path.cwd()
    words: dict[Any, tuple[str, ...]] = {kind: options.pop(kind) for kind in ("fail", "unreachable", "lost", "takes")}
    faults = wanted(words, file=options.pop("file"), cwd=here, chance=options.pop("chance"), deny=options.pop("deny"))
    options["limit"] = read_limit(options["limit"], here)
    options["exclude"] = read_limit(options["exclude"], here)
    settings = Settings(playbook=playbook, **options)
    planned, told = simulate(settings, faults, exit_codes.of_ending)
    _warn(planned)
    if form == "json":
        from runner.model.simulation import encode_simulation  # noqa: PLC0415

        say_json(encode_simulation(told))
    else:
        from runner.app.views import screen_of  # noqa: PLC0415
        from runner.reporting.simulation import page  # noqa: PLC0415
        from runner.reporting.wording import step_names  # noqa: PLC0415

        color = screen_of(settings, os.environ).color
        say(page(told, step_names(planned.plan), color=color), ours=color)
    return told.exit


def _warn(planned: Any) -> None:
    if planned.loaded.warnings:
        from runner.reporting.problems import text  # noqa: PLC0415

        say(text(planned.loaded.warnings, planned.loaded.sources), err=True)
