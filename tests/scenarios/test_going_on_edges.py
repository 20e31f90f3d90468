"""A run that is gone on with behind a lost host, a block that runs once, and a step that others need."""

from pathlib import Path

import pytest
from scenario import gone, scenario
from scenarios.test_going_on import died, on, sent

from runner.model.events import Decision, StepEnded, StepIntent, StepRetry
from runner.transport import CommandResult, Recalled
from runner.transports.fake import Answer, Fake, answers


def settled(step: str, section: str = "") -> Decision:
    """A person says that a step was done on web01."""
    where = {"play": "play", "wave": 1, "host": "web01", "step": step, "section": section, "attempt": 1}
    return Decision(**where, what="ok", by="ada", how="resolve")


def test_what_a_lost_host_was_spared_is_made_up_for(tmp_path: Path) -> None:
    """What runs in any case could not while the host was lost: it does so when the host goes on."""
    playbook = """
    version: 1
    hosts: web01
    steps:
      - block: [{id: a, command: a}]
        always: [{id: tidy, command: tidy}]
      - {id: b, command: b}
    """
    first = scenario(playbook, tmp_path, answers({("*", "a"): Answer(lost="reset")}))
    assert first.steps("web01") == {"a": "unknown", "tidy": "skipped"}
    again = scenario(playbook, tmp_path, before=[*first.recorder.events, settled("a")])
    assert sent(again) == [("web01", "tidy"), ("web01", "b")]


@pytest.mark.parametrize("scope", ["wave", "run"])
def test_a_handler_for_all_is_not_forgotten_with_a_lost_host(tmp_path: Path, scope: str) -> None:
    """It was skipped when its host was lost, and runs when that is there again."""
    playbook = f"""
    version: 1
    hosts: web01
    handlers: [{{id: reload, command: reload, once: {scope}}}]
    steps:
      - {{id: a, command: a, notify: reload}}
      - {{id: b, command: b}}
    """
    first = scenario(playbook, tmp_path, answers({("*", "b"): Answer(lost="reset")}))
    again = scenario(playbook, tmp_path, before=[*first.recorder.events, settled("b")])
    assert sent(again) == [("web01", "reload")]


def test_what_a_host_has_begun_for_all_is_not_begun_by_another(tmp_path: Path) -> None:
    """The host that has begun a block that runs once is out of reach now: the block went badly, for all."""
    playbook = """
    version: 1
    hosts: web[01-02]
    strategy: {preflight: true}
    steps:
      - {id: once, once: run, block: [{id: a, command: a}, {id: b, command: b}]}
      - {id: c, command: c}
    """
    first = scenario(playbook, tmp_path)
    before = died(first, on(StepEnded, step="a"))
    again = scenario(playbook, tmp_path, fake=gone("web01"), before=before)
    assert sent(again) == []
    assert again.statuses() == {"web01": "unreachable", "web02": "failed"}
    assert "run once, on web01, where it ended midway" in again.all(StepEnded, host="web02")[0].reason


def test_a_step_that_others_need_ended_well_though_its_block_goes_on(tmp_path: Path) -> None:
    """One host is past the block, the other waits for a step inside it: that one has ended well on both."""
    playbook = """
    version: 1
    hosts: web[01-02]
    steps:
      - block:
          - {id: a, command: a}
          - {id: b, command: "b {{ host.name }}", needs: a}
      - {id: c, command: c}
    """
    first = scenario(playbook, tmp_path, answers({("web02", "b web02"): Answer(duration=5)}))
    before = died(first, on(StepEnded, host="web01", step="c"))
    fake = Fake(recall=lambda _, __: Recalled("never"))
    again = scenario(playbook, tmp_path, fake=fake, before=before)
    assert sent(again) == [("web02", "b web02"), ("web02", "c")]
    assert again.summary.status == "ok"


def test_an_attempt_that_still_ran_is_followed_by_the_next(tmp_path: Path) -> None:
    """What runs in any case is waited for, and then runs again, as the attempt behind the one that was waited for."""
    playbook = """
    version: 1
    hosts: web01
    steps: [{id: a, command: a, retry: {attempts: 3}}]
    always: [{id: tidy, command: tidy}]
    """
    first = scenario(playbook, tmp_path, answers({("*", "a"): [Answer(rc=1), Answer(rc=1), Answer()]}))
    looks = iter([Recalled("running", group=7), Recalled("never")])
    fake = Fake(recall=lambda _, __: next(looks))
    again = scenario(playbook, tmp_path, fake=fake, before=died(first, on(StepIntent, step="tidy")))
    assert [event.attempt for event in again.all(StepIntent)] == [2]
    assert again.summary.status == "ok"


def test_a_handler_that_a_person_takes_as_done_does_not_run(tmp_path: Path) -> None:
    """It was sent and its end not heard: what is said of it counts for what was notified, too."""
    playbook = """
    version: 1
    hosts: web01
    handlers: [{id: reload, command: reload}]
    steps: [{id: a, command: a, notify: reload}]
    """
    first = scenario(playbook, tmp_path)
    said = settled("reload", section="handlers")
    again = scenario(playbook, tmp_path, before=[*died(first, on(StepIntent, step="reload")), said])
    assert sent(again) == []
    assert again.summary.status == "ok"


def test_a_budget_that_was_exceeded_before_anybody_began_leaves_all_to_do(tmp_path: Path) -> None:
    """Preflight found a host out of reach, and there was nothing to take back: when it is there, the play runs."""
    playbook = """
    version: 1
    hosts: web[01-02]
    strategy: {type: rolling, waves: 1, max_failures: 0, on_exceed: rollback}
    steps: [{id: a, command: a}]
    rollback: [{command: back}]
    """
    first = scenario(playbook, tmp_path, fake=gone("web02"))
    assert sent(first) == []
    again = scenario(playbook, tmp_path, before=first.recorder.events)
    assert sent(again) == [("web01", "a"), ("web02", "a")]
    assert again.summary.status == "ok"


def test_a_try_that_failed_is_followed_by_those_that_are_left(tmp_path: Path) -> None:
    """The process died in the pause behind the first of two tries, whose bad end the host tells: the second is made."""
    playbook = """
    version: 1
    hosts: web01
    steps: [{id: a, command: a, retry: {attempts: 2, delay: 5s}}]
    """
    first = scenario(playbook, tmp_path, answers({("*", "a"): [Answer(rc=1), Answer()]}))
    before = died(first, on(StepRetry))
    fake = Fake(recall=lambda _, __: Recalled("done", CommandResult(1)))
    again = scenario(playbook, tmp_path, fake=fake, before=before)
    assert sent(again) == [("web01", "a")]
    assert [event.attempt for event in again.all(StepIntent)] == [2]
    assert again.summary.status == "ok"

    fake = Fake(answers({("*", "a"): Answer(rc=1)}), recall=lambda _, __: Recalled("done", CommandResult(1)))
    again = scenario(playbook, tmp_path, fake=fake, before=before)
    assert sent(again) == [("web01", "a")]
    assert again.statuses() == {"web01": "failed"}
