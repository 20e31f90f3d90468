"""Times as people read them."""

from datetime import datetime, tzinfo


def duration(seconds: float) -> str:
    """A length of time: ``0.4s``, ``45s``, ``2m 5s``, ``1h 1m 5s``. Below ten seconds it has one decimal."""
    if seconds < 9.95:
        return f"{max(seconds, 0.0):.1f}s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h {minutes}m {rest}s"
    return f"{minutes}m {rest}s" if minutes else f"{rest}s"


def clock(ts: float, zone: tzinfo | None = None) -> str:
    """The time of day, ``12:00:01``, of ``ts`` (epoch seconds) in ``zone``, the machine's own where it is None."""
    return f"{datetime.fromtimestamp(ts, zone).astimezone(zone):%H:%M:%S}"
