"""Records back to events. What this version does not know is passed over, unless it says that it must not be."""

from copy import copy
from typing import get_args

import msgspec

from runner.errors import MismatchError
from runner.journal.checking import Chain
from runner.model.events import EVENT_SCHEMA, Event, RunStarted

_KNOWN = frozenset(kind.__struct_config__.tag for kind in get_args(Event))

_decoder = msgspec.json.Decoder(Event)


class _Unknown(msgspec.Struct):
    """What is read of a record whose event nobody here knows."""

    event: str
    critical: bool = False


def decoded(block: bytes, lines: list[bytes], chain: Chain) -> list[Event | None]:
    """The events of lines, None for each that is passed over; ``block`` is the same lines, with their ends.

    ``chain`` says which records they are: it stands at the first. Raises DamageError for what is no event, and
    MismatchError for what a newer version wrote and this one can't do without.
    """
    try:
        events: list[Event | None] = list(_decoder.decode_lines(block))
    except msgspec.MsgspecError:
        events = _one_by_one(lines, chain)
    for event in events:
        if type(event) is RunStarted:
            _check_schema(event)
    return events


def _one_by_one(lines: list[bytes], chain: Chain) -> list[Event | None]:
    at = copy(chain)
    events = []
    for line in lines:
        events.append(_one(line, at))
        at.seq += 1
        at.offset += len(line) + 1
    return events


def _one(line: bytes, at: Chain) -> Event | None:
    try:
        event: Event = _decoder.decode(line)
    except msgspec.MsgspecError as error:
        try:
            unknown = msgspec.json.decode(line, type=_Unknown)
        except msgspec.MsgspecError:
            raise at.damage(f"it is no record: {error}") from None
        if unknown.event in _KNOWN:
            raise at.damage(f'it is no "{unknown.event}": {error}') from None
        if unknown.critical:
            raise _newer(f'its record {at.seq} is "{unknown.event}", which must not be passed over') from None
        return None
    return event


def _check_schema(started: RunStarted) -> None:
    if _version(started.schema) > _version(EVENT_SCHEMA):
        raise _newer(f"its schema is {started.schema}, and this version knows {EVENT_SCHEMA}")


def _version(text: str) -> tuple[int, ...]:
    """``1.0`` as numbers; anything else is newer than all."""
    parts = text.split(".")
    return tuple(map(int, parts)) if all(part.isdecimal() for part in parts) else (1 << 30,)


def _newer(why: str) -> MismatchError:
    hint = "use that version to go on with it"
    return MismatchError(f"the journal was written by a newer runner: {why}", hint=hint, code="E615")
