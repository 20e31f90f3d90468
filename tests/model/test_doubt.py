"""A journal that was not synced, on a machine that has been started anew."""

from pathlib import Path

from scenario import scenario
from scenarios.test_going_on import died, on

from runner.model.doubt import doubt, is_doubtful
from runner.model.events import RunStarted, StepEnded
from runner.model.past import Past

PLAYBOOK = """
version: 1
hosts: web[01-02]
strategy: {type: rolling, waves: 1}
steps: [{id: a, command: a}, {id: b, command: b}, {id: c, command: c}]
"""


def past_of(tmp_path: Path, *, durability: str = "relaxed") -> tuple[Past, object]:
    ran = scenario(PLAYBOOK, tmp_path)
    past = Past()
    for seq, event in enumerate(died(ran, on(StepEnded, host="web01", step="a"))):
        past.apply(event, seq)
    past.last = RunStarted(
        schema="1.0", tool="0", mode="run", playbook="p", name="n", user="ada", controller="here", pid=1,
        durability=durability, boot_id="before",
    )  # fmt: skip
    return past, ran.plan


def test_a_machine_started_anew_is_told_from_one_that_was_not(tmp_path: Path) -> None:
    """Only without syncs, and only after a new start of the machine, is the end of the journal in doubt."""
    past, _ = past_of(tmp_path)
    assert is_doubtful(past, "after")
    assert not is_doubtful(past, "before")
    assert not is_doubtful(past, "")
    assert not is_doubtful(past_of(tmp_path, durability="full")[0], "after")


def test_what_has_no_end_is_unknown_then(tmp_path: Path) -> None:
    """On a host that had begun each step without an end may have been sent; others have done nothing."""
    past, plan = past_of(tmp_path)
    assert doubt(past, plan) == 2
    steps = past.plays["play"].hosts["web01"].steps
    assert {name: step.is_open for name, step in steps.items()} == {"a": False, "b": True, "c": True}
    assert past.host("play", "web02") is None
