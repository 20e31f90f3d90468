"""Random playbooks, and random hosts to run them on: all parts of the language against each other.

A draw is plain data that hypothesis can shrink. Every step has a command of its own, so that what was sent tells which
step it was; hosts answer by a list of faults, and take a time of their own for each.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from scenario import Ran, scenario

from runner.engine.context import Run
from runner.engine.stop import Level
from runner.errors import ConnectError
from runner.model.decision import Answer as Said
from runner.model.decision import Question
from runner.model.events import Event
from runner.model.inventory import Host
from runner.transport import Recalled
from runner.transports.fake import Answer, Connection, Fake, Sent

DELEGATE = "lb1"
RACK = "{{ 'a' if host.index is odd else 'b' }}"
FAULTS = {
    "fail": Answer(rc=1),
    "fail late": Answer(rc=1, duration=3),
    "hang": Answer(duration=100),
    "lost": Answer(lost="reset by peer", duration=1),
    "fail once": Answer(rc=1),
}
NO_RECORD = Recalled("none")
Data = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """A playbook and the world it is run in.

    ``faults`` are (host, command, what goes wrong), ``paces`` the seconds each host takes for a command, ``gone`` the
    hosts that can't be reached, ``stops`` interrupts from outside. ``person`` says yes or no, or is not there (None).
    """

    playbook: Data
    hosts: tuple[str, ...]
    faults: tuple[tuple[str, str, str], ...] = ()
    paces: tuple[int, ...] = ()
    gone: tuple[str, ...] = ()
    stops: tuple[tuple[float, Level], ...] = ()
    person: bool | None = None

    def run(
        self,
        folder: Path,
        *,
        before: Sequence[Event] = (),
        record: Recalled = NO_RECORD,
        recall: Callable[[str, str], Recalled] | None = None,
    ) -> Ran:
        """Run it on the virtual clock, or go on where ``before`` ends.

        Hosts then have this record of what was open, or what ``recall`` says of each.
        """
        fake = Fake(self._script(), self._connecting, recall=recall or (lambda _host, _key: record))
        names = " ".join((*self.hosts, DELEGATE))
        text = json.dumps(self.playbook)
        return scenario(text, folder, fake=fake, hosts=names, during=self._stop, ask=self._ask, before=before)

    def _script(self) -> Any:
        faults = {(host, command): what for host, command, what in self.faults}
        paces = dict(zip(self.hosts, self.paces, strict=True))
        seen: Counter[tuple[str, str]] = Counter()

        def script(sent: Sent) -> Answer:
            seen[sent.host, sent.text] += 1
            what = faults.get((sent.host, sent.text))
            if what is None or (what == "fail once" and seen[sent.host, sent.text] > 1):
                return Answer(duration=paces.get(sent.host, 1))
            return FAULTS[what]

        return script

    def _connecting(self, host: Host, _: int) -> Connection:
        return Connection(error=ConnectError("refused", "nobody listens") if host.name in self.gone else None)

    def _stop(self, run: Run) -> None:
        for at, level in self.stops:
            asyncio.get_running_loop().call_later(at, run.stop.raise_to, level, "interrupted")

    async def _ask(self, _: Question) -> Said:
        if self.person is None:
            return Said(None)
        await asyncio.sleep(7)
        return Said(self.person, by="ada", how="terminal")


@dataclass
class _Writer:
    """Writes one play. ``count`` is of all steps so far, in all plays.

    ``is_late`` in the play's own ``always`` and ``rollback``, ``is_inside`` in a block.
    """

    draw: st.DrawFn
    count: int
    handlers: list[str] = field(default_factory=list)
    is_late: bool = False
    is_inside: bool = False

    def maybe(self, chance: int = 4) -> bool:
        """True once in so many times."""
        return self.draw(st.integers(0, chance - 1)) == chance - 1

    def one(self, *values: Any) -> Any:
        return self.draw(st.sampled_from(values))

    def step(self, section: str, before: list[str]) -> Data:
        """One command, with at most three more keys, or a step that sends nothing."""
        self.count += 1
        data: Data = {"id": f"s{self.count}"}
        if self.maybe(8):
            return data | self.one({"approve": True}, {"pause": "2s"}, {"log": "hello"})
        data["command"] = f"c{self.count}"
        if self.maybe(8):
            data |= {"loop": [1, 2], "register": f"r{self.count}"}
        for key in self.draw(st.lists(st.sampled_from(KEYS), max_size=3, unique=True)):
            if self._fits(key, section, before):
                data |= self._key(key, before)
        if "loop" in data and "when" in data:
            data["when"] = f"item > host.index - {self.draw(st.integers(0, 3))}"
        return data

    def _fits(self, key: str, section: str, before: list[str]) -> bool:
        """Whether a key has a meaning there."""
        match key:
            case "once":
                return not (self.is_late and self.is_inside)
            case "needs":
                return not section and bool(before)
            case "notify":
                return bool(self.handlers) and section in {"", "rescue"}
        return True

    def _key(self, key: str, before: list[str]) -> Data:
        """A key with a value."""
        values: dict[str, Callable[[], Any]] = {
            "once": lambda: self.one("run", "wave"),
            "when": lambda: f"host.index {self.one('!=', '>', '<')} {self.draw(st.integers(1, 4))}",
            "needs": lambda: [self.one(*before)],
            "delegate_to": lambda: self.one(DELEGATE, DELEGATE, "controller"),
            "throttle": lambda: self.draw(st.integers(1, 2)),
            "retry": lambda: {"attempts": 2, "delay": 1},
            "on_failure": lambda: self.one("continue", "ignore"),
            "notify": lambda: [self.one(*self.handlers)],
            "timeout": lambda: 2,
            "changed_when": lambda: False,
        }
        return {key: values[key]()}

    def nodes(self, section: str, *, depth: int, most: int = 4) -> list[Data]:
        """A list of steps and blocks."""
        found: list[Data] = []
        before: list[str] = []
        for _ in range(self.draw(st.integers(1, most))):
            if depth and self.maybe(3):
                node = self.block(section, before, depth=depth - 1)
            elif not section and self.handlers and self.maybe(6):
                node = {"flush": "handlers"}
            else:
                node = self.step(section, before)
            found.append(node)
            before += [node["id"]] if "id" in node else []
        return found

    def block(self, section: str, before: list[str], *, depth: int) -> Data:
        """A block, perhaps with a rescue and what runs in any case."""
        self.count += 1
        outside, self.is_inside = self.is_inside, True
        data: Data = {"id": f"b{self.count}", "block": self.nodes(section, depth=depth, most=3)}
        if self.maybe(2):
            rescue = self.nodes(section or "rescue", depth=0, most=2)
            data["rescue"] = (
                {"on": ["failed", "timed_out", "unreachable"], "steps": rescue} if self.maybe(3) else rescue
            )
        if self.maybe(3):
            data["always"] = self.nodes(section or "always", depth=0, most=2)
        self.is_inside = outside
        for key in self.draw(st.lists(st.sampled_from(["once", "when", "needs", "on_failure"]), max_size=1)):
            if self._fits(key, section, before):
                data |= self._key(key, before)
        return data

    def strategy(self) -> Data:
        """How the play moves over its hosts."""
        kind = self.one("parallel", "rolling", "rolling", "sequential")
        data: Data = {"type": kind, "on_exceed": self.one("stop", "drain", "kill", "pause", "rollback")}
        if kind == "rolling":
            data["waves"] = self.one(1, 2, "rest", [1, "rest"], "40%")
        for values in self.draw(st.lists(st.sampled_from(LIMITS), max_size=5, unique_by=str)):
            key, value = self.one(*values)
            data[key] = value
        if kind == "sequential":
            data.pop("concurrency", None)
        if kind == "parallel":
            data = {key: value for key, value in data.items() if key not in {"bake", "approve"}}
        if "per_group_limit" in data:
            data["group_by"] = "rack"
        return data

    def play(self, name: str) -> Data:
        """One whole play."""
        self.handlers = [f"{name}h{number}" for number in range(self.draw(st.integers(0, 2)))]
        data: Data = {"name": name, "hosts": "h*", "vars": {"rack": RACK}, "strategy": self.strategy()}
        data["handlers"] = [self.handler(one) for one in self.handlers]
        self.is_late = False
        data["steps"] = self.nodes("", depth=2)
        self.is_late = True
        if self.maybe(2):
            data["always"] = self.nodes("always", depth=1, most=2)
        if data["strategy"]["on_exceed"] == "rollback":
            data["rollback"] = self.nodes("rollback", depth=1, most=2)
        return {key: value for key, value in data.items() if value}

    def handler(self, name: str) -> Data:
        return {"id": name, "command": f"c-{name}", **({"once": self.one("run", "wave")} if self.maybe() else {})}


KEYS = (
    "once", "when", "needs", "delegate_to", "throttle", "retry", "on_failure", "notify", "timeout", "changed_when",
)  # fmt: skip

LIMITS = (
    [("concurrency", 1), ("concurrency", 2), ("concurrency", 3)],
    [("per_group_limit", 1), ("per_group_limit", 2), ("per_group_limit", {"a": 1})],
    [("sync", "lockstep")],
    [("max_failures", 0), ("max_failures", 1), ("max_failures", 2)],
    [("max_failure_percent", 30), ("max_failure_percent", 60)],
    [("failure_scope", "wave")],
    [("preflight", True), ("preflight", False)],
    [("bake", 3)],
    [("approve", "each")],
    [("gate", [{"command": "healthy", "interval": "1s", "deadline": "3s"}])],
)
"""What a strategy may say beside its type: each list is one key with its values."""


@st.composite
def cases(draw: st.DrawFn, *, plays: int = 2) -> Case:
    """A random case. Not every one can be planned: a wait that could not end is refused."""
    hosts = tuple(f"h{number}" for number in range(1, draw(st.integers(1, 6)) + 1))
    writer = _Writer(draw, 0)
    written = [writer.play(f"p{number}") for number in range(1, draw(st.integers(1, plays)) + 1)]
    for play in written[1:]:
        if writer.maybe(2):
            play["needs"] = []
        elif writer.maybe(2):
            written[0]["steps"].append({"id": "last", "command": "last", "register": "told", "on_failure": "ignore"})
            play["when"] = writer.one("told.changed", "told.failed", "told.json.nothing")
    playbook = {"version": 1, "plays": written}
    commands = [f"c{number}" for number in range(1, writer.count + 1)] + [f"c-{one}" for one in writer.handlers]
    commands += ["healthy", "last"]
    fault = st.tuples(st.sampled_from((*hosts, DELEGATE)), st.sampled_from(commands), st.sampled_from(list(FAULTS)))
    stop = st.tuples(st.sampled_from([0.0, 1.0, 2.5, 5.0, 9.0]), st.sampled_from([Level.STOP, Level.KILL]))
    return Case(
        playbook,
        hosts,
        faults=tuple(draw(st.lists(fault, max_size=6))),
        paces=tuple(draw(st.integers(0, 3)) for _ in hosts),
        gone=tuple(
            draw(st.lists(st.sampled_from((*hosts, DELEGATE)), max_size=2, unique=True)) if writer.maybe() else ()
        ),
        stops=tuple(draw(st.lists(stop, min_size=1, max_size=2)) if writer.maybe(5) else ()),
        person=draw(st.sampled_from([None, True, False])),
    )
