"""Ctrl-C while a run does this or that, in every output mode: it ends in order, and says how it stands.

That is: the exit status is 130, nothing of it runs any more, the records are right and have an end, what `always` is
for is done, and the command that goes on is there.
"""

import json
import os
import signal
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import asyncssh
import pytest
from commandline import project, runner
from sshd import Sshd, User
from terminals import Terminal, wait_for

from runner import journal

CTRL_C = b"\x03"
LOCAL = "connection: local\nhosts: {one: {}, two: {}}\n"
LASTING = f"sleep 61.37{os.environ.get('PYTEST_XDIST_WORKER', '')[2:]}"
"""What goes on for longer than any test; nothing else on this machine is called like it, nor in another worker."""

ALL = "plays:\n- hosts: all\n  steps:\n"
TOGETHER = ALL.replace("  steps:", "  strategy: {type: parallel, sync: lockstep}\n  steps:")
BACK = ALL.replace("  steps:", "  strategy: {type: parallel, max_failures: 0, on_exceed: rollback}\n  steps:")
ROLLING = "plays:\n- hosts: all\n  strategy: {type: rolling, waves: 1, MORE}\n  steps:\n  - command: 'true'\n"
LAST_ON_ONE = '{id: a, shell: "[ {{ host.name }} = two ] || exec LASTING"}'


def playbook(text: str, folder: Path) -> str:
    """A playbook of one play, which leaves a mark for each host that it has begun on."""
    always = f"  always:\n  - shell: touch {folder}/always-{{{{ host.name }}}}\n"
    return f"version: 1\ninventory: hosts.yaml\n{text}{always}".replace("LASTING", LASTING)


def records(folder: Path) -> str:
    return "".join(path.read_text() for path in folder.glob("runs/*/events.jsonl"))


def interrupt(terminal: Terminal, folder: Path, times: int, *, gap: float = 0.0) -> None:
    """Press Ctrl-C so many times, each when the one before was noticed, or so many seconds later."""
    for done in range(times):
        wait_for(lambda: records(folder).count('"event":"signal"') >= done or gap, 5)  # noqa: B023 - called at once
        time.sleep(gap)  # nothing, or as long as a person takes
        terminal.type(CTRL_C)


def alive(command: str = LASTING) -> int:
    """Processes that run exactly this command; those that wait to be collected are none."""
    wanted = command.replace(" ", "\0").encode() + b"\0"
    found = 0
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # it has just ended
            found += path.read_bytes() == wanted
    return found


def in_order(terminal: Terminal, folder: Path, *, code: int = 130) -> None:
    """What holds of every run that was interrupted, however."""
    assert terminal.end() == code
    (path,) = folder.glob("runs/*/events.jsonl")
    journal.verify(path)
    events = [json.loads(line) for line in path.read_text().splitlines()]
    assert (events[-1]["event"], events[-1]["exit"]) == ("run.ended", code)
    assert alive() == 0
    begun = {event["host"] for event in events if event["event"] == "host.started"}
    assert {mark.name for mark in folder.glob("always-*")} == {f"always-{host}" for host in begun}
    shown = terminal.seen.decode()
    assert "summary" in shown
    assert f"runner resume {path.parent.name}" in shown.partition("to go on")[2]


@pytest.mark.parametrize("output", ["live", "plain", "stream", "json", "quiet"])
def test_two_interrupts_end_what_runs_in_every_output_mode(tmp_path: Path, output: str) -> None:
    """The first says who is waited for; the second ends the processes on all hosts, those in the background too."""
    project(tmp_path, playbook(f"{ALL}  - {{id: deploy, shell: '{LASTING} & {LASTING}'}}\n", tmp_path), LOCAL)
    terminal = Terminal("run", "site.yaml", "--output", output, cwd=tmp_path)
    wait_for(lambda: alive() == 4)

    interrupt(terminal, tmp_path, 2)

    in_order(terminal, tmp_path)
    said = terminal.seen.decode().partition("signal SIGINT: stop")[2].partition("signal SIGINT: kill")[0]
    assert "waiting for deploy  one" in said
    assert "waiting for deploy  two" in said


