"""The harness that kills runs: it says that all is well where it is, and sees what is not."""

from pathlib import Path

import pytest
from crash_harness import Killing
from sshd import Sshd

pytestmark = pytest.mark.sshd


def test_a_run_that_is_killed_and_gone_on_with_is_whole(sshd: Sshd, tmp_path: Path) -> None:
    """One of those that ``tests/promise`` tells by the hundred."""
    killing = Killing(sshd, tmp_path, 6)
    killing.points, killing.left = ["after_send:5", "before_step_ended:2"], 0

    told = killing.tell()

    assert told.problems == []
    assert told.kills == 2
    assert told.steps > 0


def test_a_step_that_ran_twice_and_one_that_is_missing_are_seen(sshd: Sshd, tmp_path: Path) -> None:
    """The oracle of a host is changed behind its back."""
    killing = Killing(sshd, tmp_path, 6)
    killing.left = 0
    assert killing.tell().problems == []
    oracle = tmp_path / "oracle" / "web01"
    lines = oracle.read_text().splitlines()

    oracle.write_text("\n".join([*lines, *lines]))
    killing._check()
    twice = list(killing.told.problems)
    oracle.write_text("\n".join(lines[2:]))
    killing._check()

    assert "_check_steps" in twice[0]
    assert len(killing.told.problems) > len(twice)
