"""A controller that is stopped for a while, as by Ctrl-Z or a closed laptop, and goes on.

Time goes on meanwhile: deadlines are of the monotonic clock. What came before them is heard first.
"""

import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from chaos_proxy import Chaos
from real_runs import Started, begun, counted
from sshd import Sshd

pytestmark = pytest.mark.sshd

QUICK: dict[str, Any] = {"keepalive": {"interval": "100ms", "count": 2}, "connect_timeout": "2s"}
STOPPED = 1.2
"""Seconds: several times what the signs of life allow, and more than a step's timeout here."""


def test_a_step_that_ended_meanwhile_has_ended(sshd: Sshd, tmp_path: Path) -> None:
    """Neither its timeout nor the missed signs of life count: its end had come when runner went on."""
    run = Started(tmp_path, counted(tmp_path, "sleep 0.4", timeout="1s"), sshd.inventory(1, **QUICK))
    begun(tmp_path)
    os.kill(run.process.pid, signal.SIGSTOP)
    time.sleep(STOPPED)  # for so long it is stopped
    os.kill(run.process.pid, signal.SIGCONT)
    done = run.end()

    assert done.code == 0, done.out + done.err
    assert done.statuses() == {"web01": "changed"}
    assert len(done.events("host.connected")) == 1


def test_a_step_that_goes_on_is_waited_for(sshd: Sshd, tmp_path: Path) -> None:
    """The connection has only been quiet, and is there again."""
    run = Started(tmp_path, counted(tmp_path, "sleep 2"), sshd.inventory(1, **QUICK))
    begun(tmp_path)
    os.kill(run.process.pid, signal.SIGSTOP)
    time.sleep(STOPPED)  # for so long it is stopped
    os.kill(run.process.pid, signal.SIGCONT)
    done = run.end()

    assert done.code == 0, done.out + done.err
    assert len(done.events("host.connected")) == 1
    assert (tmp_path / "ran").read_text() == "ran\n"


def test_a_connection_that_was_lost_meanwhile_is_a_lost_one(sshd: Sshd, tmp_path: Path) -> None:
    """Its end was not heard: unknown, and no second is waited for it."""
    with Chaos(sshd.port, hosts=1) as chaos:
        run = Started(tmp_path, counted(tmp_path, "sleep 30"), chaos.inventory(sshd, 1, **QUICK))
        begun(tmp_path)
        os.kill(run.process.pid, signal.SIGSTOP)
        chaos.refuse()
        chaos.reset()
        time.sleep(STOPPED)  # for so long it is stopped
        os.kill(run.process.pid, signal.SIGCONT)
        done = run.end()

    assert done.code == 6, done.out + done.err
    assert done.statuses() == {"web01": "unknown"}
