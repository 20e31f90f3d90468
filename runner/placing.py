"""Putting a file on a host so that at each moment the old one or the new one is there, whole.

The bytes go into a private file beside the destination (a random name, mode 0600, never one that exists), are checked
against their size and checksum there, pass ``validate``, get their owner, group and mode, and are renamed over the
destination. Whatever fails before the rename leaves the old file as it was and removes the new one. A lost connection
can leave the private file; the next try for the same destination removes it first.

Why look first and write in a second round trip: what would change is decided here, by pure comparison, and a file that
is as wanted costs one question. Contents up to 64 KiB ride along with the script that places them.
"""

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from runner.errors import StepError
from runner.fragments import BOOLEAN, MODE, OWNER, Schema
from runner.local_files import Fingerprint, fingerprint
from runner.remote_files import SUM_TOOL, Attributes, Found, Owner, complaint, look, parsed, set_attributes
from runner.step import Target

SMALL = 64 * 1024
"""Bytes up to which contents travel with the script, in its standard input."""

NEW_MODE = "0644"
"""The mode of a file that was not there, where none is given."""

OPTIONS: Mapping[str, Schema] = {
    "owner": OWNER,
    "group": OWNER,
    "mode": MODE,
    "backup": BOOLEAN,
    "validate": {
        "type": "array",
        "items": {"type": "string"},
        "minItems": 2,
        "contains": {"type": "string", "pattern": r"%s|\{\{"},
    },
}
"""The keys of the schema that ``copy`` and ``template`` share."""

WRITE = (
    SUM_TOOL
    + r"""
umask 077; LC_ALL=C; export LC_ALL
dest=$1 temp=$2 stale=$3 from=$4 size=$5 sha=$6 crc=$7; shift 7
owner=$1 group=$2 mode=$3 tag=$4; shift 4
folder=${dest%/*}; folder=${folder:-/}; backup=
fail() { printf '%s\n' "$1" >&2; exit 1; }
trap 'rm -f "$temp"; [ -z "$backup" ] || rm -f "$backup"' EXIT
trap 'exit 1' HUP INT TERM
[ -d "$folder" ] || fail "there is no directory \"$folder\""
if [ -d "$dest" ] && [ ! -L "$dest" ]; then fail "it is a directory"; fi
for old in "$stale"*; do if [ "$old" != "$temp" ]; then rm -f "$old"; fi; done
if [ "$from" = stdin ]; then
  if [ -e "$temp" ] || [ -L "$temp" ]; then trap - EXIT; fail "there is a \"$temp\" already, which is not ours"; fi
  ( set -C; : >"$temp" ) 2>/dev/null || fail "no file can be made in \"$folder\": $( (set -C; : >"$temp") 2>&1 )"
  cat >"$temp" || exit 1
fi
set -f
pick() { bytes=$5; }
pick $(ls -ldn "$temp")
[ "$bytes" = "$size" ] || fail "only $bytes of $size bytes could be written"
sum=$($tool <"$temp") || exit 1
if [ "$tool" = cksum ]; then [ "$sum" = "$crc" ]; else case $sum in *"$sha"*) ;; *) false ;; esac; fi ||
  fail "the checksum of what arrived is wrong"
if [ $# -gt 0 ]; then "$@" >&2 </dev/null || { rc=$?; fail "validate: exit status $rc"; }; fi
if [ -n "$owner" ]; then chown -- "$owner${group:+:$group}" "$temp" || exit 1
elif [ -n "$group" ]; then chgrp -- "$group" "$temp" || exit 1; fi
chmod -- "$mode" "$temp" || exit 1
sync -d "$temp" >/dev/null 2>&1
if [ -n "$tag" ] && { [ -e "$dest" ] || [ -L "$dest" ]; }; then
  backup=$dest.$(date -u +%Y%m%d-%H%M%S)-$tag.bak
  { [ ! -L "$dest" ] && ln "$dest" "$backup" 2>/dev/null; } || cp -pP "$dest" "$backup" || exit 1
fi
if [ -L "$dest" ] && [ -d "$dest" ]; then
  mv -fT "$temp" "$dest" 2>/dev/null || mv -fh "$temp" "$dest" 2>/dev/null ||
    { rm -f "$dest" && mv -f "$temp" "$dest"; } || exit 1
else
  mv -f "$temp" "$dest" || exit 1
fi
trap - EXIT
printf '%s\000%s\000%s\000' "$(ls -ldn "$dest")" "$(ls -ldn "$folder/.")" "$backup"
"""
)
"""Why ``ln`` for the backup: the rename leaves the old file itself under the second name, and nothing is copied."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file as it should be on the host. ``content`` is bytes, or a local file; ``mode`` None keeps, or is 0644.

    ``validate`` is an argument list in which ``%s`` stands for the new file before it is moved into place.
    """

    dest: str
    content: bytes | Path
    owner: Owner | None = None
    group: Owner | None = None
    mode: str | None = None
    backup: bool = False
    validate: Sequence[str] = ()

    @property
    def attributes(self) -> Attributes:
        """Owner, group and mode."""
        return Attributes(self.owner, self.group, self.mode)


