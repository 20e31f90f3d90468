"""What earlier processes of a run have left of one host in one play: a step at a time.

There are hundreds of thousands of them, so equal ones are one value: a step that ended alike on 10,000 hosts costs what
it does on one, and nothing that is kept is ever changed in place but a host's own tables.
"""

from collections.abc import Mapping
from functools import lru_cache
from sys import intern
from typing import Any

import msgspec

from runner.model.changed import changed
from runner.model.events import Decision, HostEnded, HostStarted, StepEnded, StepIntent
from runner.model.outcome import Status

WELL = frozenset({Status.OK, Status.CHANGED, Status.SKIPPED})

LOST = "the host is lost"
"""Why a step was skipped that a resume makes up for, when the host is there again."""

_STOPPED = frozenset({Status.TIMED_OUT, Status.CANCELLED})
_DECIDED = {"ok": Status.OK.value, "failed": Status.FAILED.value, "skip": Status.SKIPPED.value}
_UNTOUCHED = frozenset({Status.OK, Status.SKIPPED})


class StepPast(msgspec.Struct, frozen=True, gc=False):
    """One step, or one item of its loop, on one host.

    ``status`` is that of its last end, empty where there is none. ``is_open`` where it was started and its end is not
    known. ``attempt`` is the last that began, ``is_local`` where nothing was sent anywhere. ``decided`` is what was
    said of it, ``ok failed rerun skip``; ``by_person`` where a person said so. ``items`` are those of a loop, from 1.
    ``is_guess`` where it is open because records of it may be lost: which attempts began is not known then. ``become``
    is the user that ran it, if that is not who logs in.
    """

    status: str = ""
    is_open: bool = False
    is_local: bool = False
    attempt: int = 0
    rc: int | None = None
    reason: str = ""
    changed: bool = False
    ignored: bool = False
    rescued: bool = False
    delegate: str = ""
    section: str = ""
    decided: str = ""
    by_person: bool = False
    masked: bool = False
    register: Mapping[str, Any] | None = None
    values: Mapping[str, Any] | None = None
    items: Mapping[int, "StepPast"] = {}
    is_guess: bool = False
    become: str = ""

    @property
    def is_well(self) -> bool:
        """Whether it has ended well, or a person says so."""
        return not self.is_open and self.status in WELL

    @property
    def is_taken(self) -> bool:
        """Whether it failed, and a block or the step itself took care of that."""
        return not self.is_open and bool(self.status) and (self.ignored or self.rescued)

    @property
    def has_gaps(self) -> bool:
        """Whether it ended, and what it gave is lost: masked in the journal, or never heard."""
        is_unheard = self.register is not None and "stdout" not in self.register and self.status != Status.SKIPPED
        return self.masked or is_unheard

    @property
    def in_doubt(self) -> bool:
        """Whether a try of it may have changed something that the next one will not find to be changed."""
        cut_short = self.is_open or not self.status or self.status in _STOPPED
        return self.has_acted and not self.is_local and (self.changed or cut_short)

    @property
    def has_touched(self) -> bool:
        """Whether it changed its host, failed, or may have done either; what tidies up in any case does not count."""
        return (
            self.has_acted
            and self.section != "always"
            and (self.is_open or self.changed or self.status not in _UNTOUCHED)
        )

    @property
    def has_acted(self) -> bool:
        """Whether a try of it was made."""
        return self.attempt > 0


NONE = StepPast()
"""Of a step that nothing is known of."""


