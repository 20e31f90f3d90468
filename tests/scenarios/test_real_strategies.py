"""Strategies, gates, questions, limits of time and signals over a real OpenSSH server."""

import json
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from commandline import RUNNER, Done, environment, project, runner
from sshd import Sshd, free_port

pytestmark = pytest.mark.sshd

HEAD = "version: 1\ninventory: hosts.yaml\n"


def played(sshd: Sshd, folder: Path, playbook: str, hosts: int, *options: str) -> Done:
    """Run a playbook on so many hosts; ``FOLDER`` in it is where they leave marks."""
    project(folder, HEAD + playbook.replace("FOLDER", str(folder)), sshd.inventory_text(hosts))
    return runner("run", "site.yaml", *options, cwd=folder)


def at_once(done: Done, begin: str, end: str, **fields: object) -> int:
    """How many hosts were between these two events at the same time, at most."""
    most = now = 0
    for record in done.events(**fields):
        now += (record["event"] == begin) - (record["event"] == end)
        most = max(most, now)
    return most


def test_limits_at_work_in_a_step_and_in_a_group(sshd: Sshd, tmp_path: Path) -> None:
    """Six of twelve at work, two in the second step; and one of each of two racks, both racks at once."""
    inventory = sshd.inventory(12)
    for index, host in enumerate(inventory["hosts"].values()):
        host["vars"] = {"rack": "ab"[index // 6]}
    play = """
plays:
  - name: one
    hosts: all
    strategy: {type: parallel, concurrency: 6}
    steps: [{shell: sleep 0.1}, {id: few, shell: sleep 0.1, throttle: 2}]
  - name: two
    hosts: all
    strategy: {type: parallel, group_by: rack, per_group_limit: 1}
    steps: [{shell: sleep 0.1}]
"""
    project(tmp_path, HEAD + play, yaml.safe_dump(inventory))

    done = runner("run", "site.yaml", cwd=tmp_path)

    assert done.code == 0, done.out
    assert at_once(done, "host.started", "host.ended", play="one") == 6
    assert at_once(done, "step.intent", "step.ended", play="one", step="few") == 2
    assert at_once(done, "host.started", "host.ended", play="two") == 2
    racks = [record["host"] <= "web06" for record in done.events("host.started", play="two")]
    assert racks[:2] in ([True, False], [False, True])


def test_a_slow_host_holds_up_a_wave_only_in_lockstep(sshd: Sshd, tmp_path: Path) -> None:
    """In step the second step begins behind it; else the other three have ended before."""
    play = """
hosts: all
strategy: {type: parallel, sync: SYNC}
steps:
  - {id: one, shell: "case {{ host.name }} in web02) sleep 2;; esac"}
  - {id: two, command: 'true'}
"""
    for sync, early in (("lockstep", 0), ("independent", 3)):
        done = played(sshd, tmp_path, play.replace("SYNC", sync), 4)

        slow = done.events("step.ended", host="web02", step="one")[0]["seq"]
        assert sum(record["seq"] < slow for record in done.events("step.intent", step="two")) == early


def test_plays_follow_what_they_need(sshd: Sshd, tmp_path: Path) -> None:
    """Of three without needs one fails whole and two complete; what needs it does not run, and says why."""
    play = """
plays:
  - {name: one, hosts: web01, needs: [], steps: [{command: 'true'}]}
  - {name: two, hosts: web02, needs: [], steps: [{command: 'false'}]}
  - {name: three, hosts: web03, needs: [], steps: [{command: 'true'}]}
  - {name: four, hosts: web04, needs: [two], steps: [{command: 'true'}]}
"""
    done = played(sshd, tmp_path, play, 4)

    assert done.code == 1
    assert done.statuses() == {"web01": "changed", "web02": "failed", "web03": "changed", "web04": "not_run"}
    assert done.events("host.ended", play="four")[0]["reason"] == "dependency failed: two"


def test_where_nobody_is_the_second_wave_waits_for_a_person(sshd: Sshd, tmp_path: Path) -> None:
    """Exit status 20, and nothing of it has run."""
    mark = 'steps: [{shell: "echo > FOLDER/{{ host.name }}"}]'
    done = played(sshd, tmp_path, f"hosts: all\nstrategy: {{type: rolling, approve: after-first}}\n{mark}\n", 3)

    assert done.code == 20
    assert [path.name for path in tmp_path.glob("web*")] == ["web01"]
    assert done.events("approval.waiting")[0]["wave"] == 1


def test_what_can_not_be_asked_pauses_or_fails_the_gate(sshd: Sshd, tmp_path: Path) -> None:
    """The host that a check comes from is out of reach: 20, or 7 where the playbook says so."""
    inventory = sshd.inventory(2)
    inventory["hosts"]["web02"]["ssh"] = {"port": free_port()}
    for word, code in (("pause", 20), ("fail", 7)):
        gate = f"[{{command: ['true'], from: web02, deadline: 500ms, interval: 100ms, on_inconclusive: {word}}}]"
        play = f"hosts: web01\nstrategy: {{type: rolling, preflight: false, gate: {gate}}}\nsteps: [{{log: hello}}]\n"
        project(tmp_path, HEAD + play, json.dumps(inventory))

        assert runner("run", "site.yaml", cwd=tmp_path).code == code


def test_a_closed_and_a_silent_port_are_unreachable_in_time(sshd: Sshd, tmp_path: Path) -> None:
    """The silent one after its connect timeout; a step timeout ends the third host, and the fourth completes."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        inventory = sshd.inventory(4, connect_timeout="1s")
        inventory["hosts"]["web01"]["ssh"] = {"port": free_port()}
        inventory["hosts"]["web02"] = {"address": "127.0.0.1", "ssh": {"port": silent.getsockname()[1]}}
        step = '{shell: "case {{ host.name }} in web03) sleep 84.9;; esac", timeout: 2s}'
        project(tmp_path, f"{HEAD}hosts: all\nsteps: [{step}]\n", json.dumps(inventory))
        done = runner("run", "site.yaml", cwd=tmp_path)

    assert done.code == 1
    assert done.statuses() == {"web01": "unreachable", "web02": "unreachable", "web03": "failed", "web04": "changed"}
    assert {record["host"]: record["cause"] for record in done.events("host.lost")} == {
        "web01": "refused",
        "web02": "timeout",
    }
    assert done.events("step.ended", host="web03")[0]["status"] == "timed_out"


def interrupted(sshd: Sshd, folder: Path, step: str, signals: int, ready: Callable[[], bool]) -> tuple[int, str]:
    """Send signals to a run of two hosts once it is ready; its exit status and what it printed."""
    play = (
        f'hosts: all\nsteps: [{{shell: "{step}"}}]\nalways: [{{shell: "echo > {folder}/always-{{{{ host.name }}}}"}}]\n'
    )
    project(folder, HEAD + play, sshd.inventory_text(2))
    process = subprocess.Popen(
        [*RUNNER, "run", "site.yaml"],
        cwd=folder,
        env=environment(RUNNER_RUNS_DIR=str(folder / "runs")),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 20
    while not ready() and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signals)
    out, _ = process.communicate(timeout=30)
    return process.returncode, out


def test_a_termination_ends_steps_and_tidies_up(sshd: Sshd, tmp_path: Path) -> None:
    """Exit status 143; nothing of the steps is left, always ran on both hosts, and each record is whole."""
    step = f"echo > {tmp_path}/begun-{{{{ host.name }}}}; sleep 85.3"
    code, out = interrupted(sshd, tmp_path, step, signal.SIGTERM, lambda: len([*tmp_path.glob("begun*")]) == 2)

    assert code == 143
    assert subprocess.run(["pgrep", "-f", "sleep 85.3"], capture_output=True, check=False).returncode == 1
    assert len([*tmp_path.glob("always*")]) == 2
    assert Done(code, out, "", tmp_path / "runs").events()[-1]["event"] == "run.ended"
    assert "interrupted (signal SIGTERM)" in out


def test_a_status_is_told_for_each_host(sshd: Sshd, tmp_path: Path) -> None:
    """SIGUSR1: host, step, how long, and its last line; nothing else changes."""
    step = f"echo at {{{{ host.name }}}}; echo > {tmp_path}/begun-{{{{ host.name }}}}; sleep 1.5"
    code, out = interrupted(sshd, tmp_path, step, signal.SIGUSR1, lambda: len([*tmp_path.glob("begun*")]) == 2)

    assert code == 0
    for name in ("web01", "web02"):
        assert any("waiting for shell" in line and line.endswith(f"{name} | at {name}") for line in out.splitlines())
