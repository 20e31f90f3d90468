"""What a person's interrupts mean, in order. Pure of signals themselves: ``app`` catches them and asks here."""

from dataclasses import dataclass

from runner.engine.stop import Level, Stop


@dataclass(slots=True)
class Interrupts:
    """First Ctrl-C: nothing new starts. Second: running steps are ended. Third: out at once.

    With ``nobody`` (``--batch``, or no terminal) the first already ends steps and a second adds nothing. SIGTERM acts
    as the second. ``exit`` is the status that the run then ends with, 128 + the signal's number (POSIX.1-2017 XCU
    2.8.2), or None.
    """

    stop: Stop
    nobody: bool
    exit: int | None = None
    _count: int = 0

    def interrupt(self) -> str:
        """SIGINT came; gives what follows: ``stop``, ``kill`` or ``exit``."""
        self._count += 1
        self.exit = self.exit or 130
        if not self.nobody and self._count > 2:
            return "exit"
        if self._count == 1 and not self.nobody:
            self.stop.raise_to(Level.STOP, "interrupted")
            return "stop"
        self.stop.raise_to(Level.KILL, "interrupted")
        return "kill"

    def terminate(self) -> str:
        """SIGTERM or SIGHUP came."""
        self._count = max(self._count, 1) + 1
        self.exit = self.exit or 143
        self.stop.raise_to(Level.KILL, "terminated")
        return "kill"
