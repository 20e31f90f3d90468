"""Which commands of earlier processes are waited for, by their names in records on hosts."""

from events_builder import ended, intent

from runner.model.awaited import awaited
from runner.model.events import Event
from runner.model.past import Past
from runner.model.record_key import record_key


def keys(*events: Event) -> frozenset[str]:
    past = Past()
    for seq, event in enumerate(events):
        past.apply(event, seq)
    return awaited(past)


def test_what_began_and_has_no_end_is_waited_for() -> None:
    """The attempt that began last, on its own host; what ended is not, nor what never left this machine."""
    found = keys(
        intent("web01"),
        ended("web01"),
        intent("web02", attempt=2, section="steps"),
        intent("web03", is_local=True),
    )

    assert found == {record_key("web", "web02", "upload", "steps", None, 2)}


def test_an_end_that_nobody_knows_is_none() -> None:
    """Whoever asks next may be told more by the host."""
    assert keys(intent("web01"), ended("web01", status="unknown")) == {
        record_key("web", "web01", "upload", "", None, 1)
    }


def test_items_of_a_loop_are_waited_for_one_by_one() -> None:
    """Those that ended are not."""
    found = keys(intent("web01", item=1), ended("web01", item=1), intent("web01", item=2))

    assert found == {record_key("web", "web01", "upload", "", 2, 1)}
