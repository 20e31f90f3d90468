r"""The protocol of the persistent sh: script text out, bytes in, records out. No I/O.

One POSIX sh for each host and become user reads our text from its standard input. The bootstrap makes a few functions
and answers with a hello; whatever came before it is noise of rc files. Then every step is one line (quoted text may
make it several) and two kinds of frames come back, each on a line of its own kind, anywhere in the output::

    NONCE h MODE SETSID PRINTF [RECORD CAN PID]  hello: on both streams, what the shell can do
    NONCE b INDEX GROUP                    begin: on standard output, with the process group, 0 where it is not known
    NONCE e INDEX RC                       end: on both streams, once the step's first process is gone

A frame needs no line end before it, and is cut out exactly: output without a final newline stays without. The 128-bit
nonce travels on standard input only, in two halves (so that something that echoes its input does not seem to be a
shell), and lives in a variable that is not exported: no step can know it. A step is a subshell that becomes a session
of its own, so cd, env, umask, traps and ``exit`` do not leak, and a syntax error in a user's script is its own.

Why ``cd -P /proc/self``: only a child can say its own process id before its first output, and POSIX sh has no word for
that. Were the step a background job, the main shell would know the id, but sh makes background jobs ignore SIGINT for
good. This way costs one fork and no extra program, and everything before the begin frame on standard output is known
to be stray. Where there is no ``/proc`` (BSD, macOS), or no setsid, job control does the same (``set -m``), and where
that is not to be had either, the step runs and its group is unknown.

Known limits: standard error has no begin frame (it would cost a packet a step), so what a background child of an
earlier step writes there after the next step was sent seems to be the next step's.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from runner.errors import StepError
from runner.host_record import Guard, RecordName, keeping_text

INLINE_STDIN = 64 * 1024
"""Bytes of standard input that may ride inside a step's own text: what fits into a pipe nobody reads."""

CANNOT_ENTER = 125
"""Exit status of a step whose folder could not be entered; standard error has the shell's words."""

_LONGEST_FRAME = 800  # bytes; the paths to setsid and of the record are the longest things in one
_FRAME = re.compile(
    rb" (?:e (\d{1,11}) (\d{1,11})|b (\d{1,11}) (\d{1,11})"
    rb"|h (setsid|jobs|none) ([\w/.+-]{1,300}) ([01])(?: (-|/[\w/.+-]{1,300}) ([0-3]) (\d{1,10}))?)\n"
)
_FIRST = re.compile(rb"[0-9a-f]{32} b \d{1,11} (\d{1,11})\n")
_LAST = re.compile(rb"[0-9a-f]{32} e \d{1,11} (\d{1,11})\n\Z")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_PRINTF_CHUNK = 2048  # bytes of input for each printf; some shells have short line buffers

_BOOTSTRAP = r"""
exec 3>&2 2>/dev/null
unset CDPATH OLDPWD _rn _rd _rs _rm _rp _rf _rl
_rn='@HALF1@''@HALF2@'
cd || cd /
_rd=$PWD
_rl=C
for _rp in /usr/lib/locale/C.utf8 /usr/lib/locale/C.UTF-8; do [ -e "$_rp" ] && _rl=C.UTF-8; done
[ $_rl = C ] && for _rp in /lib/ld-musl-*; do [ -e "$_rp" ] && _rl=C.UTF-8; done
[ $_rl = C ] && case $(locale -a) in *C.[uU]*8*) _rl=C.UTF-8;; esac
LC_ALL=$_rl; export LC_ALL
_rs=-
IFS=:
for _rp in $PATH; do [ $_rs = - ] && [ -x "$_rp/setsid" ] && _rs=$_rp/setsid; done
unset IFS
case $_rs in /*) case $_rs in *[!A-Za-z0-9/._+-]*) _rs=-;; esac;; *) _rs=-;; esac
_rm=none
cd -P /proc/self && [ "${PWD##*/}" = $$ ] && [ $_rs != - ] && _rm=setsid
cd "$_rd"
unset OLDPWD
_rf=0
_rp=$PATH
PATH=/dev/null
printf '' && _rf=1
PATH=$_rp
if [ $_rm = none ]; then
  set -m
  sleep 9 </dev/null >/dev/null & _rp=$!
  if kill -s 0 -- -$_rp || kill -0 -$_rp; then _rm=jobs; else set +m; fi
  kill -9 $_rp; wait $_rp
fi
_rb() { cd -P /proc/self; echo "$_rn b $1 ${PWD##*/}"; cd "$_rd" || exit 125; unset OLDPWD; }
_ru() { echo "$_rn b $1 0"; }
_rj() { _rp=$!; echo "$_rn b $1 $_rp"; wait $_rp; _re $1 $?; }
_re() { echo "$_rn e $1 $2"; echo "$_rn e $1 $2" >&3; }
"""
_HELLO = r"""echo "$_rn h $_rm $_rs $_rf"; echo "$_rn h $_rm $_rs $_rf" >&3
"""
_HELLO_KEEPING = _HELLO.replace("$_rf", "$_rf $_kf $_km $$")


