"""The hosts for which a play's ``when`` is false already, before the run; pure.

What inputs, variables and the inventory decide alone is decided here, so that such hosts stand in no wave. What needs
an answer of the run stays with the play and is asked as each host would start.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from runner.errors import InputError, RenderError
from runner.location import Problem
from runner.model.inventory import Host, Inventory
from runner.model.known import Known, is_unknown
from runner.model.plan import PlannedPlay
from runner.model.playbook import Condition
from runner.planning.names import as_problem
from runner.templating import Templates


@dataclass(frozen=True, slots=True)
class Decided:
    """Hosts that a play keeps and hosts that its ``when`` leaves out, and what of it the run has still to ask."""

    hosts: tuple[str, ...]
    without: tuple[str, ...] = ()
    when: Condition | None = None


def decided(
    play: PlannedPlay, hosts: Sequence[str], inventory: Inventory, known: Known, templates: Templates
) -> Decided:
    """Ask the ``when`` of a play for each of these hosts. Raises InputError where it can't be rendered."""
    if play.when is None:
        return Decided(tuple(hosts))
    asking = _Asking(play, known, templates)
    answers: dict[str, bool | None] = dict(asking.all_alike(hosts))
    if not answers:
        answers = {name: asking.of(inventory.find(name)) for name in hosts}
    if asking.problems:
        raise InputError(asking.problems)
    kept = tuple(name for name in hosts if answers[name] is not False)
    is_open = any(answers[name] is None for name in kept)
    return Decided(kept, tuple(name for name in hosts if answers[name] is False), play.when if is_open else None)


class _Asking:
    """One condition asked for many hosts: True, False, or None where only the run can tell."""

    def __init__(self, play: PlannedPlay, known: Known, templates: Templates) -> None:
        self._play = play
        self._known = known
        self._templates = templates
        self.problems: dict[Problem, None] = {}

    def all_alike(self, hosts: Iterable[str]) -> dict[str, bool]:
        """The answer that does not depend on the host, for each; empty where there is none."""
        try:
            answer = self._templates.condition(self._condition, self._known.of_all(self._play))
        except RenderError:
            return {}
        return dict.fromkeys(hosts, answer)

    def of(self, host: Host | None) -> bool | None:
        """The answer for one host."""
        if host is None:
            return None
        try:
            return self._templates.condition(self._condition, self._known.of_host(self._play, host))
        except RenderError as error:
            if not is_unknown(error):
                self.problems[as_problem(error)] = None
            return None

    @property
    def _condition(self) -> Condition:
        return True if self._play.when is None else self._play.when
