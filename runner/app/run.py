"""A run that begins, from settings to exit status.

Nothing is contacted before all that can be wrong here has been looked at.
"""

import hashlib
import os
import secrets as chance
from contextlib import ExitStack
from datetime import UTC, datetime

from runner import run_folder
from runner.app import finding
from runner.app.digests import digests_of
from runner.app.ending import ExitOf
from runner.app.journals import new_journal
from runner.app.locking import lock_of, take
from runner.app.parts import Parts, people
from runner.app.plans import Planned, duration_option
from runner.app.provenance import Marks
from runner.app.recorded import recorded
from runner.app.running import carry_out
from runner.app.saved_plans import chosen, claim
from runner.app.settings import Settings
from runner.app.views import Screen
from runner.home import home_folder
from runner.model.encoding import encode_plan
from runner.model.progress import Progress


def run(settings: Settings, screen: Screen, exit_of: ExitOf) -> int:
    """Load, plan and run; gives the exit status. Raises RunnerError for all that is wrong before the first contact."""
    settings, planned = chosen(settings, now=datetime.now(UTC))
    run_id = run_folder.new_id(datetime.now(UTC), chance.token_bytes(4))
    lock = lock_of(settings.playbook, planned.loaded.inventories, settings.inventory, settings.runs_dir)
    # Nobody is asked anything, and no secret is fetched, for a run that is not to be.
    with take(lock, run_id, settings.argv), ExitStack() as making:
        parts = _parts(settings, screen, planned, run_id, lock.id, making)
        journal = new_journal(parts.folder, durability=settings.durability)
        making.close()
        status = carry_out(parts, journal, exit_of)
    screen.outlets.let_read(finding.command("runs show", parts.folder))
    return status


def _parts(settings: Settings, screen: Screen, planned: Planned, run_id: str, lock: str, making: ExitStack) -> Parts:
    connect_timeout = duration_option("--connect-timeout", settings.connect_timeout)
    progress = Progress()
    asked = people(settings, screen, planned.plan, progress)
    root = settings.runs_dir or run_folder.default_root(os.environ, home_folder())
    folder = run_folder.create(root, run_id)
    making.enter_context(run_folder.making(folder))
    plan = encode_plan(planned.plan)
    folder.write("plan.json", plan, sync=True)
    if planned.saved is not None:
        claim(planned.saved, folder, settings, now=datetime.now(UTC))
    salt = chance.token_bytes(16)
    marks = Marks(
        salt=salt,
        token=chance.token_hex(16),
        plan=hashlib.sha256(plan).hexdigest(),
        options=recorded(settings, asked.redactor, seed=planned.seed, max_open=settings.max_open or planned.max_open),
        digests=digests_of(planned.plan, asked.values, salt),
        durability=settings.durability,
        saved_plan=planned.saved.id if planned.saved else "",
    )
    return Parts(
        settings=settings,
        planned=planned,
        folder=folder,
        people=asked,
        screen=screen,
        connect_timeout=connect_timeout,
        marks=marks,
        lock=lock,
        progress=progress,
    )
