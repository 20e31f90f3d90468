"""Say something: to the person who watches and into the log. No host is contacted for it.

```yaml
- log: "the database is migrated, version 42"
```

What is no text is said as data: `log: "{{ answer }}"` shows all of a registered result.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from runner.model.outcome import Outcome, ok
from runner.model.template import Value
from runner.running import as_text
from runner.step import StepKind, Target


@dataclass(frozen=True, slots=True)
class Params:
    """What to say."""

    text: Any


SCHEMA: Mapping[str, Any] = {"type": "string"}


def spell_out(value: Value) -> Value:
    """The mapping behind the text."""
    return {"text": value}


async def run(params: Params, target: Target) -> Outcome:
    """Say it."""
    text = "" if params.text is None else as_text(params.text)
    target.say(text)
    return ok(message=text)


STEP = StepKind(
    name="log",
    summary="say something to people and the log",
    schema=SCHEMA,
    params=Params,
    run=run,
    spell_out=spell_out,
    on_host=lambda _: False,
    idempotent=True,
    documentation=__doc__,
)
