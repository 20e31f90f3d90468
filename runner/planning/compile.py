"""Playbook and inventory to plan: plays with their waves of named hosts, numbers in place of ``auto`` and ``25%``.

Pure: no file, clock or environment is looked at, so equal inputs give equal plans. Everything that is wrong is found
before anything is raised.
"""

from collections.abc import Mapping, Sequence

from runner.errors import InputError
from runner.hostlist import fold
from runner.location import Problem
from runner.model.budget import allowed
from runner.model.changed import changed
from runner.model.inventory import CONTROLLER, Host, Inventory, merged
from runner.model.known import UNKNOWN, Known
from runner.model.plan import Plan, PlannedPlay
from runner.model.playbook import Play, Playbook
from runner.planning.choice import Choice
from runner.planning.concurrency import reckoned
from runner.planning.conditions import Decided, decided
from runner.planning.contacts import Contacts
from runner.planning.delegates import delegated
from runner.planning.drafting import draft, timed, written
from runner.planning.drawing import drawn
from runner.planning.graph import handed_on
from runner.planning.names import static_scope
from runner.planning.passed_over import PassedOver, nothing_left
from runner.planning.requires import missing
from runner.planning.selection import Filters, hosts_of
from runner.planning.settings import PlanSettings
from runner.planning.waits import blocked, held_up
from runner.planning.waves import waves_of
from runner.templating import Templates


def compile_plan(
    playbook: Playbook,
    inventory: Inventory,
    *,
    settings: PlanSettings | None = None,
    templates: Templates | None = None,
    inputs: Mapping[str, str] | None = None,
) -> Plan:
    """The plan. ``inputs`` maps each file that was read to its SHA-256; ``templates`` may be shared with others.

    Raises InputError with every problem of every play: names that name nothing, plays without hosts, hosts without
    a group, templates that can't be rendered, steps that would wait without end; and where nothing is left to run.
    """
    return _Compiling(playbook, inventory, settings or PlanSettings(), templates or Templates()).plan(inputs or {})


