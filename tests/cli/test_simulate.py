"""``runner simulate`` at the command line."""

import json
import socket

import jsonschema
import pytest
from click.testing import CliRunner, Result

from runner.cli.simulate import command
from runner.durations import FORMS
from runner.errors import InputError
from runner.loading.schemas import published
from runner.steps import kinds

SITE = """\
version: 1
name: nine
inventory: hosts.yaml
hosts: web
strategy: {type: rolling, waves: 3}
steps:
  - name: migrate
    command: migrate
    retry: {attempts: 2, delay: 5s}
  - name: restart
    command: restart
"""

FLEET = "hosts: {'web[01-09]': {}, db1: {}}\ngroups: {web: {hosts: ['web*']}}\n"


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with a playbook of two steps on nine hosts, as the current one."""
    (tmp_path / "site.yaml").write_text(SITE)
    (tmp_path / "hosts.yaml").write_text(FLEET)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def call(*words: str) -> Result:
    """The command with these words."""
    return CliRunner().invoke(command, ["site.yaml", "--seed", "7", *words], standalone_mode=False)


def simulate(*words: str):
    """Its JSON, checked against the published schema, and the exit status."""
    result = call("--format", "json", *words)
    assert result.exception is None, result.exception
    data = json.loads(result.stdout)
    jsonschema.validate(data, published(kinds())["simulation"])
    assert data["exit"] == data["summary"]["exit"] == result.return_value
    return data


def statuses(data) -> dict[str, str]:
    """How each host ends."""
    return {host["host"]: host["status"] for host in data["hosts"]}


def refused(*words: str) -> list[str]:
    """What it says is wrong."""
    error = call(*words).exception
    assert isinstance(error, InputError), error
    return [f"{problem.location}: {problem.message}; {problem.hint}" for problem in error.problems]


@pytest.mark.usefixtures("here")
def test_without_faults_every_step_takes_a_second_and_all_is_well():
    """Nine hosts in waves of three with two steps: six seconds, and the waves begin at 0, 2 and 4."""
    data = simulate()

    waves = [moment for moment in data["timeline"] if moment["what"] == "wave"]
    assert (data["exit"], data["status"], data["duration"]) == (0, "ok", 6.0)
    assert [(wave["at"], wave["until"], wave["hosts"][0]) for wave in waves] == [
        (0.0, 2.0, "web01"),
        (2.0, 4.0, "web04"),
        (4.0, 6.0, "web07"),
    ]
    assert set(statuses(data).values()) == {"changed"}


@pytest.mark.usefixtures("here")
def test_the_text_shows_what_would_happen_when():
    """Waves over time, the failure, the budget, who never runs and why, the time, the exit status; not one escape."""
    result = call("--fail", "web05:migrate", "--takes", "restart=40s")

    assert result.return_value == 5
    assert result.stdout.startswith(
        "simulation of site.yaml: nine: 1 play, 3 waves, 9 hosts; seed 7\n"
        "  --fail web05:migrate\n"
        "  --takes restart=40s\n"
        "\n"
        "t+0s   wave 1 of 3: web[01-03] … 41s  changed 3\n"
        "t+41s  wave 2 of 3: web[04-06] … 41s  changed 2  failed 1\n"
        "t+48s    web05  migrate: failed: exit status 1 (simulated) (site.yaml:7)\n"
        "t+48s    the failure budget is exceeded: 1 failure of 0 allowed; on_exceed: stop\n"
        "\n"
        "summary  nine  aborted  1m 22s\n"
    )
    assert "web[07-09]  not_run in play nine: the failure budget is exceeded" in result.stdout
    assert result.stdout.endswith("\nthe run would take 1m 22s and exit with 5: aborted\n")
    assert "\x1b" not in result.stdout


@pytest.mark.usefixtures("here")
def test_a_fault_for_one_try_is_mended_by_the_next():
    """The first try of two fails: six seconds more for that host, and nothing is lost."""
    data = simulate("--fail", "web02:migrate@1")

    assert data["exit"] == 0
    assert data["timeline"][0]["until"] == 1 + 5 + 1 + 1
    assert data["summary"]["retries"] == 1


@pytest.mark.usefixtures("here")
def test_hosts_are_named_by_name_glob_range_and_group():
    """Of every kind of pattern those hosts fail, and no others."""
    data = simulate("--fail", "web0[1-2]:migrate", "--fail", "*7:migrate", "-j", "9", "-x", "web03")

    assert {host for host, status in statuses(data).items() if status == "failed"} == {"web01", "web02"}
    assert statuses(data)["web07"] == "not_run"
    assert set(statuses(simulate("--fail", "web:*")).values()) == {"failed", "not_run"}


@pytest.mark.usefixtures("here")
def test_an_unreachable_host_is_so_from_the_start_or_from_a_step_on():
    """Without a step none of its steps runs; with one those before it do."""
    start, later = simulate("--unreachable", "web01"), simulate("--unreachable", "web01:restart")

    assert statuses(start)["web01"] == statuses(later)["web01"] == "unreachable"
    assert [host["steps"] for host in later["hosts"] if host["host"] == "web01"] == [
        {"migrate": "changed", "restart": "unreachable"}
    ]
    assert "changed" not in next(host["steps"] for host in start["hosts"] if host["host"] == "web01").values()


@pytest.mark.usefixtures("here")
def test_a_lost_connection_leaves_an_unknown_outcome():
    """Nobody heard its end: exit status 6, as the run would have."""
    data = simulate("--lost", "web09:restart")

    assert statuses(data)["web09"] == "unknown"
    assert data["exit"] == 6


@pytest.mark.usefixtures("here")
def test_the_nearest_duration_is_the_last_that_was_given():
    """A step takes what its option says, on one host or on all; beyond its timeout it is timed out."""
    data = simulate("--takes", "restart=40s", "--takes", "web01:restart=2m", "--timeout", "1m")

    assert [host["ended"] for host in data["hosts"][:2]] == [61.0, 41.0]
    assert data["hosts"][0]["steps"]["restart"] == "timed_out"


@pytest.mark.usefixtures("here")
def test_the_same_seed_gives_the_same_output():
    """Which tries fail by chance is decided by the seed alone; another seed decides otherwise."""
    words = ("--chance", "20%", "--format", "json")

    first, again = call(*words).stdout, call(*words).stdout

    assert first == again
    assert json.loads(first)["seed"] == 7
    assert call(*words, "--seed", "8").stdout != first
    assert "failed" in statuses(json.loads(first)).values()


def test_hours_cost_nothing(here):
    """A pause of ten hours is over at once, and stands in the time that the run would take."""
    (here / "site.yaml").write_text("version: 1\ninventory: hosts.yaml\nhosts: db1\nsteps: [{pause: 10h}]\n")

    assert simulate()["duration"] == 36000.0


def test_nothing_is_contacted_fetched_or_written(here, monkeypatch):
    """A secret that is not there is not missed, no socket is opened, and no file is left."""
    (here / "site.yaml").write_text(
        "version: 1\ninventory: hosts.yaml\nhosts: web\nsecrets: {key: {env: NOT_THERE}}\n"
        "steps: [{shell: 'touch made', env: {KEY: '{{ secrets.key }}'}}]\n"
    )
    before = sorted(here.iterdir())
    monkeypatch.setattr(socket.socket, "connect", None)

    assert simulate()["exit"] == 0
    assert sorted(here.iterdir()) == before


ANSWERS = """\
version: 1
inventory: hosts.yaml
vars: {release: "2", behind: "{{ look.stdout != release }}"}
hosts: db1
steps:
  - name: look
    command: look
    register: look
    changed_when: look.stdout == "x" if look is defined else result.rc == 5
    failed_when: result.rc > 0
  - name: on an answer
    command: "migrate {{ look.json.to[0] | int + 1 }}"
    when: behind and look.json.ready
  - name: on what is known
    command: never
    when: release == "3"
  - name: as it went
    command: never
    when: look.failed
  - name: each line
    command: "echo {{ item }}"
    loop: "{{ look.lines }}"
  - assert: {that: ["look.rc == 7", release == "2"]}
  - set: {next: "{{ look.stdout | from_json }}"}
  - name: on a set value
    command: "echo {{ next.a.b }}"
    when: next.a > 3
    retry: {until: result.json.done}
