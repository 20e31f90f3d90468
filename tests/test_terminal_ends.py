"""Ctrl-C at whatever moment, and terminals that go away: the run ends in order, and says how to go on."""

import json
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest
from chaos_proxy import Chaos
from commandline import RUNNER, environment, project, runner
from sshd import Sshd
from terminals import Terminal, wait_for

from runner import journal

LOCAL = "connection: local\nhosts: {one: {}}\n"
CTRL_C = b"\x03"


def playbook(folder: Path, *steps: str, inventory: str = LOCAL) -> None:
    lines = "".join(f"  - {step}\n" for step in steps)
    project(folder, f"version: 1\ninventory: hosts.yaml\nhosts: all\nsteps:\n{lines}", inventory)


def recorded(folder: Path) -> str:
    return "".join(path.read_text() for path in folder.glob("runs/*/events.jsonl"))


def run_of(folder: Path) -> str:
    """The id of the only run, whose journal has to be right."""
    (path,) = folder.glob("runs/*/events.jsonl")
    journal.verify(path)
    return path.parent.name


def test_the_third_interrupt_is_the_end(tmp_path: Path) -> None:
    """A step that ignores TERM is not waited for any more; the records are right, and the run can be gone on with."""
    playbook(tmp_path, f"{{id: deaf, shell: \"trap '' TERM; echo $$ > {tmp_path}/pid; sleep 5 & wait; wait\"}}")
    terminal = Terminal("run", "site.yaml", cwd=tmp_path)
    wait_for((tmp_path / "pid").exists)
    terminal.type(CTRL_C)
    wait_for(lambda: '"action":"stop"' in recorded(tmp_path))
    terminal.type(CTRL_C)
    wait_for(lambda: '"action":"kill"' in recorded(tmp_path))
    start = time.monotonic()
    terminal.type(CTRL_C)

    assert terminal.end() == 130
    assert time.monotonic() - start < 3
    run = run_of(tmp_path)
    assert f"to go on: runner resume {run}" in terminal.seen.decode()
    assert '"event":"step.ended"' not in recorded(tmp_path)
    shown = runner("runs", "show", run, cwd=tmp_path)
    assert "deaf" in shown.out


def test_an_interrupt_ends_the_wait_for_hosts_that_do_not_answer(sshd: Sshd, tmp_path: Path) -> None:
    """Two are enough, and no login's limit is waited for; nothing was sent, so nothing is unknown."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        inventory = {"ssh": sshd.options(), "hosts": {"one": {"address": "127.0.0.1"}}}
        inventory["ssh"]["port"] = silent.getsockname()[1]
        playbook(tmp_path, "{shell: 'true'}", inventory=json.dumps(inventory))
        terminal = Terminal("run", "site.yaml", cwd=tmp_path)
        wait_for(lambda: "host.connecting" in recorded(tmp_path))
        start = time.monotonic()
        terminal.type(CTRL_C)
        wait_for(lambda: '"action":"stop"' in recorded(tmp_path))
        terminal.type(CTRL_C)
        code = terminal.end()

    assert code == 130
    assert time.monotonic() - start < 5
    assert '"event":"step.intent"' not in recorded(tmp_path)
    assert f"runner resume {run_of(tmp_path)}" in terminal.seen.decode()


def test_two_interrupts_end_an_upload(sshd: Sshd, tmp_path: Path) -> None:
    """It stops in the middle; the file on the host is the old one, and nothing lies beside it."""
    place = tmp_path / "host"
    place.mkdir()
    (place / "app.bin").write_text("old")
    (tmp_path / "new.bin").write_bytes(os.urandom(6_000_000))
    with Chaos(sshd.port, hosts=1) as chaos:
        inventory = json.dumps(chaos.inventory(sshd, 1))
        playbook(
            tmp_path, "{command: 'true'}", f"{{copy: {{src: new.bin, dest: {place}/app.bin}}}}", inventory=inventory
        )
        chaos.slow("up", rate=3_000_000)
        terminal = Terminal("run", "site.yaml", cwd=tmp_path)
        wait_for(lambda: len(list(place.iterdir())) > 1)
        terminal.type(CTRL_C)
        wait_for(lambda: '"action":"stop"' in recorded(tmp_path))
        terminal.type(CTRL_C)
        code = terminal.end()

    assert code == 130
    assert (place / "app.bin").read_text() == "old"
    wait_for(lambda: [path.name for path in place.iterdir()] == ["app.bin"], 10)
    run_of(tmp_path)


def test_an_interrupt_while_sudo_asks_starts_nothing(tmp_path: Path) -> None:
    """The shell of the other user never came to be, so the step was not sent."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/sudo").write_text(f"#!/bin/sh\necho asked >> {tmp_path}/asked\nexec sleep 20\n")
    (tmp_path / "bin/sudo").chmod(0o755)
    playbook(tmp_path, f"{{shell: touch {tmp_path}/never, become: true}}")
    terminal = Terminal("run", "site.yaml", cwd=tmp_path, PATH=f"{tmp_path}/bin:{os.environ['PATH']}")
    wait_for((tmp_path / "asked").exists)
    terminal.type(CTRL_C)
    wait_for(lambda: '"action":"stop"' in recorded(tmp_path))
    terminal.type(CTRL_C)

    assert terminal.end(10) == 130
    assert not (tmp_path / "never").exists()
    assert '"event":"step.intent"' not in recorded(tmp_path)
    run_of(tmp_path)


