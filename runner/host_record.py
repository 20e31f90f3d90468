r"""The record that a persistent sh keeps on its host of the commands it runs: names, text, no I/O.

A command that is to be found again, by its key, is noted there in lines of fixed fields::

    b BOOT_ID                               first in a file: the kernel's, so that what stood before a reboot is known
    r1 SHELL SUFFIX SOLE PATH               then: the shell's process, a word that nobody else can know, its file
    s KEY GROUP TIMEOUT POLICY              started as that process group (0: not known)
    n KEY                                   not started after all: somebody said before that it never will be
    e KEY RC                                ended with that status
    l KEY                                   the connection was lost meanwhile; somebody stays with the command
    c PROCESS                               takes the rest of the output out of a pipe
    k KEY loss|time                         the group is being ended, for the loss or its time
    g KEY                                   and nothing of it was left
    f KEY                                   all is written down that ever will be
    m PROCESS                               moves what is still noted in the pipe (below) to the file
    w PROCESS                               that reader has seen all that stands above
    v                                       vouches no more: somebody looked for a command, and could not tell

**Where it is.** In a pipe that the shell holds itself, while all is well: memory that goes with the shell, no file to
remove, which would take a program (``rm``, 0.9 ms). Who notices the loss makes a file of it, ``PATH``: the shell
when its input ends, the watcher of a command, or a later session that finds the shell by its name (``runner-TAG`` in
``/proc/PID/comm``; watchers are ``runner+PID`` of the shell, then ``runner=PID``; all have the 15 characters that are
kept, or the end of the line would be part of the name). Only the first shell of a user on a
host is so; later ones have the file from their start on.

**Why "never started" can be believed.** The shell that a command was sent to may have been killed before it could
leave its notes, and another one's notes would not mention the command. But only the first shell of a user on a host
(SOLE) has no file, and files last until the journal has what they tell: so it takes the notes of that one shell, and no
mention anywhere. They vouch no more (``v``, or SOLE is 0) when they start anew, as what they forget is perhaps not in
the journal yet; when nobody could tell what came of a command; and when notes of another shell fail (a full disk), or
its file was tidied away. Who sees the last removes all files of its run and host, too; who stays with a command reads
on in the file that has no name any more.

**Why a fence.** A request may still be on its way. Reader and shell do it as two who meet at a door: the shell notes
the start and then looks for the fence (PATH-SUFFIX.x), the reader sets the fence and then looks for the note. However
that interleaves, one of them sees the other.

**Why a file in a shared folder is safe.** The name has 64 random bits and is made with ``set -C``, which is O_EXCL, so
whatever has the name already is left alone; mode 0600. Names made later end in SUFFIX, which only who can read the
file knows: nobody can put a link in their way. The folder must be the user's own or sticky.

**Noticing the loss.** While the shell waits for a command somebody else must read its standard input, where nothing
but the end can come: a bare fork of the shell, killed when the command has ended (0.3 ms; ``setsid`` costs 0.8). Its
text for the case of a loss is a string until then, so that a fork has less to copy.

**The broken pipe.** While a command runs its shell holds the reading ends of its own output open, by way of
``/proc/self/fd``; so a writer is not killed by the loss, and the watcher empties the pipes and keeps the end of them.
Where the pipes are another user's (after sudo) or sockets, two ``cat`` in between make them ours.
"""

import math
import re
from dataclasses import dataclass
from hashlib import blake2b

TAIL = 64 * 1024
"""Bytes of the end of each stream that are kept after a loss."""

LONGEST = 16 * 1024
"""Bytes of a record; it has at most some 150 for each command, and starts anew after MOST of them."""

MOST = 40
"""Commands that are noted before the record starts anew: those before the last are settled."""

_KEY = re.compile(r"[A-Za-z0-9]{1,40}\Z")


@dataclass(frozen=True, slots=True)
class RecordName:
    """One shell's record. ``prefix`` is of its run and host, ``own`` and ``suffix`` are random words of 16 hex digits.

    ``is_first`` is for the SOLE of the docstring above, which is no file while all is well.
    """

    prefix: str
    own: str
    suffix: str
    is_first: bool = False


