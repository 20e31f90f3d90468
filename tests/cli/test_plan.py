"""``runner plan`` at the command line."""

import hashlib
import json
import os
import subprocess
import sys

import jsonschema
import pytest
from click.testing import CliRunner, Result

from runner.cli.options import read_limit
from runner.cli.plan import command
from runner.errors import InputError
from runner.model.schemas import plan_schema

pytestmark = pytest.mark.usefixtures("here")

SITE = """\
version: 1
name: six
inventory: inventory.yaml
vars: {word: hi}
hosts: web
strategy: {type: rolling, waves: 4}
steps:
  - command: [echo, "{{ word }}", "{{ host.name }}"]
    register: said
  - name: show
    log: "{{ said.stdout }}"
  - command: [one]
  - command: [two]
    timeout: 5m
  - shell: sleep 1
"""

FLEET = """\
hosts:
  web[1-6]: {}
  db1: {}
groups:
  web: {hosts: ["web*"]}
"""


SENDING = """\
version: 1
inventory: inventory.yaml
hosts: web[1-2]
steps:
  - copy: {src: dist, dest: /srv/app}
  - template: {src: "{{ host.name }}.conf", dest: /etc/app.conf}
  - script: go.sh
  - command: [date]
    register: now
  - copy: {src: "{{ now.stdout }}", dest: /x}
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with a playbook of five steps and an inventory, as the current one."""
    (tmp_path / "site.yaml").write_text(SITE)
    (tmp_path / "inventory.yaml").write_text(FLEET)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def call(*words: str, env: dict[str, str] | None = None) -> Result:
    """The command with these words."""
    return CliRunner().invoke(command, ["site.yaml", *words], env=env)


def plan(*words: str, env: dict[str, str] | None = None):
    """Its JSON, checked against the published schema."""
    result = call("--format", "json", *words, env=env)
    assert result.exception is None, result.exception
    data = json.loads(result.stdout)
    jsonschema.validate(data, plan_schema())
    return data


def refused(*words: str) -> list[str]:
    """What it says is wrong."""
    error = call(*words).exception
    assert isinstance(error, InputError)
    return [problem.message for problem in error.problems]


def test_every_wave_host_and_step_is_listed():
    """Six hosts and five steps: thirty triples, the counts, the most at work, the longest time."""
    result = call("--all-hosts")

    tasks = [line for line in result.stdout.splitlines() if line.startswith("    wave ")]
    assert len(tasks) == 30
    assert tasks[0].split(maxsplit=4) == ["wave", "1", "web1", "command", "{argv: [echo, hi, web1]}"]
    assert tasks[-1].split(maxsplit=4) == ["wave", "2", "web6", "shell", "{run: sleep 1}"]
    assert "counts       1 play, 2 waves, 6 hosts, 5 steps, 30 tasks" in result.stdout
    assert "at work      at most 4 hosts at once" in result.stdout
    assert "time         at most 4h 10m 0s" in result.stdout


def test_the_same_for_programs():
    """The document has waves with host names, effective settings and, when asked for, tasks."""
    data = plan("--all-hosts")

    assert [wave["hosts"] for wave in data["plays"][0]["waves"]] == [["web1", "web2", "web3", "web4"], ["web5", "web6"]]
    assert data["longest"] == 15000.0
    assert len(data["tasks"]) == 30
    assert data["tasks"][1]["params"] == {"text": "{{ said.stdout }}"}
    assert set(data["inputs"]) == {"site.yaml", "inventory.yaml"}
    assert plan()["tasks"] is None


def test_files_that_steps_send_are_inputs(here):
    """Each with its hash: what is named, what a folder holds, one for each host; a changed mode counts in a folder."""
    (here / "site.yaml").write_text(SENDING)
    (here / "dist").mkdir(mode=0o755)
    for name in ("dist/b", "dist/a", "web1.conf", "go.sh", "db1.conf"):
        (here / name).write_text(name)

    before = plan()["inputs"]
    (here / "dist/b").chmod(0o600)
    (here / "web1.conf").write_text("other")
    after = plan()["inputs"]

    assert set(before) == {"site.yaml", "inventory.yaml", "dist/", "dist/a", "dist/b", "web1.conf", "go.sh"}
    assert before["go.sh"] == hashlib.sha256(b"go.sh").hexdigest()
    assert {name for name in before if before[name] != after[name]} == {"dist/", "web1.conf"}


def test_equal_inputs_give_equal_text():
    """Nothing of the clock or of chance is in it."""
    assert call("--format", "json").stdout == call("--format", "json").stdout
    assert call().stdout == call().stdout


def test_one_host_can_be_looked_at():
    """Steps are rendered for it; a name that is not in the plan is an error with the nearest one."""
    assert "as rendered for web5" in call("--host", "web5").stdout
    assert {task["host"] for task in plan("--host", "web5")["tasks"]} == {"web5"}
    assert refused("--host", "wbe5") == ['--host: "wbe5" is not in the plan']


