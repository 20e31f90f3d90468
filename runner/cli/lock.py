"""``runner lock``: who has a playbook and its inventory, and keeping all runs out of them."""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal, TypeVar

import click

from runner.errors import LockError

F = TypeVar("F", bound=Callable[..., Any])

EPILOG = """\b
Examples:
  runner lock status site.yaml
  runner lock hold site.yaml -m 'freeze until Monday, ask ada'
  runner lock release site.yaml

\b
Exit status: 0 done, 2 the playbook cannot be read, 10 somebody has the lock, 11 the state folder cannot be used.
"""


@click.group(epilog=EPILOG)
def command() -> None:
    """One run at a time has a playbook and its inventory; see who has, or keep all runs out."""


def lock_options(function: F) -> F:
    """PLAYBOOK, ``-i`` and ``--runs-dir``: which lock."""
    for option in (
        click.option(
            "--runs-dir",
            envvar="RUNNER_RUNS_DIR",
            type=click.Path(path_type=Path),
            help="Where run folders are kept; a named one has locks of its own.",
        ),
        click.option(
            "-i",
            "--inventory",
            multiple=True,
            envvar="RUNNER_INVENTORY",
            metavar="PATH",
            help="Inventory file or folder, in place of the playbook's; may be repeated.",
        ),
        click.argument("playbook", type=click.Path(path_type=Path)),
    ):
        function = option(function)
    return function


@command.command(epilog="\b\nExample:\n  runner lock status site.yaml --format json | jq -r .state")
@lock_options
@click.option(
    "--format", "form", type=click.Choice(("text", "json")), default="text", envvar="RUNNER_FORMAT", show_default=True
)
def status(playbook: Path, inventory: tuple[str, ...], runs_dir: Path | None, form: Literal["text", "json"]) -> None:
    """Say whether PLAYBOOK is free, being run, or on hold, by whom and since when."""
    from runner.app.locking import named  # noqa: PLC0415 - heavy, and wanted only now
    from runner.lock import hold_of, holder_of  # noqa: PLC0415
    from runner.reporting.escape import visible  # noqa: PLC0415

    lock = named(playbook, inventory, runs_dir)
    run, hold = holder_of(lock), hold_of(lock)
    if form == "json":
        state = "hold" if hold else "run" if run else "free"
        data = {"state": state, "id": lock.id, "run": run and asdict(run), "hold": hold and asdict(hold)}
        click.echo(json.dumps(data, indent=2))
        return
    if hold is not None:
        click.echo(visible(f"{hold}"))
    if run is not None:
        click.echo(visible(f"being run: {run}"))
        click.echo(visible(f"  {' '.join(run.command)}"))
    if hold is None and run is None:
        click.echo("free")


@command.command(epilog="\b\nExample:\n  runner lock hold site.yaml -m 'freeze until Monday, ask ada'")
@lock_options
@click.option("-m", "--message", required=True, metavar="TEXT", help="Why; everybody who tries to run it is told.")
def hold(playbook: Path, inventory: tuple[str, ...], runs_dir: Path | None, message: str) -> None:
    """Keep all runs out of PLAYBOOK until it is released; one that is on its way goes on."""
    from runner.app import locking  # noqa: PLC0415 - heavy, and wanted only now
    from runner.lock import holder_of  # noqa: PLC0415
    from runner.reporting.escape import visible  # noqa: PLC0415

    lock = locking.named(playbook, inventory, runs_dir, make=True)
    click.echo(visible(f"{locking.hold(lock, message)}"))
    if (run := holder_of(lock)) is not None:
        click.echo(visible(f"still on its way: {run}"))


@command.command(epilog="\b\nExample:\n  runner lock release site.yaml")
@lock_options
def release(playbook: Path, inventory: tuple[str, ...], runs_dir: Path | None) -> None:
    """End the hold on PLAYBOOK. The lock of a run can't be released: it ends with the run's process."""
    from runner.app.locking import named  # noqa: PLC0415 - heavy, and wanted only now
    from runner.lock import holder_of, release_hold  # noqa: PLC0415
    from runner.reporting.escape import visible  # noqa: PLC0415

    lock = named(playbook, inventory, runs_dir)
    ended, run = release_hold(lock), holder_of(lock)
    if ended is not None:
        click.echo(visible(f"released; it was {ended}"))
        if run is not None:
            click.echo(visible(f"still on its way: {run}"))
    elif run is not None:
        words = f"nobody holds it by hand, and a live run can't be released: {run}"
        raise LockError(words, hint=f"wait for its end, or end it on {run.host}: kill {run.pid}")
    else:
        click.echo("nothing was held")
