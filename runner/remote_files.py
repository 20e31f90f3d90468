"""Looking at files on a host, and setting their owner, group and mode, with POSIX tools alone.

Why ``ls -ldn`` and not ``stat``: POSIX has no ``stat``, and GNU's and BSD's take different options. The first five
words of ``ls -ldn`` are the same everywhere. Answers end in NUL characters, as a name may hold anything else.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from runner.errors import StepError
from runner.local_files import Fingerprint
from runner.model.template import Template, Value
from runner.running import ending
from runner.step import Complaint, Target
from runner.transport import CommandResult

Owner = str | int

ARGUMENTS = 96 * 1024
"""Bytes of paths in one question: an argument list has its limits."""

LONGEST_COMPLAINT = 500
"""Characters of a host's words in an error."""

SUM_TOOL = """\
if command -v sha256sum >/dev/null 2>&1; then tool=sha256sum
elif command -v shasum >/dev/null 2>&1; then tool='shasum -a 256'
elif command -v openssl >/dev/null 2>&1; then tool='openssl dgst -sha256'
else tool=cksum; fi
"""
"""Sets ``tool`` to what prints a checksum of its input on this host."""

LOOK = (
    SUM_TOOL
    + r"""
LC_ALL=C; export LC_ALL; set -f; named=$1; shift
pick() { mode=$1; bytes=$5; }
while [ $# -gt 0 ]; do
  path=$1; size=$2; shift 2; facts=; names=; link=; sum=; why=
  if facts=$(ls -ldn "$path" 2>&1); then
    pick $facts
    [ -z "$named" ] || names=$(ls -ld "$path" 2>/dev/null)
    case $mode in
      l*) link=$(readlink "$path" 2>/dev/null; echo .) ;;
      -*) if [ "$size" = "$bytes" ]; then sum=$($tool <"$path" 2>/dev/null); fi ;;
    esac
  else
    case $facts in *'No such file'*|*'Not a directory'*) ;; *) why=$facts ;; esac
    facts=
  fi
  printf '%s\000' "$facts" "$names" "$link" "$sum" "$why"
done
"""
)

FIELDS = 5

ATTRIBUTES = r"""
LC_ALL=C; export LC_ALL; path=$1 owner=$2 group=$3 strip=$4 mode=$5
if [ -n "$owner" ]; then chown -h -- "$owner${group:+:$group}" "$path" || exit 1
elif [ -n "$group" ]; then chgrp -h -- "$group" "$path" || exit 1; fi
if [ -n "$strip" ]; then chmod -- "$strip" "$path" || exit 1; fi
if [ -n "$mode" ]; then chmod -- "$mode" "$path" || exit 1; fi
ls -ldn "$path"
"""

MAKE_FOLDER = """LC_ALL=C; export LC_ALL; umask 077
{ mkdir -- "$1" 2>/dev/null || [ -d "$1" ] || mkdir -- "$1"; } && ls -ldn "$1\""""

KINDS = {"-": "file", "d": "folder", "l": "link", "p": "FIFO", "s": "socket", "c": "device", "b": "device"}
ARTICLES = {"file": "a file", "folder": "a directory", "link": "a link", "FIFO": "a FIFO", "socket": "a socket"}


@dataclass(frozen=True, slots=True)
class Found:
    """What is at a path: ``kind`` is empty where nothing is. ``sum`` is a tool's raw answer, or empty."""

    kind: str = ""
    mode: int = 0
    uid: str = ""
    gid: str = ""
    user: str = ""
    group: str = ""
    size: int = 0
    link: str = ""
    sum: str = ""

    @property
    def described(self) -> str:
        """The kind with its article."""
        return ARTICLES.get(self.kind, f"a {self.kind}")

    @property
    def ownership(self) -> tuple[str, str, int]:
        """What ``file`` and ``copy`` set: user id, group id and mode."""
        return self.uid, self.gid, self.mode

    def holds(self, wanted: Fingerprint) -> bool:
        """Whether it is a file with those contents."""
        if self.kind != "file" or self.size != wanted.size:
            return False
        if found := re.search(r"\b[0-9a-f]{64}\b", self.sum):
            return found[0] == wanted.sha256
        return self.sum.split()[:2] == wanted.cksum.split()


