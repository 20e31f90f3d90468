"""The ways to reach hosts, by the word that an inventory gives as ``connection``.

A transport is loaded when an inventory uses it: nobody who works on this machine alone waits for an SSH library.
"""

import contextlib
import ctypes
import ctypes.util
import sys
from collections.abc import Iterator
from importlib import import_module

from runner.transport import TransportKind

_KINDS = {
    "ssh": "runner.transports.ssh:TRANSPORT",
    "local": "runner.transports.local:TRANSPORT",
    "demo": "runner.transports.demo:TRANSPORT",
}


def names() -> tuple[str, ...]:
    """The words there are, the usual one first."""
    return tuple(_KINDS)


def load(name: str) -> TransportKind:
    """The transport of that name. Raises KeyError for a name that is not among ``names()``."""
    module, _, attribute = _KINDS[name].partition(":")
    with _no_programs():
        kind: TransportKind = getattr(import_module(module), attribute)
    return kind


@contextlib.contextmanager
def _no_programs() -> Iterator[None]:
    """Keep the SSH library from running ldconfig, gcc and ld to find liboqs, as ``find_library`` does on Linux.

    That takes 30 ms, and programs that nobody asked for. The loader finds the library as well, if it is there.
    """
    before = ctypes.util.find_library
    if sys.platform == "linux":
        ctypes.util.find_library = _loadable
    try:
        yield
    finally:
        ctypes.util.find_library = before


def _loadable(name: str) -> str | None:
    file = f"lib{name}.so"
    try:
        ctypes.CDLL(file)
    except OSError:
        return None
    return file
