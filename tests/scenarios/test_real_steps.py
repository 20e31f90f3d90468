"""Arguments, results, retries, waits, includes and lost hosts over a real OpenSSH server: what reaches the hosts."""

import subprocess
from pathlib import Path

import pytest
import yaml
from commandline import Done, project, runner
from sshd import Sshd, free_port

pytestmark = pytest.mark.sshd

HEAD = "version: 1\ninventory: hosts.yaml\n"


def played(sshd: Sshd, folder: Path, playbook: str, hosts: int = 1, **files: str) -> Done:
    """Run a playbook on so many hosts, with further files beside it; ``FOLDER`` in it is where hosts leave marks."""
    for name, text in files.items():
        (folder / name.replace("_", ".")).write_text(text)
    project(folder, HEAD + playbook.replace("FOLDER", str(folder)), sshd.inventory_text(hosts))
    return runner("run", "site.yaml", cwd=folder)


def statuses(done: Done) -> dict[str, str]:
    """How each step of the only host ended."""
    return {record["step"]: record["status"] for record in done.events("step.ended")}


def test_a_script_gets_its_arguments_as_written_and_leaves_nothing(sshd: Sshd, tmp_path: Path) -> None:
    """Blanks, quotes, dollars and stars, a file beside it, and no folder left of it."""
    play = """
hosts: all
steps:
  - script: {src: show.sh, args: ["a b", "it's", '"q"', "$HOME", "*"], includes: [lib.sh]}
"""
    show = '#!/bin/sh\n. "$(dirname "$0")/lib.sh"\nshow "$@"\ndirname "$0"\n'
    lib = "show() { printf '[%s]\\n' \"$@\"; }\n"

    done = played(sshd, tmp_path, play, show_sh=show, lib_sh=lib)

    assert done.code == 0, done.out
    *words, place = (done.folder / "output/web01/script.1.out").read_text().splitlines()
    assert words == ["[a b]", "[it's]", '["q"]', "[$HOME]", "[*]"]
    assert not Path(place).exists()


def test_an_answer_of_one_host_reaches_another_as_it_was(sshd: Sshd, tmp_path: Path) -> None:
    """Blanks, a tab, a line end, letters beyond ASCII and what looks like a template."""
    play = r"""
hosts: all
strategy: sequential
steps:
  - {shell: "printf 'a  b\\n\\tc \\316\\261 $x %s{ 7*7 }}' '{'", when: host.name == "web01", register: one}
  - {id: two, command: [printf, "%s", "{{ hosts.web01.results.one.stdout }}"], when: host.name == "web02"}
"""
    done = played(sshd, tmp_path, play, hosts=2)

    assert done.code == 0, done.out
    assert (done.folder / "output/web02/two.1.out").read_text() == "a  b\n\tc \u03b1 $x {{ 7*7 }}"


def test_a_step_is_tried_until_its_answer_is_there(sshd: Sshd, tmp_path: Path) -> None:
    """One exits with 7 twice, the other prints nothing twice: three attempts each, and each wait is recorded."""
    play = """
hosts: all
steps:
  - {shell: "echo >> FOLDER/a; test $(wc -l < FOLDER/a) = 3 || exit 7", retry: {attempts: 3, delay: 100ms}}
  - shell: |
      echo >> FOLDER/b; test $(wc -l < FOLDER/b) != 3 || echo '{"ready": true}'
    retry: {attempts: 5, delay: 100ms, until: result.json.ready}
"""
    done = played(sshd, tmp_path, play)

    assert done.code == 0, done.out
    assert [record["attempt"] for record in done.events("step.ended")] == [3, 3]
    waits = [(record["rc"], record["delay"]) for record in done.events("step.retry", step="shell")]
    assert waits == [(7, 0.1), (7, 0.1)]
    assert len(done.events("step.retry", step="shell-2")) == 2


def test_ok_codes_and_failures_that_are_gone_on_behind(sshd: Sshd, tmp_path: Path) -> None:
    """4 and SIGTERM are fine, 5 is not; behind it, under continue, all runs, and the host has failed."""
    play = """
hosts: all
steps:
  - {id: four, shell: exit 4, ok_codes: [0, 4, TERM]}
  - {id: term, shell: kill -TERM $$, ok_codes: [0, 4, TERM]}
  - {id: five, shell: exit 5, ok_codes: [0, 4, TERM], on_failure: continue}
  - {id: last, shell: 'true'}
"""
    done = played(sshd, tmp_path, play)

    assert done.code == 1
    assert statuses(done) == {"four": "changed", "term": "changed", "five": "failed", "last": "changed"}
    assert done.statuses() == {"web01": "failed"}