@dataclass(frozen=True, slots=True)
class Attributes:
    """Owner, group and mode that are wanted; None leaves one as it is. Raises StepError where ``mode`` is not octal."""

    owner: Owner | None = None
    group: Owner | None = None
    mode: str | None = None

    def __post_init__(self) -> None:
        checked_mode(self.mode)

    def missing(self, found: Found) -> "Attributes":
        """Those that ``found`` does not have yet. A name that ``ls`` can't show is taken to be missing."""
        return Attributes(
            None if self.owner is None or str(self.owner) in {found.uid, found.user} else self.owner,
            None if self.group is None or str(self.group) in {found.gid, found.group} else self.group,
            None if self.mode is None or int(self.mode, 8) == found.mode else self.mode,
        )

    @property
    def are_named(self) -> bool:
        """Whether an owner or group is given by name."""
        return any(who is not None and not str(who).isdigit() for who in (self.owner, self.group))


async def look(target: Target, questions: Sequence[tuple[str, int | None]], *, with_names: bool = False) -> list[Found]:
    """What is at absolute paths, each with the size in bytes at which a file's checksum is wanted, or None for never.

    All in one round trip, or as few as the lengths of the paths allow. Raises StepError where one can't be looked at.
    """
    found: list[Found] = []
    for part in _batches(questions):
        words = [word for path, size in part for word in (path, "" if size is None else str(size))]
        result = await target.run(LOOK, args=("names" if with_names else "", *words), stdin=b"", quiet=True)
        fields = result.stdout.data.decode("utf-8", "surrogateescape").split("\0")
        if result.rc != 0 or len(fields) != FIELDS * len(part) + 1:
            raise StepError(f"the host could not be asked about its files: {complaint(result)}")
        paths = (path for path, _ in part)
        found += [_found(path, row) for path, row in zip(paths, _rows(fields), strict=True)]
    return found


def _batches(questions: Sequence[tuple[str, int | None]]) -> Iterator[Sequence[tuple[str, int | None]]]:
    cuts, length = [0], 0
    for index, (path, _) in enumerate(questions):
        length += len(path.encode("utf-8", "surrogateescape")) + 16
        if length > ARGUMENTS and index > cuts[-1]:
            cuts.append(index)
            length = len(path) + 16
    for start, end in pairwise([*cuts, len(questions)]):
        yield questions[start:end]


def _rows(fields: Sequence[str]) -> Iterator[Sequence[str]]:
    return (fields[start : start + FIELDS] for start in range(0, len(fields) - 1, FIELDS))


def _found(path: str, row: Sequence[str]) -> Found:
    line, names, link, checksum, why = row
    if why:
        raise StepError(f'"{path}" can\'t be looked at: {why[:LONGEST_COMPLAINT]}')
    # A host without readlink still shows where a link leads, behind the name that we know.
    leads_to = link.removesuffix("\n.") if link != "." else line.partition(f"{path} -> ")[2]
    return parsed(line, names, leads_to, checksum) if line else Found()


def parsed(line: str, names: str = "", link: str = "", checksum: str = "") -> Found:
    """What a line of ``ls -ldn`` says, with one of ``ls -ld`` for the names. Raises StepError for anything else."""
    words, named = line.split(), names.split()
    if len(words) < 5 or len(words[0]) < 10:
        raise StepError(f'"ls -ldn" gave "{line[:80]}", which is no line of its kind')
    kind = KINDS.get(words[0][0], "special file")
    size = int(words[4]) if kind == "file" and re.fullmatch("[0-9]{1,19}", words[4]) else 0
    user, group = named[2:4] if len(named) >= 5 else ("", "")
    return Found(kind, octal(words[0]), words[2], words[3], user, group, size, link, checksum)


def octal(text: str) -> int:
    """The number behind ``-rwsr-x--t``."""
    bits = sum(0o400 >> place for place, letter in enumerate(text[1:10]) if letter not in "-ST")
    special = ((3, "sS", 0o4000), (6, "sS", 0o2000), (9, "tT", 0o1000))
    return bits + sum(value for place, letters, value in special if text[place] in letters)


async def set_attributes(target: Target, path: str, found: Found, wanted: Attributes) -> Found:
    """Set what is missing; the answer is what is there then. Raises StepError with the host's words."""
    todo = wanted.missing(found)
    if todo == Attributes():
        return found
    if loses_bits(todo, wanted):
        todo = replace(todo, mode=wanted.mode)
    words = ("" if who is None else str(who) for who in (todo.owner, todo.group))
    args = (path, *words, strip(found, todo.mode), todo.mode or "")
    result = await target.run(ATTRIBUTES, args=args, stdin=b"", quiet=True)
    if result.rc != 0:
        raise StepError(f'owner, group or mode of "{path}" can\'t be set: {complaint(result)}')
    return parsed(result.stdout.text)


