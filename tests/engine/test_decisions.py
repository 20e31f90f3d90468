"""Where a person decides: one question at a time, recorded before and after, and cut short by a stop."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from scenario import Ran, scenario

from runner.engine.context import Run
from runner.engine.decisions import Answer, Question, decided
from runner.engine.stop import Level, Stop
from runner.model.events import ApprovalDenied, ApprovalGranted, ApprovalWaiting

NOTHING = "version: 1\nhosts: web01\nsteps: [{log: hello}]\n"


def question(text: str = "go on?") -> Question:
    return Question(play="play", wave=1, about="wave", text=text, is_approval=True)


def asked(
    folder: Path, ask: Callable[[Question], Awaitable[Answer]], story: Callable[[Run, Stop], Awaitable[None]]
) -> Ran:
    """A run in which a story asks, and ``ask`` is the person."""
    return scenario(NOTHING, folder, ask=ask, work=lambda run: story(run, Stop(run.stop)))


@pytest.mark.parametrize(("yes", "kind"), [(True, ApprovalGranted), (False, ApprovalDenied)])
def test_an_answer_is_recorded_with_who_gave_it(tmp_path: Path, yes: bool, kind: type) -> None:  # noqa: FBT001
    """The question comes first, then the answer, by whom and how."""
    answers = []

    async def ada(_: Question) -> Answer:
        return Answer(yes, by="ada", how="terminal")

    async def story(run: Run, stop: Stop) -> None:
        answers.append(await decided(run, question(), stop=stop))

    run = asked(tmp_path, ada, story)

    assert answers == [Answer(yes, by="ada", how="terminal")]
    assert run.all(ApprovalWaiting) == [ApprovalWaiting(play="play", wave=1, about="wave", question="go on?")]
    assert run.all(kind) == [kind(play="play", wave=1, about="wave", by="ada", how="terminal")]


def test_where_nobody_is_the_question_stays_open(tmp_path: Path) -> None:
    """It is recorded that somebody is waited for, and no answer is made up."""
    answers = []

    async def nobody(_: Question) -> Answer:
        return Answer(None)

    async def story(run: Run, stop: Stop) -> None:
        answers.append(await decided(run, question(), stop=stop))

    run = asked(tmp_path, nobody, story)

    assert answers == [Answer(None, reason="waiting for approval; nobody is here")]
    assert len(run.all(ApprovalWaiting)) == 1
    assert not run.all(ApprovalGranted) + run.all(ApprovalDenied)


def test_one_question_is_asked_at_a_time(tmp_path: Path) -> None:
    """Two plays that ask at once are answered one after the other, each question recorded when it is asked."""
    seen = []

    async def slow(asked: Question) -> Answer:
        seen.append(f"{asked.text} asked")
        await asyncio.sleep(60)
        seen.append(f"{asked.text} answered")
        return Answer(yes=True, by="ada", how="terminal")

    async def story(run: Run, stop: Stop) -> None:
        await asyncio.gather(*(decided(run, question(text), stop=stop) for text in ("one", "two")))

    run = asked(tmp_path, slow, story)

    assert seen == ["one asked", "one answered", "two asked", "two answered"]
    waiting, granted = run.all(ApprovalWaiting), run.all(ApprovalGranted)
    assert run.at(waiting[1]) == run.at(granted[0]) == 60


@pytest.mark.parametrize("level", [Level.STOP, Level.KILL])
def test_a_stop_cuts_a_question_short(tmp_path: Path, level: Level) -> None:
    """Who was asked, and who waits to ask, goes on at once, without an answer; nothing more is asked."""
    answers = []

    async def never(_: Question) -> Answer:
        await asyncio.sleep(3600)
        raise AssertionError("nobody cut it short")

    async def story(run: Run, stop: Stop) -> None:
        asyncio.get_running_loop().call_later(5, stop.raise_to, level, "interrupted")
        answers.extend(await asyncio.gather(*(decided(run, question(text), stop=stop) for text in "ab")))
        answers.append(await decided(run, question("c"), stop=stop))

    run = asked(tmp_path, never, story)

    assert answers == [Answer(None, reason="interrupted")] * 3
    assert [event.question for event in run.all(ApprovalWaiting)] == ["a"]
    assert run.seconds == 5


def test_a_drain_lets_a_question_stand(tmp_path: Path) -> None:
    """Hosts at work finish all their steps under a drain, what they ask included."""
    answers = []

    async def slow(_: Question) -> Answer:
        await asyncio.sleep(10)
        return Answer(yes=True, by="ada", how="terminal")

    async def story(run: Run, stop: Stop) -> None:
        asyncio.get_running_loop().call_later(5, stop.raise_to, Level.DRAIN, "paused")
        answers.append(await decided(run, question(), stop=stop))

    asked(tmp_path, slow, story)

    assert answers[0].yes
