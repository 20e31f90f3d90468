from datetime import UTC, timedelta, timezone

import pytest
from events_builder import START

from runner.reporting.durations import clock, duration


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-1, "0.0s"),
        (0.04, "0.0s"),
        (0.44, "0.4s"),
        (9.94, "9.9s"),
        (9.96, "10s"),
        (45, "45s"),
        (59.6, "1m 0s"),
        (125, "2m 5s"),
        (3600, "1h 0m 0s"),
        (3665, "1h 1m 5s"),
        (90_061, "25h 1m 1s"),
    ],
)
def test_lengths_of_time(seconds, text):
    """As people say them, never with more than one decimal."""
    assert duration(seconds) == text


def test_the_time_of_day():
    """In the zone asked for."""
    assert clock(START, UTC) == "10:00:00"
    assert clock(START, timezone(timedelta(hours=2))) == "12:00:00"
    assert len(clock(START)) == 8
