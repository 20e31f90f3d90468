"""Random playbooks for runs that are killed, and what their hosts must have seen in the end.

Every step runs ``mark``, which notes in a file of its host, an oracle, when it began and when it had ended.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

MARK = """\
#!/bin/sh
# mark FILE STEP SECONDS [WORD...]: note the beginning, take the time, note the end and what was given, print a value
echo "begin $2 $4" >>"$1"; sync "$1"
sleep "$3"
case $2 in flaky*) if ! grep -q "^tried $2" "$1"; then echo "tried $2" >>"$1"; sync "$1"; exit 3; fi;; esac
value=v$$
echo "end $2 $value" >>"$1"; sync "$1"
echo "$value"
"""


Step = dict[str, Any]


@dataclass(frozen=True)
class Wanted:
    """What the oracles must say of one step: that it ended once on each host, after so many ``tries``.

    ``once`` is ``run`` or ``wave`` for one that does not run on each host; ``again`` where a resume may do it again;
    ``cut`` where a lost connection ends it, so that it may have begun more often. ``uses`` is the step whose value it
    was given.
    """

    step: str
    tries: int = 1
    once: str = ""
    again: bool = False
    cut: bool = False
    uses: str = ""


@dataclass
class Shape:
    """A playbook, the names of its hosts, and what they must have seen."""

    playbook: dict[str, Any]
    hosts: tuple[str, ...]
    wanted: list[Wanted] = field(default_factory=list)


class Shaper:
    """Writes one: waves, handlers, a gate, steps that run once, loops, values used later, retries, what runs anyway."""

    def __init__(self, chance: Random, folder: Path) -> None:
        self._chance = chance
        self._folder = folder
        self._registered: list[str] = []
        self._wanted: list[Wanted] = []

    def shape(self) -> Shape:
        """A new one."""
        chance = self._chance
        kinds: dict[str, Callable[[str], Step]] = {
            "plain": self._step,
            "register": self._register,
            "once": self._once,
            "loop": self._loop,
            "flaky": lambda name: self._step(name, Wanted(name, tries=2), retry={"attempts": 2, "delay": "100ms"}),
            "notify": lambda name: self._step(name, notify=["handler"]),
            "block": self._block,
            "cut": lambda name: self._step(name, Wanted(name, cut=True), on_disconnect="kill"),
        }
        names = [f"{chance.choice(list(kinds))}{number}" for number in range(chance.randint(3, 7))]
        play: dict[str, Any] = {"name": "rollout", "hosts": "all", "env": {"CANARY": "{{ secrets.canary }}"}}
        play["strategy"] = self._strategy()
        play["steps"] = [kinds[name.rstrip("0123456789")](name) for name in names]
        if any(name.startswith("notify") for name in names):
            play["handlers"] = [self._step("handler")]
        if chance.random() < 0.5:
            play["always"] = [self._step("always", Wanted("always", again=True))]
        hosts = tuple(f"web{number:02}" for number in range(1, chance.randint(2, 6) + 1))
        playbook = {"version": 1, "secrets": {"canary": {"env": "TEST_CANARY"}}, "plays": [play]}
        return Shape(playbook, hosts, self._wanted)

    def _mark(self, name: str, word: str = "") -> str:
        seconds = self._chance.choice((0, 0, 0.05, 0.1, 0.3))
        return f"{self._folder}/mark {self._folder}/oracle/{{{{ host.name }}}} {name} {seconds} {word}".strip()

    def _step(self, name: str, wanted: Wanted | None = None, **more: Any) -> Step:
        used = self._chance.choice(self._registered) if self._registered and self._chance.random() < 0.5 else ""
        found = wanted or Wanted(name)
        self._wanted.append(Wanted(name, found.tries, found.once, found.again, found.cut, used))
        return {"id": name, "command": self._mark(name, f"{{{{ {used}.stdout }}}}" if used else ""), **more}

    def _register(self, name: str) -> Step:
        step = self._step(name, register=name)
        self._registered.append(name)
        return step

    def _once(self, name: str) -> Step:
        scope = self._chance.choice(("run", "wave"))
        return self._step(name, Wanted(name, once=scope), once=scope)

    def _loop(self, name: str) -> Step:
        items = [1, 2, 3][: self._chance.randint(1, 3)]
        self._wanted += [Wanted(f"{name}.{item}") for item in items]
        return {"id": name, "command": self._mark(f"{name}.{{{{ item }}}}"), "loop": items}

    def _block(self, name: str) -> Step:
        inside = [self._step(f"{name}a"), self._step(f"{name}b")]
        return {"block": inside, "always": [self._step(f"{name}c", Wanted(f"{name}c", again=True))]}

    def _strategy(self) -> Step:
        chance = self._chance
        if chance.random() < 0.2:
            return {"type": "parallel"}
        found: Step = {"type": "rolling", "waves": chance.choice((1, 2, 3, "rest"))}
        if chance.random() < 0.3:
            found["gate"] = [{"command": "true", "interval": "50ms", "deadline": "5s"}]
        if chance.random() < 0.3:
            found["concurrency"] = 2
        return found
