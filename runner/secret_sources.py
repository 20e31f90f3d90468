"""Fetches the values of secrets when a run starts: never at load, so that no plan holds one and no check needs one."""

import os
import subprocess
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from runner import umask
from runner.errors import InputError
from runner.home import at_home
from runner.location import Problem
from runner.model.playbook import Secret
from runner.model.secret_text import SecretText

COMMAND_TIMEOUT = 60.0
"""Seconds a secret's command may take."""


def fetch(
    secrets: Iterable[Secret], *, folder: Path, environ: Mapping[str, str], ask: Callable[[str], str]
) -> dict[str, SecretText]:
    """The value of every secret, by name. ``folder`` is where relative paths start, unless a secret says otherwise.

    ``ask`` takes a prompt and gives what the person typed. Raises InputError with all that are missing at once.
    """
    values: dict[str, SecretText] = {}
    problems: list[Problem] = []
    for secret in secrets:
        try:
            start = Path(secret.folder) if secret.folder else folder
            values[secret.name] = SecretText(_fetch(secret, folder=start, environ=environ, ask=ask))
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            problems.append(Problem("E510", f'secret "{secret.name}": {_words(error)}', secret.location))
    if problems:
        raise InputError(problems)
    return values


def _fetch(secret: Secret, *, folder: Path, environ: Mapping[str, str], ask: Callable[[str], str]) -> str:
    if secret.env is not None:
        value = environ.get(secret.env, "")
        if not value:
            raise ValueError(f'the environment variable "{secret.env}" is missing or empty')
        return value
    if secret.file is not None:
        path = folder / at_home(secret.file)
        return _not_empty(path.read_text(encoding="utf-8").rstrip("\r\n"), f'the file "{path}"')
    if secret.command is not None:
        return _not_empty(_output(secret.command, folder), f'the command "{secret.command[0]}"')
    return _not_empty(ask(secret.prompt or f"{secret.name}: "), "the answer")


def _output(argv: tuple[str, ...], folder: Path) -> str:
    done = subprocess.run(
        list(argv),
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        timeout=COMMAND_TIMEOUT,
        check=True,
        umask=umask.given(),
    )
    return done.stdout.decode("utf-8").rstrip("\r\n")


def _not_empty(value: str, source: str) -> str:
    if not value:
        raise ValueError(f"{source} is empty")
    return value


def _words(error: Exception) -> str:
    if isinstance(error, subprocess.CalledProcessError):
        return f'the command "{error.cmd[0]}" ended with exit status {error.returncode}'
    if isinstance(error, subprocess.TimeoutExpired):
        return f'the command "{error.cmd[0]}" took longer than {COMMAND_TIMEOUT:g}s'
    if isinstance(error, OSError):
        return f'"{error.filename}": {os.strerror(error.errno) if error.errno else error}'
    return str(error)
