import fcntl
import os
import re
import struct
import termios
import time
from datetime import UTC

import pytest
from events_builder import (
    START,
    a_plan,
    budget_exceeded,
    ended,
    folded,
    host_ended,
    host_started,
    intent,
    note,
    output,
    plan_ready,
    play,
    record,
    run_started,
    show,
    turn,
    wave_ended,
    wave_started,
)
from rich.cells import cell_len

from runner.model import summary
from runner.model.events import HostConnecting, Signalled
from runner.reporting.eta import seconds_left
from runner.reporting.live import Live


class Screen:
    """As much of a terminal as the live view asks for: wrapping, line up, clear to the end, colours."""

    def __init__(self, columns=80):
        self.columns = columns
        self.rows = [""]
        self.row = self.column = 0

    def write(self, text):
        for token in re.findall(r"\x1b\[\d*[A-Za-z]|\x1b.?|[^\x1b]", text, re.DOTALL):
            self._token(token)

    def resize(self, columns):
        """Narrower: every row that no longer fits is wrapped, as terminals do; the cursor stays at the end."""
        self.columns = columns
        self.rows = [row[at : at + columns] for row in self.rows for at in range(0, max(len(row), 1), columns)]
        self.row = len(self.rows) - 1

    def _token(self, token):
        if token == "\n":
            self.row, self.column = self.row + 1, 0
            self.rows += [""] * (self.row + 1 - len(self.rows))
        elif token == "\r":
            self.column = 0
        elif token.endswith("A") and token.startswith("\x1b["):
            self.row -= int(token[2:-1])
            assert self.row >= 0, "up beyond the first row"
        elif token == "\x1b[J":
            self.rows = [*self.rows[: self.row], self.rows[self.row][: self.column]]
        elif token.startswith("\x1b"):
            assert re.fullmatch(r"\x1b\[\d+m", token), f"not our own escape: {token!r}"
        else:
            self._character(token)

    def _character(self, character):
        if self.column == self.columns:
            self._token("\n")
        row = self.rows[self.row].ljust(self.column)
        self.rows[self.row] = row[: self.column] + character + row[self.column + 1 :]
        self.column += 1


def a_view(screen, rows=24, **options):
    return Live(screen.write, size=lambda: (screen.columns, rows), zone=UTC, **options)


HOSTS = [f"web{n}" for n in range(1, 7)]
PLAN = a_plan(*HOSTS, steps={"upload": "upload it", "reload": "reload it"})
OPENING = [run_started(), plan_ready(play(hosts=6, waves=2)), wave_started(*HOSTS[:3], of=2)]


def test_a_frame_says_where_the_run_is():
    """Bars, time gone and left, counts, steps at work with hosts folded, the slowest and the last that failed."""
    screen = Screen()
    view = a_view(screen)
    now = show(
        view,
        *OPENING,
        *turn("web1", "upload", "reload", duration=2.0),
        *turn("web2", "upload", status="failed", reason="exit status 1", tail="a\nno \x1b[2Jspace", duration=2.0),
        host_started("web3"),
        intent("web3"),
        output("web3", "copying\n"),
        HostConnecting(host="web4", address="10.0.0.4", attempt=1),
        plan=PLAN,
    )

    view.tick(now)

    at = screen.rows.index("run      [########----------------]  3 of 12 steps  17s gone, about 27s left")
    assert screen.rows[at + 1 :] == [
        "wave     [################--------]  2 of 3 hosts  web 1/2",
        "hosts    ok 1  failed 1  at work 1  connecting 1  waiting 3",
        "at work  upload it  web3  3.0s",
        "",
        "",
        "",
        "slowest  web3  upload it  3.0s  | copying",
        "failed   web2  upload it: exit status 1  | no \\e[2Jspace",
        "",
        "",
    ]


def test_frames_replace_each_other_and_news_scroll_above():
    """There is one frame on the screen, with failures and ended waves above it, in order."""
    screen = Screen()
    view = a_view(screen)
    now = show(view, *OPENING, plan=PLAN)
    for seq, event in enumerate(
        [
            *turn("web1", "upload", "reload"),
            *turn("web2", "upload", status="failed", reason="exit status 1", tail="no space"),
            host_ended("web3", "not_run", reason="the budget was exceeded"),
            wave_ended(1, "failed", ok=1, failed=1, not_run=1),
            budget_exceeded(),
        ]
    ):
        view.see(record(event, now + seq, seq))
        view.tick(now + seq)

    assert [row[:8].strip() for row in screen.rows].count("run") == 1
    assert len([row for row in screen.rows if row.startswith("wave")]) == 1
    scrolled = [row[10:] for row in screen.rows if re.match(r"\d\d:", row)]
    assert scrolled == [
        "web  wave 1/2  started  web[1-3]",
        "web  wave 1/2  upload it  failed: exit status 1  web2  0.0s",
        "web  wave 1/2  host ended  failed  web2  0.0s",
        "web  wave 1/2  ended  failed  ok 1  failed 1  not_run 1  1.0s",
        "web  1 failure is more than the 0 allowed: stop",
    ]


