"""RUNNER_CRASHPOINT: a run that dies on purpose, for the tests of going on after a crash."""

import json
from pathlib import Path

import pytest
from commandline import Done, project, runner

from runner.crashpoints import chosen

PLAYBOOK = """\
version: 1
hosts: here
steps:
  - shell: echo one >> {folder}/done
  - shell: echo two >> {folder}/done
"""


def crash(point: str, folder: Path) -> Done:
    """Run two steps on this machine, with a crash at the point."""
    project(folder, PLAYBOOK.format(folder=folder), "connection: local\nhosts: {here: {}}\n")
    return runner("run", "site.yaml", "-i", "hosts.yaml", cwd=folder, RUNNER_CRASHPOINT=point)


def done(folder: Path) -> list[str]:
    """What the steps have done."""
    file = folder / "done"
    return file.read_text().split() if file.exists() else []


def events(ran: Done) -> list[str]:
    """The events that are in the journal, a torn line left out."""
    lines = (ran.folder / "events.jsonl").read_bytes().splitlines(keepends=True)
    return [json.loads(line)["event"] for line in lines if line.endswith(b"\n")]


def test_a_step_is_not_sent_before_its_intent_is_on_disk(tmp_path: Path) -> None:
    """Between the two there is a moment at which the journal has the intent and the host has nothing."""
    ran = crash("after_sync_before_send", tmp_path)

    assert ran.code == -9
    assert events(ran)[-1] == "step.intent"
    assert done(tmp_path) == []


def test_it_dies_at_the_counted_pass(tmp_path: Path) -> None:
    """``:2`` lets the first step pass."""
    ran = crash("after_sync_before_send:2", tmp_path)

    assert ran.code == -9
    assert events(ran).count("step.intent") == 2
    assert done(tmp_path) == ["one"]


@pytest.mark.parametrize(
    ("point", "last"),
    [
        ("before_append", None),
        ("after_append_before_sync", "lock.taken"),
        ("after_send", "step.intent"),
        ("before_step_ended", "step.intent"),
        ("after_step_ended", "step.intent"),
        ("in_plan_write", None),
        ("before_run_ended", "host.ended"),
    ],
)
def test_each_point_is_where_its_name_says(point: str, last: str | None, tmp_path: Path) -> None:
    """The last record that is in the file tells the place; what came after it waited for the next write."""
    ran = crash(point, tmp_path)

    journal = ran.folder / "events.jsonl"
    found = events(ran) if journal.exists() else []
    assert ran.code == -9
    assert (found[-1] if found else None) == last or (point == "before_run_ended" and "run.ended" not in found)
    assert "warning: RUNNER_CRASHPOINT" in ran.err


@pytest.mark.parametrize("text", ["nowhere", "after_send:", "after_send:0", "after_send:x", "after_send:-1", ":2"])
def test_a_wrong_value_is_refused(text: str, tmp_path: Path) -> None:
    """A test that crashes nowhere would prove nothing: exit 2, with the names of the points."""
    ran = crash(text, tmp_path)

    assert ran.code == 2
    assert "before_append" in ran.err
    assert not ran.runs.exists()


def test_a_point_is_named_with_or_without_a_count() -> None:
    """Without one it is the first pass."""
    assert chosen("after_send") == ("after_send", 1)
    assert chosen("after_send:12") == ("after_send", 12)
    assert chosen("") is None