class HostPast(msgspec.Struct, gc=False):
    """One host in one play. ``status`` is its last end's, empty where it is not over; ``seconds`` it took until then.

    ``is_started`` where it was let to work, ``section`` what for where it had ended before. ``pending`` are handlers
    notified and not run well since. ``is_back`` where its rollback began. ``fresh`` is the step that changed something
    where nothing was heard of the host since: what it notifies may have died with the process, or nobody could know.
    """

    wave: int = 0
    status: str = ""
    reason: str = ""
    is_started: bool = False
    is_back: bool = False
    section: str = ""
    fresh: str = ""
    ignored: int = 0
    seconds: float = 0.0
    pending: dict[str, None] = {}
    steps: dict[str, StepPast] = {}

    def intent(self, event: StepIntent) -> None:
        """A step, or an item of its loop and with it the step, was about to be sent."""
        before, self.fresh = self.steps.get(event.step), ""
        if before is None and event.item is None and not event.is_guess:
            past = _begun(event.attempt or 1, event.is_local, event.delegate, event.section)
            self.steps[intern(event.step)] = changed(past, become=event.become) if event.become else past
            return
        self.steps[event.step] = _begun_again(before or NONE, event)
        if event.item is not None:
            self._put(event, _begun_again(self._known(event), event))

    def ended(self, event: StepEnded) -> None:
        """One of them ended, or what is left of it is not known."""
        status, killed = event.status, event.killed
        if status == Status.SKIPPED and event.reason == LOST:
            return
        before = self._known(event)
        is_open = status == Status.UNKNOWN or (status in _STOPPED and killed is not None and killed != "yes")
        after = _ended(
            status,
            is_open,
            before.is_local,
            before.attempt,
            event.rc,
            event.reason,
            event.changed or before.changed,
            event.ignored,
            event.rescued,
            before.delegate,
            event.section,
            before.decided,
            before.by_person,
            event.masked,
        )
        if event.register is not None or event.values is not None or before.items:
            after = changed(after, register=event.register, values=event.values, items=before.items)
        if is_open and (before.is_guess or before.become):
            after = changed(after, is_guess=before.is_guess, become=before.become)
        self._put(event, after)
        self.fresh = event.step if event.changed and event.item is None else ""

    def decided(self, event: Decision) -> None:
        """It was said what becomes of one whose end is not known."""
        after = changed(
            self._known(event),
            decided=event.what,
            by_person=event.how == "resolve",
            is_open=False,
            status=_DECIDED.get(event.what, ""),
            reason=event.reason,
            register=None,
            values=None,
            masked=False,
        )
        if event.what == "ok":
            # It was done, so it may have changed something: what it notifies is due.
            after, self.fresh = changed(after, changed=True), event.step
        if event.what == "rerun":
            after = changed(after, items=_again(after.items))
            self.status = ""  # it has something to do again
        self._put(event, after)
        if event.what == "rerun" and event.item is not None and not (whole := self.steps[event.step]).is_open:
            self.steps[event.step] = changed(whole, status="", register=None, masked=False)

    def started(self, event: HostStarted) -> None:
        """The host was let to work."""
        self.wave, self.is_started, self.status, self.section = event.wave, True, "", event.section
        self.is_back = self.is_back or event.section == "rollback"

    def over(self, event: HostEnded) -> None:
        """Its turn was over."""
        self.wave, self.status, self.reason, self.fresh = event.wave, event.status, event.reason, ""
        self.ignored, self.seconds = event.ignored, event.duration

    def _known(self, event: StepIntent | StepEnded | Decision) -> StepPast:
        step = self.steps.get(event.step, NONE)
        return step if event.item is None else step.items.get(event.item, NONE)

    def _put(self, event: StepIntent | StepEnded | Decision, past: StepPast) -> None:
        """Put it in place of what was known; the items of a loop are in a table of their own."""
        if event.item is None:
            self.steps[event.step] = past
            return
        step = self.steps.get(event.step, NONE)
        if isinstance(step.items, dict) and step.items:
            step.items[event.item] = past
        else:
            self.steps[event.step] = changed(step, items={event.item: past})


def _again(items: Mapping[int, StepPast]) -> Mapping[int, StepPast]:
    """The items of a loop that is to run again: all of them; if what some gave is lost, or is open, those alone."""
    if any(one.is_open for one in items.values()):
        return items
    gaps = {number for number, one in items.items() if one.has_gaps} or items.keys()
    return {
        number: changed(one, status="", register=None, masked=False) if number in gaps else one
        for number, one in items.items()
    }


_ended = lru_cache(maxsize=4096)(StepPast)


@lru_cache(maxsize=4096)
def _begun(attempt: int, is_local: bool, delegate: str, section: str) -> StepPast:  # noqa: FBT001 - a key of the cache
    return StepPast(is_open=True, attempt=attempt, is_local=is_local, delegate=delegate, section=section)


def _begun_again(before: StepPast, event: StepIntent) -> StepPast:
    return changed(
        before,
        is_open=True,
        is_local=event.is_local,
        is_guess=event.is_guess,
        reason="",
        decided="",
        by_person=False,
        attempt=event.attempt or 1,
        delegate=event.delegate,
        section=event.section,
        become=event.become,
    )
