"""Bring a file, or a folder with all files in it, from the host to the controller.

- ``src``: the absolute path on the host. In a folder, links and special files are passed over.
- ``dest``: a folder of the project (``fetched``), starting at the playbook's folder. Each host has a folder of its own
  in it, ``DEST/HOST/``, unless ``dest`` already holds the host's name: ``"logs/{{ host.name }}"``.

A file keeps its name; of a folder, what is in it comes into the host's folder. Modes are kept, owners are not. Each
file appears whole or not at all, nothing is ever written outside ``dest``, and no link there is followed. A file that
becomes much longer on its way (more than twice as long, and 64 MiB), or would fill the local disk, fails the step. The
step has changed something only where a local file, or its mode, really changed.

The result has ``dest``, the local folder, ``files``, their paths in it, and ``size``, of all of them, in bytes.

```yaml
- fetch: {src: /srv/app/app.log, dest: logs}
```
"""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from runner.errors import StepError
from runner.fragments import FILLED, mapping
from runner.local_files import MOST_FILES, fingerprint
from runner.model.outcome import Outcome, ok
from runner.model.template import Value
from runner.remote_files import Found, absolute, check_paths, complaint, is_text, look, shown
from runner.step import Complaint, StepKind, Target
from runner.storing import NewFile, is_plain, opened, parts_of


@dataclass(frozen=True, slots=True)
class Params:
    """What to bring where."""

    src: str
    dest: str = "fetched"


SCHEMA: Mapping[str, Any] = mapping({"src": FILLED, "dest": FILLED}, ("src",))

LIST = r"""
LC_ALL=C; export LC_ALL
if [ -d "$1" ]; then
  cd "$1" || exit 1
  find . \( -type f -o -type d \) -exec printf '%s\000' {} + || exit 1
elif [ -f "$1" ]; then exit 91
elif [ -e "$1" ]; then echo 'it is no file and no directory' >&2; exit 1
else echo 'there is nothing' >&2; exit 1; fi
"""
"""Prints all files and directories below ``$1``, each ended by a NUL, or ends with 91 where it is a file."""

ONE_FILE = 91
LIST_LIMIT = 4 * 1024 * 1024
"""Bytes of names that a host may send."""

GROWTH = 64 * 1024 * 1024
"""Bytes that a file may gain, beside its own size again, between our looking and the end of its way here."""

SPARED = 256 * 1024 * 1024
"""Bytes of the local disk, or a twentieth of it, that no host may fill."""


@dataclass(frozen=True, slots=True)
class Item:
    """Something to bring: its path on the host, and its parts below the local folder."""

    path: str
    parts: tuple[str, ...]


def check(params: Mapping[str, Value]) -> Iterator[Complaint]:
    """Complains of a source that can't be one."""
    return check_paths(params, ("src",))


def local_folder(target: Target, dest: str) -> Path:
    """Where the host's files go. Raises StepError for a folder outside the project."""
    if "\0" in dest or not is_text(dest):
        raise StepError(f'dest "{shown(dest)}" can\'t be used: it holds a NUL character or half a character')
    root = (target.folder / dest).resolve()
    if not root.is_relative_to(target.project.resolve()):
        raise StepError(f'dest "{dest}" is outside the project "{target.project}"')
    if re.search(rf"(?<![A-Za-z0-9]){re.escape(target.host)}(?![A-Za-z0-9])", dest):
        return root
    if not is_plain(target.host):
        raise StepError(f"the host's name \"{target.host}\" can't be the name of a folder; write it into dest")
    return root / target.host


async def listed(target: Target, src: str) -> list[Item]:
    """What is to be brought: one file, or all files and folders below a folder, those that hold others first."""
    data = bytearray()

    def take(stream: str, chunk: bytes) -> None:
        if stream == "stdout":
            data.extend(chunk)
        if len(data) > LIST_LIMIT:
            raise too_many(src)  # which ends the command, however much it would say yet

    result = await target.run(LIST, args=(src,), stdin=b"", sink=take, quiet=True)
    if result.rc == ONE_FILE:
        return [Item(src, parts_of(src.rpartition("/")[2]))]
    if result.rc != 0:
        raise StepError(f'"{src}" can\'t be fetched: {complaint(result)}')
    names = data.decode("utf-8", "surrogateescape").split("\0")[:-1]
    if len(names) > MOST_FILES:
        raise too_many(src)
    below = sorted(name.removeprefix("./") for name in names if name != ".")
    return [Item(f"{src}/{name}", parts_of(name)) for name in below]


