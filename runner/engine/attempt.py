"""One attempt: render, connect, record the intent, run the kind within its limits, and turn errors into outcomes.

Everything before the intent is definite: nothing was sent. From the first byte of a request until its end is heard the
outcome is unknown, whatever error ended the waiting.
"""

import asyncio
import hashlib
from collections.abc import Mapping
from functools import partial
from typing import Any

from runner.engine.decisions import asked_by_step
from runner.engine.hearing import Hearing
from runner.engine.stop import Deadline
from runner.engine.target import StepTarget
from runner.engine.turn import Turn
from runner.errors import ConnectError, JournalError, LostError, RenderError, RunnerError, StepError
from runner.model.events import StepIntent
from runner.model.inventory import Become
from runner.model.outcome import Outcome, Status, failed
from runner.model.playbook import Step
from runner.step import typed
from runner.transport import Session

_ENDED_BY = {"timeout": "it took longer than its timeout of {limit:g}s", "idle": "no output came for {idle:g}s"}


async def attempt_once(
    turn: Turn, step: Step, *, scope: Mapping[str, Any] | None, item: int | None, attempt: int
) -> tuple[Outcome, dict[str, Any]]:
    """Try once. Gives the outcome and what ``step.ended`` says of its output files. Raises JournalError alone."""
    names = scope if scope is not None else turn.scope()
    kind = turn.run.kinds[step.kind]
    session: Session | None = None
    try:
        params = _rendered(turn, step, names)
        target = _target(turn, step, names)
        if kind.on_host(params):
            session = await _session(turn, None if kind.only_connects else target)
    except TimeoutError:
        return Outcome(Status.CANCELLED, message=turn.stop.reason), {}
    except Exception as error:  # noqa: BLE001 - whatever is wrong with this host's step must not end the others
        return _not_begun(turn, error).untried(), {}
    target.session = session
    intent = StepIntent(
        play=turn.play.id,
        wave=turn.wave,
        host=turn.host.name,
        step=step.id,
        src=turn.source(step),
        item=item,
        attempt=attempt,
        kind=step.kind,
        command=_fingerprint(params, turn.run.salt),
    )
    if session is None:
        turn.run.recorder.emit(intent)
    else:
        await turn.run.recorder.store(intent)
    hearing = Hearing(turn, step, item=item, attempt=attempt)
    target.hear, target.note, target.asks = hearing.hear, hearing.note, partial(asked_by_step, turn, step)
    outcome = await _limited(turn, step, params, target, hearing)
    return outcome, hearing.close()


def _not_begun(turn: Turn, error: Exception) -> Outcome:
    """Why a step could not begin."""
    match error:
        case ConnectError():
            return _unreachable(error)
        case RenderError() | StepError():
            return failed(_words(error), temporary=False)
        case _:
            return _bug(turn, None, error)


def _rendered(turn: Turn, step: Step, names: Mapping[str, Any]) -> dict[str, Any]:
    conditions = turn.run.kinds[step.kind].conditions
    render = turn.run.templates.render
    if not conditions:
        return dict(render(step.params, names))
    return {key: value if key in conditions else render(value, names) for key, value in step.params.items()}


