"""Values that steps, blocks and checks share: durations, sizes, retry policies, other users, lists of names."""

from typing import Any, Literal

from runner.durations import FORMS, seconds
from runner.loading.cursor import Cursor, given
from runner.loading.scalars import SIZE_FORMS, size
from runner.loading.step_language import LARGEST
from runner.loading.texts import Written, condition_of, templates_of
from runner.model.inventory import Become
from runner.model.playbook import DEFAULT_OUTPUT_LIMIT, Condition, Retry


def optional_condition(cursor: Cursor, notes: list[Written]) -> Condition | None:
    """A condition, or None where nothing is said."""
    return None if cursor.data is None else condition_of(cursor, notes)


def timeout_of(cursor: Cursor, default: float | None) -> float | None:
    """Seconds; 0 is none."""
    return default if cursor.data is None else duration_of(cursor) or None


def duration_of(cursor: Cursor, default: float = 0.0) -> float:
    """Seconds of a duration, ``default`` where nothing is said. Complains (E406) of anything else."""
    if cursor.data is None:
        return default
    try:
        return seconds(cursor.data)
    except (TypeError, ValueError, OverflowError) as error:
        is_long = "ten years" in str(error)
        cursor.error("E406", f"{given(cursor.data)} is {'longer than ten years' if is_long else 'no duration'}", FORMS)
        return default


def size_of(cursor: Cursor) -> int:
    """Bytes. Complains (E406) of what is no size."""
    if cursor.data is None:
        return DEFAULT_OUTPUT_LIMIT
    try:
        return size(cursor.data)
    except ValueError:
        cursor.error("E406", f"{given(cursor.data)} is no size", SIZE_FORMS)
        return DEFAULT_OUTPUT_LIMIT


def count_of(cursor: Cursor) -> int | None:
    """A count from 1 up, None where nothing is said. Complains (E406) of anything else."""
    data = cursor.data
    if data is None or (isinstance(data, int) and not isinstance(data, bool) and 1 <= data <= LARGEST):
        return data
    hint = f"the largest is {LARGEST}" if isinstance(data, int) and data > LARGEST else ""
    cursor.error("E406", f"got {given(data)}, expected a whole number from 1 up", hint)
    return None


def retry_of(cursor: Cursor, answers: list[Written]) -> Retry:
    """A retry policy; what is not given is the language's default."""
    data = dict(cursor.data)
    for key in ("delay", "max_delay"):
        if key in data:
            data[key] = duration_of(cursor.at(key))
    if "until" in data:
        data["until"] = condition_of(cursor.at("until"), answers)
    if "on" in data:
        data["on"] = tuple(data["on"])
    return Retry(**data)


def become_of(cursor: Cursor, notes: list[Written]) -> Become | Literal[False] | None:
    """Another user, none (False), or None where nothing is said."""
    data = cursor.data
    if data is None or data is False:
        return data
    if data is True:
        return Become()
    values: dict[str, Any] = {key: templates_of(part, notes) for key, part in cursor.items()}
    return Become(**values)


def words_of(cursor: Cursor) -> tuple[str, ...]:
    """One word or a list of them, as ``tags``, ``needs`` and ``notify`` have them, in order and each once."""
    data = cursor.data if isinstance(cursor.data, list) else [cursor.data]
    return tuple(dict.fromkeys(word for word in data if isinstance(word, str)))


def word_places(cursor: Cursor) -> list[Cursor]:
    """The places of those words."""
    places = list(cursor.parts()) if isinstance(cursor.data, list) else [cursor]
    return [place for place in places if isinstance(place.data, str)]
