"""``runner lock release --host-lock``: take the lock of a dead run away from the hosts it is on."""

import os
import sys
import tempfile
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from runner import secret_sources, transports
from runner.app.loop import run_loop
from runner.app.person import Person
from runner.app.plans import make_plan
from runner.app.requests import user
from runner.app.settings import Settings
from runner.engine.limits import Connecting
from runner.engine.lock_talk import release_by_hand
from runner.engine.sessions import Sessions
from runner.errors import RunnerError
from runner.home import home_folder
from runner.model.events import Event
from runner.model.inventory import CONTROLLER, Host
from runner.model.plan import Plan
from runner.reporting.escape import tame, visible
from runner.transport import Transport, TransportContext


@dataclass(slots=True)
class Freed:
    """What came of it: hosts that had the lock, hosts that did not, and why others still may have it."""

    released: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)


def release_host_lock(settings: Settings, lock_id: str, *, has_input: bool) -> Freed:
    """Release the lock of that id on the hosts of a playbook. Raises InputError for what is wrong with the files."""
    plan = make_plan(settings, hash_files=False).plan
    names = dict.fromkeys(name for play in plan.plays for name in (*play.hosts, *play.delegates))
    hosts = [plan.hosts[name] for name in names if name != CONTROLLER]
    person = Person(is_there=has_input and not settings.batch, yes=False, user=user(), say=_say)
    with tempfile.TemporaryDirectory(prefix="runner-") as folder:
        return run_loop(_released(plan, hosts, lock_id, _context(plan, person, Path(folder))), {})


async def _released(plan: Plan, hosts: list[Host], lock_id: str, context: TransportContext) -> Freed:
    freed = Freed()
    async with AsyncExitStack() as stack:
        started: dict[str, Transport] = {}
        for name in sorted({host.connection for host in plan.hosts.values()}):
            started[name] = await stack.enter_async_context(transports.load(name).start(context))
            await started[name].prepare([host for host in hosts if host.connection == name])
        sessions = Sessions(started, _Nobody())
        answers = await release_by_hand(sessions, hosts, lock_id)
        await sessions.close_all()
    for host in hosts:
        answer = answers[host.name]
        if isinstance(answer, RunnerError):
            freed.failed[host.name] = answer.message
        elif answer.state in {"released", "gone"}:
            (freed.released if answer.state == "released" else freed.gone).append(host.name)
        else:
            freed.failed[host.name] = answer.reason
    return freed


def _say(text: str) -> None:
    sys.stderr.write(tame(text))


class _Nobody:
    """Nobody keeps records of it: it is no run."""

    def emit(self, event: Event) -> None:
        """Let it go."""


def _context(plan: Plan, person: Person, folder: Path) -> TransportContext:
    @cache
    def secret(text: str) -> str:
        """The password that a key names: a secret is fetched when a host asks for it, and no other one."""
        if text not in plan.secrets:
            return text
        wanted = [plan.secrets[text]]
        place = Path(plan.folder)
        return secret_sources.fetch(wanted, folder=place, environ=os.environ, ask=person.ask_secret)[text].reveal()

    return TransportContext(
        find=plan.hosts.get,
        limit=Connecting(plan.connecting).limit,
        ask=person.ask,
        secret=secret,
        warn=lambda text: _say(f"warning: {visible(text)}\n"),
        folder=folder,
        home=home_folder(),
        environ=os.environ,
    )
