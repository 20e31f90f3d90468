"""Random playbooks whose process dies and whose journal then loses records anywhere: told again, nothing is done twice.

The draws are the same every time. Where one fails, hypothesis prints the smallest case that it has found.
"""

from dataclasses import replace
from pathlib import Path

from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st
from random_plans import Case, cases
from scenario import STARTED, Ran

from runner.app.plans import plan_ready
from runner.errors import InputError
from runner.model.certain import Gap
from runner.model.changed import changed
from runner.model.events import Event, StepEnded, StepIntent, StepRetry
from runner.model.record_key import record_key
from runner.model.retelling import Retold, retell
from runner.transport import CommandResult, Recalled

BOUNDED = settings(
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much],
)
ONCE = {"", "rescue"}  # sections whose steps a resume never does again
WELL = {"ok", "changed", "skipped"}

Place = tuple[str, str, str, int | None]


def place(event: StepIntent | StepEnded | StepRetry) -> Place:
    return event.play, event.host, event.step, event.item


def begun(events: list[Event]) -> set[Place]:
    return {place(one) for one in events if isinstance(one, StepIntent) and one.section in ONCE and not one.is_local}


def done_or_open(events: list[Event]) -> set[Place]:
    """What was sent and ended well, or has not ended."""
    found = begun(events)
    for event in events:
        if isinstance(event, StepEnded | StepRetry) and (event.status not in WELL):
            found.discard(place(event))
        if isinstance(event, StepIntent) and event.section in ONCE and not event.is_local:
            found.add(place(event))
    return found


def key_of(event: StepIntent) -> str:
    return record_key(event.play, event.host, event.step, event.section, event.item, event.attempt or 1)


def lost(events: list[Event], holes: list[tuple[float, int]]) -> list[Event | Gap]:
    """The events with holes: so many records are missing from each of these places on; never the first two."""
    gone = {int(at * len(events)) + more for at, size in holes for more in range(size)}
    gone -= {0, 1}
    found: list[Event | Gap] = []
    for seq, event in enumerate(events):
        if seq not in gone:
            found.append(event)
        elif found and isinstance(found[-1], Gap):
            found[-1] = Gap(found[-1].count + 1)
        else:
            found.append(Gap(1))
    return found


def told_again(whole: Ran, left: list[Event | Gap]) -> tuple[list[Event], Retold]:
    first = next(place for place, one in enumerate(left) if isinstance(one, Gap))
    good = [one for one in left[:first] if not isinstance(one, Gap)]
    told = retell(
        whole.plan,
        [(float(seq), event) for seq, event in enumerate(good)],
        left[first:],
        ready=plan_ready(whole.plan),
        start=changed(STARTED, resume=True),
    )
    return [*good, *told.events], told


HOLES = st.lists(st.tuples(st.floats(0, 1), st.integers(1, 8)), min_size=1, max_size=3)


@settings(BOUNDED, max_examples=60)
@given(case=cases(), at=st.floats(0, 1), holes=HOLES)
def test_what_is_told_again_is_not_done_twice(case: Case, at: float, holes, tmp_path: Path) -> None:
    """What was sent and ended well, or may still run, is not sent again, whatever records of it are lost.

    Hosts say the truth of each try that they had, and that they had no other.
    """
    case = replace(case, stops=())
    try:
        whole = case.run(tmp_path)
    except InputError:
        reject()
    truth = whole.recorder.events[: max(2, int(at * len(whole.recorder.events)))]
    left = lost(truth, holes)
    if not any(isinstance(one, Gap) for one in left):
        reject()
    sent = {key_of(one) for one in truth if isinstance(one, StepIntent)}
    before, told = told_again(whole, left)

    again = case.run(
        tmp_path,
        before=before,
        recall=lambda _, key: Recalled("done", CommandResult(0)) if key in sent else Recalled("never"),
    )

    assert told.unfit == 0
    assert not done_or_open(truth) & begun(again.recorder.events)