@dataclass(frozen=True, slots=True)
class Guard:
    """What is to be known of a command before it starts. ``seconds`` is its timeout, None for none.

    ``policy`` is ``f`` where it goes on when the connection is lost, ``k`` where it is ended. ``follows`` is the number
    of bytes that it reads, told before (``framing.can_count``): they come after the step's text and its begin frame,
    and after them the nonce on a line of its own. So the shell can tell a loss from the end of the input, and ends a
    command whose input is cut off, rather than have it take a part for the whole. A command that reads input of unknown
    size is only noted: nobody is there to notice a loss.
    """

    key: str
    seconds: float | None
    policy: str
    follows: int | None = None

    @property
    def words(self) -> bytes:
        """The arguments of the function that guards it. Raises ValueError for a key that is none."""
        if not _KEY.match(self.key):
            raise ValueError(f"{self.key!r} is no key of a command")
        seconds = 0 if self.seconds is None else min(max(1, math.ceil(self.seconds)), 10**9)
        size = "" if self.follows is None else f" {self.follows}"
        return f"{self.key} {seconds} {self.policy}{size}".encode()


def prefix_of(token: str, host: str) -> str:
    """What the names of all records of a run on a host start with; hosts may be one machine, or one user's."""
    return f".runner-{token}-{_short(host)}"


def tag_of(prefix: str) -> str:
    """The word in the names of the processes that keep these records."""
    return _short(prefix)


def _short(text: str) -> str:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()


def keeping_text(name: RecordName, grace: float) -> str:
    """What a shell is given beside its bootstrap, before the hello. ``grace`` is seconds between TERM and KILL."""
    own = f"_kn='{name.prefix}' _kI='{name.own}' _kq='{name.suffix}' _kg='{tag_of(name.prefix)}'"
    return f"{_UNSET}{own} _kd={not name.is_first:d} _kz={name.is_first:d} _kl={math.ceil(grace)}\n{_TEXT}"


