"""Whether a run can be gone on with: its stored plan against the files and options as they are now. Pure.

What ended well must be what it was, and a host the machine that it was; else whoever goes on would take as done what
was never done. All that is in the way is told at once.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from runner.errors import MismatchError
from runner.hostlist import fold
from runner.location import Location, Problem
from runner.model.events import Decision, HostEnded
from runner.model.outcome import HostStatus
from runner.model.past import Past, PlayPast
from runner.model.plan import Plan, PlannedPlay
from runner.planning.accepting import DROP, done_in, forgotten, left_out, new_steps, then, unknown_on, words
from runner.planning.finished import Around, Change, changes
from runner.planning.merging import merged
from runner.planning.moved import gone, moved

ACCEPT = "--accept-changes"
OF_SECRETS = "secrets."
"""How the names of secrets begin among the digests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What whoever goes on says: that changes are accepted, which hosts are out, and who it is."""

    accept: bool = False
    dropped: frozenset[str] = frozenset()
    by: str = ""


@dataclass(frozen=True, slots=True)
class Matched:
    """The plan to go on with. ``events`` are to be recorded first: steps forgotten, hosts left out.

    ``notes`` are for people.
    """

    plan: Plan
    events: tuple[Decision | HostEnded, ...] = ()
    notes: tuple[str, ...] = ()


def matched(
    old: Plan, new: Plan, past: Past, around: Around, digests: Mapping[str, str], wanted: Wanted = Wanted()
) -> Matched:
    """``digests`` are those of the inputs and variables as they are given now, by name.

    Raises MismatchError with all that does not match.
    """
    if problem := _another(old, new):
        raise _refused([problem])
    return _Matching(old, new, past, around, digests, wanted).matched()


def matched_back(
    old: Plan, new: Plan, past: Past, around: Around, digests: Mapping[str, str], wanted: Wanted = Wanted()
) -> Matched:
    """The same for a run that is to be rolled back: what it did forwards may have changed since.

    Raises MismatchError.
    """
    if problem := _another(old, new):
        raise _refused([problem])
    return _Matching(old, new, past, around, digests, wanted).back()


def changed_values(past: Past, digests: Mapping[str, str], *, secrets: bool) -> list[str]:
    """The names of values that are not those that the run was last given: of secrets, or of all others."""
    before = past.last.digests if past.last else {}
    names = [name for name in digests if name.startswith(OF_SECRETS) is secrets]
    return [name for name in names if name in before and before[name] != digests[name]]


def _another(old: Plan, new: Plan) -> Problem | None:
    """What makes it another playbook."""
    place = Location(new.playbook, 1)
    if old.name != new.name:
        said = f'this is the playbook "{new.name}"; the run is of "{old.name}"'
        return Problem("E641", said, place, "give it its name back, or start a new run")
    there = {play.id for play in new.plays}
    missing = [f'"{play.id}"' for play in old.plays if play.id not in there]
    if missing:
        said = f"the play {', '.join(missing)} of the run is no longer there"
        return Problem("E642", said, place, "put it back under its name, or start a new run")
    return None


def _refused(problems: Collection[Problem]) -> MismatchError:
    what = "something has changed since" if len(problems) == 1 else f"{len(problems)} things have changed since"
    return MismatchError(f"the run can't be gone on with: {what}", problems=problems)


@dataclass(slots=True)
class _Matching:
    """One look at it. ``problems``, ``events`` and ``notes`` grow."""

    old: Plan
    new: Plan
    past: Past
    around: Around
    digests: Mapping[str, str]
    wanted: Wanted
    problems: list[Problem] = field(default_factory=list)
    events: list[Decision | HostEnded] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def matched(self) -> Matched:
        self._values()
        self._hosts()
        for play in self.old.plays:
            self._play(play)
        self._additions()
        return self._done()

    def back(self) -> Matched:
        self._values()
        self._hosts()
        return self._done()

    def _done(self) -> Matched:
        if self.problems:
            raise _refused(self.problems)
        self.events += left_out(self.old, self.past, self.wanted.dropped, by=self.wanted.by)
        return Matched(merged(self.old, self.new, self.wanted.dropped), tuple(self.events), tuple(self.notes))

    def _values(self) -> None:
        for name in changed_values(self.past, self.digests, secrets=False):
            said = f'"{name}" has another value than when the run was last at work'
            if self.wanted.accept:
                self.notes.append(said)
            else:
                self.problems.append(Problem("E643", said, None, f"give it the value it had, or go on with {ACCEPT}"))

    def _hosts(self) -> None:
        lost = [name for name in gone(self.old, self.new) if name not in self.wanted.dropped]
        if lost:
            said = f"{_they_are(lost)} no longer in the inventory"
            hint = f"put back what was removed, or go on without: {DROP} {fold(lost)}"
            self.problems.append(Problem("E644", said, None, hint))
        self.problems += moved(self.old, self.new, self.wanted.dropped)

    def _play(self, play: PlannedPlay) -> None:
        past = self.past.plays.get(play.id)
        if past is None or past.rollback == HostStatus.ROLLED_BACK:
            return
        for change in changes(self.old, self.new, play, past, self.around):
            hosts = tuple(name for name in change.hosts if name not in self.wanted.dropped)
            if hosts:
                self._take(past, change, hosts)

    def _take(self, past: PlayPast, change: Change, hosts: tuple[str, ...]) -> None:
        said, where = words(change, hosts)
        unknown = unknown_on(change, hosts, past)
        if unknown:
            said += f", and the end of one of its items is not known on {fold(unknown)}"
            hint = "put it back as it was, or say first what came of that item: runner resolve RUN HOST STEP --item N …"
            self.problems.append(Problem("E648", said, where, hint))
        elif not self.wanted.accept:
            hint = f"put it back as it was, or go on with {ACCEPT}: {then(change)}"
            self.problems.append(Problem("E645" if change.step else "E646", said, where, hint))
        else:
            self.notes.append(f"{said}: {then(change)}")
            if change.step is not None and not change.step.section:
                self._forget(change.play, past, hosts, change.step.id, said)

    def _forget(self, play: str, past: PlayPast, hosts: Collection[str], step: str, reason: str) -> None:
        for name in hosts:
            self.events += forgotten(play, name, past.hosts[name], step, by=self.wanted.by, reason=reason)

    def _additions(self) -> None:
        """What is there now, and was not. Plays and hosts are no part of this run."""
        known = {play.id: play for play in self.old.plays}
        for play in self.new.plays:
            if play.id not in known:
                self.notes.append(f'play "{play.id}" is new: not part of this run')
                continue
            past = self.past.plays.get(play.id)
            hosts = {*known[play.id].hosts, *(past.hosts if past else ())}  # some may have been left out before
            if added := [name for name in play.hosts if name not in hosts]:
                self.notes.append(f'{_they_are(added)} new in play "{play.id}": not part of this run')
            self._new_steps(known[play.id], play)

    def _new_steps(self, old: PlannedPlay, new: PlannedPlay) -> None:
        """Accepted, they run on hosts that were done, too: else these would not have what the others get."""
        past = self.past.plays.get(old.id)
        done = [name for name in done_in(old, past) if name not in self.wanted.dropped]
        for step in new_steps(old, new) if past and done else ():
            said = f'step "{step.id}" is new'
            if self.wanted.accept and past is not None:
                self.notes.append(f"{said}: it runs on {fold(done)}, too")
                self._forget(old.id, past, done, step.id, said)
            else:
                self.notes.append(f"{said}: it does not run on {fold(done)}, which had ended")


def _they_are(names: Collection[str]) -> str:
    return f"{fold(names)} {'is' if len(names) == 1 else 'are'}"