def test_what_a_log_step_says_scrolls_by():
    """It is there to be read; notes of other steps are not shown here."""
    screen = Screen()
    plan = a_plan("web1", steps={"upload": "upload it", "say": "say it"}, logs=("say",))
    view = a_view(screen)
    events = [host_started("web1")]
    for step, said in (("upload", "half of it"), ("say", "release 7 is there")):
        events += [intent("web1", step), note("web1", said, step), ended("web1", "ok", step, reason=said)]

    now = show(view, run_started(), plan_ready(play(hosts=1)), wave_started("web1"), *events, plan=plan)
    view.tick(now + 1)

    scrolled = [row[10:] for row in screen.rows if re.match(r"\d\d:", row)]
    assert scrolled == ["web  wave 1/1  started  web1", "web  wave 1/1  release 7 is there  web1"]


def test_at_most_four_frames_a_second():
    """Ticks in between draw nothing."""
    written = []
    view = Live(written.append, size=lambda: (80, 24))
    now = show(view, *OPENING, plan=PLAN)
    written.clear()

    for tick in range(100):
        view.tick(now + tick / 100)

    assert len(written) == 4


def test_an_interrupt_is_shown_at_once():
    """With what is waited for, above the frame."""
    screen = Screen()
    view = a_view(screen)
    show(view, *OPENING, host_started("web1"), intent("web1"), Signalled(signal="INT", action="stop"), plan=PLAN)

    assert any("signal INT: stop" in row for row in screen.rows)
    assert any("waiting for upload it  web1  1.0s" in row for row in screen.rows)


@pytest.mark.parametrize("size", [(20, 24), (40, 5), (1, 1), (200, 50)])
def test_it_fits_any_terminal(size):
    """No line of a frame is as wide as the terminal, and the frame never fills it; wide characters count twice."""
    written = []
    view = Live(written.append, size=lambda: size)
    now = show(view, *OPENING, host_started("web1"), intent("web1"), output("web1", "日本語" * 50 + "\t\n"), plan=PLAN)
    view.tick(now)
    written.clear()

    view.tick(now + 1)

    frame = re.sub(r"\x1b\[\d*[AJm]|\r", "", written[0]).splitlines()
    assert len(frame) <= max(size[1] - 1, 1)
    assert all(cell_len(line) <= max(size[0] - 1, 1) for line in frame)


def test_a_terminal_made_narrower_is_left_clean():
    """The rows into which the old frame was wrapped are taken away too."""
    screen = Screen(120)
    view = a_view(screen)
    now = show(view, *OPENING, *turn("web1", "upload", status="failed", reason="x" * 100), plan=PLAN)
    view.tick(now)

    screen.resize(40)
    view.tick(now + 1)

    assert len([row for row in screen.rows if row.startswith("hosts ")]) == 1
    assert len([row for row in screen.rows if row.startswith("run  ")]) == 1


def test_many_steps_at_work_and_many_hosts_keep_their_room():
    """The number of lines does not depend on what runs."""
    hosts = [f"h{n:04}" for n in range(1000)]
    screen = Screen(100)
    view = a_view(screen)
    work = [event for host in hosts for event in (host_started(host), intent(host, f"step{int(host[1:]) % 7}"))]
    now = show(view, run_started(), plan_ready(play(hosts=1000, steps=7)), wave_started(*hosts), *work, seconds=0.001)

    view.tick(now)
    view.tick(now + 1)

    at = next(n for n, row in enumerate(screen.rows) if row.startswith("run  "))
    assert len(screen.rows) - at == 11
    assert screen.rows[at + 6] == "         and 4 more"


