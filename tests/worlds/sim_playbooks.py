"""Random playbooks for simulations of crashes: all that a resume has to restore, from plain random numbers.

Every command begins with its step's id and the host it is for, so that what ran tells what was meant.
"""

from dataclasses import dataclass, field
from random import Random
from typing import Any

Data = dict[str, Any]

DELEGATE = "lb1"
RACK = "{{ 'a' if host.index is odd else 'b' }}"


SHARES = {
    "register": 3, "repeatable": 4, "verify": 5, "once": 8, "needs": 10, "notify": 4, "when": 8, "plain": 2,
}  # fmt: skip
"""One step in so many has these keys."""

PLAIN: tuple[Data, ...] = (
    {"on_disconnect": "kill"},
    {"retry": {"attempts": 2, "delay": "1s"}},
    {"timeout": "2s"},
    {"timeout": "20s", "retry": {"attempts": 2, "delay": "1s"}},
    {"throttle": 1},
    {"delegate_to": DELEGATE},
    {"delegate_to": DELEGATE, "throttle": 2},
    {"on_failure": "continue"},
    {"on_failure": "ignore"},
    {"changed_when": False},
)


@dataclass(frozen=True)
class Flags:
    """What a simulation must know of a step to judge what ran. ``section`` as in events.

    ``once`` is its own or that of a block round it. ``repeatable`` where it may run again when its end is not known.
    ``uses`` is the registered name that its command holds the value of.
    """

    play: str = ""

    section: str = ""
    repeatable: bool = False
    once: str = ""
    uses: str = ""
    looped: bool = False


@dataclass
class Case:
    """A playbook, its hosts, what is known of its steps, and which of its commands fail (``once`` or always)."""

    playbook: Data
    hosts: tuple[str, ...]
    steps: dict[str, Flags]
    failing: dict[tuple[str, str], str] = field(default_factory=dict)
    is_tame: bool = False


