"""The failure budget counts, and interrupts mean what they should."""

from runner.engine.budget import Budget
from runner.engine.signals import Interrupts
from runner.engine.stop import Level, Stop


def test_a_budget_of_none_stops_at_the_first_failure() -> None:
    """Exceeded means more failures than allowed, so 0 bears none."""
    budget = Budget(0)

    assert not budget.exceeded
    budget.spend("web01")

    assert budget.exceeded


def test_a_host_counts_once() -> None:
    """The same host spends one, however often it is counted."""
    budget = Budget(1)

    assert budget.spend("web01")
    assert not budget.spend("web01")

    assert (budget.spent, budget.exceeded) == (1, False)


def test_no_budget_is_never_exceeded() -> None:
    """Without a limit a thousand failures stop nothing."""
    budget = Budget(None)

    for number in range(1000):
        budget.spend(f"web{number}")

    assert not budget.exceeded


def test_the_first_interrupt_lets_running_steps_finish() -> None:
    """Once: nothing new starts. Twice: running steps are ended. Three times: out."""
    stop = Stop()
    interrupts = Interrupts(stop, nobody=False)

    assert (interrupts.interrupt(), stop.level) == ("stop", Level.STOP)
    assert (interrupts.interrupt(), stop.level) == ("kill", Level.KILL)
    assert interrupts.interrupt() == "exit"
    assert interrupts.exit == 130


def test_where_nobody_is_the_first_interrupt_ends_steps_and_the_next_adds_nothing() -> None:
    """A pipeline that sends SIGINT twice still gets an orderly end."""
    stop = Stop()
    interrupts = Interrupts(stop, nobody=True)

    assert [interrupts.interrupt() for _ in range(4)] == ["kill"] * 4
    assert stop.level is Level.KILL


def test_a_termination_acts_as_the_second_interrupt() -> None:
    """SIGTERM ends steps at once and the run with 143."""
    interrupts = Interrupts(Stop(), nobody=False)

    assert (interrupts.terminate(), interrupts.exit) == ("kill", 143)


def test_a_play_heeds_its_run_and_keeps_its_own_stop_to_itself() -> None:
    """Stopping a play leaves the run going; stopping the run stops its plays."""
    run = Stop()
    play, other = Stop(run), Stop(run)

    play.raise_to(Level.DRAIN, "budget")
    assert (run.level, play.level, other.level) == (Level.GO, Level.DRAIN, Level.GO)

    run.raise_to(Level.KILL, "interrupted")
    assert (play.level, play.reason, other.reason) == (Level.KILL, "interrupted", "interrupted")


def test_a_level_never_falls() -> None:
    """A later, milder stop takes nothing back."""
    stop = Stop()

    stop.raise_to(Level.KILL, "first")
    stop.raise_to(Level.DRAIN, "second")

    assert (stop.level, stop.reason) == (Level.KILL, "first")
