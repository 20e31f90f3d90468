import base64
from datetime import UTC

import pytest
from events_builder import (
    START,
    a_plan,
    asked,
    ended,
    folded,
    gate_failed,
    host_ended,
    intent,
    note,
    notified,
    output,
    record,
    retry,
    show,
)
from hypothesis import given
from hypothesis import strategies as st

from runner.errors import InputError
from runner.model import summary
from runner.model.events import Warned
from runner.reporting.stream import LONGEST, Stream, check_template

PLAN = a_plan("web1", "database1", steps={"upload": "upload it"})


def shown(*events, **options):
    """What is written for these events, before the end."""
    written = []
    show(Stream(written.append, zone=UTC, **options), *events, plan=PLAN)
    return "".join(written)


def test_lines_stand_behind_their_host():
    """Columns are as wide as the longest name; standard error is marked."""
    text = shown(
        output("web1", "one\ntwo\n"),
        output("database1", "bad\n", "stderr"),
        output("web1", "\n"),
    )

    assert text == "web1      | one\nweb1      | two\ndatabase1 ! bad\nweb1      | \n"


def test_what_runs_on_another_host_stands_behind_both():
    """The column has room for that; what the host prints itself keeps its own lines."""
    written = []
    plan = a_plan("web1", "web2", delegates=("lb1",))
    lent = [output("web1", "drai", delegate="lb1"), output("web1", "own\n"), output("web1", "ned\n", delegate="lb1")]

    show(
        Stream(written.append),
        *lent,
        output("web2", "no end", delegate="lb1"),
        ended("web2", delegate="lb1"),
        plan=plan,
    )

    assert "".join(written).splitlines() == [
        "web1        | own",
        "web1 on lb1 | drained",
        "web2 on lb1 | no end",
    ]


def test_decisions_are_said_beside_the_output():
    """A question with what to type, a gate; not what a step did."""
    written, said = [], []
    events = [asked(question="go on?"), gate_failed("web1"), intent("web1"), notified("web1"), ended("web1", "failed")]

    show(Stream(written.append, say=said.append), *events, plan=PLAN)

    assert written == []
    assert said == [
        "web  wave 1  asks: go on?\n    answer with: runner approve r1 (--deny says no)\n",
        "web  wave 1  gate: healthz unhealthy on web1: status 503, not 200 (deploy.yaml:5)  0.0s\n",
    ]


def test_pieces_of_lines_are_put_together():
    """Lines of two hosts and two streams that come in turns are not mixed."""
    text = shown(
        output("web1", "hel"),
        output("database1", "wo"),
        output("web1", "err", "stderr"),
        output("web1", "lo\nnext"),
        output("database1", "rld\r\n"),
        output("web1", "or\n", "stderr"),
    )

    assert text == "web1      | hello\ndatabase1 | world\nweb1      ! error\n"


@pytest.mark.parametrize("end", [ended("web1"), retry("web1"), ended("web1", item=2)])
def test_the_end_of_a_step_ends_its_line(end):
    """What never got its line end is shown with the attempt, the item or the step."""
    assert shown(intent("web1"), output("web1", "no end"), end, host_ended("web1")) == "web1      | no end\n"


def test_the_end_of_the_run_ends_all_lines():
    """Nothing is lost, and the summary comes last."""
    written = []
    view = Stream(written.append)
    now = show(view, output("web1", "no end"), plan=PLAN)
    view.tick(now)

    view.end(summary.of(folded()))

    assert written[0] == "web1      | no end\n"
    assert "summary" in written[1]


def test_bytes_that_are_no_text_are_made_visible():
    """Escapes too, and a character cut in two by the chunks is whole again."""
    half, other = "ö".encode()[:1], "ö".encode()[1:]
    text = shown(
        output("web1", base64.b64encode(b"\xff\x1b[2J" + half).decode(), encoding="base64"),
        output("web1", base64.b64encode(other + b"\n").decode(), encoding="base64"),
    )

    assert text == "web1      | \\xff\\e[2Jö\n"


def test_a_line_without_end_cannot_fill_the_memory():
    """It is shown in pieces of a mebibyte; nothing of it is lost."""
    chunk = "x" * (LONGEST // 2 + 1)

    text = shown(*[output("web1", chunk)] * 5, ended("web1"))

    lines = [line.removeprefix("web1      | ") for line in text.splitlines()]
    assert [len(line) for line in lines] == [LONGEST, LONGEST, LONGEST // 2 + 5]


def test_a_template_gives_another_form():
    """All fields, and the raw line."""
    events = [output("web1", "one\n", "stderr")]

    assert shown(*events, template="{time} {host:>5} [{step}] {stream} {{{line}}}") == (
        "10:00:00  web1 [upload it] stderr {one}\n"
    )
    assert shown(*events, template="{line}") == "one\n"


@pytest.mark.parametrize("template", ["{", "{lines}", "{}", "{0}", "{host.name}", "{host[0]}", "{host!r}", "{time:%H}"])
def test_a_template_that_means_nothing_is_refused(template):
    """With what may stand there."""
    with pytest.raises(InputError) as caught:
        check_template(template)

    (problem,) = caught.value.problems
    assert problem.message == f'--line "{template}" cannot be used'
    assert "{host}" in problem.hint


def test_a_good_template_is_handed_back():
    """Literal text, widths and doubled braces are fine."""
    assert check_template("{host:<9} {{{line}}}") == "{host:<9} {{{line}}}"


def test_what_is_no_output_can_go_elsewhere():
    """Notes, warnings and the summary do not disturb raw lines."""
    lines, words = [], []
    view = Stream(lines.append, say=words.append, template="{line}")
    show(
        view,
        output("web1", "data\n"),
        note("web1", "waiting\x1b"),
        Warned(message="old", host="web1"),
        Warned(message="odd"),
        plan=PLAN,
    )
    view.end(summary.of(folded()))

    assert lines == ["data\n"]
    assert words[:3] == ["web1      : waiting\\e\n", "warning: web1: old\n", "warning: odd\n"]


@given(st.lists(st.tuples(st.sampled_from(["web1", "database1"]), st.text("ab\n", max_size=5)), max_size=12))
def test_no_line_is_torn_or_lost(chunks):
    """However output is cut and mixed, each host's lines are all there, in order."""
    written = []
    view = Stream(written.append)
    view.begin(PLAN, "r1", "runs/r1")
    for seq, (host, text) in enumerate(chunks):
        view.see(record(output(host, text), START, seq))
    for host in ("web1", "database1"):
        view.see(record(ended(host), START))

    for host in ("web1", "database1"):
        said = "".join(text for name, text in chunks if name == host)
        lines = [line for line in "".join(written).split("\n") if line.startswith(host)]
        assert [line[12:] for line in lines] == (said.removesuffix("\n").split("\n") if said else [])
