r"""Reading the records that earlier shells of this run have left on a host: a script that looks, a judge that decides.

What stands in a record is a host's data: the judge takes lines of fixed fields and integers, all or nothing. A file
that is a link, or another user's, is no record of ours and is passed over; one that is ours and not as we left it makes
"none" of every "never".
"""

import re
from dataclasses import dataclass, field
from functools import partial
from operator import itemgetter

from runner.host_record import LONGEST
from runner.shell.channel import HIGHEST_STATUS
from runner.transport import CommandResult, Recalled

WAITS = 20
"""Seconds that the script below waits in all for what other processes are to do, if they don't."""

LOOK = r"""
prefix=$1 tag=$2; shift 2; seen=" $* " known=$seen
num() { case $1 in ''|*[!0-9]*) return 1;; esac; }
alive() { read -r stat <"/proc/$1/stat" || return; case ${stat##*) } in [ZXx]*) return 1;; esac; }
gone() { ! alive "$1"; }
named() {
  for p in $(grep -sxl -e "$1" /proc/[0-9]*/comm); do p=${p#/proc/} p=${p%/comm}; alive "$p" && echo "$p"; done
}
pause() { sleep 0.05 || sleep 1; }
records() {
  for folder in "$TMPDIR" /tmp /var/tmp "$HOME"; do
    for f in "$folder/$prefix"-????????????????; do
      [ ! -h "$f" ] && [ -f "$f" ] && [ -O "$f" ] && "$@"
    done
  done
}
now() { read -r now rest </proc/uptime; now=${now%%.*}; }
holds() {
  for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    "$@" && return
    now; [ "$now" -lt "$late" ] || return
    pause
  done
  return 1
}
first() { { read -r head <&9 && echo "$head"; } & reader=$!; holds gone "$reader" || kill -9 "$reader"; }
begun() {
  set -- $(sed -n '/^r1 /{p;q;}' "$f")
  shell=$2 suffix=$3
  [ "$shell" ]
}
filed() { holds begun && known="$known$shell "; }
file() {
  [ -O "/proc/$pid" ] && [ -p "/proc/$pid/fd/8" ] && command exec 9<"/proc/$pid/fd/8" || return
  for watcher in $(named "runner+$pid[.]*"); do
    kill -s USR1 "$watcher" || continue
    holds gone "$watcher"
    return
  done
  [ "$(named "runner[+=]$pid[.]*")" ] && return
  head=$(first)
  case $head in *[!A-Za-z0-9/._+\ -]*) return;; "r1 $pid "*" /"*"/$prefix-"*) ;; *) return;; esac
  { printf '%s\n' "b $boot" "$head"; cat <&9 & echo "m $!"; } >"${head##* }" || echo "$head" >>"${head##* }"
}
leads() { num "$group" && alive "$group" && set -- ${stat##*) } && [ "$3" = "$group" ]; }
there() { alive "$shell" && [ "$(cat "/proc/$shell/comm")" = "runner-$tag" ]; }
moved() {
  if there && [ ! -e "/proc/$shell/fd/5" ]; then holds gone "$shell"; return; fi
  for keeper in "$shell" $(named "runner=$shell[.]*"); do
    [ -p "/proc/$keeper/fd/5" ] && echo "w $$" >"/proc/$keeper/fd/5" || continue
    holds grep -qsx "w $$" "$f"
    return
  done
  for mover in $(sed -n 's/^m //p' "$f"); do
    num "$mover" && [ "/proc/$mover/fd/1" -ef "$f" ] || continue
    holds gone "$mover" || return
  done
}
look() {
  case $seen in *" $f "*) return;; esac
  seen="$seen$f "
  holds begun
  command exec 6<"$f" && [ -O /proc/self/fd/6 ] || return
  set -- $(ls -ldnL /proc/self/fd/6)
  echo "f $1 $5 $f"
  [ "$1" = -rw------- ] && num "$5" && [ "$5" -le @LONGEST@ ] || return
  case $suffix in *[!0-9a-f]*) return;; ????????????????) ;; *) return;; esac
  num "$shell" || return
  fence=$f-$suffix.x
  [ -e "$fence" ] || { :; } >"$fence"
  [ -e "$fence" ] && echo x
  moved && echo m
  here=
  there && here=1
  [ "$(named "runner[+=]$shell[.]*")" ] && echo w
  group= open=
  while read -r a b c x; do
    printf '|%s\n' "$a $b $c $x"
    case $a in s) open=1 group=$c;; e|n) open=;; esac
  done <&6
  [ "$a" ] && printf '|%s\n' "$a"
  if [ "$here" ]; then
    if [ "$open" ]; then echo p; else there && kill -9 "$shell"; fi
  fi
  leads && echo g
  for x in "$f-$suffix".[oe]; do [ -e "$x" ] && echo "o ${x##*.}"; done
}
exec 2>/dev/null
umask 077; set -C
now; late=$((now + @WAITS@))
read -r boot </proc/sys/kernel/random/boot_id; echo "b $boot"
records filed
for pid in $(named "runner-$tag"); do
  case $known in *" $pid "*) continue;; esac
  file
done
exec 9<&-
records look
exit 0
""".replace("@LONGEST@", str(LONGEST)).replace("@WAITS@", str(WAITS))
"""Arguments: the prefix of the records, the word in the names of their processes, and the paths and processes of shells
in use, which are left alone.

It makes files of the records that are none yet, and tells a watcher that has not noticed it that the connection is
lost. Of each record it sets the fence before it reads it, and waits until all that was noted by then is in the file.
Who works on it is looked for before it is read, too: whoever ends meanwhile may have noted more than is read. A shell
that waits for requests is ended: the fence would let it start none, and once it is gone the fence may go too.

Nothing it reads makes it wait for ever. Where somebody stays with a command the notes were moved to a file before, and
if that is gone they are lost; the head of other notes is read by a process that is ended when nothing comes.
"""

