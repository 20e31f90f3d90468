"""Tell many stories, or one in full: ``python tests/worlds/sim_many.py FIRST END`` or ``… SEED``, from the repository.

Of many it prints one line of JSON: what was counted, and the seeds whose promises were broken.
"""

import json
import sys
import tempfile
import traceback
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent.parent)]

from sim_model import PROMISES  # noqa: E402 - the paths come first
from sim_story import Story, tell  # noqa: E402 - the paths come first

SHOWN = (
    "play", "wave", "host", "step", "section", "item", "attempt", "status", "rc", "killed", "what", "how", "reason",
    "handler", "message", "ignored", "rescued", "hosts", "resume", "exit",
)  # fmt: skip
"""Fields of events that tell a story."""


def broken(story: Story) -> list[str]:
    """The promises that a story breaks, each with what was found."""
    found = []
    for promise in PROMISES:
        try:
            promise(story)
        except Exception as error:  # noqa: BLE001 - a promise that can't be asked is broken, too
            last = traceback.extract_tb(error.__traceback__)[-1]
            found.append(f"{promise.__name__}: {last.line}: {error}")
    return found


def many(first: int, end: int) -> dict[str, Any]:
    """Tell the stories from one seed up to another, and count."""
    counts: Counter[str] = Counter()
    failures: dict[int, list[str]] = {}
    with tempfile.TemporaryDirectory() as name:
        for seed in range(first, end):
            try:
                story = tell(seed, Path(name))
                problems = broken(story)
            except Exception as error:  # noqa: BLE001 - told with its seed
                problems = [f"{type(error).__name__}: {error}"]
            else:
                counts["stories"] += 1
                counts["processes"] += len(story.processes)
                counts["deaths"] += sum(one.died for one in story.processes)
                counts["commands"] += len(story.world.doings)
                counts["records"] += len(story.records)
                counts["faults"] += sum(story.world.hits.values())
            if problems:
                failures[seed] = problems
    return {"counts": counts, "failures": failures}


def text(seed: int) -> str:
    """One story, for people: the playbook, the world, the journal, and what really ran."""
    with tempfile.TemporaryDirectory() as name:
        story = tell(seed, Path(name))
    case = story.planned.case
    lines = [json.dumps(case.playbook, indent=1), f"hosts {case.hosts}, failing {case.failing}"]
    lines.append(f"{story.world.luck}, of which came true: {dict(story.world.hits)}")
    for event, moment in story.records:
        fields = {key: getattr(event, key) for key in SHOWN if getattr(event, key, None) not in (None, "", False)}
        lines.append(f"{moment:10.3f} {type(event).__name__:16} {fields}")
    lines += [
        f"{one.begun:10.3f} to {one.over:.3f} on {one.place}: {one.text}: {one.by or one.rc} ({one.stdout.decode()})"
        for one in story.world.doings
    ]
    lines += [f"process: {'died' if one.died else f'ended with {one.exit}'} {one.faults}" for one in story.processes]
    return "\n".join([*lines, *broken(story)])


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # of coroutines that a dead process never came to
    if len(sys.argv) == 2:
        print(text(int(sys.argv[1])))
    else:
        print(json.dumps(many(int(sys.argv[1]), int(sys.argv[2]))))
