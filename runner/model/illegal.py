"""The refusal of an event that cannot follow those before it."""

from runner.errors import RunnerError
from runner.model.events import Event, StepEvent


class IllegalEventError(RunnerError):
    """An event that cannot follow those before it: a fault in whoever made the events."""


def illegal(event: Event | StepEvent, problem: str) -> IllegalEventError:
    """The error, naming the event and what it is about."""
    words = [str(type(event).__struct_config__.tag)]
    for name in ("play", "wave", "host", "step", "item"):
        value = getattr(event, name, None)
        if value is not None and value != "":
            words.append(f'{name} "{value}"' if isinstance(value, str) else f"{name} {value}")
    return IllegalEventError(f"event {' '.join(words)}: {problem}")
