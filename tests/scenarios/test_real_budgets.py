"""Budgets, gates, rollback, delegation and always over a real OpenSSH server: what is left on the hosts."""

import http.server
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from commandline import RUNNER, Done, environment, project, runner
from sshd import Sshd, free_port

pytestmark = pytest.mark.sshd


def played(sshd: Sshd, folder: Path, playbook: str, hosts: int, *options: str) -> Done:
    """Run a playbook on so many hosts; ``FOLDER`` in it is the folder where they leave their marks."""
    project(folder, playbook.replace("FOLDER", str(folder)), sshd.inventory_text(hosts))
    return runner("run", "site.yaml", *options, cwd=folder)


def alive(words: str) -> int:
    """How many processes have these words in their command line."""
    found = subprocess.run(["pgrep", "-fc", words], capture_output=True, text=True, check=False)
    return int(found.stdout or 0)


EXCEED = """
version: 1
inventory: hosts.yaml
hosts: all
strategy: {type: parallel, concurrency: 3, max_failures: 0, on_exceed: ACTION}
steps:
  - shell: |
      touch FOLDER/at-{{ host.name }}
      [ {{ host.name }} = web02 ] || exec SLEEP
      until [ -e FOLDER/at-web01 ] && [ -e FOLDER/at-web03 ]; do sleep 0.05; done
      exit 1
  - shell: "echo second >> FOLDER/{{ host.name }}"
always:
  - shell: "echo always >> FOLDER/{{ host.name }}"
"""


def exceed(sshd: Sshd, folder: Path, action: str, sleep: str) -> tuple[Done, float]:
    """Twelve hosts, three at a time; the second fails when the others have begun, which sleep."""
    begun = time.monotonic()
    done = played(sshd, folder, EXCEED.replace("ACTION", action).replace("SLEEP", sleep), 12)
    return done, time.monotonic() - begun


def marks(folder: Path) -> dict[str, str]:
    """What each host has left."""
    return {path.name: path.read_text() for path in sorted(folder.glob("web*"))}


def test_a_kill_ends_what_runs_at_once(sshd: Sshd, tmp_path: Path) -> None:
    """One failed, two cancelled, nine never began; nothing is left of the processes, and always ran on the three."""
    done, seconds = exceed(sshd, tmp_path, "kill", "sleep 71.9")

    assert done.code == 5
    assert sorted(done.statuses().values()) == ["cancelled"] * 2 + ["failed"] + ["not_run"] * 9
    assert seconds < 20
    assert alive("sleep 71.9") == 0
    assert marks(tmp_path) == dict.fromkeys(["web01", "web02", "web03"], "always\n")


def test_a_drain_lets_hosts_at_work_finish(sshd: Sshd, tmp_path: Path) -> None:
    """All their steps; nobody else begins."""
    done, _ = exceed(sshd, tmp_path, "drain", "sleep 1.5")

    assert done.code == 5
    assert marks(tmp_path) == {"web01": "second\nalways\n", "web02": "always\n", "web03": "second\nalways\n"}
    assert [done.statuses()[name] for name in ("web01", "web02", "web03")] == ["changed", "failed", "changed"]


def test_a_stop_lets_running_steps_finish(sshd: Sshd, tmp_path: Path) -> None:
    """The step at work and always, nothing else."""
    done, _ = exceed(sshd, tmp_path, "stop", "sleep 1.5")

    assert done.code == 5
    assert marks(tmp_path) == dict.fromkeys(["web01", "web02", "web03"], "always\n")
    ends = done.events("step.ended", step="shell")
    assert sorted(record["status"] for record in ends) == ["changed", "changed", "failed"]


def test_every_list_of_hosts_says_the_same(sshd: Sshd, tmp_path: Path) -> None:
    """The run folder, the records and the summary on the screen."""
    done, _ = exceed(sshd, tmp_path, "kill", "sleep 72.9")

    for status in ("failed", "cancelled", "not_run"):
        listed = set((done.folder / "hosts" / status).read_text().split())
        assert listed == {name for name, found in done.statuses().items() if found == status}
        assert set(done.summary()["hosts"][status]) == listed
    assert "cancelled 2" in done.out
    assert "not_run 9" in done.out


