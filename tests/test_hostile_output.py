"""A host that prints everything which has fooled a terminal or a log: what people see, and what is recorded."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from commandline import Done, project, runner
from in_process import printed
from payloads import ALL, BAD, OURS
from terminals import Terminal

FORGED = '\n{"seq":2,"ts":"2026-11-21T09:45:01.000000Z","run":"r","event":"run.ended","status":"ok","sum":"00000000"}\n'


def hostile(folder: Path) -> None:
    """A project whose only host prints every byte, the payloads and a record, in a step that is fine and one not."""
    (folder / "payloads").write_bytes(bytes(range(1, 256)) + (ALL + FORGED).encode("utf-8", "replace"))
    step = '{shell: "cat payloads; cat payloads >&2%s", cwd: "%s"%s}'
    steps = [step % ("", folder, ", register: said"), '{log: "{{ said.stdout }}"}', step % ("; exit 3", folder, "")]
    text = "version: 1\ninventory: hosts.yaml\nhosts: all\nsteps:\n" + "".join(f"  - {one}\n" for one in steps)
    project(folder, text, "connection: local\nhosts: {one: {}}\n")


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Done:
    """Such a run, with its output in the journal too, and its records on standard output."""
    folder = tmp_path_factory.mktemp("hostile")
    hostile(folder)
    return runner("run", "site.yaml", "--output", "json", "--log-output", cwd=folder)


@pytest.fixture
def shown(ran: Done, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """What a command prints, as to a terminal: both streams, errors too. It is here, and with this run's folder."""
    monkeypatch.chdir(ran.runs.parent)

    return lambda *argv, runs=ran.runs: printed(monkeypatch, *argv, runs=runs)


def harmless(text: str) -> bool:
    """Whether it is printable lines and nothing else."""
    return not BAD.search(text.replace("\t", ""))


@pytest.mark.parametrize("output", ["live", "plain", "stream"])
def test_a_terminal_gets_no_escape_but_our_own(tmp_path: Path, output: str) -> None:
    """With colours on: what is left without our colours and movements is printable lines."""
    hostile(tmp_path)
    terminal = Terminal("run", "site.yaml", "--output", output, cwd=tmp_path)

    code = terminal.end()

    assert code == 1
    assert re.search(rb"\x1b\[\d+m", terminal.seen)
    text = OURS.sub("", terminal.seen.decode()).replace("\r\n", "\n")
    assert harmless(text)
    assert "\\e]52;c;ZXZpbA==\\x07" in text


def test_records_stay_lines_whatever_a_host_prints(ran: Done) -> None:
    """No record is forged, lost or broken: each is one line of printable ASCII, and their sums and numbers hold."""
    data = (ran.folder / "events.jsonl").read_bytes()
    records = [json.loads(line) for line in data.splitlines()]

    assert ran.code == 1
    assert set(data) <= {10, *range(32, 127)}
    assert [record["seq"] for record in records] == list(range(len(records)))
    assert [record["event"] for record in records].count("run.ended") == 1
    assert ran.out.encode() == data
    assert set((ran.folder / "summary.json").read_bytes()) <= {10, *range(32, 127)}
    verified = runner("runs", "verify", ran.folder.name, cwd=ran.runs.parent)
    assert (verified.code, verified.out) == (0, f"run {ran.folder.name}: {len(records)} records, intact\n")


def test_what_was_printed_is_kept_as_it_was(ran: Done) -> None:
    """The files of the output, and they alone, hold the raw bytes."""
    printed = (ran.runs.parent / "payloads").read_bytes()

    kept = {path.name: path.read_bytes() for path in (ran.folder / "output" / "one").iterdir()}

    assert len(kept) == 4
    assert set(kept.values()) == {printed}


@pytest.mark.parametrize(
    "words",
    [
        ("runs", "list"),
        ("runs", "show", "last", "--steps"),
        ("runs", "show", "last", "--steps", "--format", "json"),
        ("runs", "compare", "last", "last"),
        ("resume", "last", "--plan"),
        ("runs", "prune", "--keep", "0", "--dry-run"),
        ("runs", "salvage", "last"),
        ("approve", "last"),
    ],
    ids=" ".join,
)
def test_what_is_told_of_such_a_run_later_is_harmless(shown: Callable[..., str], words: tuple[str, ...]) -> None:
    """Whatever command looks at its records."""
    text = shown(*words)

    assert len(text) > 10
    assert harmless(text)


def test_a_damaged_journal_cannot_speak_to_the_terminal(ran: Done, shown: Callable[..., str], tmp_path: Path) -> None:
    """Neither a record in it that somebody forged, nor the name of the folder it lies in."""
    folder = tmp_path / "runs" / "20260101-000000-a\x1b[2J\x9b\u202e"
    shutil.copytree(ran.folder, folder)
    lines = (folder / "events.jsonl").read_bytes().splitlines(keepends=True)
    lines[3] = re.sub(rb'"run":"[^"]*"', b'"run":"\x1b]0;x\x07\xc2\x9b2J\xe2\x80\xae"', lines[3])
    (folder / "events.jsonl").write_bytes(b"".join(lines))

    for words in ("list", "show last", "verify last", "salvage last", "salvage nothing", "compare last last"):
        text = shown("runs", *words.split(), runs=folder.parent)

        assert len(text) > 10
        assert harmless(text), words


