"""The ways out for text: commands, the outlets of a run, the person that is asked, faults nobody waits for."""

import asyncio
import io
import json
import os
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from payloads import ALL, BAD, OURS

from runner import run_folder
from runner.app import person, stray
from runner.app.outlet import Outlets
from runner.app.person import Person
from runner.app.running import _Running
from runner.cli import main
from runner.cli.printing import say, say_json, say_lines
from runner.model.decision import Answer, Question
from runner.redaction import Redactor


def harmless(text: str) -> bool:
    return not BAD.search(text.replace("\t", ""))


def fail(text: str) -> None:
    raise ValueError(text)


def test_a_command_that_forgot_to_make_its_text_visible_prints_it_so() -> None:
    """What stands in one line stays in one; of many lines each does."""
    with CliRunner().isolation(color=True) as (out, err, _):
        say(f"first {ALL}")
        say_lines([f"second {ALL}", f"third {ALL}"])
        say(ALL, err=True, ours=True)

    text = out.getvalue().decode()
    assert harmless(text)
    assert [line[:6].strip() for line in text.splitlines()[-2:]] == ["second", "third"]
    assert harmless(OURS.sub("", err.getvalue().decode()))


def test_nothing_is_printed_of_nothing() -> None:
    """No empty line where there is no text."""
    with CliRunner().isolation() as (out, _, _):
        say("")
        say_lines([])
        say("one\n")
        say("two")

    assert out.getvalue() == b"one\ntwo\n"


def test_json_is_printable_ascii_that_says_the_same() -> None:
    """Also where it was made in UTF-8, and of text that no UTF-8 can hold."""
    text = ALL.encode("utf-8", "replace").decode()
    with CliRunner().isolation(color=True) as (out, _, _):
        say_json(json.dumps({"a": text}, ensure_ascii=False))
        say_json(json.dumps({"a": text}, ensure_ascii=False).encode())

    lines = out.getvalue().splitlines()
    assert [json.loads(line) for line in lines] == [{"a": text}, {"a": text}]
    assert all(32 <= byte < 127 for line in lines for byte in line)


@pytest.mark.parametrize("is_terminal", [True, False])
def test_the_outlets_of_a_run_let_our_sequences_through_on_a_terminal_alone(is_terminal: bool) -> None:  # noqa: FBT001
    """Whoever writes to them, and whatever."""
    reader, writer = os.openpty() if is_terminal else os.pipe()
    with open(writer, "w", encoding="utf-8") as stream:  # noqa: PTH123 - a descriptor
        outlets = Outlets()
        outlets.to(stream)("\x1b[31mred\x1b[0m \x1b[2J \x1b]0;x\x07 \x1b[3A\r\x1b[J\x9b\n")
        assert outlets.drain()
    seen = os.read(reader, 4096).replace(b"\r\n", b"\n")
    os.close(reader)

    shown = rb"\e[2J \e]0;x\x07 "
    if is_terminal:
        assert seen == b"\x1b[31mred\x1b[0m " + shown + b"\x1b[3A\r\x1b[J\\x9b\n"
    else:
        assert seen == rb"\e[31mred\e[0m " + shown + b"\\e[3A\\r\\e[J\\x9b\n"


def test_who_is_asked_sees_the_question_made_visible(monkeypatch: pytest.MonkeyPatch) -> None:
    """The prompt for a secret, the text of a question, where it is asked, and who answered it elsewhere."""
    asked: list[str] = []
    monkeypatch.setattr(person.getpass, "getpass", lambda prompt: asked.append(prompt) or "typed")
    terminal, keyboard = os.openpty()
    typed = os.fdopen(keyboard, encoding="utf-8")
    monkeypatch.setattr(person.sys, "stdin", typed)
    somebody = Person(is_there=True, yes=False, user="me", say=asked.append)
    answers = iter([None, Answer(yes=True, by=ALL, how="command")])
    question = Question(text=ALL, play=ALL, wave=1, host=ALL, step="s", about="step", is_approval=True)

    somebody.ask(ALL)
    asyncio.run(somebody.decide(question, lambda: next(answers)))

    typed.close()
    os.close(terminal)
    assert len(asked) == 3
    assert all(map(harmless, asked))
    assert asked[1].count("\n") == 0


def test_the_trace_of_a_fault_is_kept_so_that_it_can_be_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a private file that is harmless in a terminal, outside of a run and in its folder."""
    monkeypatch.setattr(main.tempfile, "tempdir", str(tmp_path))
    run = run_folder.create(tmp_path / "runs", "r1")
    people = SimpleNamespace(redactor=Redactor(["s3cr3t"]))
    running = SimpleNamespace(_journal=SimpleNamespace(seq=7), _parts=SimpleNamespace(people=people, folder=run))

    with CliRunner().isolation() as (_, err, _):
        try:
            fail(f"it said {ALL}")
        except ValueError:
            code = main._report_bug()
    _Running._report(running, ValueError(f"s3cr3t {ALL}"))

    (outside,) = tmp_path.glob("runner-fault-*.txt")
    assert (code, str(outside) in err.getvalue().decode()) == (3, True)
    for path in (outside, run.path / "fault-7.txt"):
        assert path.stat().st_mode & 0o777 == 0o600
        assert "ValueError" in path.read_text()
        assert harmless(path.read_text())
    assert "s3cr3t" not in (run.path / "fault-7.txt").read_text()


def test_a_fault_that_nobody_waits_for_says_where_and_no_value(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of one in a thread, of a task that nobody fetched: its kind and place, but neither a secret nor an escape."""
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    monkeypatch.setattr(threading, "excepthook", threading.__excepthook__)
    monkeypatch.setattr(sys, "excepthook", sys.__excepthook__)
    monkeypatch.setattr(sys, "unraisablehook", sys.__unraisablehook__)
    stray.watch()
    value = f"s3cr3t {ALL}"

    thread = threading.Thread(target=fail, args=(value,))
    thread.start()
    thread.join()
    with pytest.raises(ValueError, match="s3cr3t") as caught:
        fail(value)
    stray.of_loop(None, {"message": ALL, "exception": caught.value})

    text = sys.stderr.getvalue()
    assert text.count(": ValueError\n") == 2
    assert "in fail" in text
    assert "s3cr3t" not in text
    assert harmless(text)
