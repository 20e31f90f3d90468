"""A run that goes on: its journal taken up, its plan compared with the files of today, then the rest of it.

Nothing is contacted, and no secret fetched, before all that can be in the way has been looked at.
"""

import hashlib
import os
import secrets as chance
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

from runner.app import finding, seal_key
from runner.app.against import Changes, Ready, against
from runner.app.digests import digests_of
from runner.app.earlier import BACK, Earlier, plan_name, stored_plan
from runner.app.ending import ExitOf
from runner.app.going_back import going_back
from runner.app.journals import next_journal
from runner.app.locking import lock_of, take
from runner.app.parts import Parts, people
from runner.app.plans import duration_option
from runner.app.provenance import Marks, boot_id
from runner.app.recorded import recorded
from runner.app.running import carry_out
from runner.app.settings import Settings, absolute
from runner.app.views import Screen
from runner.journal import Recovered, recover
from runner.model.changed import changed
from runner.model.doubt import doubt, is_doubtful
from runner.model.encoding import encode_plan
from runner.model.events import PlanReady
from runner.model.past import Past
from runner.model.plan import Plan, PlannedPlay
from runner.model.remaining import is_play_over
from runner.planning.matching import changed_values, matched
from runner.run_folder import RunFolder

Look = Callable[[RunFolder, Earlier, Settings, Changes], Ready | None]
"""Whether a run may be gone on with in some way; None where nothing is left of it. Raises RunnerError."""


def resume(wanted: str, settings: Settings, screen: Screen, exit_of: ExitOf, changes: Changes) -> int | None:
    """Go on with a run; gives the exit status, None where nothing is left of it.

    ``settings`` are those of this time; the others are the run's own. Raises RunnerError for all that is in the way.
    """
    return go_on(wanted, settings, screen, exit_of, changes, compared)


def go_on(
    wanted: str, settings: Settings, screen: Screen, exit_of: ExitOf, changes: Changes, look_at: Look
) -> int | None:
    """The same, in the way that ``look_at`` finds."""
    folder = finding.ours(settings.runs_dir, wanted)
    settings = absolute(settings)
    earlier = Earlier()
    recovered = recover(folder, earlier.see, key=seal_key.ours())
    with ExitStack() as kept:
        kept.callback(os.close, recovered.descriptor)
        ready = look_at(folder, earlier, settings, changes)
        if ready is None:
            return None
        typed = earlier.started(folder).options.get("inventory", ())
        lock = lock_of(ready.settings.playbook, ready.planned.loaded.inventories, tuple(typed), settings.runs_dir)
        with take(lock, folder.id, settings.argv):
            parts = _parts(folder, earlier, ready, screen, recovered, lock.id)
            kept.pop_all()  # from here on the journal is closed with the run
            status = carry_out(parts, next_journal(folder, recovered, durability=settings.durability), exit_of)
    screen.outlets.let_read(finding.command("runs show", folder))
    return status


@dataclass(frozen=True, slots=True)
class Seen:
    """A run as it would be gone on with: what is to be done, and what was.

    ``is_back`` where it goes back as a whole, because somebody asked for that.
    """

    run: str
    plan: Plan
    past: Past
    notes: tuple[str, ...] = ()
    is_back: bool = False


def look(wanted: str, settings: Settings, changes: Changes) -> Seen:
    """What going on would start from; nothing is written or taken. Raises as ``resume`` does."""
    folder = finding.ours(settings.runs_dir, wanted)
    earlier = Earlier.of(folder)
    ready = compared(folder, earlier, absolute(settings), changes)
    started = earlier.started(folder)
    is_back = started.mode == BACK
    if ready is None:
        return Seen(folder.id, stored_plan(folder, started), earlier.past, is_back=is_back)
    for event in ready.found.events:
        earlier.past.apply(event, earlier.past.seq)
    notes = (*ready.found.notes, *filter(None, [earlier.doubt]))
    return Seen(folder.id, ready.found.plan, earlier.past, notes, is_back)


def compared(folder: RunFolder, earlier: Earlier, settings: Settings, changes: Changes) -> Ready | None:
    """The run as it would go on, None where nothing is left of it. Raises MismatchError, InputError, JournalError.

    From here on names of files start where they did when the run was begun.
    """
    started = earlier.started(folder)
    if started.mode == BACK:
        return going_back(folder, earlier, settings, changes)
    old = stored_plan(folder, started)
    if not changes.accept and _is_over(earlier, old):
        return None
    ready = against(old, started, earlier, settings, changes, matched)
    return None if not ready.found.events and _is_over(earlier, ready.found.plan) else ready


