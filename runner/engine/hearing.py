"""What is heard from a running attempt: chunks of output on their way to files and views, and notes; and the rest."""

import base64
from typing import Any

from runner.engine.output import AttemptOutput
from runner.engine.stop import Deadline
from runner.engine.turn import Turn
from runner.model.events import StepNote, StepOutput
from runner.model.outcome import Captured, Outcome
from runner.model.playbook import Step

_LONGEST = 4
"""Bytes of the longest UTF-8 character (RFC 3629, section 3)."""


TAIL = 4096
"""Last bytes of each stream that are kept for the report of an attempt that was cut short."""


class Hearing:
    """One attempt's output. A sensitive step's is neither kept nor shown."""

    def __init__(self, turn: Turn, step: Step, *, item: int | None, attempt: int, delegate: str = "") -> None:
        self._turn = turn
        self._step = step
        self._item = item
        self._attempt = attempt
        self._delegate = delegate
        self._held: dict[str, bytes] = {}
        self._files: AttemptOutput | None = None
        self._sizes = {"stdout": 0, "stderr": 0}
        self._tails = {"stdout": b"", "stderr": b""}
        self.deadline: Deadline | None = None

    def hear(self, stream: str, chunk: bytes) -> None:
        """Take a chunk of ``stdout`` or ``stderr``."""
        if self.deadline is not None:
            self.deadline.heard()
        self._sizes[stream] += len(chunk)
        if self._step.sensitive:
            return
        self._tails[stream] = (self._tails[stream] + chunk[-TAIL:])[-TAIL:]
        if self._files is None:
            self._files = self._turn.run.output.attempt(
                self._turn.host.name, self._turn.file_id(self._step), item=self._item, attempt=self._attempt
            )
        self._show(stream, self._files.write(stream, chunk))

    def note(self, text: str) -> None:
        """Record what the step says meanwhile; a sensitive one says nothing."""
        if self._step.sensitive:
            return
        self._turn.run.recorder.emit(StepNote(**self._where(), message=text))

    def heard(self, stream: str) -> Captured:
        """What came of a stream up to now: its size and its last bytes. For an attempt that was cut short."""
        return Captured(tail=self._tails[stream], size=self._sizes[stream])

    def close(self) -> dict[str, Any]:
        """Close the files; gives what ``step.ended`` says of them."""
        if self._files is None:
            return {}
        for stream, rest in self._files.close().items():
            self._show(stream, rest)
        for stream, rest in self._held.items():
            self._emit(stream, rest)
        return _said_of(self._files)

    def _show(self, stream: str, chunk: bytes) -> None:
        """Pass a chunk on, holding back a character that is torn at its end."""
        if not self._turn.run.recorder.wants_output:
            return
        data = self._held.pop(stream, b"") + chunk
        whole = _whole_characters(data)
        if whole < len(data):
            self._held[stream] = data[whole:]
        self._emit(stream, data[:whole])

    def _emit(self, stream: str, data: bytes) -> None:
        if not data:
            return
        try:
            text, encoding = data.decode(), None
        except UnicodeDecodeError:
            text, encoding = base64.b64encode(data).decode(), "base64"
        self._turn.run.recorder.emit(StepOutput(**self._where(), stream=stream, text=text, encoding=encoding))

    def _where(self) -> dict[str, Any]:
        return {
            "play": self._turn.play.id,
            "wave": self._turn.wave,
            "host": self._turn.host.name,
            "step": self._step.id,
            "section": self._step.section,
            "delegate": self._delegate,
            "item": self._item,
            "attempt": self._attempt,
        }


def keep_rest(turn: Turn, step: Step, outcome: Outcome, *, item: int | None, attempt: int) -> dict[str, Any]:
    """Put what a host had kept of the output behind what was heard of it; gives what ``step.ended`` says of the files.

    A sensitive step's is not kept. It is written again where this process dies before it records the end.
    """
    if step.sensitive:
        return {}
    files = turn.run.output.rest(turn.host.name, turn.file_id(step), item=item, attempt=attempt)
    files.write("stdout", outcome.stdout.data)
    files.write("stderr", outcome.stderr.data)
    files.close()
    return _said_of(files)


def _said_of(files: AttemptOutput) -> dict[str, Any]:
    found: dict[str, Any] = {"output": dict(files.paths)}
    if files.lost:
        found["output_lost"] = True
    return found


def _whole_characters(data: bytes) -> int:
    """How many bytes at the front end with a whole UTF-8 character; all of them where the end is no UTF-8 anyway."""
    for back in range(1, min(_LONGEST, len(data)) + 1):
        byte = data[-back]
        if byte < 0x80:
            return len(data)
        if byte >= 0xC0:
            length = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return len(data) - back if back < length else len(data)
    return len(data)
