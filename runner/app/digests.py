"""Salted hashes of what a run is given: they tell whoever goes on with it what has changed, but not to what."""

import hashlib
from collections.abc import Mapping

from runner.model.canonical import canonical
from runner.model.plan import Plan
from runner.model.secret_text import SecretText

SIZE = 16
"""Bytes of a hash."""

ROUNDS = 50_000
"""For a secret, which may be short: some 20 ms for each guess of whoever reads the journal."""

PREFIX = "secrets."
"""Stands before the name of a secret."""


def digests_of(plan: Plan, secrets: Mapping[str, SecretText], salt: bytes) -> dict[str, str]:
    """Of each input, each variable given on the command line, and each secret, by name, in hex."""
    given = {**plan.given, **plan.extra}
    found = {name: _quick(canonical(value).encode(), salt) for name, value in given.items()}
    return found | {f"{PREFIX}{name}": _slow(value.reveal(), salt) for name, value in secrets.items()}


def _quick(data: bytes, salt: bytes) -> str:
    return hashlib.blake2b(data, digest_size=SIZE, key=salt).hexdigest()


def _slow(secret: str, salt: bytes) -> str:
    return hashlib.pbkdf2_hmac("sha256", secret.encode("utf-8", "surrogatepass"), salt, ROUNDS, SIZE).hex()
