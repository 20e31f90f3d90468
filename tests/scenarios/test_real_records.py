"""Connections that break while a step runs: the step goes on, and the host's record tells how it ended.

Each run is a process of its own, before real OpenSSH servers behind a relay that breaks the connections.
"""

import os
import signal
from pathlib import Path
from typing import Any

import pytest
from chaos_proxy import Chaos
from real_runs import Started, begun, counted, until
from sshd import Sshd

pytestmark = pytest.mark.sshd

QUICK: dict[str, Any] = {"keepalive": {"interval": "200ms", "count": 2}}
"""A silent host is noticed within a second."""


@pytest.mark.parametrize(("status", "ends_with", "code"), [("changed", 0, 0), ("failed", 3, 1)])
@pytest.mark.parametrize("how", ["reset", "close"])
def test_the_end_that_nobody_heard_is_read_from_the_host(
    sshd: Sshd, how: str, status: str, ends_with: int, code: int, tmp_path: Path
) -> None:
    """The connection is broken while the step runs, which ends on the host: over a new one its true end is taken."""
    work = counted(tmp_path, f"sleep 1; echo over; exit {ends_with}")
    with Chaos(sshd.port, hosts=1) as chaos:
        run = Started(tmp_path, f"{work}  - {{id: after, shell: 'true'}}\n", chaos.inventory(sshd, 1))
        begun(tmp_path)
        getattr(chaos, how)()
        done = run.end()

    [ended] = done.events("step.ended", step="work")
    assert done.code == code, done.out + done.err
    assert (ended["status"], ended["late"]) == (status, True)
    assert (tmp_path / "ran").read_text() == "ran\n"
    assert len(done.events("host.connected")) == 2
    assert bool(done.events("step.intent", step="after")) is (status == "changed")


def test_the_end_is_heard_once_the_network_is_there_again(sshd: Sshd, tmp_path: Path) -> None:
    """Silence until the connection is given up, then an answer: the step was at work all the time, and goes on."""
    with Chaos(sshd.port, hosts=1) as chaos:
        options: dict[str, Any] = {**QUICK, "connect_timeout": "10s"}
        run = Started(tmp_path, counted(tmp_path, "sleep 3"), chaos.inventory(sshd, 1, **options))
        begun(tmp_path)
        chaos.pause()
        until(lambda: "host.lost" in next(run.runs.glob("*/events.jsonl")).read_text(), "the loss")
        chaos.resume()
        done = run.end()

    assert done.code == 0, done.out + done.err
    [ended] = done.events("step.ended")
    assert (ended["status"], ended["late"]) == ("changed", True)
    assert (tmp_path / "ran").read_text() == "ran\n"


@pytest.mark.parametrize("name", ["sshd", "sh"])
def test_a_killed_process_of_ours_on_the_host_costs_no_step(sshd_with: Any, name: str, tmp_path: Path) -> None:
    """The server's process for the connection, or the shell that started the step: the step itself goes on."""
    server = sshd_with()
    run = Started(tmp_path, counted(tmp_path, "sleep 1"), server.inventory(1))
    begun(tmp_path)
    ours = [pid for pid in server.sessions() if Path(f"/proc/{pid}/comm").read_text().startswith("sshd")]
    others = [pid for pid in server.sessions() if pid not in ours]
    os.kill(ours[-1] if name == "sshd" else others[0], signal.SIGKILL)
    done = run.end()

    assert done.code in {0, 6}, done.out + done.err
    assert (tmp_path / "ran").read_text() == "ran\n"
    [ended] = done.events("step.ended")
    assert (done.code, ended["status"]) in {(0, "changed"), (6, "unknown")}
