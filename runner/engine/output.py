"""The bytes of every attempt, kept in files as they come: ``output/<host>/<step>.<attempt>.out`` and ``.err``.

A full disk there costs the files, never the run: the first error stops the writing of that file and is reported with
the step. Files are made when the first byte comes, so a silent step costs nothing.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from runner.redaction import Redactor, StreamRedactor
from runner.run_folder import FILE_MODE, FOLDER_MODE, output_name

FILE_LIMIT = 256 * 1024 * 1024
"""Bytes of one stream that a file takes; the rest is counted, not kept."""


@dataclass(slots=True)
class OutputStore:
    """Makes output files below the run folder, with secrets masked."""

    folder: Path
    redactor: Redactor
    _made: set[str] = field(default_factory=set)

    def attempt(self, host: str, step: str, *, item: int | None, attempt: int) -> "AttemptOutput":
        """The files of one attempt."""
        return AttemptOutput(
            self, host, lambda stream: output_name(host, step, item=item, attempt=attempt, stream=stream)
        )

    def rest(self, host: str, step: str, *, item: int | None, attempt: int) -> "AttemptOutput":
        """The files of one attempt, perhaps of an earlier process's, for what is known of its output only now."""
        output = self.attempt(host, step, item=item, attempt=attempt)
        names = {stream: output.name(stream) for stream in ("stdout", "stderr")}
        output.is_rest = True
        output.paths.update({stream: name for stream, name in names.items() if (self.folder / name).is_file()})
        return output

    def open(self, host: str, name: str, *, is_rest: bool = False) -> int:
        """Make one file, or add to it where it is the rest that comes; raises OSError."""
        if host not in self._made:
            (self.folder / "output" / host).mkdir(mode=FOLDER_MODE, exist_ok=True)
            self._made.add(host)
        flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | (os.O_APPEND if is_rest else os.O_EXCL)
        return os.open(self.folder / name, flags, FILE_MODE)


@dataclass(slots=True)
class AttemptOutput:
    """Both streams of one attempt. ``lost`` says that a file could not be written; ``paths`` are those that were.

    ``is_rest`` where only what came last is written, at once, behind what is there.
    """

    store: OutputStore
    host: str
    name: Callable[[str], str]
    lost: bool = False
    is_rest: bool = False
    paths: dict[str, str] = field(default_factory=dict)
    _files: dict[str, int] = field(default_factory=dict)
    _masks: dict[str, StreamRedactor] = field(default_factory=dict)
    _sizes: dict[str, int] = field(default_factory=dict)

    def write(self, stream: str, chunk: bytes) -> bytes:
        """Keep a chunk; gives it back masked, for those who show it (a chunk can come out later, or in parts)."""
        if self.is_rest:
            chunk = self.store.redactor.rest(chunk)
        elif self.store.redactor:
            mask = self._masks.setdefault(stream, self.store.redactor.stream())
            chunk = mask.feed(chunk)
        self._keep(stream, chunk)
        return chunk

    def close(self) -> dict[str, bytes]:
        """Write what was held back for masking, and close; gives those last bytes by stream."""
        rest = {stream: mask.finish() for stream, mask in self._masks.items()}
        for stream, chunk in rest.items():
            self._keep(stream, chunk)
        for descriptor in self._files.values():
            os.close(descriptor)
        self._files.clear()
        return rest

    def _keep(self, stream: str, chunk: bytes) -> None:
        if not chunk or self.lost:
            return
        try:
            file = self._file(stream)
            room = FILE_LIMIT - self._sizes[stream]
            self._sizes[stream] += len(chunk)
            _write_all(file, chunk[:room] if room > 0 else b"")
        except OSError:
            self.lost = True

    def _file(self, stream: str) -> int:
        descriptor = self._files.get(stream)
        if descriptor is None:
            name = self.name(stream)
            descriptor = self._files[stream] = self.store.open(self.host, name, is_rest=self.is_rest)
            self._sizes[stream] = os.fstat(descriptor).st_size
            self.paths[stream] = name
        return descriptor


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
