"""``shell``: text for /bin/sh."""

import pytest
from local_target import LocalTarget, do

from runner.errors import StepError
from runner.model.outcome import Status
from runner.steps.shell import STEP


def test_text_is_run_by_sh(target: LocalTarget) -> None:
    """Pipes, variables and several lines work."""
    outcome = do(STEP, "x='a b'\nprintf '%s\\n' \"$x\" c | sort -r", target)

    assert (outcome.status, outcome.stdout.text) == (Status.CHANGED, "c\na b")


def test_another_shell_runs_it(target: LocalTarget) -> None:
    """Where ``executable`` names one."""
    assert do(STEP, {"run": "a=(x y); echo ${a[1]}", "executable": "bash"}, target).stdout.text == "y"


def test_a_failure_says_what_the_status_means(target: LocalTarget) -> None:
    """127 is a word that was not found."""
    assert do(STEP, "no-such-program", target).message == "exit status 127 (a command in it was not found)"
    assert do(STEP, "exit 4", target).message == "exit status 4"


def test_its_guards_are_shell_text_or_words(target: LocalTarget) -> None:
    """They may use what the step may use."""
    assert do(STEP, {"run": "true", "unless": "echo a | grep -q a"}, target).status is Status.SKIPPED
    assert do(STEP, {"run": "true", "only_if": ["false"]}, target).status is Status.SKIPPED
    assert do(STEP, {"run": "true", "only_if": "test 1 -lt 2"}, target).status is Status.CHANGED
    with pytest.raises(StepError, match='unless: "no-such" was not found'):
        do(STEP, {"run": "true", "unless": "no-such"}, target)
