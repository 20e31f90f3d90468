"""Runs the command line with every file that is made, and every mode that is changed, written down.

``python watched_files.py REPORT WORDS...``: REPORT gets a line of JSON for each. The umask is 0 and stays so, so that
the modes are those that the calls themselves ask for.
"""

import contextlib
import json
import os
import sys
from typing import Any

from runner import umask
from runner.cli import main as command


def main() -> None:
    report = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    sys.argv[:] = ["runner", *sys.argv[2:]]
    real = os.open

    def note(what: str, path: object, mode: int, flags: int = 0) -> None:
        shown = os.fspath(path) if isinstance(path, str | bytes | os.PathLike) else path
        shown = os.fsdecode(shown) if isinstance(shown, bytes) else shown
        os.write(report, json.dumps([what, shown, mode, flags]).encode() + b"\n")

    def watched(path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if flags & os.O_CREAT:
            note("open", path, mode, flags)
        return real(path, flags, mode, dir_fd=dir_fd)

    def hook(event: str, args: tuple[Any, ...]) -> None:
        # Python's own open makes files with 0666; it tells its mode as text, and os.open tells none.
        if event == "open" and not isinstance(args[0], int) and args[1] is not None and args[2] & os.O_CREAT:
            note("open", args[0], 0o666, args[2])
        elif event == "os.mkdir":
            note("mkdir", args[0], args[1])
        elif event == "os.chmod":
            note("chmod", args[0], args[1])

    os.umask(0)
    umask.closed = contextlib.nullcontext  # type: ignore[assignment]
    os.open = watched
    sys.addaudithook(hook)
    command.main()


if __name__ == "__main__":
    main()
