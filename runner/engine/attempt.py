"""One attempt: render, connect, record the intent, run the kind within its limits, and turn errors into outcomes.

Everything before the intent is definite: nothing was sent. From the first byte of a request until its end is heard the
outcome is unknown, whatever error ended the waiting.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any

from runner.crashpoints import crash_point
from runner.engine.decisions import asked_by_step
from runner.engine.ends import ended_event
from runner.engine.hearing import Hearing
from runner.engine.judging import placed, reported
from runner.engine.stop import Deadline, Level, Stopped
from runner.engine.target import StepTarget
from runner.engine.turn import Turn
from runner.errors import ConnectError, JournalError, LostError, RenderError, StepError
from runner.model.events import StepIntent
from runner.model.inventory import CONTROLLER, Become, Host
from runner.model.outcome import Outcome, Status, failed
from runner.model.playbook import Step
from runner.model.record_key import record_key
from runner.model.result import Result
from runner.model.secret_text import SecretText
from runner.model.template import Template
from runner.step import StepKind, typed
from runner.transport import Session

Tried = tuple[Outcome, dict[str, Any]]
"""What came of an attempt, and what ``step.ended`` says beside it."""

_ENDED_BY = {"timeout": "it took longer than its timeout of {limit:g}s", "idle": "no output came for {idle:g}s"}


def attempt_once(
    turn: Turn, step: Step, *, scope: Mapping[str, Any] | None, item: int | None, attempt: int
) -> Coroutine[Any, Any, Tried]:
    """Try once. Gives the outcome and what ``step.ended`` says of its output files. Raises JournalError alone."""
    if step.delegate_to is None:
        return _attempt(turn, step, scope, place=turn.host, item=item, attempt=attempt)
    return _delegated(turn, step, scope, item=item, attempt=attempt)


async def _delegated(
    turn: Turn, step: Step, scope: Mapping[str, Any] | None, *, item: int | None, attempt: int
) -> Tried:
    """The same on another host, when it is this one's turn there."""
    try:
        names = scope if scope is not None else turn.scope(step.frame)
        place = place_of(turn, step, names)
    except RenderError as error:
        return failed(placed(error), temporary=False).untried(), {}
    try:
        async with turn_at(turn, step, place) as beside:
            return await _attempt(turn, step, names, place=place, item=item, attempt=attempt, beside=beside)
    except Stopped:
        return Outcome(Status.CANCELLED, message=turn.stop.reason).untried(), {}


@asynccontextmanager
async def turn_at(turn: Turn, step: Step, place: Host) -> AsyncIterator[AsyncExitStack | None]:
    """This host's turn on the one that a step is delegated to.

    Gives what holds a session of its own, where others work on that host at the same time.
    """
    if step.delegate_to is None:
        yield None
        return
    held = turn.run.sessions.held(place.name)
    async with turn.run.lanes.delegate(place.name, step, turn.stop), held, AsyncExitStack() as stack:
        yield stack if place.name == CONTROLLER or step.throttle is not None else None


async def _attempt(
    turn: Turn,
    step: Step,
    scope: Mapping[str, Any] | None,
    *,
    place: Host,
    item: int | None,
    attempt: int,
    beside: AsyncExitStack | None = None,
) -> Tried:
    """``beside`` holds a session of its own where others work on that host at the same time."""
    delegate = "" if place is turn.host else place.name
    said = {"delegate": delegate} if delegate else {}
    try:
        names = scope if scope is not None else turn.scope(step.frame)
        params, target = await ready(turn, step, names, place=place, beside=beside)
    except TimeoutError:
        return Outcome(Status.CANCELLED, message=turn.stop.reason).untried(), said
    except Exception as error:  # noqa: BLE001 - whatever is wrong with this host's step must not end the others
        return _not_begun(turn, step, error, place).untried(), said
    if delegate and turn.stop.level >= Level.STOP:
        # It waited for its turn on the delegate, and a stop came meanwhile.
        return Outcome(Status.CANCELLED, message=turn.stop.reason).untried(), said
    target.key = record_key(turn.play.id, turn.host.name, step.id, step.section, item, attempt)
    intent = StepIntent(
        play=turn.play.id,
        wave=turn.wave,
        host=turn.host.name,
        step=step.id,
        section=step.section,
        delegate=delegate,
        src=turn.source(step),
        item=item,
        attempt=attempt,
        kind=step.kind,
        command=_fingerprint(params, turn.run.salt),
        become=target.become.user if target.become is not None else "",
        is_local=target.session is None,
        idempotent=may_repeat(turn, step, params),
        on_unknown=step.on_unknown,
    )
    if target.session is None:
        turn.run.recorder.emit(intent)
    else:
        await _stored(turn, step, intent)
    crash_point("after_sync_before_send")
    hearing = Hearing(turn, step, item=item, attempt=attempt, delegate=delegate)
    target.hear, target.note, target.asks = hearing.hear, hearing.note, partial(asked_by_step, turn, step)
    outcome = await _limited(turn, step, params, target, hearing)
    return outcome, {**said, **hearing.close()}


