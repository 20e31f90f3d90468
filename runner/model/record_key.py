"""The name of one attempt of one step in a host's record."""

import hashlib

SIZE = 8
"""Bytes of the hash: a run of ten million attempts has two of the same name once in 370,000 runs."""


def record_key(play: str, host: str, step: str, section: str, item: int | None, attempt: int) -> str:
    """16 hex digits, the same whenever it is asked: whoever goes on with a run finds the record by the journal alone.

    ``host`` is the host the step is for, wherever it runs. ``item`` and ``attempt`` count from 1.
    """
    place = "\0".join((play, host, step, section, "" if item is None else str(item), str(attempt)))
    return hashlib.blake2b(place.encode("utf-8", "surrogatepass"), digest_size=SIZE).hexdigest()
