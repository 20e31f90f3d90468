"""The failure budget of a play: counts hosts that ended badly and says when there are too many. No I/O.

Exceeded means more failures than the budget, so 0 stops at the first.
"""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Budget:
    """What was allowed and what was spent, in one scope (the play, or one wave). ``allowed`` None is no limit."""

    allowed: int | None
    failed: set[str] = field(default_factory=set)

    @property
    def spent(self) -> int:
        """Hosts counted so far."""
        return len(self.failed)

    @property
    def exceeded(self) -> bool:
        """Whether there are more failures than allowed."""
        return self.allowed is not None and self.spent > self.allowed

    def spend(self, host: str) -> bool:
        """Count a host that ended badly; False where it was counted before."""
        if host in self.failed:
            return False
        self.failed.add(host)
        return True
