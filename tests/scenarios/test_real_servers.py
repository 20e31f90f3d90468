"""Whole runs against OpenSSH servers of every kind: crowded, narrow, going away and coming back."""

import json
from pathlib import Path
from typing import Any

import pytest
from commandline import Done, project, runner
from real_runs import Started, begun, counted, until
from sshd import Sshd

pytestmark = pytest.mark.sshd


def run(folder: Path, server: Sshd, count: int, *steps: str, **options: Any) -> Done:
    lines = "".join(f"  - {step}\n" for step in steps)
    inventory = json.dumps(server.inventory(count, **options))
    project(folder, f"version: 1\ninventory: hosts.yaml\nhosts: all\nsteps:\n{lines}", inventory)
    return runner("run", "site.yaml", cwd=folder)


def test_a_server_that_drops_logins_gets_all_in(sshd_with: Any, tmp_path: Path) -> None:
    """Sixteen hosts of one server that bears three logins at a time: each is asked again, and none is lost."""
    server = sshd_with("MaxStartups 3:100:3")

    done = run(tmp_path, server, 16, "{shell: 'true'}")

    assert done.code == 0, done.out + done.err
    assert set(done.statuses().values()) == {"changed"}
    assert server.authentications() == 16


def test_two_sessions_are_enough_to_end_a_step(sshd_with: Any, tmp_path: Path) -> None:
    """One for the steps and one to end them; the next step has its session all the same."""
    server = sshd_with("MaxSessions 2")

    slow = "{shell: sleep 60, timeout: 500ms, on_failure: ignore}"
    done = run(tmp_path, server, 1, slow, "{id: next, shell: 'true'}")

    assert done.code == 0, done.out + done.err
    [ended] = done.events("step.ended", step="shell")
    assert (ended["status"], ended["killed"]) == ("timed_out", "yes")
    assert done.events("step.ended", step="next")[0]["status"] == "changed"
    assert server.authentications() == 1


def test_with_one_session_a_step_that_can_not_be_ended_is_said_so(sshd_with: Any, tmp_path: Path) -> None:
    """There is no way in beside it: nobody claims that it is gone."""
    server = sshd_with("MaxSessions 1")

    done = run(tmp_path, server, 1, "{shell: sleep 8, timeout: 500ms}", connect_timeout="1s")

    [ended] = done.events("step.ended")
    assert done.code in {1, 6}
    assert ended["killed"] != "yes"
    assert "it may still be running" in ended["reason"]


def test_a_host_that_runs_something_else_is_unreachable(sshd_with: Any, tmp_path: Path) -> None:
    """Its words are told with control characters made visible; no step was sent."""
    server = sshd_with(r"ForceCommand printf 'go \033[31maway'")

    done = run(tmp_path, server, 1, "{shell: 'true'}")

    assert done.code == 4
    assert "the host ran something else than a shell" in done.out
    assert "go \\x1b[31maway" in done.out
    assert done.events("step.intent") == []


def test_statuses_that_look_like_lost_connections_are_the_commands_own(sshd: Sshd, tmp_path: Path) -> None:
    """255 is what ssh itself ends with, and a killed shell is what a broken connection looks like."""
    done = run(
        tmp_path,
        sshd,
        1,
        "{id: status, shell: exit 255, on_failure: ignore}",
        "{id: killed, shell: 'kill -9 $$', on_failure: ignore}",
        "{id: last, shell: 'true'}",
    )

    ends = {record["step"]: record for record in done.events("step.ended")}
    assert done.code == 0, done.out + done.err
    assert "255" in ends["status"]["reason"]
    assert "killed by SIGKILL (maybe out of memory)" in ends["killed"]["reason"]
    assert ends["last"]["status"] == "changed"
    assert len(done.events("host.connected")) == 1


def test_a_host_that_goes_down_under_a_step_and_comes_back(sshd_with: Any, tmp_path: Path) -> None:
    """It took all that ran along: what came of the step is not known, and it is not simply run again."""
    server = sshd_with()
    step = counted(tmp_path, f"touch {tmp_path}/on; sleep 30")
    run_ = Started(tmp_path, step, server.inventory(1, connect_attempts=8))
    begun(tmp_path)
    server.stop()
    until(lambda: '"attempt":2' in (next(run_.runs.glob("*/events.jsonl"))).read_text(), "the second connection")
    server.start()
    done = run_.end()

    assert done.code == 6, done.out + done.err
    assert done.statuses() == {"web01": "unknown"}
    assert (tmp_path / "ran").read_text() == "ran\n"
    assert len(done.events("host.connected")) == 2


def test_a_host_that_is_not_up_yet_is_waited_for(sshd_with: Any, tmp_path: Path) -> None:
    """As often as connect_attempts says: it comes up meanwhile, and nothing is lost."""
    server = sshd_with()
    server.stop()
    run_ = Started(tmp_path, counted(tmp_path, "true"), server.inventory(1, connect_attempts=6))
    until(lambda: any("host.connecting" in path.read_text() for path in run_.runs.glob("*/events.jsonl")), "a try")
    server.start()
    done = run_.end()

    assert done.code == 0, done.out + done.err
    assert done.statuses() == {"web01": "changed"}
