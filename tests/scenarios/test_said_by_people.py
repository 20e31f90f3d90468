"""What a person says of steps whose end nobody heard, or whose output is lost: taken at their word, and no further."""

from pathlib import Path

from scenario import Ran, scenario
from scenarios.test_going_on import died, on, sent

from runner.model.events import Decision, Event, StepEnded, StepIntent
from runner.model.outcome import Captured
from runner.transport import CommandResult, Recalled
from runner.transports.fake import Fake


def said(what: str, step: str, *, item: int | None = None) -> Decision:
    """What ``runner resolve`` records."""
    return Decision(play="play", wave=1, host="web01", step=step, item=item, what=what, by="ada", how="resolve")


def test_output_of_a_step_that_a_person_says_was_done_is_not_made_up(tmp_path: Path) -> None:
    """Nobody knows what it printed, nor that it changed nothing."""
    playbook = """
    version: 1
    hosts: web01
    steps:
      - {id: a, command: a, register: r}
      - {id: b, command: b, when: r.changed}
      - {id: c, command: [c, "{{ r.stdout }}"]}
    """
    first = scenario(playbook, tmp_path)
    unknown = scenario(playbook, tmp_path, before=died(first, on(StepIntent, step="a")))
    assert unknown.statuses() == {"web01": "unknown"}

    before = [*died(first, on(StepIntent, step="a")), *unknown.recorder.events, said("ok", "a")]
    again = scenario(playbook, tmp_path, before=before)

    assert sent(again) == [("web01", "b")]
    [ended] = again.all(StepEnded, step="c")
    assert ended.status == "failed"
    assert "runner resolve r1 web01 a --rerun --reason TEXT" in ended.reason


LOOP = """
version: 1
hosts: web01
steps:
  - {id: a, command: [a, "{{ item }}"], loop: [x, y, z], register: r}
  - {id: b, command: [b, "{{ r.results[1].stdout }}"]}
"""


def looped(tmp_path: Path) -> tuple[list[Event], Ran]:
    """A run that was killed in the second item of its loop, and gone on with: what that item printed is lost."""
    first = died(scenario(LOOP, tmp_path), on(StepIntent, step="a", item=2))
    lost = Recalled("done", CommandResult(0, stdout=Captured(b"", b"", size=1)))
    again = scenario(LOOP, tmp_path, fake=Fake(recall=lambda _, __: lost), before=first)
    return [*first, *again.recorder.events], again


def test_the_item_whose_output_is_lost_is_named(tmp_path: Path) -> None:
    """So that it alone runs again."""
    _, again = looped(tmp_path)

    assert sent(again) == [("web01", "a z")]
    [ended] = again.all(StepEnded, step="b")
    assert 'what step "a" (item 2) printed on "web01" is not known' in ended.reason
    assert "runner resolve r1 web01 a --rerun --item 2" in ended.reason


def test_an_item_that_is_to_run_again_does_so_alone(tmp_path: Path) -> None:
    """As its next attempt; also where the whole loop is named, if the output of others is known."""
    before, _ = looped(tmp_path)

    for item in (2, None):
        again = scenario(LOOP, tmp_path, before=[*before, said("rerun", "a", item=item)])
        assert [text for _, text in sent(again)] == ["a y", "b ''"]
        assert [(one.item, one.attempt) for one in again.all(StepIntent, step="a")] == [(2, 2)]
        assert again.summary.status == "ok"


def test_a_loop_of_which_nothing_is_lost_runs_again_as_a_whole(tmp_path: Path) -> None:
    """A person says so."""
    first = scenario(LOOP, tmp_path)

    again = scenario(LOOP, tmp_path, before=[*first.recorder.events, said("rerun", "a")])

    assert [text for _, text in sent(again)] == ["a x", "a y", "a z"]
    assert [one.attempt for one in again.all(StepIntent, step="a")] == [2, 2, 2]