"""


def test_conditions_on_answers_hold_and_others_are_asked(here):
    """What a host would have said is taken for granted; what the run knows decides as it always does."""
    (here / "site.yaml").write_text(ANSWERS)

    [host] = simulate()["hosts"]

    assert host["steps"] == {
        "look": "changed",
        "on-an-answer": "changed",
        "on-what-is-known": "skipped",
        "as-it-went": "skipped",
        "each-line": "changed",
        "assert": "ok",
        "set": "ok",
        "on-a-set-value": "changed",
    }


def test_a_condition_without_an_answer_fails_as_it_would(here):
    """An assertion that is false, and a template that can't be rendered, fail in a simulation too."""
    (here / "site.yaml").write_text(
        "version: 1\ninventory: hosts.yaml\nhosts: web01,db1\nvars: {n: 0}\nsteps:\n"
        "  - {assert: {that: host.name != 'db1'}}\n  - {command: 'echo {{ 1 / n }}'}\n"
    )

    data = simulate()

    assert [host["steps"] for host in data["hosts"]] == [{"assert": "ok", "command": "failed"}, {"assert": "failed"}]
    assert "divides by zero" in data["hosts"][0]["reason"]


def test_a_file_says_the_same_as_options(here):
    """Text as behind an option, or a mapping of its parts; seed and chance stand beside them."""
    (here / "friday.yaml").write_text(
        "seed: 7\nfaults:\n  - fail: web01:migrate@1\n  - fail: {host: web02, step: migrate, try: 1}\n"
        "  - unreachable: {host: web04}\n  - takes: {step: restart, duration: 40s}\n"
    )
    words = ["--fail", "web01:migrate@1", "--fail", "web02:migrate@1", "--unreachable", "web04"]

    from_file, from_words = simulate("--faults", "friday.yaml"), simulate(*words, "--takes", "restart=40s")

    assert from_file == from_words