class _Compiling:
    """One compilation: what goes in, and the problems and notes so far."""

    def __init__(self, playbook: Playbook, inventory: Inventory, settings: PlanSettings, templates: Templates) -> None:
        self._playbook = playbook
        self._inventory = inventory
        self._settings = settings
        self._templates = templates
        self._filters = Filters(settings.limit, settings.exclude)
        self._choice = Choice(playbook.plays, settings)
        self._problems: list[Problem] = [*self._filters.problems(inventory), *self._choice.problems]
        self._notes: list[str] = []
        self._passed_over: list[PassedOver] = []
        self._undecided = False
        if self._problems:  # so that what else is wrong is found too
            self._filters, self._choice = Filters(), Choice(playbook.plays, PlanSettings())

    def plan(self, inputs: Mapping[str, str]) -> Plan:
        """The plan, or all problems."""
        drafts = {play.id: draft(play, self._playbook, self._settings) for play in self._playbook.plays}
        plan = self._around(tuple(drafts.values()), inputs)
        known = Known(plan, self._templates.render, dict.fromkeys(self._playbook.secrets, UNKNOWN))
        found = [self._tried(play, drafts[play.id], known) for play in self._playbook.plays]
        plays = self._joined(tuple(play for play in found if play is not None))
        if not self._problems:
            self._problems += nothing_left(self._passed_over) if not plays else self._missing(plays)
        plays = tuple(self._delegated(play, known) for play in plays)
        hosts = self._contacts(plays)
        if self._problems:
            raise InputError(self._problems)
        others = {name: host for name, host in self._inventory.hosts.items() if name not in hosts}
        return changed(plan, plays=plays, hosts=hosts, others=others, notes=tuple(self._notes))

    def _tried(self, play: Play, drafted: PlannedPlay, known: Known) -> PlannedPlay | None:
        try:
            return self._play(play, drafted, known)
        except InputError as error:
            self._problems += error.problems
            return None

    def _play(self, play: Play, drafted: PlannedPlay, known: Known) -> PlannedPlay | None:
        """The play with its waves and chosen steps, or None where it is passed over."""
        scope = static_scope(drafted.vars, self._inventory, given=drafted.given, extra=self._settings.extra)
        meant = hosts_of(play, self._inventory, self._templates, scope)
        names = self._filters.left(meant, self._inventory)
        decision = decided(drafted, names, self._inventory, known, self._templates)
        steps = self._choice.of(play)
        if not steps or not decision.hosts:
            self._pass_over(play, meant, names, decision)
            return None
        if decision.without:
            self._notes.append(
                f'play "{play.id}" leaves out {fold(decision.without)}: its when ({written(play.when)}) is false there'
            )
        draw = drawn(
            play, decision.hosts, self._inventory, seed=self._settings.seed or 0, templates=self._templates, scope=scope
        )
        self._notes += draw.notes
        waves = waves_of(drafted.strategy, draw.hosts, draw.group_of)
        concurrency, reckoning = reckoned(drafted.strategy.concurrency, waves, self._settings.max_open)
        planned = changed(
            drafted,
            hosts=draw.hosts,
            waves=waves,
            steps=timed(steps, self._settings.timeout),
            concurrency=concurrency,
            reckoning=reckoning,
            budget=allowed(drafted.strategy, len(draw.hosts)) if drafted.strategy.failure_scope == "run" else None,
            group_of=draw.group_of,
            when=decision.when,
        )
        self._problems += blocked(planned)
        self._notes += [f"{problem.message}; {problem.hint}" for problem in held_up(planned)]
        return planned

    def _pass_over(self, play: Play, meant: Sequence[str], names: Sequence[str], decision: Decided) -> None:
        """Note the first reason: in the order in which hosts and then steps are looked for."""
        if not meant:
            passed = PassedOver(play.id, "empty")
        elif not names:
            passed = PassedOver(play.id, "filter", str(self._filters))
        elif not decision.hosts:
            passed = PassedOver(play.id, "when", written(play.when))
        else:
            passed = PassedOver(play.id, "choice", str(self._choice))
        self._passed_over.append(passed)
        self._notes.append(str(passed))

    def _joined(self, plays: tuple[PlannedPlay, ...]) -> tuple[PlannedPlay, ...]:
        """The plays, each needing only such that are among them."""
        needs = handed_on({play.id: play.needs for play in self._playbook.plays}, {play.id for play in plays})
        return tuple(changed(play, needs=needs[play.id]) for play in plays)

    def _missing(self, plays: tuple[PlannedPlay, ...]) -> list[Problem]:
        left_out = [passed.play for passed in self._passed_over if passed.cause == "choice"]
        return missing(self._playbook.plays, plays, left_out, str(self._choice), self._templates)

    def _delegated(self, play: PlannedPlay, known: Known) -> PlannedPlay:
        found = delegated(play, self._inventory, known, self._templates)
        self._problems += found.problems
        self._undecided |= bool(found.undecided)
        self._notes += [
            f'play "{play.id}": only the run can tell which host step "{step}" is delegated to, so any may be contacted'
            for step in found.undecided
        ]
        return changed(play, delegates=found.hosts)

    def _contacts(self, plays: tuple[PlannedPlay, ...]) -> Mapping[str, Host]:
        variables = merged(self._playbook.layers)
        scope = static_scope(variables, self._inventory, given=self._settings.given, extra=self._settings.extra)
        contacts = Contacts(self._inventory, self._templates, scope, self._playbook.secrets)
        for play in plays:
            contacts.reach((*play.hosts, *play.delegates))
        if self._undecided:
            contacts.reach((*self._inventory.hosts, CONTROLLER))
        self._problems += contacts.problems
        return contacts.hosts

    def _around(self, drafts: tuple[PlannedPlay, ...], inputs: Mapping[str, str]) -> Plan:
        """The plan with all that is not about hosts, of plays without hosts."""
        playbook, inventory = self._playbook, self._inventory
        return Plan(
            playbook=playbook.path,
            name=playbook.name,
            folder=playbook.folder,
            plays=drafts,
            hosts={},
            others=inventory.hosts,
            groups={name: group.hosts for name, group in inventory.groups.items()},
            secrets=playbook.secrets,
            connecting=inventory.connecting,
            extra=self._settings.extra,
            given=self._settings.given,
            inputs=inputs,
            inventory=inventory.files,
            seed=self._settings.seed,
            lock=playbook.lock,
        )
