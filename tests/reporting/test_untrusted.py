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
    retry,
    run_started,
    show,
    wave_ended,
    wave_started,
)

from runner.model import summary
from runner.model.events import (
    ApprovalDenied,
    ApprovalWaiting,
    Baking,
    GateChecked,
    GateFailed,
    GatePassed,
    HandlerNotified,
    HostConnecting,
    HostLost,
    RollbackEnded,
    RollbackStarted,
    Signalled,
    Warned,
)
from runner.reporting.live import Live
from runner.reporting.log import Log
from runner.reporting.plain import Plain
from runner.reporting.quiet import Quiet
from runner.reporting.stream import Stream

NASTY = "\x1b]52;c;ZXZpbA==\x07\x1b[2J\x9b31m\r\x08\x7f\u202e\u2066\u2028\u0085\udc9b"
PLACE = {"host": NASTY, "step": NASTY, "play": NASTY}
WAVE = {"play": NASTY, "wave": 1}

VIEWS = {
    "plain": lambda write, color: Plain(write, color=color, zone=UTC),
    "live": lambda write, color: Live(write, size=lambda: (300, 50), color=color, zone=UTC),
    "stream": lambda write, color: Stream(write, color=color, zone=UTC),
    "template": lambda write, color: Stream(write, template="{time} {host} {step} {stream} {line}", color=color),
    "quiet": lambda write, color: Quiet(write, color=color),
    "console": lambda write, color: Log(write, "console", color=color),
    "logfmt": lambda write, color: Log(write, "logfmt", color=color),
}

EVENTS = [
    run_started(playbook=NASTY, name=NASTY),
    plan_ready(play(NASTY, hosts=2), notes=(NASTY,)),
    Warned(message=NASTY, host=NASTY, hint=NASTY),
    HostConnecting(host=NASTY, address=NASTY, attempt=1),
    HostLost(host=NASTY, cause="dns", reason=NASTY, hint=NASTY),
    HostConnecting(host=NASTY, address=NASTY, attempt=2),
    wave_started(NASTY, NASTY + "2", play=NASTY),
    host_started(NASTY, play=NASTY),
    intent(**PLACE),
    note(message=NASTY, **PLACE),
    output(text=NASTY + "\n" + NASTY, **PLACE),
    output(text=NASTY + "\n", stream="stderr", **PLACE),
    Signalled(signal=NASTY, action="stop"),
    retry(reason=NASTY, **PLACE),
    intent(attempt=2, **PLACE),
    ended(
        status="failed",
        reason=NASTY,
        tail=NASTY + "\n" + NASTY,
        src=NASTY,
        rc=1,
        signal=NASTY,
        output={NASTY: NASTY},
        register={NASTY: [NASTY]},
        **PLACE,
    ),
    HandlerNotified(play=NASTY, wave=1, host=NASTY, step=NASTY, handler=NASTY),
    intent(attempt=3, section="handlers", delegate=NASTY, **{**PLACE, "step": NASTY + "3"}),
    output(text=NASTY + "\n", delegate=NASTY, **{**PLACE, "step": NASTY + "3"}),
    ended(status="failed", reason=NASTY, delegate=NASTY, section="handlers", **{**PLACE, "step": NASTY + "3"}),
    host_ended(NASTY, "failed", play=NASTY, reason=NASTY, duration=1.0),
    host_ended(NASTY + "2", "not_run", play=NASTY, reason=NASTY),
    GateChecked(**WAVE, host=NASTY, check=NASTY, verdict="unhealthy", reason=NASTY),
    GateFailed(**WAVE, hosts=(NASTY,), check=NASTY, verdict="unhealthy", reason=NASTY, src=NASTY),
    GatePassed(**WAVE, hosts=(NASTY,)),
    wave_ended(1, "failed", play=NASTY, failed=1),
    ApprovalWaiting(**WAVE, about="wave", question=NASTY),
    ApprovalDenied(**WAVE, about="wave", by=NASTY, how=NASTY),
    RollbackStarted(play=NASTY, reason=NASTY, hosts=(NASTY,)),
    RollbackEnded(play=NASTY, status="rollback_failed", counts={}),
    Baking(**WAVE, duration=60.0),
    ApprovalWaiting(**WAVE, about="step", question=NASTY, host=NASTY, step=NASTY),
]


@pytest.mark.parametrize("color", [False, True])
@pytest.mark.parametrize("view", VIEWS)
def test_nothing_that_others_wrote_reaches_the_terminal_raw(view, color):
    """Whatever field it stands in: only our own colours and movements are left, and every line prints."""
    written = []
    shown = VIEWS[view](written.append, color)
    now = show(shown, *EVENTS, plan=a_plan(NASTY, steps={NASTY: NASTY}, notes=(NASTY,)))
    shown.tick(now)
    shown.tick(now + 31)
    shown.end(summary.of(folded(*EVENTS), run=NASTY, folder=NASTY))

    text = "".join(written)
    ours = r"\x1b\[\d*m|\x1b\[\d+A|\r?\x1b\[J" if view == "live" else r"\x1b\[\d*m" if color else r"(?!)"
    rest = re.sub(ours, "", text)
    assert [line for line in rest.split("\n") if not line.isprintable()] == []
    assert "\x1b[2J" not in text
