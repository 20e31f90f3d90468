"""Commands called in the process of the tests: many cases cost little. What is printed comes back as for a terminal."""

import signal
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from runner.cli import main
from runner.errors import RunnerError

PATIENCE = 10
"""Seconds after which a command counts as one that hangs."""


def printed(monkeypatch: pytest.MonkeyPatch, *argv: str, runs: Path) -> str:
    """What a command prints on both streams, errors too; colours are left in. Runs are in ``runs``."""
    monkeypatch.setenv("RUNNER_RUNS_DIR", str(runs))
    before = signal.signal(signal.SIGALRM, _hangs)
    signal.alarm(PATIENCE)
    try:
        with CliRunner().isolation(color=True) as (out, err, _):
            try:
                main.cli.main([*argv], standalone_mode=False)
            except RunnerError as error:
                main._explain(error)
            except click.ClickException as error:
                main._show(error)
            return (out.getvalue() + b"\n" + err.getvalue()).decode()
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def _hangs(number: int, frame: object) -> None:  # noqa: ARG001 - what handlers are given
    raise AssertionError(f"it takes more than {PATIENCE} s")
