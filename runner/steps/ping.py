"""Connect and log in, where that has not happened yet, and run nothing.

```yaml
- ping:
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
    """Nothing to say."""


SCHEMA: Mapping[str, Any] = {"type": ["null", "object"], "properties": {}, "additionalProperties": False}


def spell_out(value: Value) -> Value:
    """The empty mapping behind nothing."""
    return {} if value is None else value


async def run(_: Params, target: Target) -> Outcome:
    """Connect."""
    await target.ping()
    return ok()


STEP = StepKind(
    name="ping",
    summary="connect, and run nothing",
    schema=SCHEMA,
    params=Params,
    run=run,
    spell_out=spell_out,
    only_connects=True,
    idempotent=True,
    documentation=__doc__,
)
