"""Ending a process group on the host, and making sure that it is gone.

SSH cannot do it: closing a channel, or asking for a signal, leaves the command running or is refused. A second shell
on the same connection can: TERM to the group, some time, KILL to the group, a look whether anything is left. What left
the group by calling setsid itself escapes; where its parent is still in the group, it is seen and told. A zombie is
gone; whoever should have reaped it may never do so.
"""

import asyncio
import re
from dataclasses import dataclass

from runner.shell.channel import Channel
from runner.transport import Command

_LONGEST_ANSWER = 4096  # bytes, of either end: a word for each process that left the group
_FIRST_PAUSE, _LONGEST_PAUSE = 0.02, 0.5  # seconds between two looks

# dash takes no "--" after "-TERM", and no negative number without it after "-s TERM": both ways are tried.
_PROBE = r"""
if [ "$2" = TERM ] && [ -r /proc/self/stat ]; then
  looked=0
  for member in $(sed -n "s/^\([0-9]*\) (.*) [^ZXx] [0-9]* $1 .*/\1/p" /proc/[0-9]*/stat 2>/dev/null); do
    [ $((looked += 1)) -le 20 ] || break
    sed -n "s/^\([0-9]*\) (.*) [^ZXx] $member \([0-9]*\) .*/\1 \2/p" /proc/[0-9]*/stat 2>/dev/null
  done | while read -r pid group; do [ "$group" = "$1" ] || echo "out:$pid"; done
fi
send() { kill -s "$1" -- "-$2" || kill "-$1" "-$2"; }
if [ "$2" != 0 ]; then send "$2" "$1" 2>/dev/null && echo sent; fi
said=$(send 0 "$1" 2>&1) && echo exists
case $said in *ermitted*) echo denied;; esac
command -v sed >/dev/null && echo listed
if [ -r /proc/self/stat ]; then
  sed -n "s/^$1 (.*) [^ZXx] .*/alive/p; s/.*) [^ZXx] [0-9]* $1 .*/alive/p" /proc/[0-9]*/stat 2>/dev/null
else
  ps -A -o pid= -o pgid= -o stat= | sed -n "s/^ *$1 .* [^Z ][^ ]*$/alive/p; s/^ *[0-9]* *$1 *[^Z].*/alive/p"
fi
"""

_LEFT = r"""
for pid; do
  read -r stat <"/proc/$pid/stat" || continue
  case ${stat##*) } in [ZXx]*) ;; *) echo "$pid";; esac
done 2>/dev/null
"""

_OUT = re.compile(r"out:(\d{1,10})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Ending:
    """What came of ending a group: ``yes`` when nothing of it is left, ``no``, or ``ended``; and who had left it.

    ``ended`` where nothing of it was there to be signalled: it had come to its end by itself. ``survivors`` are
    processes that were started in it, had left it, and still run.
    """

    killed: str
    survivors: tuple[int, ...] = ()


async def end_group(control: Channel, group: int, grace: float, patience: float) -> Ending:
    """End a process group through a second shell, and find out who survived that.

    ``grace`` is the seconds between TERM and KILL, ``patience`` those after it in which the group must be gone: what
    is stuck in the kernel stays. Raises LostError when the shell goes away meanwhile.
    """
    out: set[str] = set()
    found = await _signal(control, group, "TERM", grace, out)
    if found == "no":
        found = "no" if await _signal(control, group, "KILL", patience, out) == "no" else "yes"
    return Ending(found, await _left(control, out) if out else ())


async def _left(control: Channel, pids: set[str]) -> tuple[int, ...]:
    """Those of the processes that still run."""
    result = await control.result(control.send(Command(script=_LEFT, args=tuple(sorted(pids)), limit=_LONGEST_ANSWER)))
    return tuple(int(word) for word in result.stdout.text.split() if word in pids)


async def _signal(control: Channel, group: int, name: str, seconds: float, out: set[str]) -> str:
    """Send a signal once, then look until the group is gone or the time is up; the words are those of ``Ending``.

    ``out`` gets the processes that were seen to have left the group.
    It is sent again while it could not be: a child that has just said its number may not lead its group yet.
    """
    time = asyncio.get_running_loop().time
    end, pause, pending = time() + seconds, _FIRST_PAUSE, name
    while True:
        words = await _probe(control, group, pending)
        out.update(match[1] for match in map(_OUT.fullmatch, words) if match)
        if not _is_alive(words):
            return "yes" if pending == "0" or "sent" in words else "ended"
        if time() >= end:
            return "no"
        pending = "0" if "sent" in words else pending
        await asyncio.sleep(min(pause, max(0.0, end - time())))
        pause = min(2 * pause, _LONGEST_PAUSE)


async def _probe(control: Channel, group: int, name: str) -> frozenset[str]:
    command = Command(script=_PROBE, args=(str(group), name), limit=_LONGEST_ANSWER)
    result = await control.result(control.send(command))
    return frozenset(result.stdout.text.split())


def _is_alive(words: frozenset[str]) -> bool:
    """``denied`` means that what is left belongs to another user, as under sudo."""
    return "alive" in words or "denied" in words or ("exists" in words and "listed" not in words)
