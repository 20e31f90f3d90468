"""The shells of this machine that can be a host's /bin/sh, and a way to talk to one without any event loop."""

import os
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from runner.framing import Begin, End, Hello, Splitter, bootstrap, step_text

SHELLS = {
    "dash": ["dash"],
    "bash": ["bash", "--posix"],
    "busybox": ["busybox", "sh"],
    "yash": ["yash", "-o", "posix"],
}
"""Not mksh, which keeps the link's name after ``cd -P /proc/self`` and so needs job control: the hosts where it is
/bin/sh (Android) are not among those that runner is for."""

NONCE = "0123456789abcdef" * 2


def found():
    """Those that are installed, as parameters of a test."""
    return [pytest.param(argv, id=name) for name, argv in SHELLS.items() if shutil.which(argv[0])]


def missing():
    """Names of those that are not."""
    return [name for name, argv in SHELLS.items() if not shutil.which(argv[0])]


@dataclass
class Talk:
    """What a shell said: noise before the hello, the hello, and for each step its output, group and status."""

    preamble: bytes = b""
    hello: Hello | None = None
    stdout: dict[int, bytes] = field(default_factory=dict)
    stderr: dict[int, bytes] = field(default_factory=dict)
    group: dict[int, int | None] = field(default_factory=dict)
    rc: dict[int, int] = field(default_factory=dict)


def talk(argv, *steps, environ=None, hello=None):
    """Start a shell, send it the bootstrap and the steps (keyword arguments of ``step_text``), and read all of it."""
    hello = hello or greet(argv, environ)
    texts = [step_text(index, hello=hello, **step) for index, step in enumerate(steps, 1)]
    out, err = _communicate(argv, b"".join([bootstrap(NONCE), *texts]), environ)
    result = Talk()
    _take(result, out, result.stdout)
    _take(result, err, result.stderr)
    return result


def greet(argv, environ=None):
    """Only the hello."""
    result = Talk()
    _take(result, _communicate(argv, bootstrap(NONCE), environ)[0], {})
    return result.hello


def _communicate(argv, text, environ):
    done = subprocess.run(argv, input=text, capture_output=True, timeout=30, env=environ, check=False)
    return done.stdout, done.stderr


def _take(result, data, output):
    pending, splitter = b"", Splitter(NONCE)
    for record in [*splitter.feed(data), splitter.rest()]:
        match record:
            case bytes():
                pending += record
            case Hello():
                result.hello, result.preamble, pending = record, result.preamble + pending, b""
            case Begin(index, group):
                result.group[index] = group
            case End(index, rc):
                result.rc[index], output[index], pending = rc, pending, b""


def path_without(folder: Path, *names):
    """An environment whose PATH has all usual programs but these."""
    for source in ("/usr/bin", "/bin", "/usr/sbin", "/sbin"):
        for program in Path(source).iterdir():
            if program.name not in names and not (folder / program.name).is_symlink():
                (folder / program.name).symlink_to(program)
    return {**os.environ, "PATH": str(folder)}
