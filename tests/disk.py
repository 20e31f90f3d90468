"""A disk that fails, and one that loses what was not synced: below a folder, for all that goes through ``os``.

``Disk.failing(7, errno.ENOSPC)`` lets the seventh call fail, once. ``Disk.crashes(ops)`` gives what a power cut behind
those calls may leave, from the best case to the worst: a write that was not synced is there, torn, zeros, or not there;
a name that was not synced is there or not.
"""

import errno
import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ERRORS = (errno.ENOSPC, errno.EIO, errno.EROFS, errno.EMFILE, errno.EINTR, errno.EDQUOT)

SHORT = -1
"""In place of an error: a write takes half of what it was given."""

ON_PATHS = ("open", "mkdir", "replace", "rename", "link", "unlink", "stat")
ON_FILES = ("write", "read", "pread", "fsync", "fdatasync", "ftruncate", "fstat", "flock")

SYNCS = ("fsync", "fdatasync")
"""Only noted: no power goes here, and a real disk would take its time."""

Op = tuple[Any, ...]


@dataclass
class Disk:
    """Watches the calls below ``root``. ``calls`` names them; ``ops`` are those that change something, for a crash."""

    root: Path
    calls: list[str] = field(default_factory=list)
    ops: list[Op] = field(default_factory=list)
    _files: dict[int, Path] = field(default_factory=dict)
    _fails: tuple[int, int] | None = None

    def failing(self, number: int, error: int) -> "Disk":
        """Let call ``number``, from 0, fail with this errno; SHORT lets a write take half."""
        self._fails = number, error
        return self

    @contextmanager
    def watching(self) -> Iterator["Disk"]:
        """Inside the block, calls go through here."""
        real = {name: getattr(os, name) for name in (*ON_PATHS, *ON_FILES, "close") if name != "flock"}
        flock = fcntl.flock
        try:
            for name in ON_PATHS:
                setattr(os, name, self._on_path(name, real[name]))
            for name in ON_FILES:
                if name != "flock":
                    setattr(os, name, self._on_file(name, real[name]))
            fcntl.flock = self._on_file("flock", flock)
            os.close = self._close(real["close"])
            yield self
        finally:
            for name, call in real.items():
                setattr(os, name, call)
            fcntl.flock = flock

    def _on_path(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def patched(path: Any, *args: Any, **named: Any) -> Any:
            place = Path(path) if isinstance(path, str | os.PathLike) else None
            if place is None or not place.is_relative_to(self.root):
                return call(path, *args, **named)
            self._count(name, place)
            is_new = name == "open" and args and args[0] & os.O_CREAT and not os.path.lexists(place)
            done = call(path, *args, **named)
            if name == "open":
                self._files[done] = place
                if is_new:
                    self.ops.append(("create", place))
                elif args[0] & os.O_TRUNC:
                    self.ops.append(("truncate", place, 0))
            elif name != "stat":
                self.ops.append((name, place, *(Path(arg) for arg in args if isinstance(arg, str | os.PathLike))))
            return done

        return patched

    def _on_file(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def patched(descriptor: int, *args: Any) -> Any:
            place = self._files.get(descriptor)
            if place is None:
                return call(descriptor, *args)
            if self._count(name, place) and args:
                args = (bytes(args[0])[: max(1, len(args[0]) // 2)],)
            done = None if name in SYNCS else call(descriptor, *args)
            if name == "write":
                self.ops.append(("write", place, bytes(args[0])[:done]))
            elif name == "ftruncate":
                self.ops.append(("truncate", place, args[0]))
            elif name in SYNCS:
                self.ops.append(("sync", place))
            return done

        return patched

    def _close(self, call: Callable[[int], None]) -> Callable[[int], None]:
        def patched(descriptor: int) -> None:
            self._files.pop(descriptor, None)
            call(descriptor)

        return patched

    def _count(self, name: str, place: Path) -> bool:
        """Count a call; raises the error that it is to fail with, and says whether it is to be a short write."""
        number, error = self._fails or (-1, 0)
        is_it = len(self.calls) == number
        self.calls.append(f"{name} {place.relative_to(self.root)}")
        if is_it and error != SHORT:
            raise OSError(error, os.strerror(error), str(place))
        return is_it and name == "write"

    def crashes(self, ops: list[Op]) -> Iterator[dict[Path, bytes | None]]:
        """What may be on disk when the power goes behind these: a folder is None, a file its bytes."""
        for names in ("kept", "lost"):
            for data in ("kept", "torn", "zeros", "lost"):
                yield _Crash(names, data).after(ops)

    def put(self, state: dict[Path, bytes | None], into: Path) -> Path:
        """Make such a state real, below another folder; gives it."""
        into.mkdir()
        for path, data in sorted(state.items()):
            place = into / path.relative_to(self.root)
            if place.parent.is_dir() and data is None:
                place.mkdir(exist_ok=True)
            elif place.parent.is_dir():
                place.write_bytes(data)
        return into


@dataclass
class _Crash:
    """One way in which unsynced things come out: ``names`` and ``data`` say how."""

    names: str
    data: str

    def after(self, ops: list[Op]) -> dict[Path, bytes | None]:
        seen: dict[Path, list[Any] | None] = {}  # path -> [synced bytes, written bytes], as the running program sees it
        lasting: dict[Path, list[Any] | None] = {}  # the same by the names that would survive
        for name, path, *rest in ops:
            if name == "mkdir":
                seen[path] = None
            elif name == "create":
                seen[path] = [b"", b""]
            elif name == "write":
                seen[path][1] += rest[0]
            elif name == "truncate":
                seen[path][1] = seen[path][1][: rest[0]]
            elif name in {"replace", "rename"}:
                seen[rest[0]] = seen.pop(path)
            elif name == "link":
                seen[rest[0]] = seen[path]
            elif name == "unlink":
                seen.pop(path)
            elif path in seen and seen[path] is not None:
                seen[path][0] = seen[path][1]
            else:
                kept = {place: file for place, file in lasting.items() if place.parent != path}
                lasting = {**kept, **{place: file for place, file in seen.items() if place.parent == path}}
        found = seen if self.names == "kept" else lasting
        return {path: None if file is None else self._bytes(*file) for path, file in found.items()}

    def _bytes(self, synced: bytes, written: bytes) -> bytes:
        if self.data == "kept" or not written.startswith(synced):  # cut back: either is one that was there
            return written if self.data == "kept" else synced
        new = written[len(synced) :]
        return synced + {"torn": new[: len(new) // 2], "zeros": bytes(len(new)), "lost": b""}[self.data]