@dataclass(frozen=True, slots=True)
class Hello:
    """What the shell says of itself.

    ``mode`` is how a step gets its process group: ``setsid``, ``jobs``, or ``none`` where it can't. ``setsid`` is the
    program's path. ``printf`` says whether that is built in, so that what it prints is in no argument list.
    ``record`` is the path of its record, empty where there is none, or none was wanted. ``outlives`` says whether a
    guarded command may go on writing when the connection is lost, ``counts`` whether the shell can pass on a number of
    bytes that is told before; ``pid`` is its process.
    """

    mode: str
    setsid: str = ""
    printf: bool = False
    record: str = ""
    outlives: bool = False
    counts: bool = False
    pid: int = 0


@dataclass(frozen=True, slots=True)
class Begin:
    """A step has begun; ``group`` is its process group, None where the host can't tell."""

    index: int
    group: int | None


@dataclass(frozen=True, slots=True)
class End:
    """The first process of a step has ended, with ``rc`` as a shell gives it."""

    index: int
    rc: int


Record = bytes | Hello | Begin | End
"""Bytes are output, exactly as written."""


class Splitter:
    """Parts one stream into output and the frames that start with one nonce.

    It keeps back what may be the first part of a frame, at most some 400 bytes, until more comes. A nonce that no
    valid frame follows is output like anything else.
    """

    def __init__(self, nonce: str) -> None:
        self._nonce = nonce.encode()
        self._held = b""

    def feed(self, chunk: bytes) -> list[Record]:
        """The records that this chunk completes, in order; output is never empty."""
        data = self._held + chunk if self._held else chunk
        records: list[Record] = []
        start, search = 0, 0
        while (at := data.find(self._nonce, search)) >= 0:
            match = _FRAME.match(data, at + len(self._nonce))
            if match is None:
                if len(data) - at < _LONGEST_FRAME and b"\n" not in data[at:]:
                    break
                search = at + 1
                continue
            if at > start:
                records.append(data[start:at])
            records.append(_frame(match))
            start = search = match.end()
        keep = at if at >= 0 else len(data) - self._torn(data, start)
        if keep > start:
            records.append(data[start:keep])
        self._held = data[keep:]
        return records

    def rest(self) -> bytes:
        """What is still kept back, once the stream has ended."""
        held, self._held = self._held, b""
        return held

    def _torn(self, data: bytes, start: int) -> int:
        """How many bytes at the end, from ``start`` on, may be the beginning of a nonce."""
        tail = data[max(start, len(data) - len(self._nonce) + 1) :]
        at = tail.find(self._nonce[0])
        while at >= 0:
            if self._nonce.startswith(tail[at:]):
                return len(tail) - at
            at = tail.find(self._nonce[0], at + 1)
        return 0


def without_frames(kept: bytes, group: int | None, rc: int) -> bytes:
    """Output of a step that nobody read at once, without the frames that may stand before and behind it.

    Whoever reads it later does not know the nonce; they are known by the step's ``group``, and its status.
    """
    first, last = _FIRST.match(kept), _LAST.search(kept)
    end = last.start() if last and int(last[1]) == rc else len(kept)
    start = first.end() if first and int(first[1]) == (group or 0) else 0
    return kept[start : max(start, end)]


def _frame(match: re.Match[bytes]) -> Hello | Begin | End:
    """The record for the rest of a frame's line."""
    end, rc, begin, group, mode, setsid, printf, record, keeps, pid = match.groups()
    if end:
        return End(int(end), int(rc))
    if begin:
        return Begin(int(begin), int(group) or None)
    hello = Hello(mode.decode(), _word(setsid), printf == b"1")
    if record is None:
        return hello
    can = int(keeps)
    return replace(hello, record=_word(record), outlives=bool(can & 1), counts=bool(can & 2), pid=int(pid))


def _word(word: bytes) -> str:
    return "" if word == b"-" else word.decode()


def bootstrap(nonce: str, record: RecordName | None = None, grace: float = 0) -> bytes:
    """What is written first, and alone: it answers with a hello on both streams. ``nonce`` is 32 hex digits.

    With ``record`` the shell keeps one; ``grace`` is the seconds between TERM and KILL for a group that it ends.
    """
    half = len(nonce) // 2
    text = _BOOTSTRAP.replace("@HALF1@", nonce[:half]).replace("@HALF2@", nonce[half:]).lstrip()
    return (text + (keeping_text(record, grace) + _HELLO_KEEPING if record else _HELLO)).encode()


