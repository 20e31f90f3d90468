"""What will run: plays of waves of named hosts, with their steps. A plan is a value: equal inputs give equal plans."""

from collections.abc import Mapping
from typing import Literal

import msgspec

from runner.location import Location
from runner.model.inventory import Become, Host
from runner.model.playbook import Condition, Frame, Node, Secret, Step, Strategy, leaves
from runner.model.template import Value


class Wave(msgspec.Struct, frozen=True):
    """Hosts at work together. ``index`` counts from 1; ``hosts`` are names, in the order in which they are let in."""

    index: int
    hosts: tuple[str, ...]


class PlannedPlay(msgspec.Struct, frozen=True):
    """One play, cut into waves.

    ``concurrency`` is the number that ``strategy.concurrency`` came to, and ``reckoning`` says how ``auto`` was
    reckoned (else it is empty). ``budget`` is the number of failures it bears with scope ``run``, None for none.
    ``group_of`` maps a host to its group where ``group_by`` is set. ``vars`` are play over playbook vars, not yet
    rendered. ``given`` are the values of the inputs that it sees. ``needs`` are ids of plays of this plan. ``when`` is
    what only the run can tell for a host. ``delegates`` are the hosts that, as is known before the run, steps are
    delegated to.
    """

    id: str
    name: str
    hosts: tuple[str, ...]
    waves: tuple[Wave, ...]
    steps: tuple[Node, ...]
    strategy: Strategy
    concurrency: int
    location: Location
    reckoning: str = ""
    budget: int | None = None
    group_of: Mapping[str, str] = {}
    vars: Mapping[str, Value] = {}
    become: Become | bool | None = None
    env: Mapping[str, Value] = {}
    cwd: Value = None
    needs: tuple[str, ...] = ()
    when: Condition | None = None
    handlers: tuple[Node, ...] = ()
    rollback: tuple[Node, ...] = ()
    always: tuple[Node, ...] = ()
    frames: Mapping[str, Frame] = {}
    given: Mapping[str, Value] = {}
    delegates: tuple[str, ...] = ()

    @property
    def sections(self) -> tuple[tuple[Node, ...], ...]:
        """All lists of steps: ``steps handlers rollback always``."""
        return self.steps, self.handlers, self.rollback, self.always

    @property
    def counted(self) -> tuple[Step, ...]:
        """The steps that progress counts: those of ``steps``, without ``rescue`` and ``always`` of blocks."""
        return tuple(leaves(self.steps))


class Plan(msgspec.Struct, frozen=True):
    """Everything a run needs, fixed.

    ``hosts`` holds every host that a wave, a jump or a delegation names, with address and options rendered; ``others``
    the rest of the inventory, never contacted, which templates may ask about. ``groups`` has all groups with their
    members. ``extra`` are the variables given on the command line, ``given`` the values of the inputs. ``inputs`` maps
    each file that was read, and each that a step is known to send, to the SHA-256 of its bytes. ``notes`` are things a
    person should know, such as a play passed over because a filter left it without hosts. ``lock`` as in the playbook.
    """

    playbook: str
    name: str
    folder: str
    plays: tuple[PlannedPlay, ...]
    hosts: Mapping[str, Host]
    groups: Mapping[str, tuple[str, ...]] = {}
    secrets: Mapping[str, Secret] = {}
    connecting: Mapping[str, int] = {}
    extra: Mapping[str, Value] = {}
    inputs: Mapping[str, str] = {}
    inventory: tuple[str, ...] = ()
    seed: int | None = None
    notes: tuple[str, ...] = ()
    others: Mapping[str, Host] = {}
    given: Mapping[str, Value] = {}
    lock: Literal["controller", "hosts"] = "controller"

    @property
    def total(self) -> int:
        """Steps times hosts over all plays: what progress counts to. A loop counts as one."""
        return sum(len(play.hosts) * len(play.counted) for play in self.plays)
