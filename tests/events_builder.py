"""Short words for events, so that a test reads as the story of a run.

``Story`` gives each event its time and keeps the list; functions without it make one event.
"""

import json
from collections.abc import Container, Mapping
from datetime import UTC, datetime

import msgspec

from runner.location import Location
from runner.model.events import (
    ApprovalDenied,
    ApprovalGranted,
    ApprovalWaiting,
    Baking,
    BudgetChanged,
    BudgetExceeded,
    Event,
    GateChecked,
    GateFailed,
    GatePassed,
    HandlerNotified,
    HostEnded,
    HostStarted,
    PlanReady,
    RollbackEnded,
    RollbackStarted,
    RunEnded,
    RunStarted,
    StepEnded,
    StepIntent,
    StepNote,
    StepOutput,
    StepRetry,
    WaveEnded,
    WaveStarted,
)
from runner.model.plan import Plan, PlannedPlay, Wave
from runner.model.playbook import Step, Strategy
from runner.model.progress import Progress
from runner.reporting import Record, View

START = 1_795_255_200.0  # 2026-11-21T10:00:00Z


def run_started(**fields) -> RunStarted:
    given = {"playbook": "deploy.yaml", "name": "deploy", "inventory": ("hosts.yaml",), **fields}
    return RunStarted(schema="1.0", tool="0.1.0", mode="run", user="ops", controller="desk", pid=7, **given)


def play(id: str = "web", hosts: int = 3, steps: int = 2, waves: int = 1) -> dict:  # noqa: A002 - the field's name
    return {"id": id, "name": id.capitalize(), "hosts": hosts, "steps": steps, "waves": waves, "concurrency": 10}


def plan_ready(*plays: dict, notes: tuple[str, ...] = ()) -> PlanReady:
    plays = plays or (play(),)
    total = sum(p["hosts"] * p["steps"] for p in plays)
    return PlanReady(plays=plays, hosts=max(p["hosts"] for p in plays), total=total, notes=notes)


def wave_started(*hosts: str, wave: int = 1, of: int = 1, play: str = "web") -> WaveStarted:
    return WaveStarted(play=play, wave=wave, of=of, hosts=hosts)


def wave_ended(wave: int = 1, status: str = "ok", play: str = "web", duration: float = 1.0, **counts) -> WaveEnded:
    return WaveEnded(play=play, wave=wave, status=status, counts=counts, duration=duration)


def host_started(host: str, wave: int = 1, play: str = "web", section: str = "") -> HostStarted:
    return HostStarted(play=play, wave=wave, host=host, section=section)


def host_ended(host: str, status: str = "ok", wave: int = 1, play: str = "web", **fields) -> HostEnded:
    return HostEnded(play=play, wave=wave, host=host, status=status, **fields)


def intent(host: str, step: str = "upload", attempt: int = 1, **fields) -> StepIntent:
    return StepIntent(**_place(host, step, fields), attempt=attempt, kind="command", **fields)


def output(host: str, text: str, stream: str = "stdout", step: str = "upload", **fields) -> StepOutput:
    return StepOutput(**_place(host, step, fields), stream=stream, text=text, **fields)


def note(host: str, message: str, step: str = "upload", **fields) -> StepNote:
    return StepNote(**_place(host, step, fields), message=message, **fields)


def retry(host: str, step: str = "upload", attempt: int = 1, delay: float = 5.0, **fields) -> StepRetry:
    given = {"status": "failed", "rc": 1, "reason": "exit status 1", **fields}
    return StepRetry(**_place(host, step, given), attempt=attempt, delay=delay, **given)


def ended(host: str, status: str = "ok", step: str = "upload", **fields) -> StepEnded:
    return StepEnded(**_place(host, step, fields), kind="command", status=status, **fields)


def budget_changed(host: str, failures: int, allowed: int | None = 0, wave: int = 1) -> BudgetChanged:
    return BudgetChanged(play="web", wave=wave, host=host, failures=failures, allowed=allowed)


def budget_exceeded(
    failures: int = 1, allowed: int = 0, action: str = "stop", wave: int = 1, *, by_gate: bool = False
) -> BudgetExceeded:
    return BudgetExceeded(play="web", wave=wave, failures=failures, allowed=allowed, action=action, by_gate=by_gate)


def notified(host: str, handler: str = "restart", step: str = "upload", wave: int = 1) -> HandlerNotified:
    return HandlerNotified(play="web", wave=wave, host=host, step=step, handler=handler)


def gate_checked(host: str, verdict: str = "healthy", number: int = 1, wave: int = 1, **fields) -> GateChecked:
    given = {"check": "healthz", **fields}
    return GateChecked(play="web", wave=wave, host=host, verdict=verdict, number=number, **given)


def gate_passed(*hosts: str, wave: int = 1, duration: float = 0.0) -> GatePassed:
    return GatePassed(play="web", wave=wave, hosts=hosts, duration=duration)