def step_text(
    index: int,
    argv: Sequence[str],
    hello: Hello,
    *,
    env: Mapping[str, str] | None = None,
    cwd: str | None = None,
    stdin: bytes = b"",
    piped: bool = False,
    guard: Guard | None = None,
) -> bytes:
    """The text that runs one step.

    ``argv`` is run as it is. ``stdin`` is what it reads, at most INLINE_STDIN bytes, which needs a shell that can
    (``can_inline``). ``piped`` gives it the rest of the shell's own standard input instead, and ends the shell with
    the step: the caller writes nothing more before the begin frame has come, since sh reads ahead. ``guard`` has it
    noted in the shell's record, where there is one. Raises StepError for what no shell can be given.
    """
    guard = guard if hello.record else None
    around = _around(hello.mode, guard, piped=piped)
    words = guard.words if guard is not None else b""
    before, opening, closing = (part.replace(b"@GUARD", words).replace(b"@", b"%d" % index) for part in around)
    source = b"" if piped or stdin else b" </dev/null"
    feed = b"".join((b"{ ", _printed(stdin), b"} | ")) if stdin else b""
    body = b"".join((_enter(cwd), _exports(env), b"exec ", _session(hello), quoted_list(argv)))
    shut = b" 5>&-)" if guard else b")"
    spare = (
        (b" 2>&3 3>&- 4<&- 6<&- 7<&- 8<&-" if guard else b" 2>&3 3>&- 4<&- 5>&- 8<&-")
        if hello.record
        else b" 2>&3 3>&-"
    )
    last = b"; exit\n" if piped else b"\n"
    return b"".join((before, feed, opening, body, shut, source, spare, closing, last))


_AROUND = {
    "setsid": (b"", b"(_rb @; ", b"; _re @ $?"),
    "jobs": (b"", b"(", b" & _rj @"),
    "none": (b"", b"(_ru @; ", b"; _re @ $?"),
}
_NOTED = {
    "setsid": (b"_kM @GUARD; ", b"(_ks @; ", b"; _kd @ $?"),
    "jobs": (b"_kM @GUARD; _ko 0; ", b"(", b" & _kj @"),
    "none": (b"_kM @GUARD; ", b"(_ki @; ", b"; _kd @ $?"),
}
_WATCHED = {mode: (parts[0].replace(b"_kM", b"_kg"), *parts[1:]) for mode, parts in _NOTED.items()}
_COUNTED = {
    "setsid": (b"_kb @GUARD; _kL | { read -r _kr; ", b"(_ks @; ", b"; _ke @ $?; }"),
    "none": (b"_kb @GUARD; _kL | { read -r _kr; ", b"(_ki @; ", b"; _ke @ $?; }"),
}


def _around(mode: str, guard: Guard | None, *, piped: bool) -> tuple[bytes, ...]:
    if guard is None:
        return _AROUND[mode]
    if not piped:
        return _WATCHED[mode]
    return _NOTED[mode] if guard.follows is None else _COUNTED[mode]


def can_count(hello: Hello) -> bool:
    """Whether a guarded step of this shell may be told how many bytes it reads; not under job control."""
    return bool(hello.record) and hello.counts and hello.mode != "jobs"


def closing_text(paths: Sequence[str]) -> bytes:
    """The last text: the shell ends, and takes its record and those other files with it."""
    return b"_kQ " + quoted_list(paths) + b"\n"


def can_inline(hello: Hello, size: int) -> bool:
    """Whether that many bytes of standard input may ride inside the step's text.

    Not where printf is a program (its arguments are seen by everybody), nor under job control (the group would be that
    of printf).
    """
    return hello.printf and hello.mode != "jobs" and size <= INLINE_STDIN


def quoted(text: str) -> bytes:
    """One word for sh that means exactly this text. Raises StepError for NUL, and for text that is no UTF-8."""
    if "\0" in text:
        raise StepError("a command cannot hold a NUL character", hint="give such bytes on stdin, or in a file")
    try:
        data = text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raise StepError("a command cannot hold a lone surrogate: it is no UTF-8") from None
    return b"'" + data.replace(b"'", b"'\\''") + b"'"


def quoted_list(argv: Sequence[str]) -> bytes:
    """Words for sh that mean exactly these arguments."""
    return b" ".join(map(quoted, argv))


def _session(hello: Hello) -> bytes:
    return hello.setsid.encode() + b" -- " if hello.mode == "setsid" else b""


def _enter(cwd: str | None) -> bytes:
    """Text that enters a folder or ends the step; ``-`` is a folder's name here."""
    if cwd is None:
        return b""
    return b"cd -- " + quoted("./-" if cwd == "-" else cwd) + b" || exit 125; "


def _exports(env: Mapping[str, str] | None) -> bytes:
    return b"".join(_export(name, value) for name, value in (env or {}).items())


def _export(name: str, value: str) -> bytes:
    if not _NAME.match(name):
        raise StepError(
            f'"{name}" is no name for an environment variable',
            hint="letters, digits and underscores, not starting with a digit",
        )
    word = name.encode()
    return b"%b=%b; export %b; " % (word, quoted(value), word)


def _printed(data: bytes) -> bytes:
    """Commands that print exactly these bytes; NUL and whatever a shell may stumble over as octal escapes."""
    return b"".join(_printf(data[at : at + _PRINTF_CHUNK]) for at in range(0, len(data), _PRINTF_CHUNK))


def _printf(data: bytes) -> bytes:
    return b"printf '" + b"".join(map(_ESCAPED.__getitem__, data)) + b"'; "


def _escaped() -> Iterator[bytes]:
    for byte in range(256):
        plain = 0x20 <= byte < 0x7F and chr(byte) not in "%\\'-"
        yield bytes((byte,)) if plain else b"\\%03o" % byte


_ESCAPED = tuple(_escaped())
