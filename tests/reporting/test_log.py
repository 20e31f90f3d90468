import json

import pytest
from events_builder import (
    START,
    asked,
    bake,
    budget_exceeded,
    denied,
    ended,
    folded,
    gate_checked,
    gate_failed,
    gate_passed,
    granted,
    host_ended,
    host_started,
    intent,
    notified,
    output,
    plan_ready,
    retry,
    rollback_ended,
    rollback_started,
    run_started,
    show,
    wave_started,
)

from runner.model import summary
from runner.model.events import HostLost, Warned
from runner.redaction import Redactor
from runner.reporting import Record
from runner.reporting.log import Log

NASTY = 'no hunter22\x1b[31m\n{"event":"run.ended"} status=ok\u202e\r'
EVENTS = [
    run_started(),
    plan_ready(),
    Warned(message="old"),
    HostLost(host="web9", cause="dns", reason="no such name"),
    wave_started("web1"),
    host_started("web1"),
    intent("web1"),
    retry("web1"),
    intent("web1", attempt=2),
    ended("web1", "failed", reason=NASTY, register={"said": [NASTY]}, tail=NASTY),
    ended("web1", "failed", step="second", ignored=True),
    host_ended("web1", "failed"),
]


def lines_of(form, *events, **options):
    written = []
    log = Log(written.append, form, **options)
    now = show(log, *events)
    log.tick(now)
    log.end(summary.of(folded()))
    return "".join(written).removesuffix("\n").split("\n")


def test_output_that_is_not_recorded_is_not_logged():
    """It has no line in the journal."""
    written = []

    Log(written.append).see(Record(output("web1", "text"), START, -1, b""))

    assert written == []


@pytest.mark.parametrize("form", ["console", "json", "logfmt"])
def test_one_line_a_record_whatever_hosts_say(form):
    """No host can forge a line, reach the terminal, or show a secret."""
    lines = lines_of(form, *EVENTS, redactor=Redactor(["hunter22"]))

    assert len(lines) == len(EVENTS)
    assert all(line.isprintable() for line in lines)
    assert "hunter22" not in "".join(lines)
    assert "***" in lines[9]


def test_json_has_the_fields_of_the_record():
    """Time, level and event first; the checksum is the journal's alone."""
    lines = [json.loads(line) for line in lines_of("json", *EVENTS)]

    assert list(lines[6])[:3] == ["ts", "level", "event"]
    assert lines[6] == {
        "ts": "2026-11-21T10:00:06.000000Z",
        "level": "info",
        "event": "step.intent",
        "seq": 6,
        "run": "r1",
        "play": "web",
        "wave": 1,
        "host": "web1",
        "step": "upload",
        "src": "deploy.yaml:9",
        "attempt": 1,
        "kind": "command",
    }
    assert lines[9]["reason"] == NASTY


def test_levels_say_what_to_look_at():
    """Failures are errors; what may yet turn out well, or was ignored, is a warning."""
    levels = [json.loads(line)["level"] for line in lines_of("json", *EVENTS)]

    assert levels == ["info"] * 2 + ["warning"] * 2 + ["info"] * 3 + ["warning", "info", "error", "warning", "error"]


@pytest.mark.parametrize(
    ("event", "level"),
    [
        (ended("web1", "failed", rescued=True), "warning"),
        (host_ended("web1", "gate_failed"), "error"),
        (host_ended("web1", "rollback_failed"), "error"),
        (host_ended("web1", "rolled_back"), "info"),
        (budget_exceeded(), "error"),
        (gate_checked("web1"), "info"),
        (gate_checked("web1", "unhealthy"), "warning"),
        (gate_failed("web1"), "error"),
        (gate_passed("web1"), "info"),
        (bake(2.0), "info"),
        (asked(), "warning"),
        (granted(), "info"),
        (denied(), "error"),
        (notified("web1"), "info"),
        (rollback_started("web1"), "warning"),
        (rollback_ended(), "info"),
        (rollback_ended("rollback_failed"), "error"),
    ],
)
def test_decisions_have_levels_too(event, level):
    """A no, a bad gate and a rollback that failed are errors; what a person has to look at is a warning."""
    (line,) = lines_of("json", event)

    assert json.loads(line)["level"] == level


def test_logfmt_reads_back():
    """A pair for each field, quoted where need be; what is nested is JSON."""
    lines = lines_of("logfmt", *EVENTS)

    assert lines[2] == "ts=2026-11-21T10:00:02.000000Z level=warning event=warning seq=2 run=r1 message=old"
    assert 'status=failed reason="no hunter22\\\\e[31m\\\\n' in lines[9]
    assert 'register="{\\"said\\"' in lines[9]


def test_the_console_has_colours_when_told():
    """Time, level and event first; our own escapes only."""
    plain = lines_of("console", *EVENTS)
    colored = lines_of("console", *EVENTS, color=True)

    assert plain[0].startswith("2026-11-21T10:00:00.000000Z [info     ] run.started      seq=0 run=r1")
    assert "\x1b[" in colored[0]
    assert "\x1b[31m\n" not in "".join(colored)
