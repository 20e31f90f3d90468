"""The corpus of harmful texts, through the function that makes them visible and through every view."""

import base64
import json
import re
from datetime import UTC

import pytest
from events_builder import (
    a_plan,
    ended,
    folded,
    host_ended,
    host_started,
    intent,
    note,
    output,
    plan_ready,
    play,
    run_started,
    show,
    wave_ended,
    wave_started,
)
from hypothesis import given
from hypothesis import strategies as st
from payloads import ALL, BAD, OURS, PAYLOADS

from runner.location import Location, Problem
from runner.model import summary
from runner.reporting.escape import tame, visible
from runner.reporting.live import Live
from runner.reporting.log import Log
from runner.reporting.plain import Plain
from runner.reporting.problems import as_json, github, text
from runner.reporting.quiet import Quiet
from runner.reporting.stream import Stream

VIEWS = {
    "plain": lambda write, color: Plain(write, color=color, zone=UTC),
    "live": lambda write, color: Live(write, size=lambda: (300, 50), color=color, zone=UTC),
    "stream": lambda write, color: Stream(write, color=color, zone=UTC),
    "quiet": lambda write, color: Quiet(write, color=color),
    "console": lambda write, color: Log(write, "console", color=color),
    "logfmt": lambda write, color: Log(write, "logfmt", color=color),
    "json": lambda write, color: Log(write, "json", color=color),
}


def printed(text, place):
    """Output as the engine records it: what is no UTF-8 in base64. No bytes of a host make a surrogate."""
    data = text.encode(
        "utf-8", "surrogatepass" if re.search("[\ud800-\udc7f\udd00-\udfff]", text) else "surrogateescape"
    )
    try:
        return output(text=data.decode(), **place)
    except UnicodeDecodeError:
        return output(text=base64.b64encode(data).decode(), encoding="base64", **place)


def events(texts):
    """A run in which a host prints each text, one that a step fails with, and a host ends with."""
    place = {"host": "h1", "step": "s1"}
    yield from (run_started(), plan_ready(play(hosts=1)), wave_started("h1"), host_started("h1"), intent(**place))
    for one in texts:
        yield printed(one + "\n", place)
        yield note(message=one, **place)
    yield ended(status="failed", reason=texts[0], tail="\n".join(texts), rc=1, **place)
    yield host_ended("h1", "failed", reason="".join(texts), duration=1.0)
    yield wave_ended(1, "failed", failed=1)


def test_each_is_shown_as_it_was_decided():
    """Nothing of the corpus changes unseen, and what does no harm is left alone."""
    assert len(PAYLOADS) >= 300
    for payload in PAYLOADS:
        assert visible(payload.text) == payload.shown
        assert (payload.shown == payload.text) if payload.kind == "harmless" else True


def test_what_is_shown_is_one_line_that_anybody_can_print():
    """It holds no control character and no line's end, can be written as UTF-8, and is not escaped twice."""
    for _, one, _ in PAYLOADS:
        shown = visible(one)

        assert not BAD.search(shown.replace("\t", ""))
        assert len(shown.splitlines()) <= 1
        assert shown.encode().decode() == shown
        assert visible(shown) == shown


def test_the_last_net_lets_only_our_own_sequences_through():
    """Of each text nothing harmful is left but what looks like our own; and not even that where nothing is ours."""
    for _, one, _ in PAYLOADS:
        assert not BAD.search(tame(one).replace("\t", ""))
        assert not BAD.search(OURS.sub("", tame(one, ours=True)).replace("\t", ""))


@pytest.mark.parametrize("color", [False, True])
@pytest.mark.parametrize("view", VIEWS)
def test_no_view_lets_one_through(view, color):
    """Each as a line of output, a note, a reason and the last lines of a step that failed."""
    written = []
    shown = VIEWS[view](written.append, color)
    told = list(events([payload.text for payload in PAYLOADS]))
    now = show(shown, *told, plan=a_plan("h1", steps={"s1": "a step"}))
    shown.tick(now)
    shown.end(summary.of(folded(*told), run="r", folder="f"))

    ours = OURS.sub("", "".join(written)) if color or view == "live" else "".join(written)
    assert not BAD.search(ours.replace("\t", ""))
    assert "\x1b" not in ours


def test_a_log_has_a_line_for_each_record_whatever_is_in_it():
    """In every form; as JSON each line reads back, and is ASCII without DEL."""
    told = list(events([ALL]))
    for form in ("json", "logfmt", "console"):
        written = []
        show(Log(written.append, form), *told, plan=a_plan("h1"))

        lines = "".join(written).splitlines()
        assert len(lines) == len(written) == len(told)
        if form == "json":
            assert [json.loads(line)["event"] for line in lines].count("run.ended") == 0
            assert all(32 <= byte < 127 for line in lines for byte in line.encode())


@given(st.text(st.characters(codec=None), max_size=80))
def test_no_text_at_all_gets_through(one):
    """Any characters, surrogates among them: what is left is printable, but for what we write ourselves."""
    assert not BAD.search(visible(one).replace("\t", ""))
    assert not BAD.search(tame(one).replace("\t", ""))
    assert not BAD.search(OURS.sub("", tame(one, ours=True)).replace("\t", ""))
    assert len(visible(one).splitlines()) <= 1


FORGING = (
    'x" event=run.ended y="',
    'x\\" event=run.ended y="',
    "x\\",
    "x\tok",
    "a=b",
    "",
    " ",
    '"',
    "x\u2003ok",
    "\\n",
)


def test_no_field_of_a_log_line_can_be_forged():
    """As logfmt each line has the fields that it should, with the values that people see, whatever is in them."""
    for one in (*FORGING, *(payload.text for payload in PAYLOADS)):
        written = []
        show(Log(written.append, "logfmt"), note(host="h1", step="s1", message=one), plan=a_plan("h1"))

        fields = {name: json.loads(value) if value[:1] == '"' else value for name, value in parsed(written[0])}
        assert [name for name, _ in parsed(written[0])][:3] == ["ts", "level", "event"]
        assert {"host": "h1", "step": "s1", "event": "step.note"}.items() <= fields.items()
        assert fields["message"] == visible(one)
        assert set(fields) == {"ts", "level", "event", "seq", "run", "play", "wave", "host", "step", "src", "message"}


def parsed(line):
    """The fields of a line as a reader of logfmt has them: a value is quoted, or goes to the next blank."""
    found = re.findall(r'([^\s="]+)=("(?:[^"\\]|\\.)*"|[^\s"]*)(?:\s|$)', line)
    assert " ".join(f"{name}={value}" for name, value in found) == line.rstrip("\n")
    return found


def test_problems_and_their_excerpts_are_made_visible():
    """The name of a file, the message, the hint and the line it is about."""
    for _, one, _ in PAYLOADS:
        problem = Problem("E401", one, Location(one, 1, 1, 3), one)
        shown = text([problem], {one: [one + ALL]})
        as_command = github([problem])

        assert not BAD.search(shown.replace("\t", "") + as_command.replace("\t", ""))
        assert shown.count("\n") == 4
        assert as_command.count("\n") == 1
        assert as_json([problem]).isascii()