SITUATIONS = {
    "a retry's delay": (f"{ALL}  - {{command: 'false', retry: {{delay: 60s}}}}\n", "step.retry", "live"),
    "a pause": (f"{ALL}  - pause: 60s\n", "step.intent", "plain"),
    "a path": (f"{ALL}  - wait_for: {{path: /nowhere}}\n", "step.intent", "stream"),
    "needs": (f"{ALL}  - {LAST_ON_ONE}\n  - {{command: 'true', needs: [a]}}\n", "step.ended", "json"),
    "once": (f"{ALL}  - {{command: LASTING, once: run}}\n", "step.intent", "quiet"),
    "lockstep": (f"{TOGETHER}  - {LAST_ON_ONE}\n  - ping:\n", "step.ended", "live"),
    "a gate": (ROLLING.replace("MORE", "gate: [{command: 'false', interval: 30s, deadline: 60s}]"), "gate.ch", "plain"),
    "a bake": (ROLLING.replace("MORE", "bake: 60s"), '"bake"', "stream"),
    "an approval": (ROLLING.replace("MORE", "approve: each"), "approval.waiting", "json"),
    "a question": (f"{ALL}  - approve: go on?\n", "approval.waiting", "quiet"),
    "a person's pause": (f"{ALL}  - pause: {{message: look}}\n", "approval.waiting", "live"),
    "a handler": (
        f"{ALL}  - {{command: 'true', notify: reload}}\n  handlers:\n  - {{id: reload, command: {LASTING}}}\n",
        '"section":"handlers","src"',
        "plain",
    ),
    "a rescue": (
        f"{ALL}  - block: [{{command: 'false'}}]\n    rescue: [{{command: {LASTING}}}]\n",
        '"section":"rescue"',
        "stream",
    ),
    "a rollback": (
        f"{BACK}  - command: 'false'\n  rollback:\n  - command: {LASTING}\n",
        '"section":"rollback","src"',
        "json",
    ),
}


@pytest.mark.parametrize("situation", SITUATIONS)
def test_interrupts_end_whatever_is_waited_for(tmp_path: Path, situation: str) -> None:
    """Where the first one leaves nothing that runs it is enough; else the second ends that."""
    text, ready, output = SITUATIONS[situation]
    project(tmp_path, playbook(text, tmp_path), LOCAL)
    terminal = Terminal("run", "site.yaml", "--output", output, cwd=tmp_path)
    wait_for(lambda: ready in records(tmp_path))
    start = time.monotonic()

    interrupt(terminal, tmp_path, 1)
    wait_for(lambda: '"signal"' in records(tmp_path))
    if '"run.ended"' not in records(tmp_path):
        terminal.type(CTRL_C)

    in_order(terminal, tmp_path)
    assert time.monotonic() - start < 20


def test_a_second_interrupt_soon_after_the_first_is_the_second(tmp_path: Path) -> None:
    """Whoever presses twice within a blink means it."""
    project(tmp_path, playbook(f"{ALL}  - command: {LASTING}\n", tmp_path), LOCAL)
    terminal = Terminal("run", "site.yaml", cwd=tmp_path)
    wait_for(lambda: alive() == 2)

    interrupt(terminal, tmp_path, 2, gap=0.2)

    in_order(terminal, tmp_path)


def test_a_cleaning_up_that_hangs_is_left_by_the_third(tmp_path: Path) -> None:
    """It is out in less than a second, and the run can be gone on with: what ended well is not done again."""
    steps = f"- {{id: once, shell: 'echo once >> {tmp_path}/log'}}\n- {{id: deploy, command: {LASTING}}}\n"
    hangs = f"until [ -e {tmp_path}/mended ]; do sleep 0.05; done"
    always = f"- {{id: tidy, idempotent: true, shell: '{hangs}'}}\n"
    text = f"version: 1\ninventory: hosts.yaml\nhosts: one\nsteps:\n{steps}always:\n{always}"
    project(tmp_path, text, LOCAL)
    terminal = Terminal("run", "site.yaml", cwd=tmp_path)
    wait_for(lambda: '"step":"deploy"' in records(tmp_path))
    interrupt(terminal, tmp_path, 2)
    wait_for(lambda: '"section":"always"' in records(tmp_path))
    start = time.monotonic()

    terminal.type(CTRL_C)
    code, took = terminal.end(), time.monotonic() - start
    (tmp_path / "mended").touch()
    (tmp_path / "site.yaml").write_text(text.replace(f"deploy, command: {LASTING}", "deploy, command: 'true'"))
    resumed = runner("resume", "last", cwd=tmp_path)

    assert code == 130
    assert took < 1
    assert "out at once; to go on: runner resume" in terminal.seen.decode()
    assert (resumed.code, (tmp_path / "log").read_text()) == (0, "once\n")


