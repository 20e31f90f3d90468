"""What came of one attempt of one step on one host."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import msgspec

from runner.model.template import Withheld


class Status(StrEnum):
    """How a step ended. ``unknown`` is a start without a definite end: never shown as ok or failed."""

    OK = "ok"
    CHANGED = "changed"
    SKIPPED = "skipped"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    UNREACHABLE = "unreachable"
    UNKNOWN = "unknown"
    CANCELLED = "cancelled"
    NOT_RUN = "not_run"

    @property
    def is_well(self) -> bool:
        """Whether the host may go on to its next step."""
        return self in {Status.OK, Status.CHANGED, Status.SKIPPED}


class HostStatus(StrEnum):
    """How a host ended a play."""

    OK = "ok"
    CHANGED = "changed"
    FAILED = "failed"
    UNREACHABLE = "unreachable"
    UNKNOWN = "unknown"
    GATE_FAILED = "gate_failed"
    ROLLED_BACK = "rolled_back"
    ROLLBACK_FAILED = "rollback_failed"
    CANCELLED = "cancelled"
    NOT_RUN = "not_run"

    @property
    def is_well(self) -> bool:
        """Whether a later play may use the host."""
        return self in {HostStatus.OK, HostStatus.CHANGED}

    @property
    def counts(self) -> bool:
        """Whether it is spent from the failure budget."""
        return self in {HostStatus.FAILED, HostStatus.UNREACHABLE, HostStatus.UNKNOWN, HostStatus.GATE_FAILED}


class Captured(msgspec.Struct, frozen=True):
    """What is kept of one stream: at most ``limit`` bytes of its head and as many of its tail, and its whole size.

    ``is_rest`` where more may have come before, or in between, that nobody has heard or counted.
    """

    head: bytes = b""
    tail: bytes = b""
    size: int = 0
    is_rest: bool = False

    @property
    def truncated(self) -> bool:
        """Whether bytes of it are missing, or may be."""
        return self.is_rest or self.size > len(self.head) + len(self.tail)

    @property
    def data(self) -> bytes:
        """Head and tail, joined."""
        return self.head + self.tail

    def then(self, rest: "Captured") -> "Captured":
        """The same with what was read of the stream afterwards, unless that is all of it."""
        if not rest.truncated:
            return rest
        return Captured(tail=self.data + rest.data, size=self.size + rest.size, is_rest=True)

    @property
    def text(self) -> str:
        """The kept bytes as text, without the last line ends; bytes that are no UTF-8 survive as lone surrogates."""
        return self.data.decode("utf-8", "surrogateescape").rstrip("\r\n")


NOTHING = Captured()
"""A stream on which nothing came."""


class Outcome(msgspec.Struct, frozen=True):
    """What a step kind answers.

    ``data`` is what the kind adds to the registered result. ``signal`` is a name without ``SIG``. ``message`` says in
    words why it failed (or what it did). ``killed`` is ``yes``, ``no`` or ``unknown`` where the remote process group
    had to be ended. ``duration`` in seconds, of this attempt's run time alone. ``was_tried`` is False where the
    step could not even begin, so that there is no answer its conditions could judge. ``unheard`` stands in place of its
    output where only its end is known.
    """

    status: Status
    rc: int | None = None
    signal: str | None = None
    message: str = ""
    stdout: Captured = NOTHING
    stderr: Captured = NOTHING
    data: Mapping[str, Any] = {}
    temporary: bool = True
    killed: str | None = None
    duration: float = 0.0
    was_tried: bool = True
    unheard: Withheld | None = None

    @property
    def changed(self) -> bool:
        """Whether the step changed something."""
        return self.status is Status.CHANGED

    def judged(self, status: Status, message: str) -> "Outcome":
        """The same with another verdict."""
        return msgspec.structs.replace(self, status=status, message=message)

    def untried(self) -> "Outcome":
        """The same of a step that could not begin."""
        return msgspec.structs.replace(self, was_tried=False)

    def without_output(self, why: Withheld) -> "Outcome":
        """The same of a step whose output was not heard, or not all of it."""
        return msgspec.structs.replace(self, unheard=why)

    def heard(self, stdout: Captured, stderr: Captured) -> "Outcome":
        """The same with what came of its streams before it was cut short."""
        return msgspec.structs.replace(self, stdout=stdout, stderr=stderr)

    def timed(self, duration: float, killed: str | None = None) -> "Outcome":
        """The same with its run time in seconds, and the fate of its process group where that had to be ended."""
        return msgspec.structs.replace(self, duration=duration, killed=killed)


def ok(*, changed: bool = False, message: str = "", data: Mapping[str, Any] | None = None) -> Outcome:
    """An outcome of a step that did what it was asked to."""
    return Outcome(Status.CHANGED if changed else Status.OK, message=message, data=data or {})


def failed(message: str, *, temporary: bool = True, data: Mapping[str, Any] | None = None) -> Outcome:
    """An outcome of a step that could not."""
    return Outcome(Status.FAILED, message=message, temporary=temporary, data=data or {})
