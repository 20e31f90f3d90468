"""Random playbooks on random hosts: whatever is written and whatever happens, a run keeps all its promises.

The draws are the same every time. Where one fails, hypothesis prints the smallest case that it has found.
"""

from pathlib import Path

from hypothesis import HealthCheck, given, reject, settings
from promises import PROMISES
from random_plans import Case, cases
from scenario import Ran

from runner.errors import InputError

WAITS_FOR_EVER = "E420"
BOUNDED = settings(
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much],
)


def ran(case: Case, folder: Path) -> Ran:
    """The run of a case, unless the plan refuses it: it would wait without end."""
    try:
        return case.run(folder)
    except InputError as refused:
        if {problem.code for problem in refused.problems if problem.severity == "error"} != {WAITS_FOR_EVER}:
            raise
        reject()


@settings(BOUNDED, max_examples=160)
@given(case=cases())
def test_every_run_keeps_its_promises(case: Case, tmp_path: Path) -> None:
    """Two plays with every part of the language that has a say in what runs when."""
    run = ran(case, tmp_path)

    for promise in PROMISES:
        promise(run, case)


@settings(BOUNDED, max_examples=60)
@given(case=cases())
def test_the_same_case_runs_the_same_way_twice(case: Case, tmp_path: Path) -> None:
    """Equal plans, answers and seeds give equal records, to the byte."""
    assert ran(case, tmp_path).recorder.lines == case.run(tmp_path).recorder.lines
