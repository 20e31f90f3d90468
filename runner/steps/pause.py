"""Wait: for a time, or until a person says to go on (``--yes`` says so at once). No host is contacted.

- A duration (``30s``, or a number of seconds): each host waits that long.
- ``message``: what to tell the person who is asked. Where nobody is, the run stops here and exits with 20.

It has no timeout unless the step names one.

```yaml
- pause: 10ms
```
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from runner.durations import seconds
from runner.errors import StepError
from runner.fragments import DURATION, FILLED, mapping
from runner.model.outcome import Outcome, ok
from runner.model.template import Value
from runner.step import Complaint, StepKind, Target


@dataclass(frozen=True, slots=True)
class Params:
    """How long, or what to ask."""

    duration: float | str | None = None
    message: str | None = None


SCHEMA: Mapping[str, Any] = {"anyOf": [DURATION, mapping({"message": FILLED}, ("message",))]}


def spell_out(value: Value) -> Value:
    """The mapping behind a duration."""
    return value if isinstance(value, dict) else {"duration": value}


def check(params: Mapping[str, Value]) -> Iterator[Complaint]:
    """Complains of a duration that is none."""
    duration = params.get("duration")
    if isinstance(duration, str | int | float):
        try:
            seconds(duration)
        except ValueError as error:
            yield Complaint("E406", str(error), ("duration",))


async def run(params: Params, target: Target) -> Outcome:
    """Wait."""
    if params.message is not None:
        return (await target.ask(params.message, is_approval=False)).outcome
    if params.duration is not None:
        try:
            await target.sleep(seconds(params.duration))
        except ValueError as error:
            raise StepError(str(error)) from None
    return ok()


STEP = StepKind(
    name="pause",
    summary="wait for a time, or for a person",
    schema=SCHEMA,
    params=Params,
    run=run,
    spell_out=spell_out,
    check=check,
    on_host=lambda _: False,
    idempotent=True,
    timeout=None,
    documentation=__doc__,
)