@pytest.mark.sshd
def test_interrupts_end_a_preflight(sshd: Sshd, tmp_path: Path) -> None:
    """Hosts that do not answer are not waited for, and nothing is begun anywhere."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        inventory = {
            "ssh": {**sshd.options(), "port": silent.getsockname()[1]},
            "hosts": {"one": {"address": "127.0.0.1"}},
        }
        text = ALL.replace("  steps:", "  strategy: {type: parallel, preflight: true}\n  steps:")
        project(tmp_path, playbook(f"{text}  - command: 'true'\n", tmp_path), json.dumps(inventory))
        terminal = Terminal("run", "site.yaml", cwd=tmp_path)
        wait_for(lambda: "host.connecting" in records(tmp_path))

        interrupt(terminal, tmp_path, 2)

        in_order(terminal, tmp_path)
    assert "step.intent" not in records(tmp_path)


@pytest.mark.sshd
@pytest.mark.sudo
def test_processes_of_another_user_are_ended_too(
    sudo_user: User, sshd_with: Callable[..., Sshd], tmp_path: Path
) -> None:
    """They are root's, behind sudo: none is left, on no host, and the records say that they were seen gone."""
    server = sshd_with(user=sudo_user.name)
    text = ALL.replace("  steps:", "  become: true\n  steps:")
    step = f"  - {{id: deploy, shell: '{LASTING} & {LASTING}'}}\n"
    project(tmp_path, playbook(f"{text}{step}", tmp_path), server.inventory_text(2))
    terminal = Terminal("run", "site.yaml", cwd=tmp_path)
    wait_for(lambda: alive() == 4)

    interrupt(terminal, tmp_path, 2)

    in_order(terminal, tmp_path)
    events = [json.loads(line) for line in records(tmp_path).splitlines()]
    ends = [event for event in events if (event["event"], event.get("step")) == ("step.ended", "deploy")]
    assert [(end["status"], end["killed"]) for end in ends] == [("cancelled", "yes")] * 2


@pytest.mark.sshd
def test_an_interrupt_before_the_first_step_is_recorded(sshd: Sshd, tmp_path: Path) -> None:
    """Asked for a passphrase, somebody thinks better of it: nothing was contacted, and the run can be gone on with."""
    key = asyncssh.generate_private_key("ssh-ed25519")
    key.write_private_key(tmp_path / "locked", passphrase="Tr0ub4dor")
    (tmp_path / "locked").chmod(0o600)
    inventory = {"ssh": {**sshd.options(), "identity": str(tmp_path / "locked")}, "hosts": {"one": {}}}
    project(tmp_path, playbook(f"{ALL}  - command: 'true'\n", tmp_path), json.dumps(inventory))
    terminal = Terminal("run", "site.yaml", cwd=tmp_path)
    terminal.until("passphrase of the key")

    terminal.type(CTRL_C)

    in_order(terminal, tmp_path)
    assert "host.connecting" not in records(tmp_path)


def test_a_status_is_told_and_nothing_else_changes(tmp_path: Path) -> None:
    """SIGUSR1 asks what the run is at; it goes on to its end."""
    wait = f"touch {tmp_path}/on; until [ -e {tmp_path}/over ]; do sleep 0.05; done"
    project(tmp_path, playbook(f"{ALL.replace('all', 'one')}  - {{id: deploy, shell: '{wait}'}}\n", tmp_path), LOCAL)
    terminal = Terminal("run", "site.yaml", "--output", "quiet", cwd=tmp_path)
    wait_for((tmp_path / "on").exists)

    os.kill(terminal.pid, signal.SIGUSR1)
    terminal.until("waiting for deploy  one")
    (tmp_path / "over").touch()

    assert terminal.end() == 0
    assert terminal.seen.decode().splitlines()[0].endswith("signal SIGUSR1: status")
