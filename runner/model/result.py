"""A registered result, as templates and records see it."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from runner.errors import RenderError
from runner.model.outcome import Captured, Outcome, Status
from runner.model.template import Withheld

_BAD = {Status.FAILED, Status.TIMED_OUT, Status.UNREACHABLE, Status.UNKNOWN}

_SHORT: Mapping[str, Callable[["Result"], Any]] = {
    "status": lambda result: str(result.outcome.status),
    "changed": lambda result: result.outcome.changed,
    "failed": lambda result: result.outcome.status in _BAD,
    "skipped": lambda result: result.outcome.status is Status.SKIPPED,
}
"""What every result has."""

_WHOLE: Mapping[str, Callable[["Result"], Any]] = {
    **_SHORT,
    "rc": lambda result: result.outcome.rc,
    "signal": lambda result: result.outcome.signal,
    "stdout": lambda result: result.printed().stdout.text,
    "stderr": lambda result: result.printed().stderr.text,
    "lines": lambda result: result.printed().stdout.text.splitlines(),
    "json": lambda result: result.parsed(),
    "attempts": lambda result: result.attempts,
    "duration": lambda result: result.outcome.duration,
    "message": lambda result: result.outcome.message,
}
"""What the result of a step that ran has."""

_PRINTED = {"stdout", "stderr", "lines", "json"}
"""What is made of its output."""


class Result(Mapping[str, Any]):
    """What ``register`` keeps of one step on one host.

    ``status changed failed skipped rc signal stdout stderr lines json attempts duration message``, and what the kind
    adds. ``stdout`` and ``stderr`` are without the last line ends, as ``$(…)`` gives them; ``lines`` are those of
    standard output. ``json`` is standard output parsed, and is missing where that is no JSON, so that a condition can
    wait for it. A skipped step has the first four alone. Asking for output that nobody has heard raises RenderError.
    """

    __slots__ = ("_extra", "_json", "attempts", "outcome")
    outcome: Outcome
    attempts: int

    def __init__(self, outcome: Outcome, *, attempts: int = 1, extra: Mapping[str, Any] | None = None) -> None:
        self.outcome = outcome
        self.attempts = attempts
        self._extra = {**outcome.data, **(extra or {})}
        self._json: Any = None

    def __getitem__(self, key: str) -> Any:
        return self._extra[key] if key in self._extra else self._readers[key](self)

    def __iter__(self) -> Iterator[str]:
        yield from (name for name in self._readers if name != "json" or name in self._extra)
        yield from (name for name in self._extra if name not in self._readers)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    @property
    def _readers(self) -> Mapping[str, Callable[["Result"], Any]]:
        return _SHORT if self.outcome.status is Status.SKIPPED else _WHOLE

    def printed(self) -> Outcome:
        """What holds its output. Raises RenderError where that was not heard."""
        why = self.outcome.unheard
        if why is not None:
            raise RenderError(why.reason, hint=why.hint)
        return self.outcome

    def parsed(self) -> Any:
        """Standard output as JSON. Raises KeyError where it is none."""
        if self._json is None:
            try:
                self._json = (json.loads(self.printed().stdout.text),)
            except ValueError:
                raise KeyError("json") from None
        return self._json[0]

    def record(self) -> dict[str, Any]:
        """The same for ``step.ended``, without what can be made from the rest again, and without what is not known."""
        left_out = {"lines", "message"} if self.outcome.unheard is None else {*_PRINTED, "message"} - self._extra.keys()
        return {key: recordable(self[key]) for key in self if key not in left_out}


def loop_result(outcome: Outcome, results: Sequence[Result]) -> Result:
    """The result of a whole loop: ``results``, one an item; ``changed failed skipped`` over all of them."""
    return Result(outcome, extra={"results": list(results)})


def restored(
    record: Mapping[str, Any],
    *,
    status: str,
    unheard: Callable[[int | None], Withheld],
    rc: int | None = None,
    message: str = "",
) -> Result:
    """The result behind what ``record`` made of one: for whoever goes on with a run.

    ``status``, ``rc`` and ``message`` are those of the step's end; ``unheard`` makes what stands
    for output that is not there, of the step or of an item of its loop, by its number.
    """
    outcome = Outcome(
        Status(status),
        rc=record.get("rc", rc),
        signal=record.get("signal"),
        message=message,
        stdout=_captured(record.get("stdout", "")),
        stderr=_captured(record.get("stderr", "")),
        duration=record.get("duration", 0.0),
        unheard=None if "stdout" in record or status == Status.SKIPPED else unheard(None),
    )
    own = {key: _back(value) for key, value in record.items() if key not in _WHOLE or key == "json"}
    if "results" in own:
        own["results"] = [
            restored(one, status=one.get("status", "ok"), unheard=partial(_of_item, unheard, index))
            for index, one in enumerate(record["results"], 1)
        ]
    if own.get("json") is None:
        own.pop("json", None)
    return Result(outcome, attempts=record.get("attempts", 1), extra=own)


def _of_item(unheard: Callable[[int | None], Withheld], index: int, _: int | None) -> Withheld:
    return unheard(index)


def _captured(value: Any) -> Captured:
    text = _back(value)
    data = _raw(text) if isinstance(text, str) else b""
    return Captured(data, size=len(data))


def _back(value: Any) -> Any:
    """What ``recordable`` made plain, as it was."""
    if isinstance(value, Mapping):
        if set(value) == {"encoding", "data"} and value["encoding"] == "base64":
            import base64  # noqa: PLC0415 - rare

            return base64.b64decode(value["data"]).decode("utf-8", "surrogateescape")
        return {key: _back(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_back(part) for part in value]
    return value


def recordable(value: Any) -> Any:
    """Data as plain JSON values; text that is no UTF-8 becomes base64 with its ``encoding``."""
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Result):
        return value.record()
    if isinstance(value, Mapping):
        return {str(key): recordable(part) for key, part in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [recordable(part) for part in value]
    return value if value is None or isinstance(value, bool | int | float) else str(value)


def _text(value: str) -> Any:
    try:
        value.encode()
    except UnicodeEncodeError:
        import base64  # noqa: PLC0415 - rare

        raw = _raw(value)
        return {"encoding": "base64", "data": base64.b64encode(raw).decode()}
    return value


def _raw(value: str) -> bytes:
    """The bytes that text stands for: what was no UTF-8 as it came, any other lone surrogate as three bytes."""
    try:
        return value.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return value.encode("utf-8", "surrogatepass")