def loses_bits(todo: Attributes, wanted: Attributes) -> bool:
    """Whether the mode is to be set again: ``chown`` takes the set-id bits away (POSIX.1-2017 XCU chown)."""
    return (todo.owner, todo.group) != (None, None) and bool(int(wanted.mode or "0", 8) & 0o6000)


async def make_folder(target: Target, path: str) -> Found:
    """Make one directory, private, in a directory that is there. Raises StepError with the host's words."""
    result = await target.run(MAKE_FOLDER, args=(path,), stdin=b"", quiet=True)
    if result.rc != 0:
        raise StepError(f'the directory "{path}" can\'t be made: {complaint(result)}')
    return parsed(result.stdout.text)


def strip(found: Found, mode: str | None) -> str:
    """What ``chmod`` must take away first: it leaves a directory its set-id bits unless told so."""
    unwanted = found.mode & ~int(mode or "7777", 8) & 0o6000
    return "ug-s" if unwanted and found.kind == "folder" else ""


def checked_mode(mode: str | None) -> str | None:
    """The mode, if it is octal. Raises StepError otherwise."""
    if mode is not None and not re.fullmatch("[0-7]{3,4}", mode):
        raise StepError(f'mode "{mode}" is not octal', hint='write a mode as "0644"')
    return mode


def complaint(result: CommandResult) -> str:
    """What a host said was wrong: the last line of its standard error, or how the command ended."""
    lines = [line.strip() for line in result.stderr.text.splitlines() if line.strip()]
    return lines[-1][:LONGEST_COMPLAINT] if lines else ending(result)


PATH_HINTS = {
    "it is the root directory": "name what is below it",
    "it ends with a slash": "leave the slash out",
    'it has "." or ".." in it': "write where it leads to",
    "it holds a line break or NUL character": "leave it out",
    "it holds half a character": "leave it out",
}
"""What to do about a path, by what is wrong with it."""


def whats_wrong(path: str) -> str:
    """Why text can't be the path of a file to place on a host, or empty."""
    if not path or not is_text(path, "surrogateescape"):
        return "it holds half a character" if path else "it is empty"
    if not path.startswith("/"):
        return '"~" means nothing here' if path.startswith("~") else "it is not absolute"
    if path.strip("/") == "":
        return "it is the root directory"
    if path.endswith("/"):
        return "it ends with a slash"
    if {".", ".."} & {*path.split("/")}:
        return 'it has "." or ".." in it'
    return "it holds a line break or NUL character" if set("\0\n\r") & {*path} else ""


def is_text(value: str, errors: str = "strict") -> bool:
    """Whether a text can be written as UTF-8: none of its characters is half of one (a lone surrogate).

    With ``surrogateescape`` those that stand for bytes of a host's file name are fine.
    """
    try:
        value.encode("utf-8", errors)
    except UnicodeEncodeError:
        return False
    return True


def shown(value: str) -> str:
    """A text as a message can hold it: half a character is spelt out."""
    return value.encode("utf-8", "backslashreplace").decode()


def absolute(path: str, key: str = "dest") -> str:
    """The path, if it can be one on a host. Raises StepError otherwise."""
    if wrong := whats_wrong(path):
        raise StepError(f'{key} "{shown(path)}" can\'t be used: {wrong}')
    return re.sub("/+", "/", path)


def check_paths(params: Mapping[str, Value], keys: Iterable[str]) -> Iterator[Complaint]:
    """Complains of paths on the host that are wrong as written; of a template, what stands before its first value."""
    for key in keys:
        value = params.get(key)
        if isinstance(value, str) and (wrong := whats_wrong(value)):
            hint = PATH_HINTS.get(wrong, "write an absolute path")
            yield Complaint("E413", f'{key} "{shown(value)}" can\'t be used: {wrong}', (key,), hint)
        elif isinstance(value, Template) and value.source[:1] not in {"/", "{"}:
            message = f'{key} "{value.source}" can\'t be used: it is not absolute'
            yield Complaint("E413", message, (key,), "write an absolute path")