_UNSET = "unset _k7 _k8 _kn _kI _kq _kg _kd _kz _kl _ka _kb _kf _kx _kk _kt _ky _ks _kr _kh _km _kc _kp _kH _kW\n"
_KEEPING = r"""
_kc=0 _kp= _kf=-
_kW='@WATCH@'
_kh=0
{ _kh=1; } 6</proc/self/fd/1 7</proc/self/fd/3
if [ $_kh = 0 ]; then
  exec 6<<E 7<<E
-
E
-
E
  if [ -p /proc/self/fd/6 ] && [ -p /proc/self/fd/7 ]; then
    read -r _ka <&6; read -r _ka <&7
    if command exec 8>/proc/self/fd/6 9>/proc/self/fd/7; then
      cat <&6 3>&- 6<&- 7<&- 8>&- 9>&- & _kp=$!
      cat <&7 >&3 3>&- 6<&- 7<&- 8>&- 9>&- & _kp="$_kp $!"
      exec >&8 3>&9 8>&- 9>&-
      _kh=1
    fi
  fi
  exec 6<&- 7<&-
fi
_kB() {
  for _k7 in /proc/[0-9]*; do
    read -r _k8 <"$_k7/comm" && [ "$_k8" = "runner-$_kg" ] && echo v >>"$_k7/fd/5"
  done
}
_kv() { _kB; for _ka in "$TMPDIR" /tmp /var/tmp "$_rd"; do rm -f -- "$_ka/$_kn"-*; done; }
_ko() {
  if [ $_kd = 0 ]; then
    exec 8<<E
-
E
    [ -p /proc/self/fd/8 ] && read -r _ka <&8 && command exec 5>/proc/self/fd/8 && echo "$_kH" >&5 && return
    _kd=1
  fi
  read -r _ka </proc/sys/kernel/random/boot_id
  _kH="b $_ka
$_kH"
  (umask 077; set -C; echo "$_kH" >"$_kf") && command exec 5>>"$_kf" && return
  [ -O "$_kf" ] && rm -f -- "$_kf"
  return 1
}
[ ! -r /proc/sys/kernel/random/boot_id ] || for _ka in "$TMPDIR" /tmp /var/tmp "$_rd"; do
  case $_ka in *[!A-Za-z0-9/._+-]*) continue;; /*) ;; *) continue;; esac
  { [ -O "$_ka" ] || [ -k "$_ka" ]; } && [ -w "$_ka" ] || continue
  _kf=$_ka/$_kn-$_kI
  _kH="r1 $$ $_kq $_kz $_kf"
  _ko && break
  _kf=-
done
_kx=$_kf-$_kq.x
exec 4<&0
if [ "$_kf" = - ]; then _kv; else echo runner-$_kg >|/proc/self/comm; fi
_kY() { umask 077; set -C; read -r _kb </proc/sys/kernel/random/boot_id; { echo "b $_kb"; } >"$_kf"; }
_kX() {
  _ka=:
  _kY && _ka='rm -f -- '$_kf
  for _km in /proc/[0-9]*/comm; do
    read -r _kb <"$_km" && case $_kb in runner[+=]$$.*) $_ka; return;; esac
  done
  [ -s "$_kf" ] || { read -r _kb </proc/sys/kernel/random/boot_id; echo "b $_kb" >>"$_kf"; }
  exec 5>&- && cat <&8 >>"$_kf"
}
[ $_kd = 1 ] || trap _kX EXIT
trap exit PIPE
_kM() {
  [ -e "$_kx" ] && exit
  [ $_kd = 0 ] || [ -e "$_kf" ] || _kv
  _kc=$((_kc + 1))
  if [ $_kc -gt @MOST@ ]; then
    _kc=1
    _kH="r1 $$ $_kq 0 $_kf"
    if [ $_kd = 0 ]; then _ko; else
      read -r _ka </proc/sys/kernel/random/boot_id
      : >"$_kf"
      echo "b $_ka" >&5
      echo "$_kH" >&5
    fi
  fi
  _kk=$1 _kt=$2 _ky=$3 _ks=$4 _kr=0
}
_kb() { _kM "$@"; [ $_kh = 0 ] || command exec 6</proc/self/fd/1 7</proc/self/fd/3; }
_kg() { _kb "$@"; _kw & _kr=$!; }
_kw() {
  exec <&4 >&5 3>&- 4<&-
  trap _kz USR1
  echo runner+$$........ >|/proc/self/comm
  while read -r _kb; do :; done
  _kz
}
_kz() {
  trap '' USR1
  read -r _ka </proc/self/stat
  set -- ${_ka##*) }
  shift 19; _ka=$(($1 / 100))
  [ $_kd = 1 ] || _kY
  eval "$_kW" &
  exit 0
}
_kL() {
  cd -P /proc/self; echo "${PWD##*/}"; cd /
  trap _kz USR1
  echo runner+$$........ >|/proc/self/comm
  if head -c $_ks <&4 3>&- 4<&- 5>&- 6<&- 7<&-; then
    read -r _kb <&4
    [ "$_kb" = "$_rn" ] || { _ky=c; _kz; }
    exec >&5
  else
    exec >&5
    cat <&4 >/dev/null 3>&- 4<&- 5>&- 6<&- 7<&-
  fi
  while read -r _kb <&4; do :; done
  _kz
}
_kS() {
  echo "s $_kk $1 $_kt $_ky" >&5 || _kv
  [ -e "$_kx" ] && { echo "n $_kk" >&5; exit 125; }
}
_ks() { cd -P /proc/self; _kS ${PWD##*/}; echo "$_rn b $1 ${PWD##*/}"; cd "$_rd" || exit 125; unset OLDPWD; }
_ki() { _kS 0; echo "$_rn b $1 0"; }
_kj() { _ka=$!; echo "s $_kk $_ka $_kt $_ky" >&5; echo "$_rn b $1 $_ka"; wait $_ka; _kd $1 $?; }
_kd() {
  echo "e $_kk $2" >&5
  if [ $_kr != 0 ]; then
    kill -9 $_kr; wait $_kr; [ $? = 137 ] || exit
    [ $_kh = 0 ] || exec 6<&- 7<&-
  fi
  _re $1 $2
}
_ke() { echo "e $_kk $2" >&5; kill -9 $_kr && _re $1 $2; }
_kQ() {
  trap - EXIT
  [ $_kd$# = 00 ] && exit
  exec rm -f -- "$_kf" "$@" >/dev/null 2>&1 3>&- 4<&- 5>&-
}
_km=$_kh
command -v head >/dev/null && _km=$((_kh + 2))
"""

