"""A secret's value, which nothing shows by chance: not ``print``, a log, an f-string, a trace, or a record."""

import hmac
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

SHOWN = "***"
"""What is seen of any of them."""


class SecretText:
    """Holds a value; ``reveal`` alone opens it. JSON, msgpack and pickle refuse it."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value."""
        return self._value

    def __repr__(self) -> str:
        return SHOWN

    __str__ = __repr__

    def __format__(self, form: str) -> str:
        return format(SHOWN, form)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SecretText):
            return NotImplemented
        mine, others = self._value.encode("utf-8", "surrogatepass"), other._value.encode("utf-8", "surrogatepass")
        return hmac.compare_digest(mine, others)

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not stored")


class Revealing(Mapping[str, Any]):
    """Secrets by name as templates see them: a value is opened when it is asked for."""

    __slots__ = ("_secrets",)

    def __init__(self, secrets: Mapping[str, SecretText]) -> None:
        self._secrets = secrets

    def __getitem__(self, name: str) -> str:
        return self._secrets[name].reveal()

    def __iter__(self) -> Iterator[str]:
        return iter(self._secrets)

    def __len__(self) -> int:
        return len(self._secrets)


def revealed(value: Any) -> str:
    """A password as it is sent: of a secret, or of what is none."""
    return value.reveal() if isinstance(value, SecretText) else str(value)
