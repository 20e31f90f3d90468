"""Answers that another process leaves for a run."""

import asyncio
from pathlib import Path

from runner.app import requests
from runner.app.person import Person
from runner.model.decision import Answer, Question
from runner.run_folder import RunFolder

QUESTION = Question(play="web", wave=1, about="wave", text="go on?", is_approval=True)


def test_an_answer_is_found_by_any_number_of_its_question(tmp_path: Path) -> None:
    """A question that is asked again, by whoever goes on with the run, was answered by its earlier number too."""
    folder = RunFolder(tmp_path, "r1")
    requests.leave(folder, 7, yes=False)

    found = requests.found(folder, 12, 7)

    assert found is not None
    assert (found.yes, found.how) == (False, "command")
    assert requests.found(folder, 12) is None


def test_what_was_answered_before_is_heard_without_anybody_here() -> None:
    """A run that goes on in a batch takes the answer that was left for it."""
    nobody = Person(is_there=False, yes=False, user="ann", say=lambda _: None)
    left = Answer(yes=True, by="bob", how="command")

    assert asyncio.run(nobody.decide(QUESTION, lambda: left)) == left
    assert asyncio.run(nobody.decide(QUESTION, lambda: None)).yes is None
