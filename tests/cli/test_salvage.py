"""Damaged journals from the command line: found, named, and what is certain of them kept."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from commandline import Done, project, runner
from in_process import printed
from journals import lines_of, rechained

from runner.journal import reading

HOSTS = "connection: local\nhosts: {h1: {}, h2: {}}\n"
STEPS = """
version: 1
inventory: hosts.yaml
hosts: all
steps:
  - {id: upload, shell: "echo upload >> {{ folder }}/{{ host.name }}"}
  - {id: restart, shell: "echo restart >> {{ folder }}/{{ host.name }}"}
vars: {folder: FOLDER}
"""


@pytest.fixture
def ran(tmp_path: Path) -> Done:
    """A run that ended well."""
    project(tmp_path, STEPS.replace("FOLDER", str(tmp_path)), HOSTS)
    done = runner("run", "site.yaml", cwd=tmp_path)
    assert done.code == 0
    return done


def damage(run: Done, wanted: Callable[[dict[str, object]], bool]) -> int:
    """Change a letter of the first record that is wanted; gives its number."""
    path = run.folder / "events.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    number = next(number for number, line in enumerate(lines) if wanted(json.loads(line)))
    lines[number] = lines[number].replace(b'"src":"s', b'"src":"S')
    path.write_bytes(b"".join(lines))
    return number


def test_an_intact_journal_is_said_to_be(ran: Done, tmp_path: Path) -> None:
    """With the number of its records; there is nothing to salvage."""
    count = len(ran.events())

    verified = runner("runs", "verify", "last", cwd=tmp_path)
    salvaged = runner("runs", "salvage", "last", cwd=tmp_path)

    assert (verified.code, verified.out) == (0, f"run {ran.folder.name}: {count} records, intact\n")
    assert (salvaged.code, salvaged.out.splitlines()[-1]) == (0, "there is nothing to salvage")
    assert not list(ran.folder.glob("events.jsonl?*"))


def test_a_torn_tail_is_told_and_is_no_damage(ran: Done, tmp_path: Path) -> None:
    """Looking changes nothing."""
    path = ran.folder / "events.jsonl"
    path.write_bytes(path.read_bytes() + b'{"seq":')

    done = runner("runs", "verify", "last", cwd=tmp_path)

    assert done.code == 0
    assert "intact; behind them 7 bytes of one that was not written to its end" in done.out
    assert path.read_bytes().endswith(b'{"seq":')


def test_damage_is_named_and_ends_with_11(ran: Done, tmp_path: Path) -> None:
    """File, record, place and sums; and what to do about it."""
    number = damage(ran, lambda record: record["event"] == "step.ended")
    before = (ran.folder / "events.jsonl").read_bytes()

    done = runner("runs", "verify", "last", cwd=tmp_path)

    assert done.code == 11
    assert f'the journal is damaged: "{ran.folder / "events.jsonl"}": record {number}, at byte ' in done.err
    assert f"hint: `runner runs salvage {ran.folder.name} --runs-dir {ran.runs}`" in done.err
    assert (ran.folder / "events.jsonl").read_bytes() == before


def test_a_lost_end_is_known_where_the_host_ended_well(ran: Done, tmp_path: Path) -> None:
    """The end of a step is lost; that its host ended well is not, so nothing of it is in doubt."""
    damage(ran, lambda record: record["event"] == "step.ended" and record["host"] == "h1")

    salvaged = runner("runs", "salvage", "last", "--replace", cwd=tmp_path)
    verified = runner("runs", "verify", "last", cwd=tmp_path)

    assert (salvaged.code, verified.code) == (0, 0)
    assert "unknown" not in salvaged.out
    assert f"go on with: runner resume {ran.folder.name}" in salvaged.out
    assert (ran.folder / "events.jsonl.damaged").exists()


def test_what_may_have_begun_is_unknown(ran: Done, tmp_path: Path) -> None:
    """The process died behind a damaged record: the next step of each host may have begun, and is held."""
    path = ran.folder / "events.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    cut = next(n for n, line in enumerate(lines) if b'"step.intent"' in line and b'"step":"restart"' in line)
    lines[cut] = lines[cut].replace(b"restart", b"reztart")
    path.write_bytes(b"".join(lines[: cut + 1]))

    done = runner("runs", "salvage", "last", cwd=tmp_path)
    events = [json.loads(line) for line in (ran.folder / "events.jsonl.salvaged").read_text().splitlines()]

    assert done.code == 0
    assert f"record {cut} is lost" in done.out
    assert 'unknown from now on: step "restart" of "play" on ' in done.out
    assert [event["event"] for event in events[:cut]] == [json.loads(line)["event"] for line in lines[:cut]]
    assert events[cut]["event"] == "run.started"
    assert events[cut + 1]["message"] == f"the journal was damaged: record {cut} is lost"
    assert {event["step"] for event in events if event.get("status") == "unknown" and "step" in event} == {"restart"}


def test_what_may_have_begun_is_not_done_twice(tmp_path: Path) -> None:
    """Told again and gone on with: the host is held until a person says what became of the step, and then ends well."""
    project(tmp_path, STEPS.replace("FOLDER", str(tmp_path)), HOSTS)
    path = runner("run", "site.yaml", "--limit", "h1", cwd=tmp_path).folder / "events.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    cut = next(n for n, line in enumerate(lines) if b'"step.intent"' in line and b'"step":"restart"' in line)
    path.write_bytes(b"".join([*lines[:cut], lines[cut].replace(b"restart", b"reztart")]))

    salvaged = runner("runs", "salvage", "last", "--replace", cwd=tmp_path)
    held = runner("resume", "last", cwd=tmp_path)
    settled = runner("resolve", "last", "h1", "restart", "--ok", cwd=tmp_path)
    over = runner("resume", "last", cwd=tmp_path)

    assert (salvaged.code, held.code, settled.code, over.code) == (0, 6, 0, 0), held.err
    assert (tmp_path / "h1").read_text().split() == ["upload", "restart"]


def test_the_new_file_goes_where_it_is_wanted_and_never_over_another(ran: Done, tmp_path: Path) -> None:
    """The journal itself can't be named."""
    damage(ran, lambda record: record["event"] == "step.intent")
    journal = (ran.folder / "events.jsonl").read_bytes()

    first = runner("runs", "salvage", "last", "-o", "new.jsonl", cwd=tmp_path)
    again = runner("runs", "salvage", "last", "-o", ran.folder / "events.jsonl", cwd=tmp_path)

    assert (first.code, again.code) == (0, 2)
    assert (tmp_path / "new.jsonl").stat().st_mode & 0o777 == 0o600
    assert "File exists" in again.err
    assert (ran.folder / "events.jsonl").read_bytes() == journal