def test_a_terminal_that_is_closed_ends_the_run_in_order(tmp_path: Path) -> None:
    """Its SIGHUP acts as SIGTERM: steps are ended, and the records have the end."""
    playbook(tmp_path, f"{{shell: 'echo > {tmp_path}/on; sleep 20'}}", f"{{shell: touch {tmp_path}/never}}")
    terminal = Terminal("run", "site.yaml", cwd=tmp_path)
    wait_for((tmp_path / "on").exists)

    os.close(terminal.master)
    _, status = os.waitpid(terminal.pid, 0)

    assert os.waitstatus_to_exitcode(status) == 143
    assert '"status":"cancelled"' in recorded(tmp_path)
    assert '"event":"run.ended"' in recorded(tmp_path)
    assert not (tmp_path / "never").exists()
    run_of(tmp_path)


def test_under_nohup_the_run_goes_on(tmp_path: Path) -> None:
    """Who ignores SIGHUP on our behalf wants that."""
    playbook(tmp_path, f"{{shell: 'echo > {tmp_path}/on; sleep 0.5'}}", f"{{shell: touch {tmp_path}/last}}")
    process = subprocess.Popen(
        ["nohup", *RUNNER, "run", "site.yaml"],
        cwd=tmp_path,
        env=environment(RUNNER_RUNS_DIR=str(tmp_path / "runs")),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_for((tmp_path / "on").exists)
    process.send_signal(signal.SIGHUP)

    assert process.wait(20) == 0
    assert (tmp_path / "last").exists()


@pytest.mark.parametrize("moment", [0.0, 0.1, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 1.1, 1.4])
def test_a_termination_at_any_moment_leaves_right_records(tmp_path: Path, moment: float) -> None:
    """Before the run begins it is just over; from then on it ends with 143 and a whole journal, or well."""
    playbook(tmp_path, *[f"{{id: s{number}, shell: 'sleep 0.1'}}" for number in range(5)])
    process = subprocess.Popen(
        [*RUNNER, "run", "site.yaml"],
        cwd=tmp_path,
        env=environment(RUNNER_RUNS_DIR=str(tmp_path / "runs")),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    time.sleep(moment)  # anywhere between the start and the end
    process.terminate()
    _, said = process.communicate(timeout=20)

    assert process.returncode in {-signal.SIGTERM, 143, 0}, said
    if recorded(tmp_path):
        run_of(tmp_path)
        assert '"event":"run.ended"' in recorded(tmp_path) or process.returncode == -signal.SIGTERM
