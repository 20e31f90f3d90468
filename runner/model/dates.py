"""Times as records have them."""

from datetime import UTC, datetime


def date(ts: float) -> str:
    """Seconds since 1970 as RFC 3339 writes them, in UTC and microseconds."""
    return datetime.fromtimestamp(ts, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