def too_many(src: str) -> StepError:
    """The error for a folder with more in it than is taken."""
    return StepError(f'"{src}" has more than {MOST_FILES} files', hint="pack them into one archive, and fetch that")


async def run(params: Params, target: Target) -> Outcome:
    """List, compare with what is here, and bring what differs."""
    src = absolute(params.src, "src")
    root = await target.in_thread(lambda: local_folder(target, params.dest))
    items = await listed(target, src)
    sizes = await target.in_thread(lambda: [size_here(root, item) for item in items])
    found = await look(target, [(item.path, size) for item, size in zip(items, sizes, strict=True)])
    changed, size, files = False, 0, []
    for item, there in zip(items, found, strict=True):
        if there.kind == "folder":
            changed |= await target.in_thread(partial(make_folder, root, item))
        else:
            changed |= await bring(target, root, item=item, there=there)
            size += (await target.in_thread(root.joinpath(*item.parts).stat)).st_size
            files.append("/".join(item.parts))
    for item, there in reversed(list(zip(items, found, strict=True))):
        if there.kind == "folder":
            changed |= await target.in_thread(partial(set_mode, root, item, there.mode))
    return ok(changed=changed, data={"dest": str(root), "files": files, "size": size})


def size_here(root: Path, item: Item) -> int | None:
    """The size of a file that is here already, without following links."""
    path = root.joinpath(*item.parts)
    return path.stat().st_size if path.is_file() and not path.is_symlink() else None


def make_folder(root: Path, item: Item) -> bool:
    """Make a folder where there is none, and say whether it was made."""
    is_new = not root.joinpath(*item.parts).is_dir()
    with opened(root, item.parts):
        return is_new


def set_mode(root: Path, item: Item, mode: int) -> bool:
    """Give a folder its mode, so that we can still write to it, and say whether it had another."""
    wanted = mode & 0o777 | 0o700
    with opened(root, item.parts) as folder:
        had = os.fstat(folder).st_mode & 0o777
        os.fchmod(folder, wanted)
    return had != wanted


async def bring(target: Target, root: Path, *, item: Item, there: Found) -> bool:
    """Bring one file, unless the same is here, and say whether anything changed."""
    mode = there.mode & 0o777 if there.kind == "file" else 0o600
    if await target.in_thread(lambda: is_here(root, item, there)):
        return False
    *above, name = item.parts
    with opened(root, tuple(above)) as folder, NewFile(folder, name) as file:
        most = most_bytes(folder, there)

        def take(chunk: bytes) -> None:
            if file.size + len(chunk) > most:
                raise StepError(f'"{item.path}": the host sends more than {most} bytes; it said {there.size}')
            file.write(chunk)

        await target.get(item.path, take)
        return bool(await target.in_thread(lambda: file.keep(mode)))


def most_bytes(folder: int, there: Found) -> int:
    """How many bytes a file may come to: it may grow meanwhile, but not fill the disk that our own records are on."""
    disk = os.fstatvfs(folder)
    room = disk.f_bavail * disk.f_frsize - min(SPARED, disk.f_blocks * disk.f_frsize // 20)
    return max(0, min(2 * there.size + GROWTH, room))


def is_here(root: Path, item: Item, there: Found) -> bool:
    """Whether a file with the same contents and mode is here already."""
    path = root.joinpath(*item.parts)
    if there.kind != "file" or size_here(root, item) is None or path.stat().st_mode & 0o777 != there.mode & 0o777:
        return False
    return there.holds(fingerprint(path))


STEP = StepKind(
    name="fetch",
    summary="bring files from the host to the controller",
    schema=SCHEMA,
    params=Params,
    run=run,
    check=check,
    idempotent=True,
    answers=("dest", "files", "size"),
    documentation=__doc__,
)
