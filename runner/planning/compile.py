"""Playbook and inventory to plan: plays with their waves of named hosts, numbers in place of ``auto`` and ``25%``.

Pure: no file, clock or environment is looked at, so equal inputs give equal plans. Everything that is wrong is found
before anything is raised.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from runner.errors import InputError
from runner.location import Problem
from runner.model.budget import allowed
from runner.model.changed import changed
from runner.model.inventory import CONTROLLER, Host, Inventory, merged
from runner.model.plan import Plan, PlannedPlay
from runner.model.playbook import Node, Play, Playbook, Step, Strategy, leaves, map_steps
from runner.model.template import Value
from runner.planning.concurrency import reckoned
from runner.planning.contacts import Contacts
from runner.planning.drawing import drawn
from runner.planning.names import static_scope
from runner.planning.selection import Filters, hosts_of
from runner.planning.waves import waves_of
from runner.templating import Templates


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanSettings:
    """What the command line says about a plan.

    ``limit`` and ``exclude`` are patterns. ``concurrency`` replaces every play's. ``timeout`` is the limit in seconds
    of steps that name none (the language's is 30 minutes). ``seed`` decides shuffles; None counts as 0. ``fail_fast``
    is a budget of 0 and the end of what runs. ``max_open`` is how many hosts limits on open files allow at once.
    ``extra`` are variables and ``given`` the values of inputs, both above all others.
    """

    limit: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    concurrency: int | Literal["auto"] | None = None
    timeout: float | None = None
    seed: int | None = None
    fail_fast: bool = False
    max_open: int | None = None
    extra: Mapping[str, Value] = field(default_factory=dict)
    given: Mapping[str, Value] = field(default_factory=dict)


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
    a group, templates of hosts that can't be rendered; and where filters leave nothing to run.
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
        self._problems: list[Problem] = list(self._filters.problems(inventory))
        self._notes: list[str] = []
        if self._problems:
            self._filters = Filters()  # so that what else is wrong is found too

    def plan(self, inputs: Mapping[str, str]) -> Plan:
        """The plan, or all problems."""
        plays = tuple(planned for play in self._playbook.plays if (planned := self._tried(play)) is not None)
        hosts = self._contacts(plays)
        if not plays and not self._problems and self._filters:
            self._problems.append(_nothing_left(self._filters))
        if self._problems:
            raise InputError(self._problems)
        return self._assembled(plays, hosts, inputs)

    def _tried(self, play: Play) -> PlannedPlay | None:
        try:
            return self._play(play)
        except InputError as error:
            self._problems += error.problems
            return None

    def _play(self, play: Play) -> PlannedPlay | None:
        """The play, or None where it is passed over."""
        layers = self._playbook.layers if play.layers is None else play.layers
        given = self._settings.given if play.given is None else play.given
        variables = {**merged(layers), **play.vars.values}
        scope = static_scope(variables, self._inventory, given=given, extra=self._settings.extra)
        meant = hosts_of(play, self._inventory, self._templates, scope)
        names = self._filters.left(meant, self._inventory)
        if not names:
            self._notes.append(_passed_over(play, self._filters if meant else None))
            return None
        draw = drawn(
            play, names, self._inventory, seed=self._settings.seed or 0, templates=self._templates, scope=scope
        )
        self._notes += draw.notes
        strategy = adjusted(play.strategy, self._settings)
        waves = waves_of(strategy, draw.hosts, draw.group_of)
        concurrency, reckoning = reckoned(strategy.concurrency, waves, self._settings.max_open)
        return PlannedPlay(
            id=play.id,
            name=play.name,
            hosts=draw.hosts,
            waves=waves,
            steps=self._timed(play.steps),
            handlers=self._timed(play.handlers),
            rollback=self._timed(play.rollback),
            always=self._timed(play.always),
            frames=play.frames,
            needs=play.needs,
            when=play.when,
            strategy=strategy,
            concurrency=concurrency,
            location=play.location,
            reckoning=reckoning,
            budget=allowed(strategy, len(draw.hosts)) if strategy.failure_scope == "run" else None,
            group_of=draw.group_of,
            vars=variables,
            given=given,
            become=play.become,
            env=play.env,
            cwd=play.cwd,
        )

    def _timed(self, nodes: Iterable[Node]) -> tuple[Node, ...]:
        return map_steps(nodes, lambda step: _with_timeout(step, self._settings.timeout))

    def _contacts(self, plays: tuple[PlannedPlay, ...]) -> Mapping[str, Host]:
        variables = merged(self._playbook.layers)
        scope = static_scope(variables, self._inventory, given=self._settings.given, extra=self._settings.extra)
        contacts = Contacts(self._inventory, self._templates, scope, self._playbook.secrets)
        for play in plays:
            contacts.reach(play.hosts)
            nodes = [leaf for section in play.sections for leaf in leaves(section, everything=True)]
            if any(step.delegate_to is not None for step in nodes):
                contacts.reach((*self._inventory.hosts, CONTROLLER))
        self._problems += contacts.problems
        return contacts.hosts

    def _assembled(self, plays: tuple[PlannedPlay, ...], hosts: Mapping[str, Host], inputs: Mapping[str, str]) -> Plan:
        playbook, inventory = self._playbook, self._inventory
        return Plan(
            playbook=playbook.path,
            name=playbook.name,
            folder=playbook.folder,
            plays=plays,
            hosts=hosts,
            others={name: host for name, host in inventory.hosts.items() if name not in hosts},
            groups={name: group.hosts for name, group in inventory.groups.items()},
            secrets=playbook.secrets,
            connecting=inventory.connecting,
            extra=self._settings.extra,
            given=self._settings.given,
            inputs=inputs,
            inventory=inventory.files,
            seed=self._settings.seed,
            notes=tuple(self._notes),
        )


def adjusted(strategy: Strategy, settings: PlanSettings) -> Strategy:
    """The strategy with what the command line says about it."""
    if settings.concurrency is not None:
        strategy = changed(strategy, concurrency=settings.concurrency)
    if settings.fail_fast:
        strategy = changed(strategy, max_failures=0, max_failure_percent=None, on_exceed="kill")
    return strategy


def _with_timeout(step: Step, timeout: float | None) -> Step:
    """``timeout`` 0 is none, as in a playbook."""
    if timeout is None or not step.timeout_is_default:
        return step
    return changed(step, timeout=timeout or None)


def _passed_over(play: Play, filters: Filters | None) -> str:
    if filters is None:
        return f'play "{play.id}" is passed over: it has no hosts, as it says it may'
    return f'play "{play.id}" is passed over: {filters} leaves it without hosts'


def _nothing_left(filters: Filters) -> Problem:
    hint = "runner inventory list shows the hosts, runner plan without these options the plays"
    return Problem("E405", f"nothing is left to run: {filters} leaves no play a host", None, hint)