def test_what_runs_behind_the_back_of_the_steps_is_gone_at_the_end(sshd: Sshd, tmp_path: Path) -> None:
    """A process started by the first step is there for the second, and ended by always, though that one fails."""
    play = """
hosts: all
steps:
  - shell: "nohup sleep 84.3 > /dev/null 2>&1 & echo $! > FOLDER/pid"
  - shell: "kill -0 $(cat FOLDER/pid) && touch FOLDER/there; false"
always:
  - shell: "kill $(cat FOLDER/pid)"
"""
    done = played(sshd, tmp_path, play)

    assert done.code == 1
    assert (tmp_path / "there").exists()
    assert subprocess.run(["pgrep", "-f", "sleep 84.3"], capture_output=True, check=False).returncode == 1


def test_a_step_that_runs_once_is_on_the_first_host_that_gets_to_it(sshd: Sshd, tmp_path: Path) -> None:
    """The first of six is out of reach: the second runs it, in all three waves nobody else."""
    inventory = sshd.inventory(6)
    inventory["hosts"]["web01"]["ssh"] = {"port": free_port()}
    play = f"""
hosts: all
strategy: {{type: rolling, waves: 2, max_failures: 1}}
steps: [{{shell: "echo {{{{ host.name }}}} >> {tmp_path}/log", once: run}}, {{command: 'true'}}]
"""
    project(tmp_path, HEAD + play, yaml.safe_dump(inventory))

    done = runner("run", "site.yaml", cwd=tmp_path)

    assert done.code == 4
    assert (tmp_path / "log").read_text() == "web02\n"


def test_a_handler_runs_once_before_the_gate(sshd: Sshd, tmp_path: Path) -> None:
    """Three changed steps notify it; it comes behind the last step."""
    play = """
hosts: all
strategy: {type: rolling, waves: 2, gate: [{command: [test, -e, "FOLDER/{{ host.name }}"]}]}
steps:
  - {shell: 'true', notify: restart}
  - {shell: 'true', notify: restart}
  - {shell: "echo step >> FOLDER/{{ host.name }}", notify: restart}
handlers:
  - {name: restart, shell: "echo handler >> FOLDER/{{ host.name }}"}
"""
    done = played(sshd, tmp_path, play, hosts=2)

    assert done.code == 0, done.out
    assert {path.read_text() for path in tmp_path.glob("web*")} == {"step\nhandler\n"}
    last = max(record["seq"] for record in done.events("step.ended", step="restart"))
    assert last < done.events("gate.checked")[0]["seq"]


def test_a_file_that_is_included_twice_runs_twice(sshd: Sshd, tmp_path: Path) -> None:
    """With other values, under the ids of the includes; a block's condition is asked once, at its start."""
    play = """
hosts: all
steps:
  - {id: first, include: {file: part.yaml, vars: {size: 1}}, register: part}
  - {id: second, include: {file: part.yaml, vars: {size: 2}}}
  - {assert: {that: part.out.stdout == "1"}}
"""
    part = """
inputs: {size: {type: integer}}
steps:
  - {set: {go: true}}
  - {when: go, block: [{set: {go: false}}, {id: x, shell: "echo {{ size }}", register: out}]}
"""
    done = played(sshd, tmp_path, play, part_yaml=part)

    assert done.code == 0, done.out
    outputs = {path.relative_to(done.folder / "output").as_posix() for path in done.folder.glob("output/**/*.out")}
    assert {name for name, status in statuses(done).items() if status == "changed"} == {"first/x", "second/x"}
    assert len(outputs) == 2


def test_a_host_that_goes_away_is_taken_out_of_the_balancer(sshd: Sshd, tmp_path: Path) -> None:
    """Its server ends between two steps: the rescue runs elsewhere, and nothing is sent to it."""
    with Sshd(addresses=1) as other:
        assert other.process
        inventory = sshd.inventory(2)
        inventory["hosts"]["web01"]["ssh"] = other.options()
        kill = f"kill $(pgrep -P {other.process.pid}) {other.process.pid}; sleep 0.2"
        play = f"""
hosts: web01
steps:
  - block:
      - shell: echo one >> {tmp_path}/web
      - {{shell: "{kill}", delegate_to: controller, failed_when: 'false'}}
      - shell: echo two >> {tmp_path}/web
    rescue:
      on: [unreachable]
      steps:
        - {{shell: echo here >> {tmp_path}/web}}
        - {{shell: echo controller >> {tmp_path}/out, delegate_to: controller}}
        - {{shell: echo balancer >> {tmp_path}/out, delegate_to: web02}}
"""
        project(tmp_path, HEAD + play, yaml.safe_dump(inventory))
        done = runner("run", "site.yaml", cwd=tmp_path)

    assert done.code == 4, done.out
    assert done.statuses() == {"web01": "unreachable"}
    assert (tmp_path / "web").read_text() == "one\n"
    assert (tmp_path / "out").read_text() == "controller\nbalancer\n"
