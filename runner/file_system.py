"""On which file system a folder is, and why locks and journals are not safe on it; pure."""

import os
import re
from pathlib import Path, PurePosixPath

REMOTE = re.compile(r"nfs4?|cifs|smb3|smbfs|9p|afs|ceph|glusterfs|lustre|vboxsf|virtiofs|fuse(\.\w+)?")
"""Types that reach another machine, or a program: whether they lock and sync as a disk does is up to that."""

_octal = re.compile(r"\\([0-7]{3})")


def doubt(path: Path, mounts: str) -> str:
    """Why locks and syncs on the file system of a path are not to be relied upon, or an empty text.

    ``mounts`` is the text of ``/proc/self/mountinfo`` (proc(5)), which has a mount a line, the later over the earlier.
    """
    kind, options = _mounted(PurePosixPath(os.path.realpath(path)), mounts)
    if REMOTE.fullmatch(kind):
        return f'"{path}" is on {kind}, where locks may not hold everywhere, nor what is synced last'
    if kind == "overlay" and "volatile" in options:
        return f'"{path}" is on a volatile overlay, where nothing is ever synced'
    return ""


def mounts() -> str:
    """What is mounted here; nothing where the system does not tell."""
    try:
        return Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return ""


def _mounted(path: PurePosixPath, mounts: str) -> tuple[str, frozenset[str]]:
    """The type and the options of the file system that holds a path."""
    found, most = ("", frozenset[str]()), 0
    for line in mounts.splitlines():
        before, _, after = line.partition(" - ")
        fields, rest = before.split(" "), after.split(" ")
        if len(fields) < 6 or len(rest) < 3:
            continue
        place = PurePosixPath(_octal.sub(lambda code: chr(int(code[1], 8)), fields[4]))
        depth = len(place.parts)
        if depth >= most and path.is_relative_to(place):
            found, most = (rest[0], frozenset((*fields[5].split(","), *rest[2].split(",")))), depth
    return found