def test_no_command_that_people_copy_has_words_of_others_in_it(
    ran: Done, shown: Callable[..., str], tmp_path: Path
) -> None:
    """The name of a run's folder, and of the run in a journal, stand in it as one word each."""
    folder = tmp_path / "runs" / "20260101 ; touch x"
    shutil.copytree(ran.folder, folder)
    data = (folder / "events.jsonl").read_bytes().replace(ran.folder.name.encode(), b"x; touch y;")
    (folder / "events.jsonl").write_bytes(data.replace(b'"seq":7', b'"seq":8'))

    for words in (
        "runs list",
        "runs show last",
        "runs verify last",
        "runs salvage last",
        "resume last",
        "approve last",
    ):
        text = shown(*words.split(), runs=folder.parent)
        for name in ("20260101 ; touch x", "x; touch y;"):
            commands = [line for line in text.splitlines() if "runner " in line and name in line]
            assert all(f"'{name}'" in line for line in commands), (words, text)


def test_names_that_were_chosen_to_harm_are_shown_harmless(shown: Callable[..., str], tmp_path: Path) -> None:
    """The names of files and options on the command line, where a pattern of the shell's may have put them."""
    nasty = tmp_path / "a\x1b[2J\x9b\u202eb\n.yaml"
    nasty.write_text('version: 1\nhosts: "\\e[2J\\u202e\\x9b"\nx: y\n')

    for words in (
        ("validate", str(nasty)),
        ("validate", str(nasty), "--format", "json"),
        ("validate", str(nasty), "--format", "github"),
        ("plan", str(nasty)),
        ("run", f"{nasty}.missing"),
        ("lock", "status", str(nasty)),
        ("runs", "list", "--runs-dir", str(nasty)),
        ("runs", "show", "\x1b[2J"),
        ("steps", "\x1b[2J"),
        ("\x1b[2J\u202e",),
        ("plan", "--\x1b[2J\x9b"),
        ("inventory", "list", "-i", str(nasty)),
    ):
        text = shown(*words)

        assert text.strip()
        assert harmless(text), words


EVIL = '"\\e]0;title\\a \\x9b2J \\u202e \\u2066 \\u200b \\x7f \\r end"'
MISLEADING = f"""
version: 1
inventory: hosts.yaml
hosts: all
vars: {{text: {EVIL}}}
steps:
  - id: one
    shell: {EVIL}
    env: {{A: {EVIL}}}
    tags: [a]
  - {{log: {EVIL}}}
  - {{copy: {{content: {EVIL}, dest: /tmp/x}}}}
"""


def test_a_plan_shows_what_will_run_and_nothing_else(shown: Callable[..., str], tmp_path: Path, monkeypatch) -> None:
    """A command that would look like another one is spelt out, as text, as JSON, as a picture and in a simulation."""
    project(tmp_path, MISLEADING, f"connection: local\nhosts: {{one: {{vars: {{v: {EVIL}}}}}}}\n")
    monkeypatch.chdir(tmp_path)

    plan = shown("plan", "site.yaml")

    assert r"run: \e]0;title\x07 \x9b2J \u202e \u2066 \u200b \x7f \r end" in plan
    for words in (
        ("plan", "site.yaml"),
        ("plan", "site.yaml", "--all-hosts"),
        ("plan", "site.yaml", "--host", "one"),
        ("plan", "site.yaml", "--format", "json"),
        ("plan", "site.yaml", "--format", "mermaid"),
        ("plan", "site.yaml", "--format", "dot"),
        ("plan", "site.yaml", "-o", "saved.json"),
        ("plan", "saved.json"),
        ("plan", "site.yaml", "--against", "saved.json"),
        ("simulate", "site.yaml"),
        ("simulate", "site.yaml", "--format", "json"),
        ("inventory", "show", "one", "-i", "hosts.yaml"),
        ("inventory", "show", "one", "-i", "hosts.yaml", "--format", "json"),
        ("inventory", "explain", "-i", "hosts.yaml", "one", "v"),
        ("validate", "site.yaml"),
    ):
        text = shown(*words)

        assert text.strip()
        assert harmless(text), words
        if "json" in words:
            assert json.JSONDecoder().raw_decode(text)


def test_what_others_wrote_into_a_lock_is_shown_harmless(
    shown: Callable[..., str], tmp_path: Path, monkeypatch
) -> None:
    """Their message, their name and their host's, in a line of its own, and in that of whoever is refused."""
    project(tmp_path, MISLEADING, "connection: local\nhosts: {one: {}}\n")
    monkeypatch.chdir(tmp_path)
    shown("lock", "hold", "site.yaml", "-m", "wait", runs=tmp_path / "runs")
    (held,) = tmp_path.glob("runs/.state/locks/*.hold")
    evil = "\x1b[2J\x9b\u202e\nfree"
    held.write_text(json.dumps({"message": evil, "user": evil, "host": evil, "since": evil}))

    for words in (("lock", "status"), ("run",), ("lock", "status", "--format", "json")):
        text = shown(*words, "site.yaml", runs=tmp_path / "runs")

        assert "free" in text
        assert harmless(text)
        assert "free" not in text.splitlines()