def test_preflight_finds_a_closed_port_before_any_step(sshd: Sshd, tmp_path: Path) -> None:
    """One unreachable, two never began, no step ran, and the budget is exceeded."""
    inventory = sshd.inventory(3)
    inventory["hosts"]["web03"]["ssh"] = {"port": free_port()}
    play = "version: 1\ninventory: hosts.yaml\nhosts: all\nstrategy: sequential\nsteps: [{command: 'true'}]\n"
    project(tmp_path, play, json.dumps(inventory))

    done = runner("run", "site.yaml", cwd=tmp_path)

    assert done.code == 5
    assert done.statuses() == {"web03": "unreachable", "web01": "not_run", "web02": "not_run"}
    assert not done.events("step.intent")


class Service(http.server.BaseHTTPRequestHandler):
    """Answers with the statuses it was given, the last one for good, and counts."""

    statuses: list[int]
    asked: list[float]

    def do_GET(self) -> None:
        self.asked.append(time.monotonic())
        self.send_response(self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0])
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def service() -> Iterator[tuple[type[Service], int]]:
    """A real web server; its answers are set by the test."""
    kind = type("Own", (Service,), {"statuses": [200], "asked": []})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), kind) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield kind, server.server_address[1]
        server.shutdown()


GATED = """
version: 1
inventory: hosts.yaml
hosts: all
strategy:
  type: rolling
  on_exceed: ACTION
  gate:
    - {http: "http://127.0.0.1:PORT/", from: controller, successes: 3, interval: 200ms, deadline: 3s}
steps:
  - shell: "echo new > FOLDER/{{ host.name }}"
rollback:
  - shell: "echo old > FOLDER/{{ host.name }}"
"""


def test_a_gate_asks_until_the_service_is_well(sshd: Sshd, tmp_path: Path, service) -> None:  # type: ignore[no-untyped-def]
    """Four bad answers and three good ones in a row: exactly seven requests before the second wave starts."""
    kind, port = service
    kind.statuses = [503, 503, 503, 503, 200]

    done = played(sshd, tmp_path, GATED.replace("PORT", str(port)).replace("ACTION", "stop"), 2)

    assert done.code == 0, done.out
    checks = done.events("gate.checked", wave=1)
    assert len(checks) == 7
    assert len(kind.asked) == 7 + 3
    assert done.events("wave.started", wave=2)[0]["seq"] > checks[-1]["seq"]


def test_a_gate_that_never_opens_ends_the_run(sshd: Sshd, tmp_path: Path, service) -> None:  # type: ignore[no-untyped-def]
    """After its deadline; later waves do not run, and the exit status is 7."""
    kind, port = service
    kind.statuses = [503]

    done = played(sshd, tmp_path, GATED.replace("PORT", str(port)).replace("ACTION", "stop"), 3)

    assert done.code == 7
    assert done.statuses() == {"web01": "gate_failed", "web02": "not_run", "web03": "not_run"}
    assert done.events("gate.failed")[0]["duration"] == pytest.approx(3, abs=1.5)


def test_a_gate_that_never_opens_leads_back(sshd: Sshd, tmp_path: Path, service) -> None:  # type: ignore[no-untyped-def]
    """What was changed is as it was before, hosts never touched are left alone, and the exit status is 8."""
    kind, port = service
    kind.statuses = [503]

    done = played(sshd, tmp_path, GATED.replace("PORT", str(port)).replace("ACTION", "rollback"), 3)

    assert done.code == 8
    assert marks(tmp_path) == {"web01": "old\n"}


