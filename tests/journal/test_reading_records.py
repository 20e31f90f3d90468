"""Reading a journal: what was written comes back, what is wrong is named, what is newer is told."""

import os
import tracemalloc
from pathlib import Path

import pytest
from events_builder import START, run_started
from journals import STORY, chained, folder_with, lines_of

from runner.errors import JournalError, MismatchError
from runner.journal import DamageError, Report, read, verify
from runner.journal.reading import HELD
from runner.model.events import Warned

PATH = "r1/events.jsonl"


def written(root: Path, lines: list[bytes]) -> Path:
    return folder_with(root, b"".join(lines)).path / "events.jsonl"


def bodies(lines: list[bytes]) -> list[bytes]:
    return [line[:-19] for line in lines]


def test_what_was_written_comes_back(tmp_path: Path) -> None:
    """Number, time and event of every record, in order."""
    seen = list(read(written(tmp_path, lines_of())))

    assert [seq for seq, _, _ in seen] == list(range(len(STORY)))
    assert [ts for _, ts, _ in seen] == [START + seq for seq in range(len(STORY))]
    assert tuple(event for _, _, event in seen) == STORY


def test_a_journal_of_many_blocks_is_read_as_one_of_few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever the border of a block falls in a record, nothing changes."""
    path = written(tmp_path, lines_of())
    for size in (1, 7, 313, 4096):
        monkeypatch.setattr("runner.journal.reading.BLOCK", size)

        assert tuple(event for _, _, event in read(path)) == STORY


def test_a_torn_tail_is_passed_over_by_who_only_looks(tmp_path: Path) -> None:
    """Another process may be writing it just now; the file stays as it is."""
    lines = lines_of()
    path = written(tmp_path, [*lines[:-1], lines[-1][:40]])
    before = path.read_bytes()

    assert verify(path).records == len(STORY) - 1
    assert verify(path).torn == 40
    assert tuple(event for _, _, event in read(path)) == STORY[:-1]
    assert path.read_bytes() == before


def test_a_flipped_bit_is_named_by_record_place_and_sums(tmp_path: Path) -> None:
    """The message says where to look, and the hint what to do."""
    lines = lines_of()
    lines[4] = lines[4].replace(b"upload", b"uqload", 1)
    path = written(tmp_path, lines)

    with pytest.raises(DamageError) as caught:
        verify(path)

    found = caught.value
    assert (found.seq, found.offset) == (4, sum(map(len, lines[:4])))
    assert found.actual == lines[4][-11:-3].decode() != found.expected
    assert found.message == (
        f'the journal is damaged: "{path}": record 4, at byte {found.offset}: '
        f'its sum is "{found.actual}" and should be "{found.expected}"'
    )
    assert found.hint.startswith(f"`runner runs salvage r1 --runs-dir {tmp_path}` keeps")


@pytest.mark.parametrize(
    ("change", "record", "words"),
    [
        (lambda lines: lines.pop(5), 5, "its sum is"),
        (lambda lines: lines.insert(5, lines[4]), 5, "its sum is"),
        (lambda lines: lines.insert(5, lines.pop(6)), 5, "its sum is"),
        (lambda lines: lines.insert(5, b"\n"), 5, "it does not end as a record does"),
        (lambda lines: lines.append(b"{}\n"), len(STORY), "it does not end as a record does"),
    ],
    ids=["one is missing", "one comes twice", "two are swapped", "an empty line", "a line behind the last"],
)
def test_records_that_are_not_in_order_are_refused(tmp_path: Path, change, record: int, words: str) -> None:
    """A record that is missing, repeated, out of place or none at all is damage, at the last place too."""
    lines = lines_of()
    change(lines)

    with pytest.raises(DamageError, match=words) as caught:
        verify(written(tmp_path, lines))

    assert caught.value.seq == record


def test_a_gap_in_the_numbers_is_refused_though_all_sums_are_right(tmp_path: Path) -> None:
    """Numbers have no gap: a record that is gone is noticed whoever reckoned the sums again."""
    lines = bodies(lines_of())

    with pytest.raises(DamageError, match=r"record 5, at byte .*: it is numbered 6"):
        verify(written(tmp_path, chained(*lines[:5], *lines[6:])))


def test_a_record_of_another_run_is_refused(tmp_path: Path) -> None:
    """Sums that are right do not make it this run's."""
    mine, others = bodies(lines_of()), bodies(lines_of(run="r2"))

    with pytest.raises(DamageError, match=r'record 3, at byte .*: it belongs to run "r2"'):
        verify(written(tmp_path, chained(*mine[:3], *others[3:])))


