r"""The lock on a host, which several controllers share: the scripts that work on it, and what they answer. No I/O.

It is the folder ``/var/tmp/.runner-lock`` (``/tmp`` where that can't be written), made by one atomic ``mkdir``. Whoever
made it has it, and puts a file ``owner.ID`` there, which says whose it is, since when by the host's own clock and under
which boot id. ``beat.ID`` has the time of the owner's last sign of life, by the same clock. Both inform only: nobody
loses a lock by its age. It is given back by removing exactly the files of that id, and then the folder, which fails
where another one's are in it.

**Why one for the machine.** Whatever name, address or user a host is reached by, it is the same host. There is one
exception: a machine that is reached at addresses of 127.0.0.0/8 other than 127.0.0.1 plays as many hosts, and has as
many locks.

**What others on the host can do.** The folder lies where everybody may make one, so another user of the host can keep
runs out, and is then named. Nobody but root and the owner can take a lock away, links are not followed, and of what
stands in a file only known fields of one short line are believed.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from runner.durations import written

UNNAMED = "unnamed"
"""Stands for the id of a lock without an owner's file: its maker died between two commands of the host's shell."""

SILENT = 90.0
"""Seconds without a sign of life, which comes every 30, that are worth a word. They decide nothing."""

LONGEST = 4096
"""Bytes of an answer that are read."""

_PLACE = r"""
umask 022; LC_ALL=C; export LC_ALL
d=/var/tmp; [ -d $d ] && [ -w $d ] || d=/tmp
d=$d/.runner-lock
case ${SSH_CONNECTION-} in *' '*' 127.'*' '*)
  a=${SSH_CONNECTION#* * }; p=${a#* }; a=${a%% *}
  case $a-$p in 127.0.0.1-*|*[!0-9.-]*) ;; *) d=$d-$a-$p;; esac;;
esac
o=$d/owner.$1
"""

TAKE = (
    _PLACE
    + r"""
n=$(date +%s); b=-; [ -r /proc/sys/kernel/random/boot_id ] && read -r b </proc/sys/kernel/random/boot_id
put() { printf '%s\nsince %s\nboot %s\n' "$1" "$n" "$b" >"$o"; }
if w=$(mkdir "$d" 2>&1); then
  if w=$( { put "$2"; } 2>&1); then
    for f in "$d"/owner.*; do [ "$f" = "$o" ] || { rm -f "$o"; echo again; exit; }; done
    echo "taken $d"; exit
  fi
  [ -d "$d" ] || { echo again; exit; }
  rm -f "$o"; rmdir "$d"; echo "cannot $w"; exit
fi
if [ -L "$d" ] || { [ -e "$d" ] && [ ! -d "$d" ]; }; then echo "odd $d"; exit; fi
[ -d "$d" ] || { echo "cannot $w"; exit; }
set -- "$1" "$2" $(ls -ldn "$d") ; u=${5-}
if [ -f "$o" ] && [ ! -L "$o" ] && [ "$u" = "$(id -u)" ]; then
  put "$2" 2>/dev/null; echo "mine $d"; exit
