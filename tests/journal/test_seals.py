"""Seals: what another program changed in a journal shows, though it reckoned the sums anew."""

import hashlib
import hmac
import json
import os
from pathlib import Path

import pytest
from events_builder import run_ended, run_started, turn, wave_ended, wave_started
from journals import STORY, folder_with, lines_of, rechained, recovered

from runner.journal import DamageError, Journal, Seals, Writer
from runner.journal.checking import Chain
from runner.journal.surviving import Kept, Lost, sealed, survivors

KEY = b"k" * 32
OTHER = b"o" * 32

TWO_WAVES = (
    *STORY[:2],
    wave_started("web01", of=2),
    *turn("web01", "upload"),
    wave_ended(ok=1),
    wave_started("web02", wave=2, of=2),
    *turn("web02", "upload"),
    wave_ended(wave=2, ok=1),
    run_ended(),
)


def taken_up(root: Path, lines: list[bytes], key: bytes | None = KEY) -> tuple[str, ...]:
    """What is warned of when a journal of these lines is gone on with."""
    found, _ = recovered(folder_with(root, b"".join(lines)), key)
    os.close(found.descriptor)
    return found.warnings


def test_the_end_of_a_wave_and_of_a_run_bear_what_anybody_with_the_key_can_reckon() -> None:
    """The HMAC-SHA-256 of the SHA-256 of the lines before and of the record's own beginning."""
    lines = lines_of(key=KEY)

    ends = {json.loads(line)["event"]: number for number, line in enumerate(lines) if b'"seal"' in line}
    for number in ends.values():
        begun, rest = lines[number].split(b',"seal":"')
        before = hashlib.sha256(b"".join(lines[:number])).digest()
        seal = hmac.digest(hmac.digest(KEY, b"journal", "sha256"), before + begun, "sha256")
        assert rest[:64].decode() == seal.hex()
    assert set(ends) == {"wave.ended", "run.ended"}


def test_a_sealed_journal_is_gone_on_with_and_sealed_on(tmp_path: Path) -> None:
    """The seals of the next process cover what the first one wrote, a torn tail between them or not."""
    folder = folder_with(tmp_path, b"".join(lines_of(STORY[:-1], key=KEY)) + b'{"seq":16,"ts"')
    found, _ = recovered(folder, KEY)
    path = folder.path / "events.jsonl"
    writer = Writer(found.descriptor, path=path, inline=True)
    journal = Journal(
        writer, run="r1", path=str(path), wall=lambda: 1.0, seq=found.seq, previous=found.previous, seals=found.seals
    )

    for event in (run_started(resume=True), run_ended()):
        journal.append(event)
    journal.close()

    whole = path.read_bytes().splitlines(keepends=True)
    assert b'"seal"' in whole[-1]
    assert taken_up(tmp_path, whole) == ()
    with pytest.raises(DamageError, match="its seal is wrong"):
        taken_up(tmp_path, rechained([*whole[:-2], whole[-2].replace(b".000000Z", b".000001Z"), whole[-1]]))


@pytest.mark.parametrize("number", range(1, len(TWO_WAVES)))
def test_a_record_that_was_changed_shows_at_the_next_seal(tmp_path: Path, number: int) -> None:
    """With sums that are right all through."""
    lines = lines_of(TWO_WAVES, key=KEY)
    lines[number] = lines[number].replace(b".000000Z", b".000001Z")

    with pytest.raises(DamageError, match="another program has changed it, or a record before it") as caught:
        taken_up(tmp_path, rechained(lines))

    assert caught.value.seq == next(place for place in range(number, len(lines)) if b'"seal"' in lines[place])
    assert caught.value.offset == sum(map(len, rechained(lines)[: caught.value.seq]))


def test_a_record_that_was_cut_out_shows(tmp_path: Path) -> None:
    """Also where the numbers behind it were changed, so that none is missing."""
    lines = lines_of(TWO_WAVES, key=KEY)
    del lines[4]
    lines[4:] = [
        line.replace(b'{"seq":%d,' % (number + 1), b'{"seq":%d,' % number) for number, line in enumerate(lines[4:], 4)
    ]

    with pytest.raises(DamageError, match="its seal is wrong"):
        taken_up(tmp_path, rechained(lines))


def test_a_seal_that_is_gone_is_a_wrong_one(tmp_path: Path) -> None:
    """The start says that the journal is sealed."""
    lines = lines_of(TWO_WAVES, key=KEY)
    number = next(place for place, line in enumerate(lines) if b'"seal"' in line)
    lines[number] = lines[number][: lines[number].index(b',"seal"')] + lines[number][-19:]

    with pytest.raises(DamageError, match="it bears no seal, and the run's others do"):
        taken_up(tmp_path, rechained(lines))


@pytest.mark.parametrize(
    ("made_with", "read_with", "warning"),
    [
        (KEY, KEY, None),
        (None, None, None),
        (OTHER, KEY, "another account's or machine's key made them"),
        (KEY, None, "this account has no key of its own"),
        (None, KEY, "the journal bears no seals"),
    ],
)
def test_what_can_not_be_checked_is_said(
    tmp_path: Path, made_with: bytes | None, read_with: bytes | None, warning: str | None
) -> None:
    """A run may be gone on with on another machine, and whoever does so knows what nobody has looked at."""
    warnings = taken_up(tmp_path, lines_of(TWO_WAVES, key=made_with), read_with)

    assert len(warnings) == (warning is not None)
    assert all(str(warning) in text for text in warnings)


def test_what_stands_behind_the_last_right_seal_is_not_certain() -> None:
    """A salvage keeps what is before it."""
    lines = lines_of(TWO_WAVES, key=KEY)
    numbers = [place for place, line in enumerate(lines) if b'"seal"' in line]
    lines[numbers[0] + 2] = lines[numbers[0] + 2].replace(b"web02", b"web09")
    data = b"".join(rechained(lines))

    found = sealed(list(survivors(Chain("events.jsonl"), data)), Seals(KEY), "events.jsonl")

    assert [part.seq for part in found if isinstance(part, Kept)] == list(range(numbers[0] + 1))
    assert [(part.first, part.count) for part in found if isinstance(part, Lost)] == [
        (numbers[0] + 1, len(lines) - numbers[0] - 1)
    ]


def test_a_change_in_the_first_wave_leaves_nothing_certain() -> None:
    """Not even how the run began."""
    lines = lines_of(TWO_WAVES, key=KEY)
    lines[3] = lines[3].replace(b"web01", b"web09")

    found = sealed(list(survivors(Chain("x"), b"".join(rechained(lines)))), Seals(KEY), "x")

    assert [type(part) for part in found] == [Lost]
