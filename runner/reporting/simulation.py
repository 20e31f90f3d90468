"""A simulation as text: what would happen when, and how the run would end."""

from collections.abc import Iterator
from itertools import groupby

from runner.model.changed import changed
from runner.model.simulation import Moment, Simulation
from runner.reporting.durations import duration
from runner.reporting.escape import visible
from runner.reporting.summary import render
from runner.reporting.wording import Names, count, counts, hosts, paint


def page(simulation: Simulation, names: Names | None = None, *, color: bool = False) -> str:
    """The whole text, each line ended. ``names`` gives steps' names by play and id; without it ids are shown."""
    told = _Page(simulation, names or {}, color=color)
    summary = changed(simulation.summary, slowest_steps=(), slowest_hosts=())  # they were chosen, not found out
    return "".join(f"{line}\n" for line in told.lines()) + render(summary, names, color=color) + told.last()


class _Page:
    """The parts that a summary does not have, as lines."""

    def __init__(self, simulation: Simulation, names: Names, *, color: bool) -> None:
        self._told = simulation
        self._names = names
        self._color = color
        self._width = max((len(_after(moment.at)) for moment in simulation.timeline), default=0)
        self._play = max((len(visible(play.id)) for play in simulation.summary.plays), default=0)

    def lines(self) -> Iterator[str]:
        told = self._told
        waves = sum(play.of_waves for play in told.summary.plays)
        fleet = len({host.host for host in told.hosts})
        sizes = f"{count(len(told.summary.plays), 'play')}, {count(waves, 'wave')}, {count(fleet, 'host')}"
        yield f"simulation of {visible(told.playbook)}: {visible(told.name)}: {sizes}; seed {told.seed}"
        yield from (f"  {visible(fault)}" for fault in told.faults)
        yield ""
        for moment in told.timeline:
            yield self._line(moment, self._words(moment))

    def last(self) -> str:
        """How the run would end."""
        status = paint(self._told.status, self._told.status, color=self._color)
        return f"\nthe run would take {time(self._told.duration)} and exit with {self._told.exit}: {status}\n"

    def _line(self, moment: Moment, words: str) -> str:
        play = f"{visible(moment.play):<{self._play}}  " if len(self._told.summary.plays) > 1 else ""
        inner = "" if moment.what in {"wave", "rollback"} else "  "
        return f"{_after(moment.at):<{self._width}}  {play}{inner}{words}"

    def _words(self, moment: Moment) -> str:
        match moment.what:
            case "wave":
                words = f"wave {moment.wave} of {moment.of}: {hosts(moment.hosts)}{self._ending(moment)}"
            case "failure":
                words = self._failure(moment)
            case "gate":
                words = self._gate(moment)
            case "budget":
                spent = f"{count(moment.spent, 'failure')} of {moment.allowed} allowed"
                words = f"the failure budget is exceeded: {spent}; on_exceed: {visible(moment.status)}"
            case "bake":
                words = f"bake{self._ending(moment)}"
            case "approval":
                words = f"approval{self._asked(moment)}: {self._status(moment)}"
            case "rollback":
                words = f"rollback: {self._in_order(moment)}{self._ending(moment)}"
        return words

    def _failure(self, moment: Moment) -> str:
        step = self._names.get((moment.play, moment.step)) or visible(moment.step)
        what = f"{step}: " if step else ""
        section = f" in {visible(moment.section)}" if moment.section else ""
        mark = f", {moment.mark}" if moment.mark else ""
        reason = f": {visible(moment.reason)}" if moment.reason else ""
        src = f" ({visible(moment.src)})" if moment.src else ""
        return f"{hosts(moment.hosts)}  {what}{self._status(moment)}{mark}{section}{reason}{src}"

    def _gate(self, moment: Moment) -> str:
        if moment.status == "passed":
            return f"gate: passed for {hosts(moment.hosts)}{self._ending(moment)}"
        reason = f": {visible(moment.reason)}" if moment.reason else ""
        check = f" {visible(moment.step)}" if moment.step else ""
        return f"gate:{check} {self._status(moment)} for {hosts(moment.hosts)}{reason}{self._ending(moment)}"

    def _asked(self, moment: Moment) -> str:
        if moment.hosts:
            return f" asked by {visible(moment.step)} on {hosts(moment.hosts)}"
        return f" after wave {moment.wave}" if moment.step == "wave" else f" ({visible(moment.step)})"

    def _in_order(self, moment: Moment) -> str:
        """Hosts in the order of a rollback, a wave at a time."""
        waves = {(host.play, host.host): host.wave for host in self._told.hosts}
        parts = groupby(moment.hosts, key=lambda name: waves.get((moment.play, name), 0))
        return ", then ".join(f"{hosts(names)} of wave {wave}" for wave, names in parts)

    def _status(self, moment: Moment) -> str:
        return paint(visible(moment.status), moment.status, color=self._color)

    def _ending(self, moment: Moment) -> str:
        """How long it took, where it ended, and how its hosts ended."""
        took = "" if moment.until is None else f" … {time(moment.until - moment.at)}"
        sums = counts(moment.counts, color=self._color)
        return f"{took}  {sums}" if sums else took


def _after(at: float) -> str:
    return f"t+{time(at)}"


def time(seconds: float) -> str:
    """A time of the virtual clock: whole seconds are ``5s``, not ``5.0s``."""
    return duration(seconds).replace(".0s", "s")
