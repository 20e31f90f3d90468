"""The event loop of a run, and what the process needs around it."""

import asyncio
import gc
import os
import resource
import signal
import sys
from collections.abc import Callable, Coroutine, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

from runner.app.stray import of_loop

T = TypeVar("T")

THREADS = 32
"""Threads for name resolution and what else blocks; the default, cores + 4, stalls a fleet that connects at once."""

SPARE_FILES = 40
"""Descriptors kept back for files, pipes and the journal."""

FILES_PER_HOST = 4
"""Descriptors a host may take: its connection, or the three pipes and the handle of a local process."""


Handlers = Mapping[str, Callable[[], None]]
"""What signals by name (``SIGINT``) do."""


def run_loop(work: Coroutine[Any, Any, T], handlers: Handlers) -> T:
    """Run it to its end, on uvloop where that is installed; signals are handled until the loop is closed."""
    with asyncio.Runner(loop_factory=_factory()) as runner:
        loop = runner.get_loop()
        loop.set_exception_handler(of_loop)
        loop.set_default_executor(ThreadPoolExecutor(THREADS, thread_name_prefix="runner"))
        return runner.run(_handling(work, handlers))


async def _handling(work: Coroutine[Any, Any, T], handlers: Handlers) -> T:
    """The work with handlers, which stay: closing the loop takes them away, after threads have ended.

    A SIGHUP that is ignored, as under nohup, stays so.
    """
    loop = asyncio.get_running_loop()
    for name, handler in handlers.items():
        if name != "SIGHUP" or signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
            loop.add_signal_handler(signal.Signals[name], handler)
    return await work


def _factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop  # noqa: PLC0415 - an optional extra
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


def raise_file_limit() -> int:
    """Raise the soft limit on open files to the hard one; gives how many hosts may be open at once (at least 1)."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        soft = hard
    if soft == resource.RLIM_INFINITY:
        soft = 1 << 20
    return max(1, (soft - SPARE_FILES) // FILES_PER_HOST)


@contextmanager
def quiet_collector() -> Iterator[None]:
    """Collect garbage, but seldom, and not among what loading and planning made: it lives as long as the run."""
    was_on, thresholds = gc.isenabled(), gc.get_threshold()
    gc.freeze()
    gc.set_threshold(50_000, *thresholds[1:])
    gc.enable()
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
        if not was_on:
            gc.disable()


ENDING = ("SIGINT", "SIGTERM", "SIGHUP")
"""Signals that end a run."""


def ignore_signals() -> None:
    """From here on the process comes to its own end: what is left to be done is short, and its exit status stands."""
    for name in ENDING:
        signal.signal(signal.Signals[name], signal.SIG_IGN)


class Hurry(Exception):  # noqa: N818 - it says what happened, and is no error
    """Somebody does not want to wait any longer."""


@contextmanager
def hurried() -> Iterator[None]:
    """A wait that such a signal cuts short. Raises Hurry then."""

    def hurry(number: int, frame: object) -> None:  # noqa: ARG001 - what handlers are given
        ignore_signals()
        raise Hurry

    for name in ENDING:
        signal.signal(signal.Signals[name], hurry)
    try:
        yield
    finally:
        ignore_signals()


def leave(status: int) -> None:
    """Out at once: no waiting for threads or connections."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(status)
