"""One text for equal values: what tells a change of meaning from one of places, blanks, comments or the order of keys.

**Why text.** In Python ``1 == True == 1.0``, so that comparing values would miss such a change; and text can be hashed.
"""

import json
from typing import Any

import msgspec

from runner.location import Location
from runner.model.template import Template


def canonical(value: Any) -> str:
    """A tree of data, templates and values of the model, without the places they stand at."""
    return json.dumps(value, default=_plain, sort_keys=True, ensure_ascii=True, separators=(",", ":"))


def _plain(value: Any) -> Any:
    if isinstance(value, Template):
        return {"$template": [value.source, value.bare]}
    if isinstance(value, Location):
        return None
    if isinstance(value, msgspec.Struct):
        return {"$struct": [type(value).__name__, msgspec.structs.asdict(value)]}
    raise TypeError(f"{type(value).__name__} is no value of the model")
