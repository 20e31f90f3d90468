"""What ``runner plan`` leaves of a playbook: by tags, filters, conditions; and what it refuses."""

import json

import pytest
from click.testing import CliRunner

from runner.cli.plan import command
from runner.errors import InputError

pytestmark = pytest.mark.usefixtures("here")

SITE = """\
version: 1
inventory: inventory.yaml
inputs:
  release: {type: string, default: "1"}
plays:
  - name: web
    hosts: web
    tags: front
    strategy: {type: rolling, waves: "50%", of: remaining}
    steps:
      - name: ask
        command: [ask]
        tags: [slow]
        register: answer
        read_only: true
      - name: use
        command: [use, "{{ answer.stdout }}"]
      - block:
          - name: drain
            command: [drain, "{{ host.name }}"]
            delegate_to: "{{ lb }}"
            tags: [slow]
          - name: go
            command: [go]
        tags: [deploy]
        rescue:
          - command: [mend]
      - name: look
        log: looking
        tags: [never, debug]
  - name: data
    hosts: db
    when: release == "2"
    steps: [{command: [migrate]}]
  - name: last
    hosts: web
    steps: [{command: [last], tags: always}]
"""

FLEET = """\
hosts:
  web[1-6]: {vars: {rack: "{{ 'a' if host.index is odd else 'b' }}", lb: "lb{{ 1 + host.index % 2 }}"}}
  db1: {}
  lb[1-2]: {}
groups:
  web: {hosts: ["web*"]}
  db: {hosts: [db1]}
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with a playbook of three plays and an inventory, as the current one."""
    (tmp_path / "site.yaml").write_text(SITE)
    (tmp_path / "inventory.yaml").write_text(FLEET)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def plan(*words, **env):
    """The plan as data."""
    result = CliRunner().invoke(command, ["site.yaml", "--format", "json", *words], env=env)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return json.loads(result.stdout)


def steps(*words, **env):
    """The ids of all steps that are left, by play; those of a block in parentheses."""

    def ids(nodes):
        return " ".join(f"{node['id']}({ids(node['steps'])})" if node["steps"] else node["id"] for node in nodes)

    return {play["id"]: ids(play["steps"]) for play in plan(*words, **env)["plays"]}


def refused(*words):
    with pytest.raises(InputError) as raised:
        plan(*words)
    return [problem.message for problem in raised.value.problems]


@pytest.mark.parametrize(
    ("words", "left"),
    [
        ((), {"web": "ask use block(drain go)", "last": "command"}),
        (("-t", "slow"), {"web": "ask block(drain)", "last": "command"}),
        (("--tags", "deploy and not slow"), {"web": "block(go)", "last": "command"}),
        (("--skip-tags", "dep*"), {"web": "ask use", "last": "command"}),
        (("-t", "debug", "-t", "slow"), {"web": "ask block(drain) look", "last": "command"}),
        (("-t", "deploy", "--skip-tags", "always"), {"web": "block(drain go)"}),
        (("--start-at", "go"), {"web": "block(go)", "last": "command"}),
        (("--start-at", "last.command"), {"last": "command"}),
        (("-e", "release=2"), {"web": "ask use block(drain go)", "data": "command", "last": "command"}),
        (("-l", "db1", "-e", "release=2"), {"data": "command"}),
    ],
)
def test_what_is_left(words, left):
    """Tags of a play and a block count for each step inside; a play left without hosts or steps goes."""
    assert steps(*words) == left


def test_tags_can_come_from_the_environment():
    """An expression has blanks, so each line is one."""
    assert steps(RUNNER_TAGS="deploy and not slow\ndebug", RUNNER_SKIP_TAGS="always") == {"web": "block(go) look"}
    assert steps(RUNNER_START_AT="last.command") == {"last": "command"}


def test_a_play_hands_its_needs_on_where_it_is_passed_over():
    """Plays written one after another need each other; the plan says which is not there, and why."""
    data = plan()

    assert [(play["id"], play["needs"]) for play in data["plays"]] == [("web", []), ("last", ["web"])]
    assert data["notes"] == ['play "data" is passed over: its when (release == "2") is false for all its hosts']


def test_waves_of_what_remains_and_delegates_are_in_the_plan():
    """Half of what is left, floored, at least one; and every balancer that a step is delegated to."""
    web = plan()["plays"][0]

    assert [len(wave["hosts"]) for wave in web["waves"]] == [3, 1, 1, 1]
    assert web["delegates"] == ["lb1", "lb2"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("-t", "depoy"), '--tags: no step has the tag "depoy"'),
        (("-t", "deploy and"), '--tags: a tag is missing at the end of "deploy and"'),
        (("--start-at", "command"), '--start-at: several steps are called "command"'),
        (("--skip-tags", "front,always"), "nothing is left to run: "),
        (("--skip-tags", "slow"), 'step "use" needs "answer" of step "ask", which --skip-tags slow leaves out'),
    ],
)
def test_a_choice_that_cannot_run_is_refused(words, message):
    """Naming the option, before any host is contacted."""
    assert refused(*words)[0].startswith(message)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"{{ lb }}"', "lb3", 'there is no host "lb3", of delegate_to of step "drain"'),
        ('"50%", of: remaining', "rest, group_by: rack, per_group_limit: 2", 'step "use" would wait without end'),
    ],
)
def test_a_plan_that_cannot_work_is_refused(here, old, new, message):
    """A delegate that is not there; hosts that would wait for others whom their group keeps out."""
    text = SITE.replace(old, new).replace("      - name: use\n", "      - name: use\n        needs: [ask]\n")
    (here / "site.yaml").write_text(text)

    assert refused()[0].startswith(message)
