"""``runner plan -o``: a plan is saved for one run, later or elsewhere."""

import secrets
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from runner import __version__, whole_file
from runner.app import seal_key
from runner.app.plans import Planned, duration_option
from runner.app.provenance import git_state, user
from runner.app.settings import Settings, options_of
from runner.errors import InputError
from runner.location import Problem
from runner.model.encoding import encode_plan
from runner.model.saved_plan import SavedPlan, put_together, sum_of

LASTS = 7 * 86400.0
"""Seconds for which a plan can be run where nothing else is said."""

LONGEST = 10 * 365 * 86400.0


@dataclass(frozen=True, slots=True)
class Saved:
    """What was written: the head, and the SHA-256 of the whole file. ``is_sealed`` unless no key could be kept."""

    head: SavedPlan
    sha256: str
    is_sealed: bool


def save(planned: Planned, settings: Settings, target: Path, *, expires: str | None, now: datetime) -> Saved:
    """Write the plan to a file, in place of what is there. Raises InputError where that can't be done."""
    _check_target(target, planned.plan.inputs)
    lasts = lasting(expires)
    commit, is_clean = git_state(Path(planned.plan.folder))
    head = SavedPlan(
        id=secrets.token_hex(16),
        created=stamp(now),
        expires=stamp(now + timedelta(seconds=lasts)),
        tool=__version__,
        user=user(),
        host=socket.gethostname(),
        playbook=str(settings.playbook),
        cwd=str(Path.cwd()),
        project=str(planned.project),
        git_commit=commit,
        git_clean=is_clean,
        options=options_of(settings, seed=planned.seed, max_open=planned.max_open),
    )
    key = seal_key.ours()
    data = put_together(head, encode_plan(planned.plan), key)
    try:
        whole_file.replace(target, data)
    except OSError as error:
        raise _unusable(target, error.strerror or str(error)) from None
    return Saved(head, sum_of(data), key is not None)


def lasting(expires: str | None) -> float:
    """The seconds for which a plan can be run. Raises InputError."""
    lasts = LASTS if expires is None else duration_option("--expires", expires) or 0.0
    if not 0 < lasts <= LONGEST:
        raise InputError([Problem("E619", f"--expires: {expires} is no time for which a plan can last")])
    return lasts


def stamp(moment: datetime) -> str:
    """As events have it: in UTC, to the microsecond."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _check_target(target: Path, inputs: Mapping[str, str]) -> None:
    """A slip of the hand must not cost the playbook."""
    if any(_is_same(target, Path(name)) for name in inputs):
        raise _unusable(target, "the plan is made from this file")


def _is_same(target: Path, other: Path) -> bool:
    try:
        return target.samefile(other)
    except (OSError, ValueError):
        return False


def _unusable(target: Path, why: str) -> InputError:
    return InputError([Problem("E619", f'-o: can\'t write "{target}": {why}', hint="name another file with -o")])
