"""Between two waves: time to bake, and a person who says whether the next one may begin."""

import asyncio
from pathlib import Path

import pytest
from scenario import Ran, scenario, stopping

from runner.engine.stop import Level
from runner.model.decision import Answer as Said
from runner.model.decision import Question
from runner.model.events import (
    ApprovalDenied,
    ApprovalGranted,
    ApprovalWaiting,
    Baking,
    HostEnded,
    WaveEnded,
    WaveStarted,
)
from runner.transports.fake import Answer, answers

PLAY = """
version: 1
hosts: all
strategy: {type: rolling, waves: 2, max_failures: 1, preflight: false, bake: 10s%s}
steps: [{command: work}]
"""


class Ada:
    """A person who answers after a while, and keeps what she was asked, with the time."""

    def __init__(self, *answers: bool | None, takes: float = 30) -> None:
        self._answers = list(answers)
        self._takes = takes
        self.asked: list[tuple[float, Question]] = []

    async def __call__(self, question: Question) -> Said:
        self.asked.append((asyncio.get_running_loop().time(), question))
        yes = self._answers.pop(0)
        if yes is None:
            return Said(None)
        await asyncio.sleep(self._takes)
        return Said(yes, by="ada", how="terminal")


def ran(folder: Path, ask: Ada | None = None, more: str = "", **others: object) -> Ran:
    """Six hosts in waves of two, a bake of ten seconds between them."""
    return scenario(PLAY % more, folder, hosts="web[01-06]", ask=ask, **others)  # type: ignore[arg-type]


def starts(run: Ran) -> list[float]:
    """When each wave began."""
    return [run.at(event) for event in run.all(WaveStarted)]


def test_waves_bake_and_the_last_does_not(tmp_path: Path) -> None:
    """Two bakes of ten seconds between three waves."""
    run = ran(tmp_path)

    assert starts(run) == [0, 10, 20]
    assert [event.wave for event in run.all(Baking)] == [1, 2]
    assert run.seconds == 20


@pytest.mark.parametrize("level", [Level.DRAIN, Level.STOP, Level.KILL])
def test_an_interrupt_ends_a_bake(tmp_path: Path, level: Level) -> None:
    """Nobody waits for the rest of it, and the next wave does not begin."""
    run = ran(tmp_path, during=stopping((3, level)))

    assert run.seconds == 3
    assert starts(run) == [0]
    assert run.all(HostEnded, host="web03")[0].reason == "interrupted"


def test_a_wave_too_bad_is_not_baked(tmp_path: Path) -> None:
    """The budget has ended the play."""
    run = scenario(PLAY % "", tmp_path, lambda _: Answer(rc=1), hosts="web[01-06]")

    assert not run.all(Baking)
    assert run.seconds == 0


@pytest.mark.parametrize(
    ("approve", "waves"), [("after-first", [1]), ("each", [1, 2]), ("[2]", [2]), ("[1, 2, 3, 9]", [1, 2])]
)
def test_a_person_is_asked_behind_the_bake(tmp_path: Path, approve: str, waves: list[int]) -> None:
    """After the waves that the play names, and never behind the last; the next begins when they have said yes."""
    ada = Ada(True, True)
    run = ran(tmp_path, ada, f", approve: {approve}")

    assert [question.wave for _, question in ada.asked] == waves
    assert [event.wave for event in run.all(ApprovalGranted)] == waves
    begun = starts(run)
    for at, question in ada.asked:
        assert at == run.at(run.all(WaveEnded)[question.wave - 1]) + 10
        assert begun[question.wave] == at + 30
    assert run.summary.status == "ok"


def test_the_question_says_what_is_next(tmp_path: Path) -> None:
    """Which wave would begin, and which hosts are in it; where it is asked stands beside it."""
    ada = Ada(True)
    ran(tmp_path, ada, ", approve: after-first")

    [(_, question)] = ada.asked
    assert question.text == "go on with wave 2 of 3: web[03-04]?"
    assert (question.about, question.is_approval) == ("wave", True)


def test_where_nobody_is_there_the_run_is_paused_at_once(tmp_path: Path) -> None:
    """No step of the second wave runs; the question stays open."""
    run = ran(tmp_path, Ada(None), ", approve: after-first")

    assert run.seconds == 10
    assert run.commands() == ["work", "work"]
    assert run.statuses()["web03"] == "not_run"
    assert run.all(HostEnded, host="web03")[0].reason == "waiting for approval after wave 1"
    assert run.summary.flags.paused
    assert not run.all(ApprovalGranted) + run.all(ApprovalDenied)


def test_a_no_ends_the_run(tmp_path: Path) -> None:
    """The rest does not run, and the reason says who said so."""
    run = ran(tmp_path, Ada(False), ", approve: each")

    assert run.all(HostEnded, host="web06")[0].reason == "approval denied after wave 1 by ada"
    assert run.summary.flags.denied
    assert run.summary.status == "aborted"


def test_a_no_rolls_nothing_back(tmp_path: Path) -> None:
    """The budget is not exceeded."""
    text = PLAY % ", approve: each, on_exceed: rollback" + "rollback: [{command: back}]\n"
    run = scenario(text, tmp_path, hosts="web[01-06]", ask=Ada(False))

    assert "back" not in run.commands()


def test_an_interrupt_ends_the_wait_for_a_person(tmp_path: Path) -> None:
    """They need not answer any more."""
    run = ran(tmp_path, Ada(True, takes=3600), ", approve: each", during=stopping((50, Level.STOP)))

    assert run.seconds == 50
    assert run.statuses()["web03"] == "not_run"


def test_within_the_budget_a_person_is_asked_all_the_same(tmp_path: Path) -> None:
    """One of the first wave has failed, and is borne."""
    ada = Ada(True)
    run = scenario(
        PLAY % ", approve: after-first", tmp_path, answers({("web01", "*"): Answer(rc=1)}), hosts="web[01-06]", ask=ada
    )

    assert len(ada.asked) == 1
    assert len(run.all(WaveStarted)) == 3


def test_what_stands_between_waves_is_no_part_of_them(tmp_path: Path) -> None:
    """The wave has ended when it bakes and when somebody is asked."""
    run = ran(tmp_path, Ada(True, True), ", approve: each")
    kinds = (WaveStarted, WaveEnded, Baking, ApprovalWaiting, ApprovalGranted)
    order = [type(event) for event in run.recorder.events if isinstance(event, kinds)]

    assert order == [
        WaveStarted, WaveEnded, Baking, ApprovalWaiting, ApprovalGranted,
        WaveStarted, WaveEnded, Baking, ApprovalWaiting, ApprovalGranted,
        WaveStarted, WaveEnded,
    ]  # fmt: skip
