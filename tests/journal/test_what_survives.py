"""What is certain of a damaged journal: every record but those that are damaged, wherever they stand."""

from collections.abc import Callable

import pytest
from journals import STORY, lines_of

from runner.journal.checking import Chain
from runner.journal.surviving import Kept, Lost, survivors


def left_of(data: bytes, more: bytes = b"") -> list[int | tuple[int, int]]:
    """The numbers of the records that are certain; a pair for a loss: the first number, and how many at most."""
    found = survivors(Chain("events.jsonl", b"r1"), data, more)
    return [part.seq if isinstance(part, Kept) else (part.first, part.count) for part in found]


ALL: list[int | tuple[int, int]] = list(range(len(STORY)))


def without(*numbers: int) -> list[int | tuple[int, int]]:
    """All, with one loss where these stand."""
    return [*ALL[: numbers[0]], (numbers[0], len(numbers)), *ALL[numbers[-1] + 1 :]]


def test_nothing_is_lost_of_a_whole_journal() -> None:
    """A torn tail is no loss, and a last record without its end is none either."""
    data = b"".join(lines_of())

    assert left_of(data) == ALL
    assert left_of(data + b'{"seq":17') == ALL
    assert left_of(data[:-1]) == ALL


@pytest.mark.parametrize("number", range(1, len(STORY)))
def test_a_damaged_record_is_lost_alone(number: int) -> None:
    """It shows its own sum still, so that the next one is known again."""
    lines = lines_of()
    lines[number] = lines[number].replace(b'"run":"r1"', b'"run":"q1"')

    assert left_of(b"".join(lines)) == without(number)


@pytest.mark.parametrize(
    ("change", "left"),
    [
        (lambda lines: lines.__setitem__(4, lines[4][:-11] + b'00000000"}\n'), without(4, 5)),
        (lambda lines: lines.pop(4), without(4, 5)),
        (lambda lines: lines.__setitem__(4, lines[4][:-1] + b" "), without(4, 5)),
        (lambda lines: lines.insert(4, b"\n"), ALL),
        (lambda lines: lines.insert(4, lines[2]), ALL),
        (lambda lines: lines.insert(4, lines.pop(9)), ALL),
        (lambda lines: lines.__setitem__(slice(-2, None), [b"x" * 700 + b"\n"]), [*ALL[:-2], (15, 3)]),
        (lambda lines: lines.__setitem__(-1, lines[-1].replace(b'"seq":16', b'"seq":06')), [*ALL[:-1], (16, 1)]),
    ],
    ids=[
        "its sum is damaged too",
        "a record is cut out",
        "an end of line is damaged",
        "an empty line",
        "a record stands twice",
        "a record is out of place",
        "the end is overwritten",
        "the number of the last",
    ],
)
def test_no_more_is_lost_than_has_to_be(change: Callable[[list[bytes]], object], left) -> None:
    """Records are known by their numbers and sums, not by where they stand."""
    lines = lines_of()
    change(lines)

    assert left_of(b"".join(lines)) == left


def test_what_a_failing_disk_did_not_take_fills_a_hole_at_the_end() -> None:
    """The records that were kept beside go on behind a damaged journal, too."""
    lines = lines_of()
    damaged = [*lines[:-4], lines[-4].replace(b"web02", b"web09")]

    assert left_of(b"".join(damaged), b"".join(lines[-3:])) == without(len(STORY) - 4)
    assert left_of(b"".join(lines[:-3]), b"".join(lines[-5:])) == ALL


def test_a_record_of_another_run_is_none() -> None:
    """Its sum may be right."""
    others = lines_of(run="r2")

    assert not [part for part in survivors(Chain("", b"r1"), b"".join(others)) if not isinstance(part, Lost)]
