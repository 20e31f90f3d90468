"""The published schemas are made from the code, valid, and committed as they are made."""

import json
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner

from runner import journal
from runner.cli.schema import as_text, command
from runner.loading.schemas import published
from runner.model.events import HostClosed, StepEnded
from runner.steps import kinds

COMMITTED = Path(__file__).parents[2] / "schemas"
SCHEMAS = published(kinds())


def errors(name, value):
    return [error.message for error in jsonschema.Draft202012Validator(SCHEMAS[name]).iter_errors(value)]


@pytest.mark.parametrize("name", SCHEMAS)
def test_each_schema_is_a_schema(name):
    """An editor can load it."""
    jsonschema.Draft202012Validator.check_schema(SCHEMAS[name])


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_committed_schema_is_the_one_the_code_makes(name):
    """Whoever changes the language runs `runner schema --write`."""
    assert (COMMITTED / f"{name}.schema.json").read_text(encoding="utf-8") == as_text(SCHEMAS[name])


@pytest.mark.parametrize(
    "playbook",
    [
        {"version": 1, "hosts": "all", "steps": [{"command": "uptime"}]},
        {
            "version": 1,
            "name": "x",
            "inventory": {"hosts": {"web1": None}},
            "plays": [{"hosts": ["a", "b"], "strategy": {"type": "rolling", "waves": [1, "25%", "rest"]}, "steps": [
                {"copy": {"content": "x", "dest": "/x"}, "retry": {"attempts": 3, "delay": "2s"}, "timeout": 0}
            ]}],
        },
        {
            "version": 1,
            "plays": [
                {
                    "hosts": "all",
                    "strategy": {"on_exceed": "rollback", "gate": [{"command": "a", "from": "web1"}]},
                    "steps": [
                        {"block": [{"command": "a"}], "rescue": {"on": ["failed"], "steps": [{"log": "x"}]}},
                        {"include": {"file": "a.yaml", "vars": {"x": 1}}, "loop": [1], "register": "all"},
                        {"flush": "handlers"},
                    ],
                    "handlers": [{"command": "a"}, {"include": "b.yaml", "become": True}],
                    "rollback": [{"command": "b", "delegate_to": "web2"}],
                },
                {"include": "other.yaml", "name": "x", "needs": [], "tags": ["t"], "when": "a"},
            ],
        },
    ],
)  # fmt: skip
def test_good_playbooks_fit(playbook):
    """Both forms of a playbook, with an inventory inside."""
    assert errors("playbook", playbook) == []


@pytest.mark.parametrize(
    "playbook",
    [
        {"hosts": "all", "steps": [{"command": "uptime"}]},
        {"version": 1, "hosts": "all", "steps": [{"comand": "uptime"}]},
        {"version": 1, "hosts": "all", "steps": [{"command": "uptime", "timeot": 3}]},
        {"version": 1, "hosts": "all", "steps": [{"command": "uptime", "shell": "uptime"}]},
        {"version": 1, "plays": [{"hosts": "all", "strategy": {"waves": 0}, "steps": [{"command": "a"}]}]},
        {"version": 1, "plays": [], "hosts": "all"},
        {"version": 1, "plays": [{"include": "other.yaml", "hosts": "all"}]},
        {"version": 1, "hosts": "all", "steps": [{"tcp": "a:80"}]},
        {"version": 1, "hosts": "all", "steps": [{"block": [{"command": "a"}], "retry": {}}]},
        {"version": 1, "hosts": "all", "steps": [{"flush": "handlers", "once": "run"}]},
        {"version": 1, "hosts": "all", "steps": [{"command": "a"}], "handlers": [{"block": [{"command": "a"}]}]},
        {"version": 1, "hosts": "all", "steps": [{"command": "a"}], "handlers": [{"include": "a.yaml", "when": True}]},
        {"version": 1, "hosts": "all", "steps": [{"command": "a"}], "strategy": {"gate": [{"shell": "a"}]}},
    ],
)
def test_bad_playbooks_do_not_fit(playbook):
    """What runner refuses, an editor underlines."""
    assert errors("playbook", playbook)


def test_records_of_the_journal_fit():
    """The fields of an event and those that the journal puts round them."""
    ended = StepEnded(play="p", wave=1, host="h", step="s", kind="command", status="ok")
    for event in (HostClosed(host="h"), ended):
        line, _ = journal.encode(event, seq=0, ts=0.5, run="r1", previous="00000000")
        record = json.loads(line)

        assert errors("event", record) == []
        assert errors("event", {**record, "sum": 5})
        assert errors("event", {**record, "event": "nonsense"})


def test_a_schema_is_printed_and_all_are_written(tmp_path):
    """By name to standard output; with --write as files, also into a folder that is not there yet."""
    shell = CliRunner()

    assert shell.invoke(command, []).output.split() == list(SCHEMAS)
    assert json.loads(shell.invoke(command, ["plan"]).output) == SCHEMAS["plan"]
    written = shell.invoke(command, ["--write", str(tmp_path / "new")])
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == sorted(
        f"{name}.schema.json" for name in SCHEMAS
    )
    assert written.output.count("\n") == len(SCHEMAS)
    one = shell.invoke(command, ["plan", "--write", str(tmp_path / "one")])
    assert one.exit_code == 0
    assert [path.name for path in (tmp_path / "one").iterdir()] == ["plan.schema.json"]


def test_an_unknown_schema_is_an_error_with_a_suggestion():
    """Exit status 2, and the nearest name."""
    result = CliRunner().invoke(command, ["plann"])

    assert result.exit_code == 2
    assert 'did you mean "plan"?' in result.output
    assert "they are: playbook" in CliRunner().invoke(command, ["zzzzzz"]).output