def test_wrong_faults_are_told_with_their_places(here):
    """In options and in the file alike: what is wrong, where, and what was meant."""
    (here / "friday.yaml").write_text("- fail: web01:migrat\n- takes: {host: wbe01, step: restart, duration: 5m}\n")
    (here / "broken.yaml").write_text("- fial: web01:migrate\n- takes: restart=5y\n- {fail: 'a:b', lost: 'a:b'}\n")

    assert refused("--faults", "friday.yaml", "--lost", "db1:restart") == [
        'friday.yaml:1:15: no step of the plan is called "migrat"; did you mean "migrate"?',
        'friday.yaml:2:17: no host or group is called "wbe01"; did you mean "web01"?',
        '--lost:1:1: no host or group is called "db1"; ',
    ]
    assert refused("--faults", "broken.yaml") == [
        'broken.yaml:1:3: unknown key "fial"; did you mean "fail"?',
        "broken.yaml:3:3: got a mapping of 2 keys, expected exactly one of fail, unreachable, lost and takes; ",
    ]
    assert refused("--fail", "web01", "--takes", "restart=5y", "--chance", "2") == [
        '--fail:1:1: "web01" is not what --fail takes; write HOST:STEP[@TRY]',
        f'--takes:1:9: "5y" is no duration; {FORMS}; write [HOST:]STEP=DURATION',
        '--chance:1:1: "2" is no percentage; write a percentage from 0 to 100, such as "2%"',
    ]


@pytest.mark.usefixtures("here")
def test_options_of_a_run_hold_in_its_simulation():
    """Limits, fail-fast and the exit policy change what a run does, and so its simulation."""
    assert set(statuses(simulate("-l", "web0[1-2]"))) == {"web01", "web02"}
    assert statuses(simulate("-k", "--takes", "web02:migrate=10m", "--fail", "web01:migrate"))["web02"] == "cancelled"
    assert simulate("-l", "web0[1-3]", "--unreachable", "web02", "--exit-policy", "main=web01")["exit"] == 5


FULL = """\
version: 1
inventory: hosts.yaml
plays:
  - name: web
    hosts: web
    strategy: {type: rolling, waves: [1, 4, rest], on_exceed: rollback, bake: 10m, approve: after-first}
    steps:
      - name: drain
        command: drain
        delegate_to: db1
      - name: activate
        command: activate
    rollback:
      - name: previous
        command: previous
"""


def test_bakes_approvals_and_what_is_rolled_back_stand_in_the_text(here):
    """A bake of ten minutes costs nothing, an approval is given, and the rollback shows its order, wave by wave."""
    (here / "site.yaml").write_text(FULL)

    result = call("--fail", "web05:activate")

    assert result.return_value == 8
    assert result.stdout.splitlines()[2:11] == [
        "",
        "t+0s      wave 1 of 3: web01 … 2s  changed 1",
        "t+2s        bake … 10m 0s",
        "t+10m 2s    approval after wave 1: granted",
        "t+10m 2s  wave 2 of 3: web[02-05] … 5s  changed 3  failed 1",
        "t+10m 7s    web05  activate: failed: exit status 1 (simulated) (site.yaml:11)",
        "t+10m 7s    the failure budget is exceeded: 1 failure of 0 allowed; on_exceed: rollback",
        "t+10m 7s  rollback: web[02-05] of wave 2, then web01 of wave 1 … 2s  rolled_back 5",
        "",
    ]