TAILS = r"""
cat -- "$1-$2.o"; cat -- "$1-$2.e" >&2; exit 0
"""
"""Arguments: a record and its suffix. Prints what is left of both streams, each on its own."""

DISOWN = r"""
exec 2>/dev/null
while [ $# -gt 1 ]; do
  if [ "$2" != 0 ] && [ -O "/proc/$2" ]; then echo v >>"/proc/$2/fd/5"
  elif [ ! -h "$1" ] && [ -f "$1" ] && [ -O "$1" ]; then echo v >>"$1"; fi
  shift 2
done
exit 0
"""
"""Arguments: records, each with the process of its shell, or 0. They vouch for nothing from then on."""

MOST_RECORDS = 1000
"""Records of one run on a host that are looked at: there are a few for each time that its connection was lost."""

_LINE = re.compile(
    r"b [0-9a-f-]{1,40}|r1 \d{1,10} [0-9a-f]{16} [01] /[\w/.+-]{1,300}|s \w{1,40} \d{1,10} \d{1,10} [fkc]"
    r"|v|[fgln] \w{1,40}|[mw] \d{1,10}|e \w{1,40} \d{1,3}|c \d{1,10}|k \w{1,40} (?:loss|time)",
    re.ASCII,
)
_ENDED = {
    "loss": "its process group was ended on the host when the connection was lost",
    "time": "its process group was ended on the host when its time was up",
}


@dataclass(slots=True)
class Note:
    """One record as it was found. ``shell``, ``watcher`` and ``leader`` say whether those processes are still there.

    ``lines`` are its words, line by line; none where it is not as we left it. ``fenced`` says that the fence is set,
    ``whole`` that all that was noted before that has been read.
    """

    path: str
    lines: list[list[str]] = field(default_factory=list)
    fenced: bool = False
    whole: bool = False
    shell: bool = False
    watcher: bool = False
    leader: bool = False
    kept: list[str] = field(default_factory=list)
    is_odd: bool = False

    @property
    def boot(self) -> str:
        """The boot id of the host when it was written."""
        return self.lines[0][1]

    @property
    def suffix(self) -> str:
        """The word that only we know."""
        return self.lines[1][2]

    @property
    def files(self) -> tuple[str, ...]:
        """All that belongs to it."""
        names = [*(["x"] if self.fenced else []), *self.kept]
        return (self.path, *(f"{self.path}-{self.suffix}.{name}" for name in names if self.lines))

    def mentions(self, key: str) -> list[list[str]]:
        """The lines about a command."""
        return [line for line in self.lines if len(line) > 1 and line[1] == key and line[0] in _ABOUT_ONE]

    def of(self, key: str) -> list[list[str]]:
        """The lines about the last start of a command; none where it was not started."""
        lines = self.mentions(key)
        starts = [at for at, line in enumerate(lines) if line[0] == "s" and (at == 0 or lines[at - 1][0] != "s")]
        return lines[starts[-1] :] if starts else []

    def outlived(self, key: str) -> bool:
        """Whether a command was under way when the connection was lost, and the rest of its output kept."""
        return bool(self.kept) and any(line[0] == "l" for line in self.of(key))

    @property
    def is_over(self) -> bool:
        """Whether the command that was started last has an end, and nobody works on the record any more."""
        said = {line[0] for line in self.of(self.last)}
        return (
            bool(self.lines) and not self.watcher and not self.shell and (not self.last or not said.isdisjoint("nekf"))
        )

    @property
    def keys(self) -> set[str]:
        """The commands that it tells of."""
        return {line[1] for line in self.lines if line[0] == "s"}

    @property
    def vouches(self) -> bool:
        """Whether it can show that a command never began: beside its shell there was none that left no record."""
        return bool(self.lines) and self.lines[1][3] == "1" and ["v"] not in self.lines

    @property
    def last(self) -> str:
        """The key of the command that was started last; empty where none was."""
        return next((line[1] for line in reversed(self.lines) if line[0] == "s"), "")


