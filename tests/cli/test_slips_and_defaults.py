"""Slips of the pen are found before anything runs, and what nobody wrote is in the plan all the same."""

import json
from pathlib import Path

import pytest
from commandline import Done, runner

HEAD = "version: 1\ninventory: {connection: local, hosts: {h1: {}, h2: {}}}\nhosts: all\n"
STEP = "steps:\n  - command: [touch, done]\n"


def call(folder: Path, command: str, text: str, *words: str) -> Done:
    """A command on a playbook of this text."""
    (folder / "site.yaml").write_text(text)
    return runner(command, "site.yaml", *words, cwd=folder)


@pytest.mark.parametrize("command", ["validate", "run"])
@pytest.mark.parametrize(
    ("line", "place", "message", "hint"),
    [
        ("max_failurs: 1", "4:12", 'unknown key "max_failurs"', 'did you mean "max_failures"?'),
        ("type: roling", "4:18", 'got the text "roling"', 'did you mean "rolling"?'),
        ("concurrency: -1", "4:25", "got the number -1, expected a count or auto", "strategy: {concurrency: 5}"),
        ("concurrency: many", "4:25", 'got the text "many", expected a count or auto', "strategy: {concurrency: 5}"),
    ],
)
def test_a_slip_in_the_strategy_is_told_with_its_place(tmp_path, command, line, place, message, hint) -> None:
    """File, line and column, the line itself with a mark below it, and what to write."""
    done = call(tmp_path, command, f"{HEAD}strategy: {{{line}}}\n{STEP}")

    assert done.code == 2
    said = done.err + done.out
    assert f"site.yaml:{place}: error: {message}" in said
    assert f"    4 | strategy: {{{line}}}\n" in said
    assert hint in said
    assert not (tmp_path / "runs").exists()


PLAYS = "version: 1\ninventory: {connection: local, hosts: {h1: {}, h2: {}}}\nplays:\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (PLAYS + "  - {name: a, steps: [{command: [touch, done]}]}\n", 'site.yaml:4:5: error: missing key "hosts"'),
        (HEAD + "steps:\n  - comand: [touch, done]\n", 'site.yaml:5:5: error: unknown key "comand"'),
        (
            HEAD + "steps:\n  - {command: [touch, done], needs: tow}\n  - {id: two, command: [date]}\n",
            'site.yaml:5:37: error: there is no step "tow" to need',
        ),
        (
            PLAYS
            + "  - {name: a, hosts: all, needs: b, steps: [{command: [touch, done]}]}\n"
            + "  - {name: b, hosts: all, needs: a, steps: [{command: [touch, done]}]}\n",
            'error: these plays wait for each other: "a" (site.yaml:4:5) needs "b" (site.yaml:5:5) needs "a"',
        ),
    ],
    ids=["missing", "unknown", "needs", "circle"],
)
def test_nothing_runs_of_a_playbook_that_makes_no_sense(tmp_path, text, message) -> None:
    """A key that is missing or unknown, a need that nobody meets, plays that wait for each other."""
    done = call(tmp_path, "run", text)

    assert done.code == 2
    assert message in done.err
    assert not (tmp_path / "done").exists()
    assert not (tmp_path / "runs").exists()


ALWAYS = {
    "order": "inventory",
    "of": "total",
    "group_by": None,
    "spread": "even",
    "per_group_limit": None,
    "concurrency": "auto",
    "sync": "independent",
    "max_failure_percent": None,
    "failure_scope": "run",
    "on_exceed": "stop",
    "gate": [],
    "bake": 0.0,
    "approve": [],
}


@pytest.mark.parametrize(
    ("written", "own"),
    [
        ("", {"type": "parallel", "waves": ["rest"], "max_failures": None, "preflight": False}),
        ("strategy: rolling\n", {"type": "rolling", "waves": [1], "max_failures": 0, "preflight": True}),
        ("strategy: sequential\n", {"type": "sequential", "waves": [1], "max_failures": 0, "preflight": True}),
    ],
)
def test_every_default_is_in_the_plan(tmp_path, written, own) -> None:
    """Of a playbook with hosts and steps alone: all that a strategy and a step can say, with the documented value."""
    play = json.loads(call(tmp_path, "plan", HEAD + written + STEP, "--format", "json").out)["plays"][0]
    text = call(tmp_path, "plan", HEAD + written + STEP).out

    assert play["strategy"] == {**ALWAYS, **own}
    step = play["steps"][0]
    assert (step["timeout"], step["idle_timeout"], step["retry"], step["ok_codes"]) == (1800.0, None, None, [0])
    assert (step["on_failure"], step["on_resume"], step["read_only"]) == ("stop", "skip", False)
    assert all(f"{key}: " in text for key in {*ALWAYS, *own} - {"type", "gate"})
