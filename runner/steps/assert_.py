"""Fail unless conditions hold: about variables, or about what earlier steps have registered. No host is contacted.

- ``that``: one condition, or a list of which all must hold: bare expressions, as ``when`` has them.
- ``message``: what to say when one does not; without it the condition itself is shown.

```yaml
- assert: {that: [1 + 1 == 2, true], message: "arithmetic has changed"}
```
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from runner.fragments import TEXT, mapping
from runner.model.outcome import Outcome, failed, ok
from runner.model.template import Template, Value
from runner.step import StepKind, Target


@dataclass(frozen=True, slots=True)
class Params:
    """Conditions, as they are written, and what to say when one does not hold."""

    that: Any
    message: str | None = None


CONDITION: Mapping[str, Any] = {"type": ["string", "boolean"], "minLength": 1}
SCHEMA: Mapping[str, Any] = mapping(
    {"that": {"anyOf": [CONDITION, {"type": "array", "items": CONDITION, "minItems": 1}]}, "message": TEXT}, ("that",)
)


def conditions(that: Value) -> list[Value]:
    """One or many, as many."""
    return list(that) if isinstance(that, list | tuple) else [that]


def shown(condition: Value) -> str:
    """A condition as it is written."""
    return condition.source if isinstance(condition, Template) else str(condition).lower()


async def run(params: Params, target: Target) -> Outcome:
    """Ask the conditions in order; the first that does not hold decides."""
    for condition in conditions(params.that):
        if not target.evaluate(condition):
            why = f"does not hold: {shown(condition)}"
            return failed(f"{params.message} ({why})" if params.message else why, data={"condition": shown(condition)})
    return ok()


STEP = StepKind(
    name="assert",
    summary="fail unless conditions hold",
    schema=SCHEMA,
    params=Params,
    run=run,
    conditions=("that",),
    on_host=lambda _: False,
    idempotent=True,
    answers=("condition",),
    documentation=__doc__,
)
