"""Give names to values, for this host, to the end of the run. No host is contacted.

The value of a whole-string template keeps its type: a list stays a list. What a host printed is a value like any
other; it never becomes a template.

```yaml
- set: {release_dir: /srv/app/releases/42, retries: 3}
```
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from runner.model.outcome import Outcome, ok
from runner.model.template import Value
from runner.step import StepKind, Target


@dataclass(frozen=True, slots=True)
class Params:
    """Names and their values."""

    values: dict[str, Any]


SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "propertyNames": {"pattern": "^[A-Za-z_][A-Za-z0-9_]*$"},
    "additionalProperties": True,
    "minProperties": 1,
}


def spell_out(value: Value) -> Value:
    """The mapping of names, under one key."""
    return {"values": value}


async def run(params: Params, target: Target) -> Outcome:
    """Give the names."""
    target.assign(params.values)
    return ok(data={"values": params.values})


STEP = StepKind(
    name="set",
    summary="give names to values, for this host",
    schema=SCHEMA,
    params=Params,
    run=run,
    spell_out=spell_out,
    on_host=lambda _: False,
    idempotent=True,
    answers=("values",),
    documentation=__doc__,
)
