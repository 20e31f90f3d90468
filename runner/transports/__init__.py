"""The ways to reach hosts, by the word that an inventory gives as ``connection``.

A transport is loaded when an inventory uses it: nobody who works on this machine alone waits for an SSH library.
"""

from importlib import import_module

from runner.transport import TransportKind

_KINDS = {
    "ssh": "runner.transports.ssh:TRANSPORT",
    "local": "runner.transports.local:TRANSPORT",
    "demo": "runner.transports.demo:TRANSPORT",
}


def names() -> tuple[str, ...]:
    """The words there are, the usual one first."""
    return tuple(_KINDS)


def load(name: str) -> TransportKind:
    """The transport of that name. Raises KeyError for a name that is not among ``names()``."""
    module, _, attribute = _KINDS[name].partition(":")
    kind: TransportKind = getattr(import_module(module), attribute)
    return kind
