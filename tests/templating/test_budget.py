"""The time that templates have."""

import time

import pytest

from runner.templating.budget import OutOfTimeError, in_time


def test_its_time_is_not_over_in_the_middle_of_a_lock() -> None:
    """Whoever holds one would hold it for ever: the template is ended a moment later."""
    held = {"__name__": "threading"}
    exec("def hold():\n    end = clock() + 1\n    while clock() < end: pass\n    done.append(True)", held)
    held |= {"clock": time.process_time, "done": []}

    def work() -> None:
        held["hold"]()
        while True:
            pass

    with pytest.raises(OutOfTimeError):
        in_time(work)

    assert held["done"] == [True]