def test_options_narrow_and_change_the_plan(here):
    """Limits add up, exclusions win, and the rest replaces what the playbook says."""
    (here / "some").write_text("# hosts\nweb[1-4]\n")

    data = plan(
        "-l", "@some", "-l", "web6", "-x", "web2", "-j", "2", "--timeout", "10s", "-k", "-e", "word=ho", "--all-hosts"
    )

    only = data["plays"][0]
    assert only["hosts"] == ["web1", "web3", "web4", "web6"]
    assert (only["concurrency"], only["budget"], only["strategy"]["on_exceed"]) == (2, 0, "kill")
    assert [step["timeout"] for step in only["steps"]] == [10.0, 10.0, 10.0, 300.0, 10.0]
    assert data["tasks"][0]["params"]["argv"] == ["echo", "ho", "web1"]


def test_every_option_has_its_environment_variable():
    """So that a shell or a pipeline can set them once."""
    env = {
        "RUNNER_LIMIT": "web[1-2] web5",
        "RUNNER_EXCLUDE": "web2",
        "RUNNER_CONCURRENCY": "7",
        "RUNNER_TIMEOUT": "1m",
        "RUNNER_SET": "word=env",
        "RUNNER_FAIL_FAST": "1",
        "RUNNER_ALL_HOSTS": "1",
        "RUNNER_INVENTORY": "inventory.yaml",
        "RUNNER_SEED": "3",
        "RUNNER_FORMAT": "json",
        "RUNNER_START_AT": "command",
    }

    data = json.loads(call(env=env).stdout)

    only = data["plays"][0]
    assert only["hosts"] == ["web1", "web5"]
    assert (only["concurrency"], only["strategy"]["on_exceed"], only["steps"][0]["timeout"]) == (7, "kill", 60.0)
    assert data["tasks"][0]["params"]["argv"][1] == "env"
    assert [step["id"] for step in plan(env={"RUNNER_START_AT": "command-3"})["plays"][0]["steps"]] == [
        "command-3",
        "shell",
    ]
    assert "web3" in call("--host", "web3").stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("-l", "wbe"), '"wbe"'),
        (("-l", "db1"), "nothing is left to run: --limit db1 leaves no play a host"),
        (("--timeout", "soon"), "--timeout"),
        (("--start-at", "shell-2"), 'there is no step "shell-2"'),
        (("--start-at", "show"), 'step "show" needs "said" of step "command", which --start-at show leaves out'),
        (("-l", "@missing"), 'can\'t take hosts from "missing": No such file or directory'),
    ],
)
def test_wrong_options_are_refused(words, message):
    """Each names what is wrong, before anything is planned."""
    assert message in refused(*words)[0]


@pytest.mark.parametrize("count", ["0", "-1", "2.5", "many"])
def test_a_concurrency_is_a_count_or_auto(count):
    """Anything else is told with what may stand there."""
    result = call("-j", count)

    assert result.exit_code == 2
    assert f'"{count}" is no number of hosts' in result.stderr
    assert call("-j", "auto").exit_code == 0


def test_an_empty_list_of_hosts_is_no_limit_on_all(here):
    """Last night's failed hosts, when there are none, must not mean every host."""
    (here / "failed").write_text("# none\n\n")
    (here / "bytes").write_bytes(b"\xff\xfe")

    assert read_limit(("web1",), here) == ("web1",)
    with pytest.raises(InputError) as raised:
        read_limit(("@failed", "@bytes"), here)
    assert [problem.message for problem in raised.value.problems] == [
        'can\'t take hosts from "failed": it names no host',
        'can\'t take hosts from "bytes": it is no text in UTF-8',
    ]


def test_a_plan_can_be_drawn():
    """For Mermaid and for Graphviz; hosts that steps would be rendered for have no place there."""
    assert call("--format", "mermaid").stdout.startswith('flowchart TD\n  subgraph play1["play six"]\n')
    assert 'p1w1 [shape=folder, label="wave 1: web[1-4]"]' in call("--format", "dot").stdout
    assert call("--format", "dot", "--host", "web1").exit_code == 2


def test_warnings_go_to_standard_error(here):
    """Standard output holds the plan alone."""
    (here / "site.yaml").write_text(SITE.replace("{word: hi}", "{word: hi, unused: 1}"))

    result = call("--format", "json")

    assert "unused" in result.stderr
    json.loads(result.stdout)


def test_no_ssh_and_no_logging_library_is_loaded(here):
    """Planning contacts nothing, and does not pay for what it does not use; not one socket is made."""
    code = """
import sys
def watch(event, args):
    if event.startswith(("socket.", "subprocess.", "os.exec", "os.fork")):
        raise AssertionError(event)
sys.addaudithook(watch)
from runner.cli.main import cli
cli.main(["plan", "site.yaml"], standalone_mode=False)
print(*sorted({"asyncssh", "structlog", "rich"} & set(sys.modules)), file=sys.stderr)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=here, capture_output=True, text=True, check=True, env={**os.environ}
    )

    assert done.stderr == "\n"
    assert "plan of site.yaml: six" in done.stdout