def test_the_last_screen_of_a_real_terminal():
    """Through a pty that changes its size: the summary stands there, no frame, and no escape made by a host."""
    master, slave = os.openpty()
    terminal = os.fdopen(slave, "w", encoding="utf-8")
    sizes = [(100, 30), (60, 30)]

    def set_size(columns, rows):
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    screen = Screen(100)

    def write(text):
        terminal.write(text)
        terminal.flush()
        screen.write(os.read(master, 100_000).decode().replace("\r\n", "\n"))

    nasty = "\x1b]0;owned\x07\x1b[2J\x9b2J\r\u202e"
    events = [
        *OPENING,
        *turn("web1", "upload", status="failed", reason=nasty, tail=nasty),
        *turn("web2", "upload", "reload"),
        host_started("web3"),
        intent("web3"),
        output("web3", nasty + "\n"),
    ]
    later = [ended("web3", "failed", reason=nasty, tail=nasty), host_ended("web3", "failed", reason=nasty)]
    set_size(*sizes[0])
    view = Live(write, size=lambda: tuple(os.get_terminal_size(slave)), zone=UTC)
    now = show(view, *events, plan=PLAN)
    view.tick(now)
    view.tick(now + 1)
    set_size(*sizes[1])
    screen.resize(60)
    for seq, event in enumerate(later):
        view.see(record(event, now + 2, seq))
    view.tick(now + 2)
    view.end(summary.of(folded(*events, *later), run="r1", folder="runs/r1"))
    terminal.close()
    os.close(master)

    text = "\n".join(screen.rows)
    assert "summary  r1  failed" in text
    assert "failures" in text
    assert not any(row.startswith(("run   ", "at work", "hosts   ", "slowest  ")) for row in screen.rows)
    assert not set(text) & set("\x1b\x07\x9b\r\u202e")


def test_colours_are_optional():
    """Without them only movements are left."""
    written = []
    view = Live(written.append, size=lambda: (80, 24), color=False)
    now = show(view, *OPENING, *turn("web1", "upload", status="failed"), plan=PLAN)
    view.tick(now)

    assert set(re.findall(r"\x1b\[\d*[A-Za-z]", "".join(written))) == {"\x1b[J"}


def test_before_the_plan_there_is_a_frame_too():
    """Reading and preparing take time."""
    screen = Screen()
    view = a_view(screen)
    view.tick(START)

    assert screen.rows[0] == "run      [------------------------]  0 of 0 steps  0.0s gone"


def test_time_left_of_equal_steps_is_right_half_way():
    """Twenty steps of ten seconds, ten and a half done: ninety-five seconds, within 30 %."""
    steps = [f"step{n}" for n in range(20)]
    done = [event for step in steps[:10] for event in (intent("a", step), ended("a", step=step, duration=10.0))]
    progress = folded(
        run_started(), plan_ready(play(hosts=1, steps=20)), wave_started("a"), host_started("a"), seconds=0
    )
    for n, event in enumerate(done):
        progress.apply(event, START + (n + 1) // 2 * 10.0)
    progress.apply(intent("a", "step10"), START + 100)

    left = seconds_left(progress, START + 105)

    assert left == pytest.approx(95, rel=0.05)


def test_time_left_knows_what_will_not_run():
    """Hosts that ended early leave nothing to do; nothing is known before the first step has ended."""
    opening = [run_started(), plan_ready(play(hosts=2, steps=2)), wave_started("a", "b")]

    assert seconds_left(folded(*opening), START + 10) is None
    gone = folded(*opening, *turn("a", "upload", status="failed", duration=2.0), host_ended("b", "not_run"))
    assert seconds_left(gone, START + 10) == 0
    assert seconds_left(folded(*opening, *turn("a", "upload", duration=0.0)), START + 10) is None


def test_time_left_with_many_hosts_at_one_step():
    """Of many hosts half a mean each is taken."""
    hosts = [f"h{n}" for n in range(400)]
    opening = [run_started(), plan_ready(play(hosts=401, steps=1)), wave_started("a", *hosts)]
    work = [event for host in hosts for event in (host_started(host), intent(host))]
    progress = folded(*opening, *turn("a", "upload", duration=10.0), *work, seconds=0)

    assert seconds_left(progress, START + 10) == pytest.approx(10 * (400 * 5) / (10 + 400 * 5))


@pytest.mark.benchmark
def test_ten_thousand_hosts_cost_little():
    """Four frames a second cost under 2 % of a processor."""
    hosts = [f"h{n:05}" for n in range(10_000)]
    work = [event for host in hosts for event in (host_started(host), intent(host))]
    view = Live(str, size=lambda: (100, 30))
    now = show(view, run_started(), plan_ready(play(hosts=10_000)), wave_started(*hosts), *work, seconds=0)
    view.tick(now)

    begin = time.process_time()
    for frame in range(40):
        view.tick(now + 1 + frame / 4)
    spent = time.process_time() - begin

    print(f"ten seconds of frames: {spent:.3f} s")
    assert spent < 0.2
