"""Run the handlers that have been notified now, and not only after the last step of the host.

- ``handlers``: the one word that may stand here.

What comes behind it in `steps` finds the services restarted: a check of them, or giving the host back to its balancer.

```yaml
- flush: handlers
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
    """What to run."""

    what: str


SCHEMA: Mapping[str, Any] = {"enum": ["handlers"]}


def spell_out(value: Value) -> Value:
    """The mapping behind the word."""
    return {"what": value}


async def run(_params: Params, _target: Target) -> Outcome:
    """Nothing is left to do: the engine runs the handlers where it meets this kind."""
    return ok()


STEP = StepKind(
    name="flush",
    summary="run the notified handlers now",
    schema=SCHEMA,
    params=Params,
    run=run,
    spell_out=spell_out,
    on_host=lambda _: False,
    idempotent=True,
    timeout=None,
    documentation=__doc__,
)
