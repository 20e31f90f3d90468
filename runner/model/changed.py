"""A frozen value with some fields changed; here because only the model knows what its values are made of."""

from typing import Any, TypeVar

import msgspec

S = TypeVar("S", bound=msgspec.Struct)


def changed(value: S, **fields: Any) -> S:
    """A copy of ``value`` with these fields."""
    return msgspec.structs.replace(value, **fields)
