"""A simulation tells how a run ends: the same playbook with the same faults, simulated and on a real OpenSSH server."""

import json
from pathlib import Path
from typing import Any

import pytest
from commandline import Done, project, runner
from sshd import Sshd, free_port

pytestmark = pytest.mark.sshd

States = dict[str, tuple[str, dict[str, str]]]


def real_states(done: Done) -> States:
    """Each host's last status and its steps' last statuses, from the records of a run."""
    steps: dict[str, dict[str, str]] = {}
    for record in done.events("step.ended"):
        if "item" not in record:
            steps.setdefault(record["host"], {})[record["step"]] = record["status"]
    return {host: (status, steps.get(host, {})) for host, status in done.statuses().items()}


def simulated_states(told: dict[str, Any]) -> States:
    """The same from a simulation of one play."""
    return {host["host"]: (host["status"], host["steps"]) for host in told["hosts"]}


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
    assert simulated_states(told) == real_states(real)
    assert (simulated.code, told["status"]) == (real.code, real.summary()["status"])
    assert real.code == 5