fi
echo "held $d"; echo "now $n"; echo "booted $b"; echo "uid $u"
for f in "$d"/owner.*; do
  [ -f "$f" ] && [ ! -L "$f" ] || continue
  i=${f##*/owner.}; h=$d/beat.$i; echo "id $i"
  [ -f "$h" ] && [ ! -L "$h" ] && { printf 'beat '; dd if="$h" bs=20 count=1; echo; } 2>/dev/null
  [ -f "$d/all.$i" ] && echo settled
  printf 'owner '; dd if="$f" bs=2000 count=1 2>/dev/null
  break
done
"""
)
"""Takes it: ``$1`` is the id, ``$2`` a line that says whose it is."""

BEAT = _PLACE + r'[ -f "$o" ] && date +%s >"$d/beat.$1"'
"""Gives a sign of life."""

SETTLE = _PLACE + r'[ -f "$o" ] && : >"$d/all.$1"'
"""Says that the owner has all its hosts, and so will not give this one up for want of another."""

RELEASE = (
    _PLACE
    + r"""
if [ "$1" = unnamed ]; then
  for f in "$d"/owner.*; do [ -e "$f" ] && { echo gone; exit; }; done
elif [ -L "$d" ] || [ ! -f "$o" ]; then echo gone; exit; fi
[ -d "$d" ] || { echo gone; exit; }
for try in 1 2; do  # a sign of life may have come between
  w=$(rm -f "$d/beat.$1" "$d/all.$1" "$o" 2>&1 && rmdir "$d" 2>&1) && { echo released; exit; }
  [ -d "$d" ] || { echo released; exit; }
done
echo "cannot $w"
"""
)
"""Gives it back, or takes it from whoever has that id, ``$1``."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What a run puts on its hosts: an id of 16 hex digits, and whose it is.

    ``release`` is the command that releases a lock by hand, but for the id at its end.
    """

    id: str
    run: str
    user: str
    controller: str
    release: str

    @property
    def line(self) -> str:
        """What the owner's file says of it."""
        return json.dumps({"run": self.run, "user": self.user, "controller": self.controller})


def id_of(token: str) -> str:
    """The id of a run's lock, from its token: whoever goes on with the run has it by the journal alone."""
    return hashlib.sha256(f"host lock {token}".encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Owner:
    """Who has the lock of a host, as a file there says; nothing of it is sure.

    ``age`` is how long it has had it, ``silent`` since when it gave no sign of life, in seconds by the host's clock,
    None where the host can't tell. ``is_rebooted`` where the host was started anew since; ``is_settled`` where it has
    all its hosts.
    """

    id: str = UNNAMED
    run: str = ""
    user: str = ""
    controller: str = ""
    age: float | None = None
    silent: float | None = None
    is_rebooted: bool = False
    is_settled: bool = False
    uid: str = ""

    def __str__(self) -> str:
        if self.id == UNNAMED:
            return f"a lock without an owner's name (made by user number {self.uid or '?'} of that host)"
        since = f", since {written(self.age)}" if self.age is not None else ""
        return f"run {self.run or '?'} of {self.user or '?'} on {self.controller or '?'}{since}{self._life}"

    @property
    def _life(self) -> str:
        if self.is_rebooted:
            return "; the host was started anew since, so that run may be dead"
        if self.silent is None:
            return ""
        if self.silent > SILENT:
            return f"; no sign of life for {written(self.silent)}, so that run may be dead"
        return f"; its last sign of life is {written(self.silent)} old"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a host says. ``taken``: it is ours; ``mine``: it was already; ``held``: ``owner`` has it, or is about to.

    ``released`` and ``gone``: it is not ours any more, or was not. ``cannot``: ``reason`` says why.
    """

    state: Literal["taken", "mine", "held", "released", "gone", "cannot"]
    owner: Owner | None = None
    reason: str = ""


def answer_of(output: bytes) -> Answer:
    """What the answer of a script means, whatever a host makes of it."""
    lines = output[:LONGEST].decode("utf-8", "replace").split("\n")
    state, _, rest = lines[0].partition(" ")
    match state:
        case "taken" | "mine" | "released" | "gone":
            return Answer(state)
        case "again":
            return Answer("held")
        case "held":
            return Answer("held", _owner(lines[1:]))
        case "odd":
            return Answer("cannot", reason=f"{rest[:200]} is there and is no folder; remove it")
        case "cannot":
            return Answer("cannot", reason="; ".join(lines)[len("cannot ") : 300].strip("; "))
        case _:
            return Answer("cannot", reason="the host gave no answer that can be understood")


def _owner(lines: list[str]) -> Owner:
    said: dict[str, str] = {}
    for line in lines:
        key, _, value = line.partition(" ")
        said.setdefault(key, value.strip())
    found = said.get("id", "")
    if not re.fullmatch(r"[0-9a-f]{16}", found):
        return Owner(uid=_digits(said.get("uid")))
    told = _told(said.get("owner", ""))
    now, since = _number(said.get("now")), _number(said.get("since"))
    boots = [said.get(name, "-") for name in ("boot", "booted")]
    last = max((at for at in (since, _number(said.get("beat"))) if at is not None), default=None)
    return Owner(
        id=found,
        run=_run(told.get("run", "")),
        user=told.get("user", ""),
        controller=told.get("controller", ""),
        age=_between(since, now),
        silent=_between(last, now),
        is_settled="settled" in said,
        is_rebooted="-" not in boots and boots[0] != boots[1],
        uid=_digits(said.get("uid")),
    )


def _told(text: str) -> Mapping[str, str]:
    """The known fields of an owner's line, as short texts."""
    try:
        data: Any = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(data, dict):
        return {}
    return {name: value[:100] for name, value in data.items() if isinstance(value, str)}


def _run(text: str) -> str:
    """The id of a run, which goes into a command that people copy; nothing where it is no word like one."""
    return text if re.fullmatch(r"[0-9A-Za-z][0-9A-Za-z_-]{0,63}", text) else ""


def _digits(text: str | None) -> str:
    return text if text and re.fullmatch(r"[0-9]{1,10}", text) else ""


def _number(text: str | None) -> int | None:
    return int(text) if text and re.fullmatch(r"[0-9]{1,12}", text) else None


def _between(start: int | None, end: int | None) -> float | None:
    """Seconds from one to the other by a clock that may have been put back."""
    return None if start is None or end is None else float(max(0, end - start))
