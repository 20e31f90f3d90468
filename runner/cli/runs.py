"""``runner runs``: what was run, how it ended, and what is left of it. All of it offline."""

import json
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import click

from runner.model.history import STATUSES, as_data

F = TypeVar("F", bound=Callable[..., Any])

EPILOG = """\b
Examples:
  runner runs list --status failed --status died
  runner runs list --format json | jq -r '.[] | .run + " " + .status'
"""


@click.group(epilog=EPILOG)
def command() -> None:
    """The history of runs: what ran, how it ended, what is left of it. Contacts nothing."""


def runs_dir_option(function: F) -> F:
    """``--runs-dir``."""
    return click.option(
        "--runs-dir", envvar="RUNNER_RUNS_DIR", type=click.Path(path_type=Path), help="Where run folders are kept."
    )(function)


def format_option(function: F) -> F:
    """``--format``."""
    formats = click.Choice(("text", "json"))
    return click.option("--format", "form", type=formats, default="text", envvar="RUNNER_FORMAT", show_default=True)(
        function
    )


@command.command("list", short_help="A line for each run, the newest first.")
@click.option("-n", "--limit", type=click.IntRange(1), metavar="N", help="At most so many.")
@click.option("--status", "statuses", multiple=True, type=click.Choice(STATUSES), help="Only such; may be repeated.")
@click.option(
    "--playbook", default="", metavar="PATTERN", help="Only of this playbook: its path, the end of it, or its name."
)
@format_option
@runs_dir_option
def list_runs(*, limit: int | None, statuses: tuple[str, ...], playbook: str, form: str, runs_dir: Path | None) -> None:
    """List runs, the newest first.

    Beside what a run ended with, its status is "running"; "died" where it ended without saying so, with the command
    that goes on with it; or "damaged" where its journal can't be used.
    """
    from runner.app.finding import root_of  # noqa: PLC0415 - heavy, and wanted only now
    from runner.app.history import entries  # noqa: PLC0415
    from runner.reporting.history import listed  # noqa: PLC0415

    root = root_of(runs_dir)
    found = list(islice(entries(root, statuses=statuses, playbook=playbook), limit))
    if form == "json":
        click.echo(json.dumps(as_data(found), indent=2))
    elif found:
        click.echo("\n".join(listed(found)))
    else:
        click.echo(f'no such run in "{root}"', err=True)
