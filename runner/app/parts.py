"""What a run is made of, all of it there before the first contact."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from runner import secret_sources
from runner.app.person import Person
from runner.app.plans import Planned
from runner.app.provenance import Marks, user
from runner.app.settings import Settings
from runner.app.ssh_files import check_ssh_files
from runner.app.views import Screen, make_views
from runner.model.events import Event
from runner.model.inventory import Become
from runner.model.past import Past
from runner.model.plan import Plan
from runner.model.playbook import leaves
from runner.model.progress import Progress
from runner.model.secret_text import SecretText
from runner.redaction import Redactor
from runner.reporting import View
from runner.run_folder import RunFolder


@dataclass(frozen=True, slots=True)
class People:
    """Who is asked and who looks on. ``values`` are secrets by name; ``redactor`` masks them, clear passwords too."""

    person: Person
    values: Mapping[str, SecretText]
    redactor: Redactor
    views: list[View]


def people(settings: Settings, screen: Screen, plan: Plan, progress: Progress) -> People:
    """Fetch the secrets of a plan, from a person too.

    Raises InputError for those that are missing, and before for keys of hosts that no login could use.
    """
    is_there = screen.has_input and not settings.batch
    person = Person(is_there=is_there, yes=settings.yes, user=user(), say=screen.outlets.to(sys.stderr))
    check_ssh_files(plan, may_ask=is_there, environ=os.environ)
    wanted = plan.secrets.values()
    values = secret_sources.fetch(wanted, folder=Path(plan.folder), environ=os.environ, ask=person.ask_secret)
    for secret in wanted:
        # Steps on this machine, git and the like inherit our environment, which is not for them to have.
        os.environ.pop(secret.env or "", None)
    redactor = Redactor([*(value.reveal() for value in values.values()), *clear_passwords(plan)])
    return People(person, values, redactor, make_views(settings, screen, redactor, progress))


def clear_passwords(plan: Plan) -> set[str]:
    """Passwords that stand in clear text in playbook and inventory: warned of, but masked as secrets are."""
    hosts = plan.hosts.values()
    nodes = (leaves(section, everything=True) for play in plan.plays for section in play.sections)
    users = [
        *(host.become for host in hosts),
        *(play.become for play in plan.plays),
        *(step.become for steps in nodes for step in steps),
    ]
    found = [user.password for user in users if isinstance(user, Become)]
    found += [host.options.get("password") for host in hosts]
    return {text for text in found if isinstance(text, str)} - plan.secrets.keys()


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a run is made of before anything is contacted.

    ``progress`` is the fold of all records. Of a run that goes on ``past`` is what earlier processes have left,
    ``first`` what is recorded behind the new start, and ``warnings`` what a person has to know.
    """

    settings: Settings
    planned: Planned
    folder: RunFolder
    people: People
    screen: Screen
    connect_timeout: float | None
    marks: Marks
    lock: str
    progress: Progress
    past: Past | None = None
    first: tuple[Event, ...] = ()
    warnings: tuple[str, ...] = ()