_WATCH = r"""
trap '' HUP INT QUIT TERM PIPE
exec 9>&1 >&5 3>&- 4<&- </dev/null
umask 077; set -C
echo runner=$$........ >|/proc/self/comm
if [ $_kd = 0 ]; then
  cat <&8 >>"$_kf" 5>&- 6<&- 7<&- 9>&- &
  echo "m $!"
fi
exec 8<&-
command exec 8<"$_kf"
echo "l $_kk"
[ "$_kp" ] && kill -9 $_kp
if [ $_kh = 1 ]; then
  { cat <&6 5>&- 6<&- 7<&- 8<&- 9>&- & echo "c $!" >&5; exec 5>&-; wait $!; } |
    tail -c @TAIL@ >"$_kf-$_kq.o" 5>&- 6<&- 7<&- 8<&- 9>&- & _k1=$!
  { cat <&7 5>&- 6<&- 7<&- 8<&- 9>&- & echo "c $!" >&5; exec 5>&-; wait $!; } |
    tail -c @TAIL@ >"$_kf-$_kq.e" 5>&- 6<&- 7<&- 8<&- 9>&- & _k2=$!
fi
exec 6<&- 7<&-
_kO() { read -r _kb </proc/$$/stat || return; case ${_kb##*) } in [ZXx]*) return 1;; esac; }
_kP() { sleep 0.1 || sleep 1; }
_kT() { read -r _kN _kb </proc/uptime; _kN=${_kN%%.*}; }
_kA() {
  case $({ kill -s 0 -- -$_kG || kill -0 -$_kG; } 2>&1) in *ermitted*) return 0;; esac
  command -v sed >/dev/null || { kill -s 0 -- -$_kG || kill -0 -$_kG || kill -0 $_kG; return; }
  [ "$(sed -n "s/^$_kG (.*) [^ZXx] .*/alive/p; s/.*) [^ZXx] [0-9]* $_kG .*/alive/p" /proc/[0-9]*/stat)" ]
}
_kU() {
  _kT; _kD=$((_kN + $2)) _kS=
  while _kA; do
    [ "$_kS" ] || { { kill -s $1 -- -$_kG || kill -$1 -$_kG; } && _kS=1; }
    _kT; [ $_kN -lt $_kD ] || return 1
    _kP
  done
}
_kR() {
  _kE= _kC= _kc=0
  while read -r _k3 _k4 _k5 _k6; do
    case $_k3.$_k4 in
      s.$_kk) _kE= _kG=$_k5;;
      [en].$_kk) _kE=1;;
      c.*) _kC="$_kC $_k4" _kc=$((_kc + 1));;
    esac
  done </proc/self/fd/8
}
_kV() { _kB; for _k3 in "$TMPDIR" /tmp /var/tmp "$_rd"; do rm -f -- "$_k3/$_kn"-????????????????; done; }
_kG=0 _kF=
while _kR; [ ! "$_kE" ]; do
  [ "$_kF" ] || [ -e "$_kf" ] || { _kF=1; _kV; }
  _kO || { [ $_kG != 0 ] && _kA; } || break
  _kT; _kS=
  [ $_ky = f ] || _kS=loss
  [ $_ky$_kt = f0 ] || [ $_kN -lt $((_ka + _kt)) ] || _kS=${_kS:-time}
  if [ "$_kS" ] && [ $_kG != 0 ]; then
    echo "k $_kk $_kS"
    if _kU TERM $_kl || _kU KILL 5; then echo "g $_kk"; fi
    break
  fi
  _kP
done
exec 9>&-
_kT; _kD=$((_kN + 2))
while [ $_kh = 1 ] && _kR && [ $_kc -lt 2 ] && [ $_kN -lt $_kD ]; do _kP; _kT; done
_kD=$((_kN + 2))
for _k3 in $_kC; do
  while kill -0 $_k3 && [ $_kN -lt $_kD ]; do _kP; _kT; done
  kill -9 $_k3
done
wait $_k1 $_k2
echo "f $_kk"
[ -e "$_kf" ] || rm -f -- "$_kf-$_kq".[oex]
"""


def _joined() -> str:
    """The whole text, with nothing in it that only people need: some shells read it byte by byte."""
    text = _KEEPING.replace("@WATCH@", _WATCH.replace("'", "'\\''"))
    text = text.replace("@TAIL@", str(TAIL)).replace("@MOST@", str(MOST))
    return "".join(f"{line.strip()}\n" for line in text.splitlines() if line.strip())


_TEXT = _joined()
