r"""Run text with ``/bin/sh``: pipes, redirection, variables, several lines.

What a template puts into the text becomes part of the program: pass values through ``|quote``, or give them as ``env``.

- ``run``: the text, where other options stand beside it.
- ``executable``: another shell to run it with (``/bin/bash``); it is started with ``-c``.
- ``creates``, ``removes``: skip the step when this path exists, does not exist.
- ``unless``, ``only_if``: skip it when this text for ``/bin/sh`` (or list of words) ends well, does not end well.

The step has changed something whenever it ran, unless it says ``read_only: true`` or ``changed_when``. It is fine with
the exit statuses, or signals, in ``ok_codes``.

```yaml
- shell: printf '%s\n' b a | sort > sorted.txt
```
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from runner.fragments import FILLED, GUARDS, mapping
from runner.model.outcome import Outcome
from runner.model.template import Value
from runner.running import Guards, Word, excuse, judged, nothing_to_do, shell_words
from runner.step import StepKind, Target


@dataclass(frozen=True, slots=True)
class Params:
    """What to run, with which shell, and when not to."""

    run: str
    executable: str | None = None
    creates: str | None = None
    removes: str | None = None
    unless: tuple[Word, ...] | str = ()
    only_if: tuple[Word, ...] | str = ()


SCHEMA: Mapping[str, Any] = {"anyOf": [FILLED, mapping({"run": FILLED, "executable": FILLED, **GUARDS}, ("run",))]}


def spell_out(value: Value) -> Value:
    """The mapping behind a short form."""
    return value if isinstance(value, dict) else {"run": value}


async def run(params: Params, target: Target) -> Outcome:
    """Run it, unless a guard says that there is nothing to do."""
    guards = Guards(params.creates, params.removes, shell_words(params.unless), shell_words(params.only_if))
    if reason := await excuse(guards, target):
        return nothing_to_do(reason)
    if params.executable is None:
        return judged(await target.run(params.run, noted=True), target)
    return judged(await target.run((params.executable, "-c", params.run), noted=True), target)


STEP = StepKind(
    name="shell",
    summary="run text with a shell",
    schema=SCHEMA,
    params=Params,
    run=run,
    spell_out=spell_out,
    heard=judged,
    documentation=__doc__,
)
