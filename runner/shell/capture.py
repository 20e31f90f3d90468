"""What is kept of a stream: head, tail and size, in bounded memory however much comes."""

from runner.model.outcome import NOTHING, Captured


class Capture:
    """Keeps the first and the last ``limit`` bytes of what it is given, and counts all of it.

    The tail may grow to twice the limit before it is cut, so each byte is moved at most once.
    """

    __slots__ = ("_head", "_limit", "_tail", "size")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._head = bytearray()
        self._tail = bytearray()
        self.size = 0

    def add(self, chunk: bytes) -> None:
        """Take the next bytes of the stream."""
        self.size += len(chunk)
        room = self._limit - len(self._head)
        if room > 0:
            self._head += chunk[:room]
            chunk = chunk[room:]
        if chunk:
            self._keep(chunk)

    def _keep(self, chunk: bytes) -> None:
        tail, limit = self._tail, self._limit
        tail += chunk[-limit:] if limit else b""
        if len(tail) > 2 * limit:
            del tail[:-limit]

    @property
    def captured(self) -> Captured:
        """What is kept so far."""
        if not self.size:
            return NOTHING
        tail = bytes(self._tail[-self._limit :]) if self._limit else b""
        return Captured(bytes(self._head), tail, self.size)
