"""Make sure of what is at a path: a directory, a file, a link, or nothing.

- ``path``: the absolute path. It is never followed where it is a link.
- ``state``: ``directory`` (with the directories above it), ``file`` (made empty where there is none), ``link`` (to
  ``src``), ``absent`` (a directory goes with all that is in it), ``touched`` (a file whose times are set to now).
- ``src``: where a link leads; it need not exist.
- ``owner``, ``group``: name or number. ``mode``: quoted octal; a new directory has 0755, a new file 0644.

What is there as another kind of thing is an error and left as it is. The step has changed something only where it
really did; ``touched`` always has.

```yaml
- file: {path: /srv/app/log, state: directory, mode: "0750"}
```
"""

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from runner.errors import StepError
from runner.fragments import FILLED, MODE, OWNER, choice, mapping
from runner.model.outcome import Outcome, ok
from runner.model.template import Value
from runner.remote_files import (
    Attributes,
    Found,
    Owner,
    absolute,
    check_paths,
    complaint,
    look,
    parsed,
    set_attributes,
)
from runner.step import Complaint, StepKind, Target

State = Literal["directory", "file", "link", "absent", "touched"]


@dataclass(frozen=True, slots=True)
class Params:
    """What should be where."""

    path: str
    state: State
    src: str | None = None
    owner: Owner | None = None
    group: Owner | None = None
    mode: str | None = None


SCHEMA: Mapping[str, Any] = mapping(
    {
        "path": FILLED,
        "state": choice("directory", "file", "link", "absent", "touched"),
        "src": FILLED,
        "owner": OWNER,
        "group": OWNER,
        "mode": MODE,
    },
    ("path", "state"),
)

REFUSED: Mapping[str, tuple[str, ...]] = {
    "directory": ("src",),
    "file": ("src",),
    "touched": ("src",),
    "link": ("mode",),
    "absent": ("src", "owner", "group", "mode"),
}
"""The keys that mean nothing with a state."""

KIND: Mapping[str, str] = {"directory": "folder", "file": "file", "touched": "file", "link": "link"}
NEW_MODE: Mapping[str, str | None] = {"directory": "0755", "file": "0644", "touched": "0644", "link": None}

MAKE: Mapping[str, str] = {
    "directory": (
        # Another host may make it at the same moment, on a file system that they share.
        '(umask 022; mkdir -p -- "${1%/*}/.") && '
        '{ (umask 077; mkdir -- "$1") 2>/dev/null || [ -d "$1" ] || mkdir -- "$1"; }'
    ),
    "file": '(umask 077; set -C; : >"$1")',
    "touched": '(umask 077; set -C; : >"$1")',
    "link": 'ln -s -- "$2" "$1"',
}
RELINK = (
    'temp=${1%/*}/$3; ln -s -- "$2" "$temp" || exit 1\n'
    'mv -fT -- "$temp" "$1" 2>/dev/null || mv -fh -- "$temp" "$1" 2>/dev/null || '
    '{ rm -f -- "$1" && mv -f -- "$temp" "$1"; } || { rm -f -- "$temp"; exit 1; }'
)


def check(params: Mapping[str, Value]) -> Iterator[Complaint]:
    """Complains of a path that can't be one, and of keys that do not go together."""
    yield from check_paths(params, ("path",))
    state = params.get("state")
    if state == "link" and "src" not in params:
        yield Complaint("E402", 'state "link" needs src: where it leads', ())
    if isinstance(state, str):
        for key in REFUSED.get(state, ()):
            if key in params:
                yield Complaint("E401", f'{key} means nothing with state "{state}"', (key,))


async def run(params: Params, target: Target) -> Outcome:
    """Look, and change what is not as wanted."""
    path = absolute(params.path, "path")
    wanted = Attributes(params.owner, params.group, params.mode)
    (found,) = await look(target, [(path, None)], with_names=wanted.are_named)
    if params.state == "absent":
        return await remove(target, path, found)
    if params.state == "link" and not params.src:
        raise StepError('state "link" needs src: where it leads')
    if found.kind not in {"", KIND[params.state]}:
        raise StepError(f'"{path}" is {found.described}, not {described(params.state)}; it is left as it is')
    there = await make(params, target, path=path, found=found)
    if not found.kind and params.mode is None:
        wanted = Attributes(params.owner, params.group, NEW_MODE[params.state])
    after = await set_attributes(target, path, there, wanted)
    touched = params.state == "touched"
    if touched and found.kind:
        await act(target, 'touch -c -- "$1" && ls -ldn "$1"', path)
    relinked = params.state == "link" and found.link != params.src
    changed = touched or not found.kind or relinked or after.ownership != found.ownership
    return ok(changed=changed, data={"path": path})


def described(state: State) -> str:
    """What a state asks for, with its article."""
    return "a file" if state == "touched" else f"a {state}"


async def make(params: Params, target: Target, *, path: str, found: Found) -> Found:
    """Make what is missing, or let a link lead elsewhere; the answer is what is there then."""
    if not found.kind:
        return await act(target, MAKE[params.state] + ' && ls -ldn "$1"', path, params.src or "")
    if params.state == "link" and found.link != params.src:
        return await act(target, RELINK + '\nls -ldn "$1"', path, params.src or "", f".runner-{secrets.token_hex(16)}")
    return found


async def remove(target: Target, path: str, found: Found) -> Outcome:
    """Remove what is there."""
    if not found.kind:
        return ok(data={"path": path})
    result = await target.run(("rm", "-rf", "--", path), stdin=b"", quiet=True)
    if result.rc != 0:
        raise StepError(f'"{path}" can\'t be removed: {complaint(result)}')
    return ok(changed=True, data={"path": path})


async def act(target: Target, script: str, *args: str) -> Found:
    """Run sh text that ends with ``ls -ldn``. Raises StepError with the host's words."""
    result = await target.run(f"LC_ALL=C; export LC_ALL\n{script}", args=args, stdin=b"", quiet=True)
    if result.rc != 0:
        raise StepError(f'"{args[0]}" can\'t be made as wanted: {complaint(result)}')
    return parsed(result.stdout.text)


STEP = StepKind(
    name="file",
    summary="a directory, a file, a link, or nothing, at a path",
    schema=SCHEMA,
    params=Params,
    run=run,
    check=check,
    idempotent=True,
    answers=("path",),
    documentation=__doc__,
)
