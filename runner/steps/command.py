r"""Run a program with an argument list; no shell looks at it.

A list is taken word by word, so blanks, quotes and ``$`` mean nothing special. Plain text is split into words; quotes
keep a word together, and text that only a shell could understand (``|``, ``>``, ``&&``, ``$``, ``*``) is refused.
A template stays within its word, whatever it holds.

- ``argv``: the list or the text, where other options stand beside it.
- ``creates``: skip the step when this path exists. ``removes``: skip it when this path does not exist.
- ``unless``: skip it when this command ends well. ``only_if``: skip it when this command does not end well.

The step has changed something whenever the program ran, unless it says ``read_only: true`` or ``changed_when``. It is
fine with the exit statuses, or signals, in ``ok_codes``.

```yaml
- command: {argv: [mkdir, "release 1"], creates: release 1}
```
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from runner.errors import StepError
from runner.fragments import FILLED, GUARDS, WORDS, mapping
from runner.model.outcome import Outcome
from runner.model.template import Value
from runner.running import Guards, Words, argv_of, check_words, excuse, in_words, judged, nothing_to_do
from runner.step import Complaint, StepKind, Target


@dataclass(frozen=True, slots=True)
class Params:
    """What to run, and when not to."""

    argv: Words
    creates: str | None = None
    removes: str | None = None
    unless: Words = ()
    only_if: Words = ()


SCHEMA: Mapping[str, Any] = {
    "anyOf": [FILLED, WORDS, mapping({"argv": {"anyOf": [FILLED, WORDS]}, **GUARDS}, ("argv",))]
}

COMMANDS = ("argv", "unless", "only_if")


def spell_out(value: Value) -> Value:
    """The mapping behind a short form, with text split into words where that can be done before rendering."""
    params = value if isinstance(value, dict) else {"argv": value}
    return {key: in_words(part) if key in COMMANDS else part for key, part in params.items()}


def check(params: Mapping[str, Value]) -> Iterator[Complaint]:
    """Complains of text that only a shell could understand."""
    return check_words(params, COMMANDS)


async def run(params: Params, target: Target) -> Outcome:
    """Run it, unless a guard says that there is nothing to do."""
    argv = argv_of(params.argv)
    if not argv:
        raise StepError("there is no program to run: the list is empty")
    guards = Guards(params.creates, params.removes, argv_of(params.unless), argv_of(params.only_if))
    if reason := await excuse(guards, target):
        return nothing_to_do(reason)
    return judged(await target.run(argv, noted=True), target, argv[0])


STEP = StepKind(
    name="command",
    summary="run a program with an argument list, without a shell",
    schema=SCHEMA,
    params=Params,
    run=run,
    spell_out=spell_out,
    check=check,
    heard=judged,
    documentation=__doc__,
)