BACK = """
version: 1
inventory: hosts.yaml
hosts: all
strategy: {type: rolling, waves: 2, on_exceed: rollback}
steps:
  - shell: "echo new {{ host.name }} >> FOLDER/log; [ {{ host.name }} != web04 ] || { sleep 1; exit 1; }"
rollback:
  - shell: "echo old {{ host.name }} >> FOLDER/log; test {{ host.name }} != FAILING"
"""


def test_rollback_goes_the_latest_wave_first(sshd: Sshd, tmp_path: Path) -> None:
    """Three waves of two; the second exceeds the budget, the third is left alone, and the exit status is 8."""
    done = played(sshd, tmp_path, BACK.replace("FAILING", "none"), 6)

    lines = (tmp_path / "log").read_text().splitlines()
    back = [line.split()[1] for line in lines if line.startswith("old")]
    assert done.code == 8
    assert (set(back[:2]), set(back[2:])) == ({"web03", "web04"}, {"web01", "web02"})
    assert done.statuses()["web06"] == "not_run"


def test_a_rollback_that_fails_on_one_host(sshd: Sshd, tmp_path: Path) -> None:
    """The other three are back, that one is told apart, and the exit status is 9."""
    done = played(sshd, tmp_path, BACK.replace("FAILING", "web02"), 6)

    assert done.code == 9
    assert done.summary()["hosts"]["rolled_back"] == ["web01", "web03", "web04"]
    assert done.summary()["hosts"]["rollback_failed"] == ["web02"]


def test_a_dead_delegate_fails_the_hosts_that_ask_it(sshd: Sshd, tmp_path: Path) -> None:
    """Both are failed, not unreachable, and both count."""
    inventory = sshd.inventory(3)
    inventory["hosts"]["web03"]["ssh"] = {"port": free_port()}
    play = """
version: 1
inventory: hosts.yaml
hosts: web[01-02]
strategy: {type: parallel, max_failures: 5}
steps: [{command: 'true', delegate_to: web03}]
"""
    project(tmp_path, play, json.dumps(inventory))

    done = runner("run", "site.yaml", cwd=tmp_path)

    assert done.code == 1
    assert done.statuses() == {"web01": "failed", "web02": "failed"}
    assert [record["failures"] for record in done.events("budget.changed")] == [1, 2]
    assert "delegate web03 unreachable" in done.events("step.ended")[0]["reason"]


def test_two_interrupts_end_the_groups_and_always_runs(sshd: Sshd, tmp_path: Path) -> None:
    """Two children on each of four hosts: none of the processes is left, and four marks are there."""
    play = f"""
version: 1
inventory: hosts.yaml
hosts: all
steps:
  - shell: "sleep 83.7 & sleep 83.7 & sleep 83.7"
always:
  - shell: "echo always > {tmp_path}/{{{{ host.name }}}}"
"""
    project(tmp_path, play, sshd.inventory_text(4))
    runs = tmp_path / "runs"
    process = subprocess.Popen(
        [*RUNNER, "run", "site.yaml"],
        cwd=tmp_path,
        env=environment(RUNNER_RUNS_DIR=str(runs)),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    deadline = time.monotonic() + 20
    while alive("sleep 83.7") < 12 and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGINT)
    process.communicate(timeout=30)

    assert process.returncode == 130
    assert alive("sleep 83.7") == 0
    assert marks(tmp_path) == dict.fromkeys(["web01", "web02", "web03", "web04"], "always\n")


def test_what_is_set_once_is_unset_once(sshd: Sshd, tmp_path: Path) -> None:
    """A flag set before all, taken back behind all, though a host of the second wave fails."""
    play = """
version: 1
inventory: hosts.yaml
hosts: all
strategy: {type: rolling, waves: 1}
steps:
  - {shell: "echo set >> FOLDER/log", once: run}
  - shell: "echo {{ host.name }} >> FOLDER/log; test {{ host.name }} != web02"
always:
  - {shell: "echo unset >> FOLDER/log", once: run}
"""
    done = played(sshd, tmp_path, play, 3)

    assert done.code == 5
    assert (tmp_path / "log").read_text().split() == ["set", "web01", "web02", "unset"]
