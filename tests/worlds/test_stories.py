"""Controllers that die at any moment, on hosts and disks with a truth of their own, against a model of what must hold.

``tests/promise/test_simulated_crashes.py`` tells ten thousand of these stories.
"""

from pathlib import Path

import pytest
from sim_hosts import Luck
from sim_many import broken
from sim_story import WORLDS, tell

pytestmark = pytest.mark.filterwarnings("ignore:coroutine .* was never awaited")


def test_the_first_stories_keep_all_promises(tmp_path: Path) -> None:
    """Some of them, on every change."""
    failures = {seed: problems for seed in range(60) if (problems := broken(tell(seed, tmp_path)))}

    assert failures == {}


def test_a_story_is_told_the_same_way_twice(tmp_path: Path) -> None:
    """A seed is all there is to it."""
    first, second = tell(33, tmp_path), tell(33, tmp_path)

    assert first.disk.written == second.disk.written
    assert [one.text for one in first.world.doings] == [one.text for one in second.world.doings]


def test_the_model_sees_a_step_that_ran_twice(tmp_path: Path) -> None:
    """A host that forgets what it ran, and says that it never began, breaks promises that the model looks at."""

    def is_noticed(seed: int) -> bool:
        story = tell(seed, tmp_path, deaths=0, luck=Luck())
        one = next(doing for doing in story.world.doings if story.planned.case.steps[doing.text.split()[0]].play)
        story.world.doings.append(one)
        return bool(broken(story))

    assert any(is_noticed(seed) for seed in range(0, 200, WORLDS))
