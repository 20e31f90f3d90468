"""How much one file may ask for. Each limit stands in the message of the error it causes."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on one file, so that no input costs more time or memory than it looks like.

    ``size`` in bytes of the file; ``depth`` of nesting; ``nodes`` as written; ``expanded`` nodes with every alias
    counted as what it stands for; ``key`` and ``scalar`` in characters.
    """

    size: int = 5 * 1024 * 1024
    depth: int = 64
    nodes: int = 100_000
    expanded: int = 500_000
    aliases: int = 1_000
    key: int = 256
    scalar: int = 1024 * 1024


PLAYBOOK = Limits()

INVENTORY = Limits(size=100 * 1024 * 1024, nodes=5_000_000, expanded=10_000_000, aliases=100_000)
"""Fit for 100,000 hosts with their variables."""
