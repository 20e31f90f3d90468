"""What happened when in a simulation, folded from the events of which a summary has no times; pure."""

from dataclasses import dataclass, field

from runner.model.changed import changed
from runner.model.events import (
    ApprovalDenied,
    ApprovalGranted,
    ApprovalWaiting,
    Baking,
    BudgetChanged,
    BudgetExceeded,
    Event,
    GateFailed,
    GatePassed,
    HostEnded,
    HostLost,
    HostStarted,
    RollbackEnded,
    RollbackStarted,
    StepEnded,
    WaveEnded,
    WaveStarted,
)
from runner.model.outcome import HostStatus, Status
from runner.model.simulation import Moment, SimulatedHost, What

_BAD = frozenset({Status.FAILED, Status.TIMED_OUT, Status.UNREACHABLE, Status.UNKNOWN})


@dataclass(slots=True)
class Story:
    """What happened so far, in order. What is alike at the same time is one moment of several hosts."""

    moments: list[Moment] = field(default_factory=list)
    hosts: dict[tuple[str, str], SimulatedHost] = field(default_factory=dict)
    _open: dict[tuple[str, str, int], int] = field(default_factory=dict)
    _alike: dict[tuple[object, ...], list[str]] = field(default_factory=dict)
    _failed: dict[int, list[str]] = field(default_factory=dict)
    _lost: dict[str, str] = field(default_factory=dict)

    def timeline(self) -> tuple[Moment, ...]:
        """The moments by the time at which they began, with the hosts of those that are alike."""
        whole = (
            changed(moment, hosts=tuple(self._failed[place])) if place in self._failed else moment
            for place, moment in enumerate(self.moments)
        )
        return tuple(sorted(whole, key=lambda moment: moment.at))

    def see(self, event: Event, at: float) -> None:
        """One more event, ``at`` seconds after the start."""
        match event:
            case StepEnded(item=None):
                self._step(event, at)
            case HostStarted():
                host = self._host(event.play, event.host, event.wave)
                host.started = at if host.started is None else host.started
            case HostEnded():
                self._ended(event, at)
            case WaveStarted():
                self._begin(
                    Moment(at=at, what="wave", play=event.play, wave=event.wave, of=event.of, hosts=event.hosts)
                )
            case WaveEnded():
                self._end("wave", event.play, event.wave, until=at, status=event.status, counts=event.counts)
            case HostLost():
                self._lost[event.host] = f"{event.cause}: {event.reason}"
            case BudgetChanged():
                if (event.play, event.host) not in self.hosts:  # a delegate, which has no end of its own
                    self._failure(event, at, status=HostStatus.UNREACHABLE, reason=self._lost.get(event.host, ""))
            case _:
                self._rare(event, at)

    def _rare(self, event: Event, at: float) -> None:
        match event:
            case BudgetExceeded():
                self._add(event, at, "budget", status=event.action, spent=event.failures, allowed=event.allowed)
            case GatePassed():
                since = round(at - event.duration, 6)
                self._add(event, since, "gate", until=at, hosts=event.hosts, status="passed")
            case GateFailed():
                since = round(at - event.duration, 6)
                fields = {"hosts": event.hosts, "status": event.verdict, "step": event.check, "reason": event.reason}
                self._add(event, since, "gate", until=at, src=event.src, **fields)
            case Baking():
                self._add(event, at, "bake", until=round(at + event.duration, 6))
            case ApprovalWaiting():
                hosts = (event.host,) if event.host else ()
                moment = Moment(at=at, what="approval", play=event.play, wave=event.wave, hosts=hosts, status="waiting")
                self._begin(changed(moment, step=event.step or event.about, reason=event.question))
            case ApprovalGranted() | ApprovalDenied():
                word = "granted" if isinstance(event, ApprovalGranted) else "denied"
                self._end("approval", event.play, event.wave, until=at, status=word)
            case RollbackStarted():
                moment = Moment(at=at, what="rollback", play=event.play, hosts=event.hosts, reason=event.reason)
                self._begin(moment)
            case RollbackEnded():
                self._end("rollback", event.play, 0, until=at, status=event.status, counts=event.counts)

    def _step(self, event: StepEnded, at: float) -> None:
        self._host(event.play, event.host, event.wave).steps[event.step] = event.status
        if event.status in _BAD:
            mark = "ignored" if event.ignored else "rescued" if event.rescued else ""
            fields = {"step": event.step, "section": event.section, "status": event.status, "src": event.src}
            self._failure(event, at, mark=mark, reason=event.reason, **fields)

    def _ended(self, event: HostEnded, at: float) -> None:
        host = self._host(event.play, event.host, event.wave)
        host.status, host.reason, host.ended = event.status, event.reason, at
        if event.status == HostStatus.UNREACHABLE and host.started is None:
            self._failure(event, at, status=event.status, reason=event.reason)

    def _failure(self, event: StepEnded | HostEnded | BudgetChanged, at: float, **fields: str) -> None:
        key = (at, event.play, event.wave, *fields.values())
        if key not in self._alike:
            self._alike[key] = []
            self._failed[len(self.moments)] = self._alike[key]
            self.moments.append(Moment(at=at, what="failure", play=event.play, wave=event.wave, **fields))  # type: ignore[arg-type]
        self._alike[key].append(event.host)

    def _add(
        self, event: "GatePassed | GateFailed | BudgetExceeded | Baking", at: float, what: What, **fields: object
    ) -> None:
        self.moments.append(Moment(at=at, what=what, play=event.play, wave=event.wave, **fields))  # type: ignore[arg-type]

    def _host(self, play: str, host: str, wave: int) -> SimulatedHost:
        key = (play, host)
        found = self.hosts.get(key)
        if found is None:
            found = self.hosts[key] = SimulatedHost(play=play, host=host, wave=wave)
        return found

    def _begin(self, moment: Moment) -> None:
        self._open[moment.what, moment.play, moment.wave] = len(self.moments)
        self.moments.append(moment)

    def _end(self, what: What, play: str, wave: int, **fields: object) -> None:
        place = self._open.pop((what, play, wave), None)
        if place is not None:
            self.moments[place] = changed(self.moments[place], **fields)
