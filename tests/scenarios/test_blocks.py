"""Blocks: a condition asked once, what is done about a failure, and what is done in any case."""

from pathlib import Path

from scenario import Ran, scenario

from runner.errors import ConnectError
from runner.model.events import StepEnded
from runner.transports.fake import Answer, Connection, Fake, answers


def ran(steps: str, folder: Path, table: dict[tuple[str, str], Answer] | None = None, **more: object) -> Ran:
    """A play of these steps on two hosts."""
    return scenario(
        f"version: 1\nhosts: all\nsteps:\n{steps}", folder, answers(table or {}), hosts="web[01-02]", **more
    )  # type: ignore[arg-type]


def test_a_rescue_takes_a_failure_up(tmp_path: Path) -> None:
    """The steps behind the failed one are left out, the rescue runs there alone, and the host goes on, well."""
    steps = """
  - block: [{command: one}, {command: two}, {command: three}]
    rescue: [{command: mend}]
  - command: after
"""
    run = ran(steps, tmp_path, {("web01", "two"): Answer(rc=1)})

    assert run.commands("web01") == ["one", "two", "mend", "after"]
    assert run.commands("web02") == ["one", "two", "three", "after"]
    assert run.statuses() == {"web01": "changed", "web02": "changed"}
    [failed] = run.all(StepEnded, host="web01", status="failed")
    assert failed.rescued
    assert run.summary.status == "ok"


def test_a_rescue_that_fails_fails_the_host(tmp_path: Path) -> None:
    """What went wrong last is the reason."""
    steps = "  - {block: [{command: one}], rescue: [{command: mend}]}\n  - command: after\n"
    run = ran(steps, tmp_path, {("web01", "*"): Answer(rc=1)})

    assert run.commands("web01") == ["one", "mend"]
    assert run.statuses()["web01"] == "failed"


def test_a_rescue_is_for_what_it_names(tmp_path: Path) -> None:
    """By default a failure and a timeout; a host that can't be reached any more only where it says so."""
    steps = "  - {block: [{command: one}], rescue: {on: [timed_out], steps: [{command: mend}]}}\n"
    run = ran(steps, tmp_path, {("web01", "one"): Answer(rc=1)})

    assert run.commands("web01") == ["one"]
    assert run.statuses()["web01"] == "failed"


def test_always_runs_in_any_case(tmp_path: Path) -> None:
    """Behind a good end, behind a failure, and behind a rescue."""
    steps = "  - {block: [{command: one}], always: [{command: tidy}]}\n  - command: after\n"
    run = ran(steps, tmp_path, {("web01", "one"): Answer(rc=1)})

    assert run.commands("web01") == ["one", "tidy"]
    assert run.commands("web02") == ["one", "tidy", "after"]
    assert run.statuses() == {"web01": "failed", "web02": "changed"}


def test_a_condition_is_asked_once_at_the_start(tmp_path: Path) -> None:
    """A step of the block that changes what was asked does not end the block."""
    steps = """
  - set: {wanted: true}
  - block: [{set: {again: false}}, {command: one}, {command: two}]
    when: wanted
  - {block: [{command: three}], when: not wanted}
"""
    run = ran(steps, tmp_path)

    assert run.commands("web01") == ["one", "two"]
    assert run.steps("web01")["command-3"] == "skipped"
    assert run.summary.done == run.summary.total


def test_a_failed_block_may_be_gone_on_behind(tmp_path: Path) -> None:
    """``continue`` fails the host at its end, ``ignore`` does not."""
    steps = """
  - {block: [{command: one}, {command: two}], on_failure: continue}
  - {block: [{command: three}], on_failure: ignore}
  - command: after
"""
    both = ran(steps, tmp_path, {("web01", "one"): Answer(rc=1), ("web02", "three"): Answer(rc=1)})

    assert both.commands("web01") == ["one", "three", "after"]
    assert both.commands("web02") == ["one", "two", "three", "after"]
    assert both.statuses() == {"web01": "failed", "web02": "changed"}


def test_a_block_in_a_block_hands_its_failure_out(tmp_path: Path) -> None:
    """The inner one tidies up, the outer one mends."""
    steps = """
  - block:
      - {block: [{command: one}], always: [{command: tidy}]}
      - command: two
    rescue: [{command: mend}]
"""
    run = ran(steps, tmp_path, {("web01", "one"): Answer(rc=1)})

    assert run.commands("web01") == ["one", "tidy", "mend"]
    assert run.statuses()["web01"] == "changed"


def test_a_lost_host_is_taken_care_of_elsewhere(tmp_path: Path) -> None:
    """Where it can't be reached any more only what is delegated runs in its rescue, and nothing is sent to it."""

    def connecting(host: object, _: int) -> Connection:
        gone = getattr(host, "name", "") == "web01"
        return Connection(error=ConnectError("refused", "nobody listens") if gone else None)

    steps = """
  - block: [{command: one}]
    rescue:
      on: [unreachable]
      steps:
        - {command: here}
        - {command: "drain {{ host.name }}", delegate_to: web02}
  - command: after
"""
    fake = Fake(connecting=connecting)
    run = ran(steps, tmp_path, fake=fake)

    assert [sent.text for sent in fake.sent if sent.host == "web02"].count("drain web01") == 1
    assert not [sent for sent in fake.sent if sent.host == "web01"]
    assert run.statuses() == {"web01": "unreachable", "web02": "changed"}


def test_a_block_that_can_not_begin_may_be_ignored(tmp_path: Path) -> None:
    """Its condition can't be asked: that is told as ignored, and the host is well."""
    steps = "  - {block: [{command: one}], when: host.vars.nothing > 1, on_failure: ignore}\n  - command: after\n"
    run = ran(steps, tmp_path)

    assert run.commands("web01") == ["after"]
    assert run.statuses()["web01"] == "changed"
    assert not run.summary.failures
    assert [group.hosts for group in run.summary.ignored] == [("web01", "web02")]