def _target(turn: Turn, step: Step, names: Mapping[str, Any]) -> StepTarget:
    """The step's own keys, rendered; the nearest of step, play and host wins."""
    render = turn.run.templates.render
    env = {**turn.play.env, **step.env}
    cwd = step.cwd if step.cwd is not None else turn.play.cwd
    stdin = None if step.stdin is None else _bytes(_text(render(step.stdin, names)))
    return StepTarget(
        run_=turn.run,
        place=turn.host,
        step=step,
        scope=names,
        session=None,
        become=_become(turn, step, names),
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


def _become(turn: Turn, step: Step, names: Mapping[str, Any]) -> Become | None:
    for wanted in (step.become, turn.play.become, turn.host.become):
        if wanted is None:
            continue
        if not isinstance(wanted, Become):
            return None
        password = turn.run.templates.render(wanted.password, names)
        return Become(user=wanted.user, method=wanted.method, password=turn.run.secrets.get(password, password))
    return None


async def _session(turn: Turn, target: StepTarget | None) -> Session:
    """The host's session, ready for commands as the target's user: what is refused here was never sent."""
    async with Deadline(turn.stop):
        session = await turn.run.sessions.get(turn.host)
        if target is not None:
            await session.prepare(target.become)
        return session


async def _limited(turn: Turn, step: Step, params: Mapping[str, Any], target: StepTarget, hearing: Hearing) -> Outcome:
    """Run the kind inside its limits; every error but the journal's becomes an outcome."""
    loop = asyncio.get_running_loop()
    kind = turn.run.kinds[step.kind]
    deadline = Deadline(turn.stop, limit=step.timeout, idle=step.idle_timeout)
    hearing.deadline = deadline
    begun = loop.time()
    try:
        async with deadline:
            outcome = await kind.run(typed(kind, params), target)
    except TimeoutError as error:
        outcome = _cut(turn, step, target, deadline) if deadline.expired else failed(f"timed out: {error}")
        outcome = outcome.heard(hearing.heard("stdout"), hearing.heard("stderr"))
    except LostError as error:
        turn.run.sessions.lost(turn.host.name, error.message)
        outcome = Outcome(Status.UNKNOWN, message=error.message)
        outcome = outcome.heard(hearing.heard("stdout"), hearing.heard("stderr"))
    except ConnectError as error:
        outcome = _unreachable(error)
    except (StepError, RenderError) as error:
        outcome = failed(_words(error), temporary=error.temporary)
    except JournalError:
        raise
    except Exception as error:  # noqa: BLE001 - a bug in one task must not end the others
        outcome = _bug(turn, target, error)
    return outcome.timed(loop.time() - begun, _killed(target))


def _cut(turn: Turn, step: Step, target: StepTarget, deadline: Deadline) -> Outcome:
    """What an attempt is that a limit or a kill ended; one whose process group may still run is unknown."""
    killed = _killed(target)
    still = "" if killed in {None, "yes"} else _still_running(target)
    if deadline.ended_by != "kill":
        words = _ENDED_BY[deadline.ended_by].format(limit=step.timeout or 0, idle=step.idle_timeout or 0)
        return Outcome(Status.TIMED_OUT, message=words + still)
    status = Status.CANCELLED if killed in {None, "yes"} else Status.UNKNOWN
    return Outcome(status, message=turn.stop.reason + still)


def _killed(target: StepTarget) -> str | None:
    """``yes`` only where every group that had to be ended is gone."""
    found = {fate.killed for fate in target.fates if fate.killed is not None}
    return None if not found else "yes" if found == {"yes"} else "no" if "no" in found else "unknown"


def _still_running(target: StepTarget) -> str:
    groups = [str(fate.group) for fate in target.fates if fate.group is not None and fate.killed not in {None, "yes"}]
    return "; it may still be running" + (f" (process group {', '.join(groups)})" if groups else "")


def _unreachable(error: ConnectError) -> Outcome:
    return Outcome(Status.UNREACHABLE, message=f"{error.cause}: {error.message}", temporary=error.temporary)


def _bug(turn: Turn, target: StepTarget | None, error: Exception) -> Outcome:
    file = turn.run.report(error)
    turn.run.bugs.append(file)
    was_sent = target is not None and any(fate.sent for fate in target.fates)
    message = f"a fault in runner: {type(error).__name__}; see {file}"
    return Outcome(Status.UNKNOWN if was_sent else Status.FAILED, message=message, temporary=False)


def _words(error: RunnerError) -> str:
    place = getattr(error, "location", None)
    return error.message if place is None else f"{place}: {error.message}"


def _fingerprint(params: Mapping[str, Any], salt: bytes) -> str:
    """A salted hash of what is about to be done: tells equal from changed without telling what."""
    data = repr(sorted(params.items())).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(data, digest_size=8, key=salt).hexdigest()
