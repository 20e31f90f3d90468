"""What a test of the ssh transport needs beside a server: a context, hosts, and a receiver that remembers."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

from runner.errors import ConnectError
from runner.location import Location
from runner.model.inventory import Host
from runner.transport import TransportContext

NOWHERE = Location("inventory.yaml", 1)


def host(name: str, address: str = "", **options: Any) -> Host:
    """A host of an inventory, rendered."""
    return Host(name, 1, address or name, NOWHERE, options=options)


def context(
    folder: Path,
    *hosts: Host,
    secrets: Mapping[str, str] | None = None,
    answers: Mapping[str, str] | None = None,
    warnings: list[str] | None = None,
    limit: Callable[[str], Any] | None = None,
    **more: Any,
) -> TransportContext:
    """A context whose home and folder are ``folder``; ``answers`` are what the person types, by prompt."""
    found = {one.name: one for one in hosts}

    def ask(prompt: str) -> str:
        if answers is None or prompt not in answers:
            raise ConnectError("auth", f"nobody is there to answer: {prompt}")
        return answers[prompt]

    return TransportContext(
        find=found.get,
        limit=limit or (lambda _: unlimited()),
        ask=ask,
        secret=lambda text: (secrets or {}).get(text, text),
        warn=(warnings if warnings is not None else []).append,
        folder=folder,
        home=folder,
        environ=more.pop("environ", {}),
        **more,
    )


@contextlib.asynccontextmanager
async def unlimited() -> AsyncIterator[None]:
    """A place that is always free."""
    yield


class Heard:
    """A receiver that keeps all it hears; ``over`` is set at the end."""

    def __init__(self) -> None:
        self.streams = {"stdout": b"", "stderr": b""}
        self.reasons: list[str] = []
        self.over = asyncio.Event()
        self.some = asyncio.Event()

    def opened(self, pipe: object) -> None:
        """It can be written to."""

    def data(self, stream: str, chunk: bytes) -> None:
        """Keep a chunk."""
        self.streams[stream] += chunk
        self.some.set()

    def ended(self, reason: str) -> None:
        """Keep the reason."""
        self.reasons.append(reason)
        self.over.set()
