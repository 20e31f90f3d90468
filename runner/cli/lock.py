"""``runner lock``: who has a playbook and its inventory, and keeping all runs out of them."""

import json
import re
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal, TypeVar

import click

from runner.cli import exit_codes
from runner.cli.once import option
from runner.cli.options import read_limit, target_options
from runner.cli.printing import say_json, say_lines
from runner.errors import LockError

F = TypeVar("F", bound=Callable[..., Any])

EPILOG = """\b
Examples:
  runner lock status site.yaml
  runner lock hold site.yaml -m 'freeze until Monday, ask ada'
  runner lock release site.yaml

\b
Exit status: 0 done, 1 a host could not be released, 2 the playbook cannot be read, 10 somebody has the lock, 11 the
state folder cannot be used.
"""


@click.group(epilog=EPILOG)
def command() -> None:
    """One run at a time has a playbook and its inventory; see who has, or keep all runs out."""


def runs_dir_option(function: F) -> F:
    """``--runs-dir``."""
    return option(
        "--runs-dir",
        envvar="RUNNER_RUNS_DIR",
        type=click.Path(path_type=Path),
        help="Where run folders are kept; a named one has locks of its own.",
    )(function)


def host_lock_id(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """The id of a lock on hosts, or ``unnamed``."""
    if value is None or value == "unnamed" or re.fullmatch(r"[0-9a-f]{16}", value):
        return value
    raise click.BadParameter(f'"{value}" is no id of a lock; the refused run names it', ctx, param)


def lock_options(function: F) -> F:
    """PLAYBOOK, ``-i`` and ``--runs-dir``: which lock."""
    for one in (
        runs_dir_option,
        option(
            "-i",
            "--inventory",
            multiple=True,
            envvar="RUNNER_INVENTORY",
            metavar="PATH",
            help="Inventory file or folder, in place of the playbook's; may be repeated.",
        ),
        click.argument("playbook", type=click.Path(path_type=Path)),
    ):
        function = one(function)
    return function


@command.command(epilog="\b\nExample:\n  runner lock status site.yaml --format json | jq -r .state")
@lock_options
@option(
    "--format", "form", type=click.Choice(("text", "json")), default="text", envvar="RUNNER_FORMAT", show_default=True
)
def status(playbook: Path, inventory: tuple[str, ...], runs_dir: Path | None, form: Literal["text", "json"]) -> None:
    """Say whether PLAYBOOK is free, being run, or on hold, by whom and since when."""
    from runner.app.locking import named  # noqa: PLC0415 - heavy, and wanted only now
    from runner.lock import hold_of, holder_of  # noqa: PLC0415

    lock = named(playbook, inventory, runs_dir)
    run, hold = holder_of(lock), hold_of(lock)
    if form == "json":
        state = "hold" if hold else "run" if run else "free"
        data = {"state": state, "id": lock.id, "run": run and asdict(run), "hold": hold and asdict(hold)}
        say_json(json.dumps(data, indent=2))
        return
    if hold is not None:
        _say(f"{hold}")
    if run is not None:
        _say(f"being run: {run}")
        _say(f"  {' '.join(run.command)}")
    if hold is None and run is None:
        _say("free")


@command.command(epilog="\b\nExample:\n  runner lock hold site.yaml -m 'freeze until Monday, ask ada'")
@lock_options
@option("-m", "--message", required=True, metavar="TEXT", help="Why; everybody who tries to run it is told.")
def hold(playbook: Path, inventory: tuple[str, ...], runs_dir: Path | None, message: str) -> None:
    """Keep all runs out of PLAYBOOK until it is released; one that is on its way goes on."""
    from runner.app import locking  # noqa: PLC0415 - heavy, and wanted only now
    from runner.lock import holder_of  # noqa: PLC0415

    lock = locking.named(playbook, inventory, runs_dir, make=True)
    _say(f"{locking.hold(lock, message)}")
    if (run := holder_of(lock)) is not None:
        _say(f"still on its way: {run}")


RELEASE_EPILOG = """\b
Examples:
  runner lock release site.yaml
  runner lock release site.yaml --host-lock 1f0c5e9a7b3d2468 --limit web04
"""


@command.command(epilog=RELEASE_EPILOG)
@click.argument("playbook", type=click.Path(path_type=Path))
@target_options
@option(
    "--host-lock",
    metavar="ID",
    callback=host_lock_id,
    help="Release this lock on the hosts of the plan instead, whoever has it: the run that had it must be dead.",
)
@option(
    "-b",
    "--batch",
    envvar="RUNNER_BATCH",
    is_flag=True,
    help="Nobody is there: ask for no password.",
)
@runs_dir_option
def release(playbook: Path, *, host_lock: str | None, runs_dir: Path | None, **options: Any) -> int:
    """End the hold on PLAYBOOK. The lock of a run can't be released: it ends with the run's process.

    A run under "lock: hosts" that died leaves its locks on the hosts. --host-lock releases them, by the id that the
    refused run was told; "runner resume" takes them over. Hosts are contacted for that alone, those of --limit, with
    inputs by --set, as for a run.
    """
    from runner.app.locking import named  # noqa: PLC0415 - heavy, and wanted only now
    from runner.lock import holder_of, release_hold  # noqa: PLC0415

    lock = named(playbook, options["inventory"], runs_dir)
    run = holder_of(lock)
    if host_lock is not None:
        if run is not None:
            raise LockError(f"it is being run: {run}", hint="that run gives its locks back when it ends")
        return _release_host_lock(playbook, host_lock, options)
    ended = release_hold(lock)
    if ended is not None:
        _say(f"released; it was {ended}")
        if run is not None:
            _say(f"still on its way: {run}")
    elif run is not None:
        words = f"nobody holds it by hand, and a live run can't be released: {run}"
        raise LockError(words, hint=f"wait for its end, or end it on {run.host}: kill {run.pid}")
    else:
        _say("nothing was held")
    return exit_codes.OK


def _release_host_lock(playbook: Path, lock_id: str, options: dict[str, Any]) -> int:
    from runner.app.host_locks import release_host_lock  # noqa: PLC0415 - heavy, and wanted only now
    from runner.app.settings import Settings  # noqa: PLC0415
    from runner.app.views import screen_of  # noqa: PLC0415
    from runner.hostlist import fold  # noqa: PLC0415

    options["limit"] = read_limit(options["limit"], Path.cwd())
    options["exclude"] = read_limit(options["exclude"], Path.cwd())
    settings = Settings(playbook=playbook, **options)
    freed = release_host_lock(settings, lock_id, has_input=screen_of(settings).has_input)
    if freed.released:
        _say(f"released on {fold(freed.released)}")
    if freed.gone:
        _say(f"not there on {fold(freed.gone)}")
    for host, reason in freed.failed.items():
        say_lines([f"error: {host}: {reason}"], err=True)
    return exit_codes.FAILED if freed.failed else exit_codes.OK


def _say(text: str) -> None:
    say_lines([text])