@dataclass
class Writer:
    """Writes one play. ``tame`` leaves out what may end differently when time passes differently."""

    chance: Random
    tame: bool
    steps: dict[str, Flags] = field(default_factory=dict)
    count: int = 0
    handlers: list[str] = field(default_factory=list)
    registered: list[str] = field(default_factory=list)
    name: str = ""
    inside_once: str = ""

    def maybe(self, share: int = 4) -> bool:
        """True once in so many times."""
        return self.chance.randrange(share) == 0

    def step(self, section: str, before: list[str]) -> Data:
        """One step: mostly a command of its own."""
        self.count += 1
        name = f"s{self.count}"
        data: Data = {"id": name}
        if self.maybe(12):
            return data | self.chance.choice(({"pause": "2s"}, {"log": "hello"}))
        if self.maybe(12) and not section:
            self.registered.append(f"{name}v")
            return data | {"set": {f"{name}v": f"{{{{ 'v{self.count}-' ~ host.index }}}}"}}
        words = [name, "{{ host.name }}"]
        flags: Data = {"play": self.name, "section": section, "once": self.inside_once}
        if self.maybe(8):
            data |= {"loop": [1, 2, 3][: self.chance.randint(1, 3)]}
            words.append("{{ item }}")
            flags["looped"] = True
        if self.registered and self.maybe(3):
            flags["uses"] = self.chance.choice(self.registered)
            value = "" if flags["uses"].endswith("v") else ".stdout | default('v0')"
            words.append(f"{{{{ {flags['uses']}{value} }}}}")
        self._keys(data, flags, section, before)
        data["command"] = " ".join(words)
        self.steps[name] = Flags(**flags)
        return data

    def _keys(self, data: Data, flags: Data, section: str, before: list[str]) -> None:
        for key, share in SHARES.items():
            if self.maybe(share) and self._fits(key, data, section, before):
                getattr(self, f"_{key}")(data, flags, before)

    def _fits(self, key: str, data: Data, section: str, before: list[str]) -> bool:
        """Whether a key has a meaning there."""
        fits: dict[str, bool] = {
            "register": not section and "loop" not in data,
            "verify": not {"idempotent", "on_unknown"} & {*data},
            "once": not self.inside_once and section in {"", "rescue"},
            "needs": bool(before) and not section,
            "notify": bool(self.handlers) and section in {"", "rescue"},
            "when": not {"loop", "register"} & {*data},
        }
        return fits.get(key, True)

    def _register(self, data: Data, flags: Data, before: list[str]) -> None:
        del flags, before
        data["register"] = f"r{self.count}"
        self.registered.append(data["register"])

    def _repeatable(self, data: Data, flags: Data, before: list[str]) -> None:
        del before
        flags["repeatable"] = True
        data |= self.chance.choice(({"idempotent": True}, {"on_unknown": "rerun"}))

    def _verify(self, data: Data, flags: Data, before: list[str]) -> None:
        del flags, before
        item = ["{{ item }}"] if "loop" in data else []
        data["verify"] = ["verify", data["id"], "{{ host.name }}", *item]

    def _once(self, data: Data, flags: Data, before: list[str]) -> None:
        del before
        data["once"] = flags["once"] = self.chance.choice(("run", "wave"))

    def _needs(self, data: Data, flags: Data, before: list[str]) -> None:
        del flags
        data["needs"] = [self.chance.choice(before)]

    def _notify(self, data: Data, flags: Data, before: list[str]) -> None:
        del flags, before
        data["notify"] = [self.chance.choice(self.handlers)]

    def _when(self, data: Data, flags: Data, before: list[str]) -> None:
        del flags, before
        data["when"] = f"host.index {self.chance.choice(('!=', '>', '<'))} {self.chance.randint(1, 4)}"

    def _plain(self, data: Data, flags: Data, before: list[str]) -> None:
        del flags, before
        data |= self.chance.choice(PLAIN)

    def nodes(self, section: str, depth: int, most: int) -> list[Data]:
        """A list of steps and blocks."""
        found: list[Data] = []
        before: list[str] = []
        for _ in range(self.chance.randint(1, most)):
            if depth and self.maybe():
                node = self.block(section, depth - 1)
            elif not section and self.handlers and self.maybe(8):
                node = {"flush": "handlers"}
            else:
                node = self.step(section, before)
            found.append(node)
            before += [node["id"]] if "id" in node else []
        return found

    def block(self, section: str, depth: int) -> Data:
        """A block, perhaps with a rescue and what runs in any case."""
        self.count += 1
        data: Data = {"id": f"b{self.count}"}
        outside = self.inside_once
        if self.maybe(6) and section in {"", "rescue"} and not outside:
            data["once"] = self.inside_once = self.chance.choice(("run", "wave"))
        data["block"] = self.nodes(section, depth, 3)
        if self.maybe(2):
            data["rescue"] = self.nodes(section or "rescue", 0, 2)
        if self.maybe(3):
            data["always"] = self.nodes(section or "always", 0, 2)
        self.inside_once = outside
        return data

    def strategy(self) -> Data:
        """How the play moves over its hosts."""
        kind = self.chance.choice(("parallel", "rolling", "rolling", "sequential"))
        data: Data = {"type": kind}
        if kind == "rolling":
            data["waves"] = self.chance.choice((1, 2, "rest", [1, "rest"]))
        if self.maybe(3) and kind != "sequential":
            data["concurrency"] = self.chance.randint(1, 3)
        if self.maybe(5):
            data["sync"] = "lockstep"
        if self.maybe():
            data["gate"] = [{"command": "healthy {{ host.name }}", "interval": "1s", "deadline": "9s"}]
        if kind != "parallel" and self.maybe(5):
            data["bake"] = "3s"
        if not self.tame:
            data["on_exceed"] = self.chance.choice(("stop", "drain", "kill", "rollback"))
            if self.maybe(2):
                data["max_failures"] = self.chance.randint(0, 2)
        return data

    def play(self, name: str) -> Data:
        """One whole play."""
        self.name, self.registered = name, []
        self.handlers = [f"{name}h{number}" for number in range(self.chance.randint(0, 2))]
        data: Data = {"name": name, "hosts": "h*", "strategy": self.strategy()}
        data["handlers"] = [self.handler(one) for one in self.handlers]
        data["steps"] = self.nodes("", 2, 4)
        if self.maybe(3):
            data["always"] = self.nodes("always", 1, 2)
        if data["strategy"].get("on_exceed") == "rollback":
            data["rollback"] = self.nodes("rollback", 1, 2)
        return {key: value for key, value in data.items() if value}

    def handler(self, name: str) -> Data:
        """A handler, perhaps one that runs once in all."""
        data: Data = {"id": name, "command": f"{name} {{{{ host.name }}}}"}
        once = self.chance.choice(("run", "wave", "", "", "", "", "", ""))
        self.steps[name] = Flags(self.name, "handlers", once=once)
        return data | ({"once": once} if once else {})


def case_of(chance: Random) -> Case:
    """A random case. Not every one can be planned: a wait that could not end is refused."""
    hosts = tuple(f"h{number}" for number in range(1, chance.randint(1, 4) + 1))
    tame = chance.random() < 0.5
    writer = Writer(chance, tame)
    plays = [writer.play(f"p{number}") for number in range(1, chance.choice((1, 1, 1, 2)) + 1)]
    if len(plays) == 2 and writer.maybe(2):
        plays[1]["needs"] = []
    failing: dict[tuple[str, str], str] = {}
    if not tame:
        for _ in range(chance.choice((0, 0, 1, 2))):
            failing[f"s{chance.randint(1, writer.count)}", chance.choice(hosts)] = chance.choice(("always", "once"))
    return Case({"version": 1, "plays": plays}, hosts, writer.steps, failing, tame)