def _is_over(earlier: Earlier, plan: Plan) -> bool:
    past = earlier.past
    return past.ended is not None and all(is_play_over(play, past.plays.get(play.id)) for play in plan.plays)


def _parts(folder: RunFolder, earlier: Earlier, ready: Ready, screen: Screen, recovered: Recovered, lock: str) -> Parts:
    settings, planned, started = ready.settings, ready.planned, earlier.started(folder)
    connect_timeout = duration_option("--connect-timeout", settings.connect_timeout)
    asked = people(settings, screen, planned.plan, earlier.progress)
    salt = bytes.fromhex(started.salt)
    digests = digests_of(planned.plan, asked.values, salt)
    warnings = [*recovered.warnings, *_warnings(earlier, ready, digests)]
    for event in ready.found.events:
        earlier.past.apply(event, earlier.past.seq)
    marks = Marks(
        salt=salt,
        token=started.token or chance.token_hex(16),
        plan=_stored(folder, earlier, ready),
        options=recorded(settings, asked.redactor, seed=planned.seed, max_open=settings.max_open or planned.max_open),
        digests=digests,
        durability=settings.durability,
        resume=True,
        saved_plan=started.saved_plan,
        mode=ready.mode,
    )
    return Parts(
        settings=settings,
        planned=planned,
        folder=folder,
        people=asked,
        screen=screen,
        connect_timeout=connect_timeout,
        marks=marks,
        lock=lock,
        progress=earlier.progress,
        past=earlier.past,
        first=(*_planned_anew(earlier, planned.plan), *ready.found.events),
        warnings=tuple(warnings),
    )


def _planned_anew(earlier: Earlier, plan: Plan) -> Iterator[PlanReady]:
    """The plan's sizes, where its steps are others than those that the records tell of."""
    known = earlier.progress.plan
    if known is None:
        return
    steps = {play.id: len(play.counted) + _gone(earlier.past, play) for play in plan.plays}
    plays = tuple({**play, "steps": steps[play["id"]]} for play in known.plays)
    if plays != known.plays:
        total = sum(int(play["steps"]) * int(play["hosts"]) for play in plays)
        yield changed(known, plays=plays, total=total)


def _gone(past: Past, play: PlannedPlay) -> int:
    """How many steps ended on some host, and are there no more."""
    there = {step.id for step in play.counted}
    hosts = past.plays[play.id].hosts.values() if play.id in past.plays else ()
    ended = {name for host in hosts for name, step in host.steps.items() if step.status and not step.section}
    return len(ended - there)


def _warnings(earlier: Earlier, ready: Ready, digests: dict[str, str]) -> Iterator[str]:
    """What a person has to know of what has changed since, and what is not known."""
    yield from ready.found.notes
    for name in changed_values(earlier.past, digests, secrets=True):
        yield f'"{name}" has another value than when the run was last at work'
    if is_doubtful(earlier.past, boot_id()):
        count = doubt(earlier.past, ready.planned.plan)
        yield (
            f"this machine was started anew since, and the run kept its records without syncs: {count} steps may have"
            " run without a record of it, and are taken as unknown"
        )
    yield from _left_on_hosts(earlier.past)


def _left_on_hosts(past: Past) -> Iterator[str]:
    """What a process that died could not tidy up."""
    has_begun = any(host.is_started for play in past.plays.values() for host in play.hosts.values())
    if past.ended is None and past.last is not None and past.last.token and has_begun:
        files = f'named ".runner-{past.last.token}-*" in $TMPDIR, /tmp, /var/tmp or the home folder'
        yield (
            f"the process that died may have left records on hosts, {files}: when nothing is unknown any more, they may"
            " be removed"
        )


def _stored(folder: RunFolder, earlier: Earlier, ready: Ready) -> str:
    """Store the plan to go on with, where it is another than before; gives its SHA-256."""
    plan = encode_plan(ready.planned.plan)
    digest = hashlib.sha256(plan).hexdigest()
    if digest != earlier.started(folder).plan:
        folder.write(plan_name(earlier.past.processes + 1), plan, sync=True)
    return digest
