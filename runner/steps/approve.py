"""Ask a person whether the run goes on. Only a person may say yes: ``--yes`` does not. No host is contacted.

- ``true``, or what they are asked: a text, or ``message``.

They answer y or n at the run's terminal, or with ``runner approve RUN`` (``--deny``) at another. After a no the step
has failed and the whole run stops, with exit status 7. Where nobody is, the step is cancelled, hosts at work finish,
and the run ends with 20.

It has no timeout unless the step names one; when that is over, nobody has said yes, and the step is timed out. Each
host asks: ``once: run`` or ``once: wave`` asks for all.

```yaml
- approve: are the graphs as they should be?
```
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from runner.fragments import FILLED, mapping
from runner.model.outcome import Outcome
from runner.model.template import Value
from runner.step import StepKind, Target


@dataclass(frozen=True, slots=True)
class Params:
    """What to ask."""

    message: str = "go on?"


SCHEMA: Mapping[str, Any] = {"anyOf": [{"const": True}, FILLED, mapping({"message": FILLED}, ("message",))]}


def spell_out(value: Value) -> Value:
    """The mapping behind a text, or behind ``true``."""
    return value if isinstance(value, dict) else {} if value is True else {"message": value}


async def run(params: Params, target: Target) -> Outcome:
    """Ask."""
    return (await target.ask(params.message, is_approval=True)).outcome


STEP = StepKind(
    name="approve",
    summary="ask a person whether the run goes on",
    schema=SCHEMA,
    params=Params,
    run=run,
    spell_out=spell_out,
    on_host=lambda _: False,
    idempotent=True,
    timeout=None,
    documentation=__doc__,
)
