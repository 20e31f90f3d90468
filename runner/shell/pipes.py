"""The seam between a session and whatever carries its bytes: one process on the host, its three streams."""

from collections.abc import Awaitable, Callable
from typing import Protocol


class Receiver(Protocol):
    """Takes what comes out of a pipe."""

    def opened(self, pipe: "Pipe") -> None:
        """Bytes can be written already, though the host has not yet said that it runs the command.

        A transport that can tell calls it before OpenPipe returns, so that the first bytes save a round trip; others
        never do.
        """
        ...

    def data(self, stream: str, chunk: bytes) -> None:
        """A chunk of ``"stdout"`` or ``"stderr"``."""
        ...

    def ended(self, reason: str) -> None:
        """Nothing more will come; called once. ``reason`` says why in words, empty for an orderly end."""
        ...


class Pipe(Protocol):
    """An open way to the standard streams of one process on the host."""

    def write(self, data: bytes) -> None:
        """Queue bytes for its standard input; silently dropped when the pipe is gone."""
        ...

    async def drain(self) -> None:
        """Wait until the queue is short enough to write more."""
        ...

    def write_eof(self) -> None:
        """Close its standard input."""
        ...

    async def close(self) -> None:
        """Close all of it; never raises."""
        ...


class NotOpen:
    """Stands where a pipe will be: takes nothing, needs no closing."""

    def write(self, data: bytes) -> None:
        """Drop it."""

    async def drain(self) -> None:
        """There is no queue."""

    def write_eof(self) -> None:
        """There is nothing to close."""

    async def close(self) -> None:
        """There is nothing to close."""


OpenPipe = Callable[[str, Receiver], Awaitable[Pipe]]
"""Opens a pipe to a command line, such as ``exec /bin/sh``, made of characters that are safe in every login shell.

Raises ConnectError when the host refuses it.
"""