def test_answers_to_questions_by_their_old_numbers_are_put_away(ran: Done, tmp_path: Path) -> None:
    """Records have other numbers then; an answer must not meet another question."""
    damage(ran, lambda record: record["event"] == "step.intent")
    (ran.folder / "requests").mkdir()
    (ran.folder / "requests" / "9").write_text("approve ada\n")

    runner("runs", "salvage", "last", "--replace", cwd=tmp_path)

    assert not (ran.folder / "requests").exists()
    assert (ran.folder / "requests.damaged" / "9").exists()


@pytest.mark.parametrize("change", ["first record", "plan"])
def test_what_nobody_can_go_on_from_is_refused(ran: Done, tmp_path: Path, change: str) -> None:
    """Without how the run began, or its plan, nobody can tell what may have begun: 11, and no file."""
    damage(ran, lambda record: record["event"] == "step.intent")
    if change == "plan":
        (ran.folder / "plan.json").unlink()
    else:
        path = ran.folder / "events.jsonl"
        path.write_bytes(path.read_bytes().replace(b'"tool"', b'"toul"', 1))

    done = runner("runs", "salvage", "last", cwd=tmp_path)

    assert done.code == 11
    assert {"plan": 'without "plan.json"', "first record": "the first record is lost"}[change] in done.err
    assert not list(ran.folder.glob("events.jsonl?*"))


def test_a_later_version_s_journal_is_left_to_it(tmp_path: Path) -> None:
    """12, and what to use."""
    folder = tmp_path / "runs" / "r1"
    folder.mkdir(parents=True)
    data = b"".join(lines_of()).replace(b'"schema":"1.0"', b'"schema":"9.0"')
    (folder / "events.jsonl").write_bytes(b"".join(rechained(data.splitlines())))

    for verb in ("verify", "salvage"):
        done = runner("runs", verb, "r1", cwd=tmp_path)

        assert done.code == 12
        assert "its schema is 9.0, and this version knows 1.0" in done.err


def test_what_to_type_names_the_folder_whatever_the_records_say(ran: Done, tmp_path: Path) -> None:
    """The damage may be in the run's own name: the hint has the folder's, and where it is kept, ready to be typed."""
    journal = ran.folder / "events.jsonl"
    journal.write_bytes(journal.read_bytes().replace(f'"run":"{ran.folder.name}'.encode(), b'"run":"?', 1))

    done = runner("runs", "verify", "last", "--runs-dir", "runs", cwd=tmp_path)

    assert (done.code, done.err.splitlines()[1].split("`")[1]) == (
        11,
        f"runner runs salvage {ran.folder.name} --runs-dir runs",
    )


def test_what_is_certain_before_an_endless_line_is_kept(ran: Done, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line longer than any record, with no end or behind one, is damage, and no record that was being written."""
    monkeypatch.setattr(reading, "LONGEST", 1 << 21)
    monkeypatch.setattr(reading, "HELD", 1 << 20)
    journal = ran.folder / "events.jsonl"
    sound = journal.read_bytes()
    number = sound.count(b"\n")

    for tail in (b"x" * (3 << 20), b"x" * (3 << 20) + b"\n"):
        journal.write_bytes(sound + b'{"seq":99,' + tail)
        refused = printed(monkeypatch, "runs", "verify", "last", runs=ran.runs)
        salvaged = printed(monkeypatch, "runs", "salvage", "last", "--replace", runs=ran.runs)

        assert f"record {number}, at byte {len(sound)}: it is longer than any record, and has no end" in refused
        assert f"{number} records certain, {number} of them before the damage" in salvaged
        assert journal.read_bytes().startswith(sound)
        assert "intact" in printed(monkeypatch, "runs", "verify", "last", runs=ran.runs)


def test_of_an_endless_line_little_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What stands behind it is read like any other."""
    monkeypatch.setattr(reading, "LONGEST", 1 << 25)
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"one\n")
    os.truncate(path, reading.LONGEST + (1 << 22))
    with path.open("ab") as file:
        file.write(b"\nlast\ntorn")

    found = reading.read_lines(path)

    assert len(found) == len(b"one\n") + reading.HELD + len(b"\nlast\ntorn")
    assert found.endswith(b"\0\nlast\ntorn")
