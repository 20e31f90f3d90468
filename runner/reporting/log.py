"""``--log-format console | json | logfmt``: the events as log lines, for people and collectors, through structlog.

Each line has the fields of the record in the journal, but for its checksum, and a ``level``. Secrets are masked by a
processor; in the console and logfmt forms every field is made visible, so that no host can forge a line or reach the
terminal. JSON is ASCII and needs no more.

structlog takes 68 ms to import: this module is imported only where a log was asked for.
"""

import json
import re
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any, Literal

import structlog

from runner.model.ascii_json import ascii_json
from runner.model.events import (
    ApprovalDenied,
    ApprovalWaiting,
    BudgetExceeded,
    Event,
    GateChecked,
    GateFailed,
    HostEnded,
    HostLost,
    RollbackEnded,
    RollbackStarted,
    StepEnded,
    StepRetry,
    Warned,
)
from runner.model.outcome import HostStatus
from runner.model.phases import BAD
from runner.model.plan import Plan
from runner.model.summary import Summary
from runner.redaction import Redactor
from runner.reporting import Record
from runner.reporting.escape import visible

Format = Literal["console", "json", "logfmt"]

_Fields = MutableMapping[str, Any]
_Processor = Callable[[Any, str, _Fields], Any]


_BARE = re.compile(r"[^\s\"=\\]*")

UNSAID = ("sum", "seal", "key", "salt", "token", "digests")
"""Fields that only the journal has a use for: a log goes to other places, and these help whoever would guess."""


class Log:
    """Writes a line for each record. ``color`` is for the console form alone."""

    def __init__(
        self,
        write: Callable[[str], None],
        form: Format = "console",
        *,
        redactor: Redactor | None = None,
        color: bool = False,
    ) -> None:
        masked: _Processor = lambda _logger, _level, fields: (redactor or Redactor(())).data(fields)  # noqa: E731
        self._logger = structlog.wrap_logger(
            _Lines(write),
            processors=[masked, *_processors(form, color=color)],
            wrapper_class=structlog.BoundLogger,
            context_class=dict,
        )

    def begin(self, plan: Plan, run: str, folder: str) -> None:
        """Nothing: the records say it."""

    def see(self, record: Record) -> None:
        """One line, from the record's own; output that is not kept in the journal has none."""
        if not record.line:
            return
        fields = json.loads(record.line)
        name = fields.pop("event")
        for key in UNSAID:
            fields.pop(key, None)
        level = _level(record.event)
        getattr(self._logger, level)(name, level=level, **fields)

    def tick(self, now: float) -> None:
        """Nothing: lines are written as records come."""

    def end(self, summary: Summary) -> None:
        """Nothing: ``run.ended`` has it."""


class _Lines:
    """What structlog calls with a finished line, by the name of the level."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write

    def info(self, line: str) -> None:
        """Write the line."""
        self._write(line + "\n")

    warning = error = info


def _processors(form: Format, *, color: bool) -> list[Any]:
    match form:
        case "json":
            return [_ordered, structlog.processors.JSONRenderer(), _printable]
        case "logfmt":
            return [_ordered, _flat, _logfmt]
        case "console":
            renderer = structlog.dev.ConsoleRenderer(
                colors=color, force_colors=color, sort_keys=False, timestamp_key="ts", pad_event_to=16
            )
            return [_flat, renderer]


def _ordered(_logger: Any, _level_name: str, fields: _Fields) -> dict[str, Any]:
    """Time, level and event first; structlog puts the event last."""
    first = {name: fields[name] for name in ("ts", "level", "event")}
    return first | dict(fields)


def _printable(_logger: Any, _level_name: str, line: str) -> str:
    """JSON without DEL, which ``json`` leaves as it is."""
    return ascii_json(line.encode()).decode()


def _flat(_logger: Any, _level_name: str, fields: _Fields) -> dict[str, Any]:
    """Every value as one visible piece of text or a number; names of fields are our own constants."""
    return {name: _shown(value) for name, value in fields.items()}


def _logfmt(_logger: Any, _level_name: str, fields: _Fields) -> str:
    """A line of ``name=value``; what could end a value is quoted as in JSON, so that no field can be forged.

    Why not structlog's: it puts no quotes round a tab, at which readers take the next field to begin.
    """
    return " ".join(f"{name}={_quoted(value)}" for name, value in fields.items())


def _quoted(value: Any) -> str:
    if isinstance(value, bool | None):
        return {True: "true", False: "false", None: ""}[value]
    text = str(value)
    return text if _BARE.fullmatch(text) else json.dumps(text, ensure_ascii=False)


def _shown(value: Any) -> Any:
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, Mapping | list | tuple):
        return json.dumps(value)
    return value


def _level(event: Event) -> Literal["info", "warning", "error"]:
    """Failures, and a no, are errors; what may still turn out well, was ignored or rescued, is a warning."""
    match event:
        case StepEnded(status=status, ignored=False, rescued=False) if status in BAD:
            return "error"
        case HostEnded(status=status) if HostStatus(status).counts or status == HostStatus.ROLLBACK_FAILED:
            return "error"
        case BudgetExceeded() | GateFailed() | ApprovalDenied() | RollbackEnded(status="rollback_failed"):
            return "error"
        case _:
            return "warning" if _warns(event) else "info"


def _warns(event: Event) -> bool:
    match event:
        case Warned() | StepRetry() | HostLost() | StepEnded(ignored=True) | StepEnded(rescued=True):
            return True
        case ApprovalWaiting() | RollbackStarted():
            return True
        case GateChecked():
            return event.verdict != "healthy"
        case _:
            return False
