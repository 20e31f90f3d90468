"""A simulation tells how a run ends: the same playbook with the same faults, simulated and on a real OpenSSH server."""

import json
from pathlib import Path
from typing import Any

import pytest
from commandline import Done, project, runner
from sshd import Sshd, free_port

pytestmark = pytest.mark.sshd

States = dict[str, tuple[str, dict[str, str]]]


def real_states(done: Done, play: str) -> States:
    """Each host's last status in a play and its steps' last statuses, from the records of a run."""
    steps: dict[str, dict[str, str]] = {}
    for record in done.events("step.ended", play=play):
        if "item" not in record:
            steps.setdefault(record["host"], {})[record["step"]] = record["status"]
    ends = {record["host"]: record["status"] for record in done.events("host.ended", play=play)}
    return {host: (status, steps.get(host, {})) for host, status in ends.items()}


def simulated_states(told: dict[str, Any], play: str) -> States:
    """The same from a simulation."""
    return {host["host"]: (host["status"], host["steps"]) for host in told["hosts"] if host["play"] == play}


ROLLING = """
version: 1
inventory: hosts.yaml
hosts: all
strategy: {type: rolling, waves: 2, max_failures: 1, concurrency: 1}
steps:
  - name: look
    command: echo 1.2.3
    register: look
  - name: migrate
    command: "test {{ host.name }} != web03"
    when: look.stdout == "1.2.3"
    retry: {attempts: 2, delay: 10ms}
  - name: optional
    command: "test {{ host.name }} != web01"
    on_failure: ignore
  - name: never
    command: "false"
    when: host.index > 9
  - name: late
    command: "test {{ host.name }} != web02"
    on_failure: continue
  - name: restart
    command: "true"
    loop: [one, two]
    read_only: true
  - assert: {that: look.rc == 0}
"""


def test_a_simulation_and_a_run_end_alike(sshd: Sshd, tmp_path: Path) -> None:
    """Ignored, retried and kept failures, a closed port, a budget: equal states of hosts and steps, equal exit."""
    inventory = sshd.inventory(8)
    inventory["hosts"]["web05"]["ssh"] = {"port": free_port()}
    project(tmp_path, ROLLING, json.dumps(inventory))

    faults = ["--fail", "web03:migrate", "--fail", "web01:optional", "--fail", "web02:late", "--unreachable", "web05"]
    real = runner("run", "site.yaml", cwd=tmp_path)
    simulated = runner("simulate", "site.yaml", *faults, "--format", "json", cwd=tmp_path)

    told = json.loads(simulated.out)
    assert simulated_states(told, "site") == real_states(real, "site")
    assert (simulated.code, told["status"]) == (real.code, real.summary()["status"])
    assert real.code == 5


BACK = """
version: 1
inventory: hosts.yaml
plays:
  - name: web
    hosts: web
    strategy: {type: rolling, waves: [1, 2, rest], max_failures: 1, on_exceed: rollback, concurrency: 1}
    steps:
      - name: drain
        command: "true"
        delegate_to: lb1
      - name: once for all
        command: echo 7
        register: told
        once: run
      - block:
          - name: upload
            command: "true"
            notify: [restart]
          - name: check
            command: "test {{ host.name }} != web03"
        rescue:
          - name: repair
            command: "true"
        always:
          - name: note
            command: "true"
      - flush: handlers
      - name: activate
        command: "test {{ host.name }}{{ told.stdout }} != web027"
        notify: again
    handlers:
      - name: restart
        command: "true"
      - name: again
        command: "test {{ host.name }} != web04"
    rollback:
      - name: previous
        command: "test {{ host.name }} != web03"
    always:
      - name: alarms
        command: "true"
        delegate_to: lb1
  - name: report
    hosts: lb1
    needs: []
    steps:
      - command: "true"
  - name: after
    hosts: web
    steps:
      - command: "true"
"""


def test_what_is_rolled_back_is_so_in_both(sshd: Sshd, tmp_path: Path) -> None:
    """Rescue, handlers, what runs once, delegates, a budget and a rollback that fails on one host: states and exit."""
    inventory = sshd.inventory(7)
    inventory["hosts"]["lb1"] = inventory["hosts"].pop("web07")
    inventory["groups"] = {"web": {"hosts": ["web*"]}}
    project(tmp_path, BACK, json.dumps(inventory))

    faults = ["--fail", "web03:check", "--fail", "web02:activate", "--fail", "web04:again", "--fail", "web03:previous"]
    real = runner("run", "site.yaml", cwd=tmp_path)
    simulated = runner("simulate", "site.yaml", *faults, "--format", "json", cwd=tmp_path)

    told = json.loads(simulated.out)
    for play in ("web", "report", "after"):
        assert simulated_states(told, play) == real_states(real, play)
    assert (simulated.code, told["status"]) == (real.code, real.summary()["status"]) == (9, "rollback_failed")
    assert simulated_rollback(told) == real.events("rollback.started")[0]["hosts"]
    assert simulated_states(told, "web")["web04"][0] == "rolled_back"


def simulated_rollback(told: dict[str, Any]) -> list[str]:
    """The hosts in the order in which they are rolled back."""
    [rollback] = [moment for moment in told["timeline"] if moment["what"] == "rollback"]
    hosts: list[str] = rollback["hosts"]
    return hosts


GATED = """
version: 1
inventory: hosts.yaml
hosts: all
strategy:
  type: rolling
  waves: [1, 3, rest]
  on_exceed: rollback
  concurrency: 1
  gate:
    - command: "test {{ host.name }} != web03"
      successes: 2
      interval: 10ms
      deadline: 500ms
steps:
  - name: activate
    command: "true"
rollback:
  - name: previous
    command: "true"
always:
  - name: alarms
    command: "true"
    once: wave
"""


def test_a_gate_that_is_not_met_ends_both_alike(sshd: Sshd, tmp_path: Path) -> None:
    """The first wave passes, one host of the second does not: both waves are rolled back, the third never begins."""
    project(tmp_path, GATED, sshd.inventory_text(6))

    real = runner("run", "site.yaml", cwd=tmp_path)
    words = ["--fail", "web03:gate", "--takes", "gate=1ms", "--format", "json"]
    simulated = runner("simulate", "site.yaml", *words, cwd=tmp_path)

    told = json.loads(simulated.out)
    assert simulated_states(told, "site") == real_states(real, "site")
    assert (simulated.code, real.code) == (8, 8)
    gates = [(moment["status"], moment["hosts"]) for moment in told["timeline"] if moment["what"] == "gate"]
    assert sorted(gates) == sorted(
        [("passed", record["hosts"]) for record in real.events("gate.passed")]
        + [(record["verdict"], record["hosts"]) for record in real.events("gate.failed")]
    )