def may_repeat(turn: Turn, step: Step, params: Mapping[str, Any]) -> bool:
    """Whether the step may run twice without harm: it says so, or else its kind does."""
    if step.idempotent is not None:
        return step.idempotent
    kind = turn.run.kinds[step.kind]
    return step.read_only or kind.idempotent or kind.only_reads(params)


async def ready(
    turn: Turn, step: Step, names: Mapping[str, Any], *, place: Host, beside: AsyncExitStack | None
) -> tuple[dict[str, Any], StepTarget]:
    """What a try is made with: params and keys rendered, the session open where the kind sends anything to the host.

    Raises what keeps a step from beginning, and TimeoutError where a stop came meanwhile.
    """
    kind = turn.run.kinds[step.kind]
    params = _rendered(turn, step, names)
    target = _target(turn, step, names, place)
    if kind.on_host(params):
        is_free = beside is None and turn.stop.level < Level.KILL
        open_ = turn.run.sessions.ready(place, target.become) if is_free else None
        target.session = open_ or await _session(turn, place, None if kind.only_connects else target, beside)
    return params, target


def place_of(turn: Turn, step: Step, names: Mapping[str, Any]) -> Host:
    """The host that a step runs on: the turn's own, or the one it is delegated to. Raises RenderError."""
    if step.delegate_to is None:
        return turn.host
    name = turn.run.templates.render(step.delegate_to, names)
    found = turn.run.plan.hosts.get(name) if isinstance(name, str) else None
    if found is None:
        place = step.delegate_to.location if isinstance(step.delegate_to, Template) else step.location
        raise RenderError(f'delegate_to: there is no host "{name}"', location=place)
    return found


async def _stored(turn: Turn, step: Step, intent: StepIntent) -> None:
    """Have the start on disk. Where it can't be, an item ends here: it was not sent. Raises JournalError."""
    try:
        await turn.run.recorder.store(intent)
    except JournalError as error:
        if intent.item is not None:
            stopped = Result(Outcome(Status.CANCELLED, message=error.message))
            output = {"attempt": intent.attempt}
            turn.run.recorder.emit(ended_event(turn, step, stopped, item=intent.item, output=output))
        raise


def _not_begun(turn: Turn, step: Step, error: Exception, place: Host) -> Outcome:
    """Why a step could not begin."""
    match error:
        case ConnectError():
            return _unreachable(turn, error, place)
        case RenderError() | StepError():
            return failed(placed(error), temporary=False)
        case _:
            return _bug(turn, step, None, error)


def _rendered(turn: Turn, step: Step, names: Mapping[str, Any]) -> dict[str, Any]:
    conditions = turn.run.kinds[step.kind].conditions
    render = turn.run.templates.render
    if not conditions:
        return dict(render(step.params, names))
    return {key: value if key in conditions else render(value, names) for key, value in step.params.items()}


def _target(turn: Turn, step: Step, names: Mapping[str, Any], place: Host) -> StepTarget:
    """The step's own keys, rendered; the nearest of step, play and host wins."""
    render = turn.run.templates.render
    env = {**turn.play.env, **step.env}
    cwd = step.cwd if step.cwd is not None else turn.play.cwd
    stdin = None if step.stdin is None else _bytes(_text(render(step.stdin, names)))
    return StepTarget(
        run_=turn.run,
        place=place,
        owner=turn.host.name,
        kept=turn.kept(step.frame),
        step=step,
        scope=names,
        session=None,
        become=become_of(turn, step, names, place),
        environment={name: _text(render(value, names)) for name, value in env.items()},
        cwd=None if cwd is None else str(render(cwd, names)),
        stdin=stdin,
    )


def _text(value: Any) -> str:
    """A value as an environment variable holds it: truth as YAML writes it."""
    return str(value).lower() if isinstance(value, bool) else "" if value is None else str(value)


def _bytes(text: str) -> bytes:
    """Text as it goes to a command; bytes that were no UTF-8 go as they came."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raise StepError("stdin cannot hold a lone surrogate: it is no UTF-8") from None


def become_of(turn: Turn, step: Step, names: Mapping[str, Any], place: Host) -> Become | None:
    """The nearest of step, play and host; on the controller, where others delegate to it, the step's own alone."""
    is_guest = place is not turn.host and place.name == CONTROLLER
    for wanted in (step.become,) if is_guest else (step.become, turn.play.become, place.become):
        if wanted is None:
            continue
        if not isinstance(wanted, Become):
            return None
        password = turn.run.templates.render(wanted.password, names)
        if password is not None:
            password = turn.run.secrets.get(password) or SecretText(str(password))
        return Become(user=wanted.user, method=wanted.method, password=password)
    return None


async def _session(turn: Turn, place: Host, target: StepTarget | None, beside: AsyncExitStack | None) -> Session:
    """The host's session, ready for commands as the target's user: what is refused here was never sent."""
    async with Deadline(turn.stop):
        sessions = turn.run.sessions
        session = await (beside.enter_async_context(sessions.beside(place)) if beside else sessions.get(place))
        if target is not None:
            await session.prepare(target.become)
    if turn.stop.level >= Level.STOP:
        raise TimeoutError
    return session


