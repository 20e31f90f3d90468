"""Random playbooks whose process dies anywhere, and is gone on with: nothing is lost and nothing is done twice.

The draws are the same every time. Where one fails, hypothesis prints the smallest case that it has found.
"""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st
from random_plans import Case, cases
from scenario import Ran

from runner.errors import InputError
from runner.model.events import Event, StepEnded, StepIntent, StepRetry
from runner.transport import CommandResult, Recalled

BOUNDED = settings(
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much],
)
DONE, NEVER, NO_RECORD = Recalled("done", CommandResult(0)), Recalled("never"), Recalled("none")
WELL = {"ok", "changed", "skipped"}
ONCE = {"", "rescue"}  # sections whose steps a resume never does again

Place = tuple[str, str, str, int | None]


def place(event: StepIntent | StepEnded | StepRetry) -> Place:
    return event.play, event.host, event.step, event.item


def begun(events: Iterable[Event], sections: set[str]) -> set[Place]:
    """What was sent."""
    return {place(one) for one in events if isinstance(one, StepIntent) and one.section in sections}


def left_open(events: Iterable[Event]) -> set[Place]:
    """What was sent to a host, and has no end."""
    found = set()
    for event in events:
        if isinstance(event, StepIntent) and not event.is_local and event.section in ONCE:
            found.add(place(event))
        elif isinstance(event, StepEnded | StepRetry):
            found.discard(place(event))
    return found


def died(case: Case, folder: Path, at: float) -> tuple[Ran, list[Event]]:
    """A whole run, and the events of it that were there when its process died."""
    try:
        whole = case.run(folder)
    except InputError:
        reject()
    return whole, whole.recorder.events[: max(2, int(at * len(whole.recorder.events)))]


@settings(BOUNDED, max_examples=80)
@given(case=cases(), at=st.floats(0, 1), record=st.sampled_from([DONE, NEVER, NO_RECORD]))
def test_nothing_is_done_twice(case: Case, at: float, record: Recalled, tmp_path: Path) -> None:
    """What ended well is not sent again; what has no end only where the host says that it never began."""
    case = replace(case, stops=())
    _, before = died(case, tmp_path, at)

    again = case.run(tmp_path, before=before, record=record)

    ended = {place(one) for one in before if isinstance(one, StepEnded) and one.status in WELL}
    sent = begun(again.recorder.events, ONCE)
    assert not ended & sent
    assert record is NEVER or not left_open(before) & sent


@settings(BOUNDED, max_examples=80)
@given(case=cases(), at=st.floats(0, 1), record=st.sampled_from([DONE, NEVER]))
def test_nothing_is_lost(case: Case, at: float, record: Recalled, tmp_path: Path) -> None:
    """Where all goes well, both processes have done together what one would have done alone."""
    case = replace(case, stops=(), faults=(), gone=(), person=True)
    whole, before = died(case, tmp_path, at)
    if whole.summary.status != "ok":
        reject()

    again = case.run(tmp_path, before=before, record=record)

    everything = ONCE | {"always", "rollback"}
    assert (again.summary.status, again.summary.counts) == ("ok", whole.summary.counts)
    assert again.summary.done == whole.summary.done
    together = begun(before, everything) | begun(again.recorder.events, everything)
    assert together == begun(whole.recorder.events, everything)