def test_what_is_no_record_is_refused_with_a_right_sum_too(tmp_path: Path) -> None:
    """Text that is no JSON, and fields that are not those of the event."""
    for body, words in (
        (b'{"seq":1,"ts":"2030-01-01T00:00:00.000000Z","run":"r1","event":"warning","message":', "it is no record"),
        (b'{"seq":1,"ts":"2030-01-01T00:00:00.000000Z","run":"r1","event":"warning","message":7', 'it is no "warning"'),
        (b'{"seq":1,"ts":"2030-13-01T00:00:00.000000Z","run":"r1","event":"bake"', "it has no time"),
        (b'{"seq":1,"run":"r1","event":"warning","message":"x"', "it does not begin as a record does"),
    ):
        with pytest.raises(DamageError, match=words) as caught:
            verify(written(tmp_path, chained(bodies(lines_of())[0], body)))
        assert caught.value.seq == 1


def test_a_journal_begins_with_the_start_of_its_run(tmp_path: Path) -> None:
    """Without it nobody knows which version wrote the rest."""
    with pytest.raises(DamageError, match="record 0, at byte 0: it is not the start of a run"):
        verify(written(tmp_path, lines_of(STORY[1:])))


def test_an_event_nobody_here_knows_is_passed_over(tmp_path: Path) -> None:
    """A newer version may tell more; what is known of it reads as ever, with its fields that are new."""
    head, rest = bodies(lines_of())[:2]
    new = b'{"seq":2,"ts":"2030-01-01T00:00:00.000000Z","run":"r1","event":"host.greeted","host":"web01"'
    rest += b',"colour":"green"'

    assert [event for _, _, event in read(written(tmp_path, chained(head, rest, new)))] == list(STORY[:2])


def test_an_unknown_event_that_is_critical_is_refused(tmp_path: Path) -> None:
    """Whoever wrote it says that nobody may go on without knowing it."""
    new = b'{"seq":1,"ts":"2030-01-01T00:00:00.000000Z","run":"r1","event":"host.fenced","critical":true'

    with pytest.raises(MismatchError, match=r'written by a newer runner: its record 1 is "host.fenced"'):
        verify(written(tmp_path, chained(bodies(lines_of())[0], new)))


@pytest.mark.parametrize("schema", ["1.1", "2.0", "1.0.1", "next"])
def test_a_newer_schema_is_refused_with_both_versions(tmp_path: Path, schema: str) -> None:
    """Nothing is guessed about what a later version means."""
    started = run_started()
    newer = type(started)(**{name: getattr(started, name) for name in started.__struct_fields__} | {"schema": schema})

    with pytest.raises(MismatchError, match=f"its schema is {schema}, and this version knows 1.0"):
        verify(written(tmp_path, lines_of([newer])))


def test_what_is_no_file_is_told_and_does_not_hang(tmp_path: Path) -> None:
    """A missing journal, a folder, a link and a pipe in its place."""
    cases = {"none": "No such file", "folder": "no regular file", "link": "symbolic", "pipe": "no regular file"}
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("none")
    os.mkfifo(tmp_path / "pipe")

    for name, words in cases.items():
        with pytest.raises(JournalError, match=words):
            verify(tmp_path / name)


def test_an_empty_journal_holds_nothing(tmp_path: Path) -> None:
    """The process died before its first record was on disk."""
    assert verify(written(tmp_path, [])).records == 0


@pytest.mark.parametrize("end", [b"", b"\n"], ids=["no end", "an end behind it"])
def test_a_line_of_any_length_is_refused_and_costs_little(tmp_path: Path, end: bytes) -> None:
    """Though it begins as a record does: it is named by record and place, and never held in memory."""
    path = written(tmp_path, [*lines_of(), b'{"seq":17,'])
    os.truncate(path, 1 << 30)
    with path.open("ab") as file:
        file.write(end)

    tracemalloc.start()
    with pytest.raises(DamageError, match="it is longer than any record, and has no end") as caught:
        verify(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert (caught.value.seq, caught.value.offset) == (len(STORY), sum(map(len, lines_of())))
    assert peak < 2 * HELD


def test_a_long_record_is_read(tmp_path: Path) -> None:
    """What a step printed may be long; so may a record be that was cut off."""
    *story, last = STORY
    lines = lines_of([*story, Warned(message="x" * (HELD + (1 << 20))), last])

    assert verify(written(tmp_path, lines)) == Report(len(lines), 0)
    assert verify(written(tmp_path / "2", [*lines[:-2], lines[-2][:-1]])) == Report(len(lines) - 2, len(lines[-2]) - 1)
