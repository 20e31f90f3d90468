"""``runner rollback``: take back what a run has done, because somebody asks for it."""

from runner.app.against import Changes
from runner.app.ending import ExitOf
from runner.app.going_back import going_back
from runner.app.resume import go_on
from runner.app.settings import Settings
from runner.app.views import Screen


def rollback(wanted: str, settings: Settings, screen: Screen, exit_of: ExitOf, changes: Changes) -> int | None:
    """Roll a run back, the last play first; gives the exit status, None where nothing is to be taken back.

    Raises RunnerError for all that is in the way.
    """
    return go_on(wanted, settings, screen, exit_of, changes, going_back)