def test_a_denied_approval_ends_the_run(here):
    """No further wave begins, and the exit status is 7."""
    (here / "site.yaml").write_text(FULL)

    data = simulate("--deny")

    assert data["exit"] == 7
    assert statuses(data)["web02"] == "not_run"
    assert [moment["status"] for moment in data["timeline"] if moment["what"] == "approval"] == ["denied"]


def test_a_delegate_that_is_away_is_told(here):
    """It counts before anything starts, and the timeline says who it is."""
    (here / "site.yaml").write_text(FULL)

    data = simulate("--unreachable", "db1")

    assert data["timeline"][0]["hosts"] == ["db1"]
    assert (data["timeline"][0]["status"], data["exit"]) == ("unreachable", 5)


GATED = """\
version: 1
inventory: hosts.yaml
hosts: web
strategy:
  type: rolling
  waves: 3
  gate:
    - http: {url: "http://{{ host.address }}/", from: controller}
      successes: 2
      failed_when: result.body != "ready"
      deadline: 1m
steps:
  - command: activate
"""


def test_gates_pass_unless_they_are_told_not_to(here):
    """Two looks of a second, two seconds apart; one that fails once passes later, one that always does ends the run."""
    (here / "site.yaml").write_text(GATED)

    well, late, never = simulate(), simulate("--fail", "web05:gate@1"), simulate("--fail", "web05:gate")

    gates = [[moment for moment in data["timeline"] if moment["what"] == "gate"] for data in (well, late, never)]
    assert [(gate["at"], gate["until"]) for gate in gates[0]] == [(1.0, 5.0), (6.0, 10.0), (11.0, 15.0)]
    assert gates[1][1]["until"] == 6.0 + 1 + 2 + 1 + 2 + 1
    assert statuses(never)["web05"] == "gate_failed"
    assert (well["exit"], late["exit"], never["exit"]) == (0, 0, 7)


def test_steps_and_gates_in_a_hurry_are_well_too(here):
    """A timeout or a deadline of a second or less is met, unless a fault says otherwise."""
    hurried = GATED.replace("deadline: 1m", "deadline: 1s, interval: 500ms".replace(", ", "\n      "))
    (here / "site.yaml").write_text(hurried + "    timeout: 1s\n  - {command: switch, idle_timeout: 200ms}\n")

    assert simulate()["exit"] == 0
    assert statuses(simulate("--takes", "web05:command=2s"))["web05"] == "failed"


def test_a_look_of_a_gate_takes_what_it_is_told_to(here):
    """Beyond the deadline the gate is not met; a host that went away meanwhile has not passed it."""
    (here / "site.yaml").write_text(GATED)

    assert simulate("--takes", "gate=20s")["timeline"][1]["until"] == 1 + 20 + 2 + 20
    assert simulate("--takes", "gate=2m")["exit"] == 7
    assert statuses(simulate("--unreachable", "web01:gate"))["web01"] == "gate_failed"


@pytest.mark.usefixtures("here")
def test_a_gate_that_is_not_there_is_told():
    """A playbook without one has nothing that could fail."""
    [problem] = refused("--fail", "web01:gate")

    assert problem.startswith('--fail:1:7: no step of the plan is called "gate"')


def test_an_include_takes_what_nobody_knows(here):
    """A typed input that is handed an answer takes its place, and the file's own conditions on it hold."""
    (here / "site.yaml").write_text(
        "version: 1\ninventory: hosts.yaml\nhosts: db1\nsteps:\n"
        "  - {command: count, register: counted}\n"
        "  - {name: part, include: {file: part.yaml, vars: {count: '{{ counted.stdout | int }}'}}, register: out}\n"
        "  - {command: 'use {{ out.made.stdout }}', when: out.made.rc > 3}\n"
    )
    (here / "part.yaml").write_text(
        "inputs: {count: {type: integer}}\nsteps:\n  - {name: make, command: make, register: made, when: count > 3}\n"
    )

    [host] = simulate()["hosts"]

    assert host["steps"] == {"command": "changed", "part/make": "changed", "command-2": "changed"}