def parsed(text: str) -> tuple[str, list[Note]]:
    """What LOOK printed: the host's boot id, and the records; nothing where there are more than runs leave."""
    boot, notes = "", list[Note]()
    for line in text.split("\n"):
        if len(notes) > MOST_RECORDS:
            return "", []
        word, _, rest = line.partition(" ")
        if word == "b" and not boot:
            boot = rest
        elif word == "f":
            _mode, _size, path = (*rest.split(" ", 2), "", "", "")[:3]
            notes.append(Note(path))
        elif notes and line:
            _add(notes[-1], line)
    for note in notes:
        firsts = sorted((line for line in note.lines if line[0] in _FIRST), key=itemgetter(0))
        if note.is_odd or [line[0] for line in firsts] != _FIRST or firsts[1][4] != note.path:
            note.lines, note.is_odd = [], True
        else:
            note.lines = [*firsts, *(line for line in note.lines if line[0] not in _FIRST)]
    return boot, notes


def _add(note: Note, line: str) -> None:
    match line.split():
        case [word] if word in _FLAGS:
            setattr(note, _FLAGS[word], True)
        case ["o", ("o" | "e") as name]:
            note.kept.append(name)
        case _ if line.startswith("|") and _LINE.fullmatch(line[1:].rstrip(" ")):
            note.lines.append(line[1:].split())
        case _:
            note.is_odd = True


_FIRST = ["b", "r1"]
_ABOUT_ONE = frozenset("snelkgf")
_FLAGS = {"x": "fenced", "m": "whole", "p": "shell", "w": "watcher", "g": "leader"}

ODD = Recalled("none", reason="a record on the host is not as it was left")
ANEW = Recalled("none", reason="the host was started anew")
NO_RECORD = Recalled("none", reason="there is no record of it on the host")
UNFENCED = Recalled("none", reason="the record on the host cannot be fenced: its folder takes no file")
INCOMPLETE = Recalled("none", reason="a shell on the host is gone without its record")


def judged(key: str, boot: str, notes: list[Note]) -> tuple[Recalled, Note | None]:
    """What the records say of a command, and the one that mentions it."""
    if _contradict(key, notes):
        return ODD, None
    for note in notes:
        if told := note.of(key):
            return (_told(told, note), note) if note.boot == boot else (ANEW, None)
    if not notes:
        return NO_RECORD, None
    for holds, answer in ((_is_odd, ODD), (partial(_is_old, boot), ANEW), (_is_unfenced, UNFENCED)):
        if any(map(holds, notes)):
            return answer, None
    return (Recalled("never") if any(note.vouches for note in notes) else INCOMPLETE), None


def _contradict(key: str, notes: list[Note]) -> bool:
    """Whether two different ends of it are told, or one that no command has, or one without a start.

    One that was not started after all has no end. A loss (``l``) may well be noted before the start.
    """
    if any(line[0] == "e" for note in notes if not note.of(key) for line in note.mentions(key)):
        return True
    told = (lines for note in notes if (lines := note.of(key)) and "n" not in {line[0] for line in lines})
    ends = {int(line[2]) for lines in told for line in lines if line[0] == "e"}
    return len(ends) > 1 or any(end > HIGHEST_STATUS for end in ends)


def _is_odd(note: Note) -> bool:
    return note.is_odd


def _is_old(boot: str, note: Note) -> bool:
    return note.boot != boot


def _is_unfenced(note: Note) -> bool:
    return not (note.fenced and note.whole)


def _told(lines: list[list[str]], note: Note) -> Recalled:
    """What the lines about one start come to."""
    order = [line[0] for line in lines]
    said = dict(zip(order, lines, strict=True))
    group = int(said["s"][2]) or None
    was_ended = "k" in said and "e" not in order[: order.index("k")]
    is_busy = note.watcher and "f" not in said
    if "n" in said:
        return Recalled("never")
    if was_ended and not is_busy:
        return Recalled("gone", group=group, ended="g" in said, reason=_ENDED[said["k"][2]])
    if "e" in said and not was_ended and not ("l" in said and is_busy):
        return Recalled("done", CommandResult(int(said["e"][2])), group)
    return _unended(group, note, is_busy=is_busy)


def _unended(group: int | None, note: Note, *, is_busy: bool) -> Recalled:
    """Started, and nothing more is noted, or the rest of its output is still being kept."""
    if note.shell or is_busy:
        return Recalled("running", group=group)
    if note.leader:  # nobody is there who knows that this is still the process that was started
        return Recalled("running")
    return Recalled("gone", group=group)