@dataclass(frozen=True, slots=True)
class Placed:
    """What came of it; ``backup`` is the path of the old file's copy, or empty."""

    changed: bool
    fingerprint: Fingerprint
    backup: str = ""


async def place(target: Target, wanted: Wanted) -> Placed:
    """Make the file as wanted. Raises StepError when it can't be, with the old one left as it was."""
    told = await target.in_thread(lambda: fingerprint(wanted.content))
    questions = [(wanted.dest, told.size)]
    (found,) = await look(target, questions, with_names=wanted.attributes.are_named)
    return await settle(target, wanted, found, told)


async def settle(target: Target, wanted: Wanted, found: Found, told: Fingerprint) -> Placed:
    """Change what differs between what is wanted and what was found. Raises StepError as ``place`` does."""
    refuse_others(wanted.dest, found)
    if not found.holds(told):
        return await _write(target, wanted, found, told)
    after = await set_attributes(target, wanted.dest, found, wanted.attributes)
    return Placed(after.ownership != found.ownership, told)


def refuse_others(dest: str, found: Found) -> None:
    """Raises StepError when something is there that no file may take the place of."""
    if found.kind not in {"", "file", "link"}:
        raise StepError(f'"{dest}" is {found.described}; it is left as it is')


async def _write(target: Target, wanted: Wanted, found: Found, told: Fingerprint) -> Placed:
    stale, temp = private_names(wanted.dest, target.host)
    content = wanted.content
    rides_along = told.size <= SMALL
    if not rides_along:
        await target.put(content, temp)
    data = await target.in_thread(lambda: bytes_of(content)) if rides_along else b""
    args = write_arguments(wanted, found, told, temp=temp, stale=stale, source="stdin" if rides_along else "there")
    result = await target.run(WRITE, args=args, stdin=data, quiet=True)
    if result.rc != 0:
        raise StepError(f'"{wanted.dest}" can\'t be written: {complaint(result)}')
    fields = result.stdout.data.decode("utf-8", "surrogateescape").split("\0")
    if len(fields) != 4:
        raise StepError(f'"{wanted.dest}" was perhaps written: the host gave no answer that can be understood')
    line, parent, backup, _ = fields
    if is_open_to_all(parsed(parent)):
        target.say(f'every user of the host can replace "{wanted.dest}": its directory is open to all')
    same = found.holds(told) and parsed(line).ownership == found.ownership
    return Placed(not same, told, backup)


def bytes_of(content: bytes | Path) -> bytes:
    """Contents as bytes; a file is read, which blocks."""
    return content if isinstance(content, bytes) else content.read_bytes()


def private_names(dest: str, host: str) -> tuple[str, str]:
    """The beginning of the names of private files for ``dest``, beside it, and one such name.

    They are a host's own, since several hosts may share a file system and write the same file at the same time.
    """
    key = hashlib.sha256(f"{host}\0{dest}".encode("utf-8", "surrogateescape")).hexdigest()[:16]
    stale = f"{dest.rpartition('/')[0]}/.runner-{key}-"
    return stale, stale + secrets.token_hex(16)


def write_arguments(
    wanted: Wanted, found: Found, told: Fingerprint, *, temp: str, stale: str, source: str
) -> tuple[str, ...]:
    """The arguments of the script that writes: what is not given is kept from a file that is there."""
    kept = found if found.kind == "file" else Found()
    owner = kept.uid if wanted.owner is None else str(wanted.owner)
    group = kept.gid if wanted.group is None else str(wanted.group)
    mode = wanted.mode or (f"{kept.mode:04o}" if kept.kind else NEW_MODE)
    tag = secrets.token_hex(2) if wanted.backup else ""
    validate = [word.replace("%s", temp) for word in wanted.validate]
    facts = (source, str(told.size), told.sha256, told.cksum)
    return (wanted.dest, temp, stale, *facts, owner, group, mode, tag, *validate)


def is_open_to_all(folder: Found) -> bool:
    """Whether others may rename files in a directory: it is writable for all and not sticky."""
    return bool(folder.mode & 0o002) and not folder.mode & 0o1000
