"""What was done on each host, step by step: the long form of a run's history."""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from runner.model.events import Decision, Event, StepEnded, StepIntent
from runner.model.natural import natural_key
from runner.model.outcome import Status


class Deed(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One step on one host, as it stands now; with ``item`` one item of its loop.

    ``status`` is ``running`` where its end is not known yet, and ``unknown`` where it never will be. ``attempt`` is the
    last one, ``started`` when that began, in seconds since 1970. ``late`` where the end was read from the host's record
    afterwards, ``decided`` what somebody said of it, and ``by`` who.
    """

    play: str
    wave: int
    host: str
    step: str
    status: str
    section: str = ""
    item: int | None = None
    attempt: int = 0
    started: float | None = None
    duration: float | None = None
    rc: int | None = None
    reason: str = ""
    ignored: bool = False
    rescued: bool = False
    late: bool = False
    decided: str = ""
    by: str = ""


class Deeds:
    """All of them, in the order in which they began; fold every event of the journal in."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str, str, str, int | None], Deed] = {}

    def apply(self, event: Event, ts: float) -> None:
        """Take one event in; most have nothing to say here."""
        match event:
            case StepIntent():
                deed = self._of(event)
                deed.status, deed.attempt, deed.started, deed.decided = "running", event.attempt or 1, ts, ""
            case StepEnded():
                _ended(self._of(event), event)
            case Decision():
                _decided(self._of(event), event)
            case _:
                pass

    def listed(self, *, is_live: bool) -> Iterator[Deed]:
        """Host by host within each play; what nobody is at any more has an unknown end, where the run is not live."""
        plays = {play: place for place, play in enumerate(dict.fromkeys(key[0] for key in self._found))}
        for deed in sorted(self._found.values(), key=lambda deed: (plays[deed.play], natural_key(deed.host))):
            if deed.status == "running" and not is_live:
                deed.status = Status.UNKNOWN.value
            yield deed

    def times(self) -> dict[tuple[str, str], float]:
        """How many seconds each step (by play and id) took on a host on average, all items of a loop together.

        Hosts on which it was not tried count nowhere.
        """
        per_host: dict[tuple[str, str], dict[str, float]] = {}
        for deed in self._found.values():
            if deed.attempt and deed.started is not None and deed.duration is not None:
                hosts = per_host.setdefault((deed.play, deed.step), {})
                hosts[deed.host] = hosts.get(deed.host, 0.0) + deed.duration
        return {step: round(sum(hosts.values()) / len(hosts), 6) for step, hosts in per_host.items()}

    def _of(self, event: StepIntent | StepEnded | Decision) -> Deed:
        key = (event.play, event.host, event.section, event.step, event.item)
        if key not in self._found:
            self._found[key] = Deed(
                play=event.play,
                wave=event.wave,
                host=event.host,
                step=event.step,
                status="running",
                section=event.section,
                item=event.item,
            )
        return self._found[key]


def _ended(deed: Deed, event: StepEnded) -> None:
    deed.status, deed.rc, deed.reason = event.status, event.rc, event.reason
    deed.attempt = event.attempt or deed.attempt
    deed.duration = event.duration
    deed.ignored, deed.rescued, deed.late = event.ignored, event.rescued, event.late


def _decided(deed: Deed, event: Decision) -> None:
    deed.decided, deed.by = event.what, event.by
    deed.status = {"ok": "ok", "failed": "failed", "skip": "skipped"}.get(event.what, deed.status)
    deed.reason = event.reason or deed.reason


def as_data(deeds: Iterable[Deed]) -> list[dict[str, Any]]:
    """The list as plain data; what does not apply is left out."""
    return [msgspec.to_builtins(deed) for deed in deeds]
