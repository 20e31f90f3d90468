"""The event loop of a run, and what the process needs around it."""

import asyncio
import gc
import os
import resource
import signal
import sys
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

T = TypeVar("T")

THREADS = 32
"""Threads for name resolution and what else blocks; the default, cores + 4, stalls a fleet that connects at once."""

SPARE_FILES = 40
"""Descriptors kept back for files, pipes and the journal."""

FILES_PER_HOST = 4
"""Descriptors a host may take: its connection, or the three pipes and the handle of a local process."""


def run_loop(work: Coroutine[Any, Any, T]) -> T:
    """Run it to its end, on uvloop where that is installed."""
    with asyncio.Runner(loop_factory=_factory()) as runner:
        runner.get_loop().set_default_executor(ThreadPoolExecutor(THREADS, thread_name_prefix="runner"))
        return runner.run(work)


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


@contextmanager
def signals(handlers: dict[str, Callable[[], None]]) -> Iterator[None]:
    """Inside the block, signals by name (``SIGINT``) call their handlers, on the running loop."""
    loop = asyncio.get_running_loop()
    numbers = [signal.Signals[name] for name in handlers]
    for number in numbers:
        loop.add_signal_handler(number, handlers[number.name])
    try:
        yield
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)


def leave(status: int) -> None:
    """Out at once: no waiting for threads or connections."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(status)