async def _limited(turn: Turn, step: Step, params: Mapping[str, Any], target: StepTarget, hearing: Hearing) -> Outcome:
    """Run the kind inside its limits; every error but the journal's becomes an outcome."""
    loop = asyncio.get_running_loop()
    kind = turn.run.kinds[step.kind]
    deadline = Deadline(turn.stop, limit=step.timeout, idle=step.idle_timeout)
    hearing.deadline = target.deadline = deadline
    begun = loop.time()
    try:
        async with deadline:
            outcome = await kind.run(typed(kind, params), target)
    except TimeoutError as error:
        outcome = failed(f"timed out: {error}")
        if deadline.expired:
            outcome = _came_first(kind, target) or _cut(turn, step, params, target, deadline)
        if not outcome.stdout.size and not outcome.stderr.size:
            outcome = outcome.heard(hearing.heard("stdout"), hearing.heard("stderr"))
    except LostError as error:
        turn.run.sessions.lost(target.place.name, error.message)
        words = error.message if target.place is turn.host else f"delegate {target.place.name}: {error.message}"
        outcome = Outcome(Status.UNKNOWN, message=words)
        outcome = outcome.heard(hearing.heard("stdout"), hearing.heard("stderr"))
    except ConnectError as error:
        outcome = _unreachable(turn, error, target.place)
    except (StepError, RenderError) as error:
        outcome = failed(placed(error), temporary=error.temporary)
    except JournalError:
        raise
    except Exception as error:  # noqa: BLE001 - a bug in one task must not end the others
        outcome = _bug(turn, step, target, error)
    return outcome.timed(loop.time() - begun, _killed(target))


def _came_first(kind: StepKind[Any], target: StepTarget) -> Outcome | None:
    """What the host told of the step's own command just before it would have been ended: an end is an end."""
    result = target.noted.result if target.noted else None
    return None if kind.heard is None or result is None else kind.heard(result, target)


def _cut(turn: Turn, step: Step, params: Mapping[str, Any], target: StepTarget, deadline: Deadline) -> Outcome:
    """What an attempt is that a limit or a kill ended; one whose process group may still run is unknown.

    So is one whose last command had ended by then, and that may not run twice: it may have done what it was to do.
    """
    killed = _killed(target)
    still = ("" if killed in {None, "yes"} else _still_running(target)) + _survivors(target)
    if killed is None and target.fates and target.fates[-1].sent and not may_repeat(turn, step, params):
        words = turn.stop.reason if deadline.ended_by == "kill" else "its time was over"
        return Outcome(Status.UNKNOWN, message=f"{words} just as it ended, and what came of it was not heard")
    if deadline.ended_by != "kill":
        words = _ENDED_BY[deadline.ended_by].format(limit=step.timeout or 0, idle=step.idle_timeout or 0)
        return Outcome(Status.TIMED_OUT, message=words + still)
    status = Status.CANCELLED if killed in {None, "yes"} else Status.UNKNOWN
    return Outcome(status, message=turn.stop.reason + still, temporary=False)


def _killed(target: StepTarget) -> str | None:
    """``yes`` only where every group that had to be ended is gone."""
    found = {fate.killed for fate in target.fates if fate.killed is not None}
    return None if not found else "yes" if found == {"yes"} else "no" if "no" in found else "unknown"


def _still_running(target: StepTarget) -> str:
    groups = [str(fate.group) for fate in target.fates if fate.group is not None and fate.killed not in {None, "yes"}]
    return "; it may still be running" + (f" (process group {', '.join(groups)})" if groups else "")


def _survivors(target: StepTarget) -> str:
    """Those who left the process group before it was ended: nobody promises to end them, so they are told."""
    found = [str(pid) for fate in target.fates for pid in fate.survivors]
    processes = "process" if len(found) == 1 else "processes"
    return f"; {processes} {', '.join(found)} had left its group, and may still run" if found else ""


def _unreachable(turn: Turn, error: ConnectError, place: Host) -> Outcome:
    """A host that can't be reached is lost; a delegate that can't is a failure of the step."""
    words = f"{error.cause}: {error.message}"
    if place is turn.host:
        return Outcome(Status.UNREACHABLE, message=words, temporary=error.temporary)
    return failed(f"delegate {place.name} unreachable: {words}", temporary=error.temporary)


def _bug(turn: Turn, step: Step, target: StepTarget | None, error: Exception) -> Outcome:
    file = reported(turn, step, error)
    was_sent = target is not None and any(fate.sent for fate in target.fates)
    message = f"a fault in runner: {type(error).__name__}; see {file}"
    return Outcome(Status.UNKNOWN if was_sent else Status.FAILED, message=message, temporary=False)


def _fingerprint(params: Mapping[str, Any], salt: bytes) -> str:
    """A salted hash of what is about to be done: tells equal from changed without telling what; no salt, no hash."""
    if not salt:
        return ""
    data = repr(sorted(params.items())).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(data, digest_size=8, key=salt).hexdigest()
