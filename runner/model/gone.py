"""A run whose process is gone without a word: what each of its hosts came to, so that none is lost."""

from collections.abc import Iterator, Mapping

from runner.model.account import Summary
from runner.model.events import Event, HostEnded, StepEnded
from runner.model.go_on import Commands
from runner.model.outcome import HostStatus, Status
from runner.model.phases import CUT
from runner.model.plan import Plan
from runner.model.playbook import leaves
from runner.model.progress import Progress
from runner.model.state import HostProgress
from runner.model.summary import of
from runner.model.unheard import AT_WORK
from runner.model.verdict import left_at_work, open_step

STOPPED = "the run ended without saying so"
"""Why a host did not get to its end that was between two steps."""

NEVER = "the run was over before it came to it"
"""Why a host did not run."""


def died(progress: Progress, plan: Plan | None, *, commands: Commands, folder: str = "") -> Summary:
    """The summary of a run that died: its hosts have ended, or are ``unknown``, ``cancelled`` or ``not_run``.

    ``progress`` is folded from its journal alone, and is changed; ``plan`` is the stored one, None where it can't be
    read.
    """
    account(progress, plan)
    return of(progress, run=commands.run, folder=folder, has_died=True, commands=commands)


def account(progress: Progress, plan: Plan | None) -> None:
    """Let every host of a run that died end as far as it came; of any other run nothing is changed."""
    if progress.ended is None:
        for event in [*_unheard(progress, _places(plan)), *_stopped(progress), *_never(progress, plan)]:
            progress.apply(event, progress.now)


def _places(plan: Plan | None) -> dict[tuple[str, str], str]:
    """Where each step stands, ``file:line``, by play and id."""
    return {
        (play.id, step.id): f"{step.location.file}:{step.location.line}"
        for play in (plan.plays if plan else ())
        for section in play.sections
        for step in leaves(section, everything=True)
    }


def _unheard(progress: Progress, places: Mapping[tuple[str, str], str]) -> Iterator[Event]:
    """The ends of steps at work, so that hosts may end."""
    for play, name, host in left_at_work(progress):
        if open_step(progress, play, name, host):
            yield _step(play.id, name, host, Status.UNKNOWN, AT_WORK, places)
        elif host.step and host.phase != CUT:
            yield _step(play.id, name, host, Status.CANCELLED, STOPPED, places)


def _step(
    play: str, name: str, host: HostProgress, status: Status, reason: str, places: Mapping[tuple[str, str], str]
) -> StepEnded:
    return StepEnded(
        play=play,
        wave=host.wave,
        host=name,
        step=host.step,
        section=host.part,
        src=places.get((play, host.step), ""),
        attempt=host.attempt,
        kind="",
        status=status.value,
        reason=reason,
        late=host.phase == CUT,
    )


def _stopped(progress: Progress) -> Iterator[Event]:
    """The ends of hosts at work. What a host was before it came to work again is what it stays, unless it is worse."""
    for play, name, host in left_at_work(progress):
        if open_step(progress, play, name, host):
            status, reason = HostStatus.UNKNOWN.value, f"{host.step}: {AT_WORK}"
        else:
            status, reason = (host.status, host.reason) if host.status else (HostStatus.CANCELLED.value, STOPPED)
        yield HostEnded(
            play=play.id, wave=host.wave, host=name, status=status, reason=reason, duration=host.micros / 1e6
        )


def _never(progress: Progress, plan: Plan | None) -> Iterator[Event]:
    """The ends of hosts that the journal does not name."""
    for play in plan.plays if plan else ():
        known = progress.plays.get(play.id)
        for wave in play.waves if known is not None else ():
            for name in wave.hosts:
                if known is not None and name not in known.hosts:
                    yield HostEnded(
                        play=play.id, wave=wave.index, host=name, status=HostStatus.NOT_RUN.value, reason=NEVER
                    )