def gate_failed(*hosts: str, verdict: str = "unhealthy", wave: int = 1, **fields) -> GateFailed:
    given = {"check": "healthz", "reason": "status 503, not 200", "src": "deploy.yaml:5", **fields}
    return GateFailed(play="web", wave=wave, hosts=hosts, verdict=verdict, **given)


def bake(seconds: float, wave: int = 1, play: str = "web") -> Baking:
    return Baking(play=play, wave=wave, duration=seconds)


def asked(about: str = "wave", question: str = "go on?", wave: int = 1, **fields) -> ApprovalWaiting:
    return ApprovalWaiting(play="web", wave=wave, about=about, question=question, **fields)


def granted(about: str = "wave", wave: int = 1, by: str = "ops", how: str = "terminal", **fields) -> ApprovalGranted:
    return ApprovalGranted(play="web", wave=wave, about=about, by=by, how=how, **fields)


def denied(about: str = "wave", wave: int = 1, by: str = "ops", how: str = "terminal", **fields) -> ApprovalDenied:
    return ApprovalDenied(play="web", wave=wave, about=about, by=by, how=how, **fields)


def rollback_started(*hosts: str, reason: str = "the failure budget is exceeded", play: str = "web") -> RollbackStarted:
    return RollbackStarted(play=play, reason=reason, hosts=hosts)


def rollback_ended(status: str = "rolled_back", play: str = "web", duration: float = 0.0, **counts) -> RollbackEnded:
    return RollbackEnded(play=play, status=status, counts=counts, duration=duration)


def run_ended(status: str = "ok", exit: int = 0) -> RunEnded:  # noqa: A002 - the field's name
    return RunEnded(status=status, exit=exit)


def _place(host: str, step: str, fields: dict) -> dict:
    src = fields.pop("src", "deploy.yaml:9")
    return {"play": fields.pop("play", "web"), "wave": fields.pop("wave", 1), "host": host, "step": step, "src": src}


def turn(
    host: str, *steps: str, status: str = "ok", end: str | None = None, wave: int = 1, section: str = "", **fields
) -> list[Event]:
    """A whole turn of a host: each step ``ok``, but the last, which ends in ``status``."""
    events: list[Event] = [host_started(host, wave=wave, section=section)]
    for step in steps:
        last = step == steps[-1]
        events.append(intent(host, step, wave=wave, section=section))
        given = {"section": section, **(fields if last else {})}
        events.append(ended(host, status if last else "ok", step, wave=wave, **given))
    return [*events, host_ended(host, end or {"timed_out": "failed"}.get(status, status), wave=wave)]


def folded(*events: Event, seconds: float = 1.0) -> Progress:
    """The progress after these events, ``seconds`` apart, the first at START."""
    progress = Progress()
    for place, event in enumerate(events):
        progress.apply(event, START + place * seconds)
    return progress


def record(event: Event, ts: float = START, seq: int = 0) -> Record:
    """A record as the journal makes it."""
    when = datetime.fromtimestamp(ts, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    fields = {"seq": seq, "ts": when, "run": "r1", **msgspec.to_builtins(event), "sum": "00000000"}
    return Record(event, ts, seq, json.dumps(fields).encode() + b"\n")


def show(view: View, *events: Event, seconds: float = 1.0, plan: Plan | None = None) -> float:
    """Let a view see these events, ``seconds`` apart, without a tick; the time after the last."""
    view.begin(plan or a_plan(), "r1", "runs/r1")
    for seq, event in enumerate(events):
        view.see(record(event, START + seq * seconds, seq))
    return START + len(events) * seconds


def a_plan(
    *hosts: str,
    steps: Mapping[str, str] | None = None,
    notes: tuple[str, ...] = (),
    strategy: Strategy | None = None,
    logs: tuple[str, ...] = (),
    **more,
) -> Plan:
    """A plan of one play ``web`` in one wave; ``steps`` maps ids to names, and so do ``handlers`` and the like.

    All of them are commands, but those that ``logs`` names.
    """
    place = Location("deploy.yaml", 9)
    made = _steps("", steps or {"upload": "upload"}, logs)
    parts = {part: _steps(part, more.pop(part)) for part in ("handlers", "rollback", "always") if part in more}
    waves = (Wave(1, hosts),)
    web = PlannedPlay("web", "Web", hosts, waves, made, strategy or Strategy(), 10, place, **parts, **more)
    return Plan("deploy.yaml", "deploy", ".", (web,), {}, notes=notes)


def _steps(section: str, names: Mapping[str, str], logs: Container[str] = ()) -> tuple[Step, ...]:
    place = Location("deploy.yaml", 9)
    return tuple(
        Step(id, name, "log" if id in logs else "command", {}, place, section=section)
        for id, name in names.items()  # noqa: A001
    )
