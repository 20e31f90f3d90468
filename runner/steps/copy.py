r"""Put a file, a folder or a given text on the host, whole or not at all.

A file is written beside its destination, checked there, and renamed into place: at each moment the old or the new one
is there, and any failure leaves the old one. The step has changed something only where contents, owner, group or mode
really differ. A link at the destination is replaced by the file; a directory or device there is an error.

- ``src``: a file or folder of the project, starting at the playbook's folder; or ``content``: the text itself.
- ``dest``: the absolute path. Of a folder, ``dest`` becomes its copy; what else is there stays.
- ``owner``, ``group``: name or number. ``mode``: quoted octal. Without them a file that is there keeps its own; a new
  one belongs to the user of the step, with mode 0644. In a folder local modes hold; ``mode`` is for its files alone.
- ``backup: true``: keep the old file beside the new one, as ``NAME.DATE-TIME-xxxx.bak``.
- ``validate``: a program that must end well before the new file takes its place; ``%s`` stands for the new file.

The result has ``dest``, ``checksum`` (SHA-256) and ``size``, of a folder ``files``, and ``backup`` where one was kept.

```yaml
- copy: {content: "port = 8080\n", dest: /srv/app/app.conf, mode: "0640", validate: [test, -s, "%s"]}
```
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runner.errors import StepError
from runner.fragments import FILLED, TEXT, mapping
from runner.local_files import Entry, Fingerprint, fingerprint, inside, regular, tree
from runner.model.outcome import Outcome, ok
from runner.model.template import Value
from runner.placing import OPTIONS, Placed, Wanted, place, settle
from runner.remote_files import Attributes, Found, Owner, absolute, check_paths, look, make_folder, set_attributes
from runner.step import Complaint, StepKind, Target


@dataclass(frozen=True, slots=True)
class Params:
    """What to put where."""

    dest: str
    src: str | None = None
    content: str | None = None
    owner: Owner | None = None
    group: Owner | None = None
    mode: str | None = None
    backup: bool = False
    validate: tuple[str, ...] = ()


SCHEMA: Mapping[str, Any] = {
    **mapping({"dest": FILLED, "src": FILLED, "content": TEXT, **OPTIONS}, ("dest",)),
    "oneOf": [{"required": ["src"]}, {"required": ["content"]}],
    "examples": ["{src: app.conf, dest: /etc/app.conf}"],
}


def check(params: Mapping[str, Value]) -> Iterator[Complaint]:
    """Complains of a destination that can't be one."""
    return check_paths(params, ("dest",))


async def run(params: Params, target: Target) -> Outcome:
    """Put it there, where it is not yet."""
    dest = absolute(params.dest)
    if params.src is None:
        return told(dest, await place(target, wanted(params, dest, as_bytes(params.content or ""))))
    source = await target.in_thread(lambda: inside(target.project, target.folder, params.src or ""))
    if source.is_dir():
        return await copy_folder(params, target, source=source, dest=dest)
    await target.in_thread(lambda: fingerprint(regular(source)))  # its cost is paid once, and beside the loop
    return told(dest, await place(target, wanted(params, dest, source)))


def as_bytes(content: str) -> bytes:
    """A text as UTF-8. Raises StepError where it holds what is no text, such as bytes of another encoding."""
    try:
        return content.encode()
    except UnicodeEncodeError as error:
        message = f"content can't be written as UTF-8: its character {error.start + 1} is half a character"
        raise StepError(message, hint="it came from bytes that are no UTF-8, or an escape such as \\ud800") from None


def wanted(params: Params, dest: str, content: bytes | Path, mode: str | None = None) -> Wanted:
    """One file of the step."""
    return Wanted(
        dest=dest,
        content=content,
        owner=params.owner,
        group=params.group,
        mode=params.mode or mode,
        backup=params.backup,
        validate=params.validate,
    )


def told(dest: str, placed: Placed) -> Outcome:
    """The outcome of one file."""
    data = {"dest": dest, "checksum": placed.fingerprint.sha256, "size": placed.fingerprint.size}
    return ok(changed=placed.changed, data={**data, "backup": placed.backup} if placed.backup else data)


async def copy_folder(params: Params, target: Target, *, source: Path, dest: str) -> Outcome:
    """Make ``dest`` a copy of a folder: one question about all of it, then what differs.

    Directories get their modes last, deepest first, as one may well forbid to write into it.
    """
    if params.validate:
        raise StepError("validate is for one file; src is a folder")
    pieces = await target.in_thread(lambda: pieces_of(source, dest))
    questions = [(piece.path, piece.told.size if piece.told else None) for piece in pieces]
    found = await look(target, questions, with_names=Attributes(params.owner, params.group).are_named)
    folders: list[tuple[Piece, Found]] = []
    changed = False
    for piece, there in zip(pieces, found, strict=True):
        if piece.told is None:
            folders.append((piece, await folder_at(target, piece.path, there)))
            changed |= not there.kind
        else:
            want = wanted(params, piece.path, source / piece.entry.path, piece.mode)
            changed |= (await settle(target, want, there, piece.told)).changed
    for piece, there in reversed(folders):
        after = await set_attributes(target, piece.path, there, Attributes(params.owner, params.group, piece.mode))
        changed |= after.ownership != there.ownership
    files = [piece.told for piece in pieces if piece.told]
    return ok(changed=changed, data={"dest": dest, "files": len(files), "size": sum(file.size for file in files)})


@dataclass(frozen=True, slots=True)
class Piece:
    """A file or folder of the tree, where it goes, and a file's fingerprint."""

    entry: Entry
    path: str
    told: Fingerprint | None

    @property
    def mode(self) -> str:
        """Its local mode, in octal."""
        return f"{self.entry.mode:04o}"


def pieces_of(source: Path, dest: str) -> list[Piece]:
    """All that ``dest`` will hold, itself first. Raises StepError for what can't be copied."""
    entries = [Entry("", source.stat().st_mode & 0o7777, is_folder=True), *tree(source)]
    return [
        Piece(
            entry,
            f"{dest}/{entry.path}".rstrip("/"),
            None if entry.is_folder else fingerprint(regular(source / entry.path)),
        )
        for entry in entries
    ]


async def folder_at(target: Target, path: str, there: Found) -> Found:
    """The directory that is there, or was made now. Raises StepError when something else has its place."""
    if there.kind not in {"", "folder"}:
        raise StepError(f'"{path}" is {there.described} where a directory is wanted; it is left as it is')
    return there if there.kind else await make_folder(target, path)


STEP = StepKind(
    name="copy",
    summary="put a file, a folder or a text on the host, atomically",
    schema=SCHEMA,
    params=Params,
    run=run,
    check=check,
    idempotent=True,
    answers=("dest", "checksum", "size", "files", "backup"),
    local_files=("src",),
    documentation=__doc__,
)
