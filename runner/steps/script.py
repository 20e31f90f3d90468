"""Send a script of the project to the host, run it, and leave nothing behind.

It runs with the interpreter that its first line names (``#!/usr/bin/env python3``), or ``/bin/sh``; it need not be
executable, and the host's folder for temporary files may forbid to execute. ``args`` reach it exactly as written.

- ``src``: the script, starting at the playbook's folder.
- ``args``: a list of words. ``includes``: files of the project that are put beside it: ``$(dirname "$0")/NAME``.
- ``creates``, ``removes``: skip the step when this path exists, does not exist.
- ``unless``, ``only_if``: skip it when this text for ``/bin/sh`` (or list of words) ends well, does not end well.

The private folder that it lies in (mode 0700) is removed afterwards, also when the script fails or is stopped; only a
lost connection, or a host that takes more than 10 s to remove it, can leave it, and this is said. The step has changed
something whenever it ran, unless it says ``read_only: true`` or ``changed_when``.

```yaml
- script: {src: setup.sh, args: [a b, "it's"]}
```
"""

import asyncio
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runner.errors import RunnerError, StepError
from runner.fragments import FILLED, GUARDS, WORD, mapping, or_template
from runner.local_files import inside, regular
from runner.model.outcome import Outcome
from runner.model.template import Value
from runner.remote_files import complaint, whats_wrong
from runner.running import Guards, Word, as_words, excuse, judged, nothing_to_do, quoted, shell_words
from runner.step import StepKind, Target


@dataclass(frozen=True, slots=True)
class Params:
    """What to run with which arguments, and when not to."""

    src: str
    args: tuple[Word, ...] = ()
    includes: tuple[str, ...] = ()
    creates: str | None = None
    removes: str | None = None
    unless: tuple[Word, ...] | str = ()
    only_if: tuple[Word, ...] | str = ()


LISTS: Mapping[str, Any] = {
    "args": or_template({"type": "array", "items": WORD}),
    "includes": or_template({"type": "array", "items": FILLED}),
}
SCHEMA: Mapping[str, Any] = {"anyOf": [FILLED, mapping({"src": FILLED, **LISTS, **GUARDS}, ("src",))]}

LONGEST_FOLDER = 4096
"""Characters of the path of the private folder, which the host chooses among its own."""

CLEANING = 10.0
"""Seconds that removing the folder may take: the step's own timeout no longer counts when it has fired."""

MAKE_FOLDER = r"""
LC_ALL=C; export LC_ALL; umask 077; tried=
for place in "${TMPDIR:-/tmp}" /tmp /var/tmp "$HOME"; do
  case $place in /*) ;; *) continue ;; esac
  if mkdir -- "$place/$1" 2>/dev/null; then
    if (echo x >"$place/$1/.try") 2>/dev/null; then rm -f "$place/$1/.try"; printf %s "$place/$1"; exit 0; fi
    rm -rf -- "$place/$1"
  fi
  tried="$tried $place"
done
echo "no private folder can be made, tried:$tried" >&2
exit 1
"""
"""Makes the private folder ``$1`` where one can be made and written to, and prints its path."""


def spell_out(value: Value) -> Value:
    """The mapping behind a short form."""
    return value if isinstance(value, dict) else {"src": value}


def interpreter(script: Path) -> tuple[str, ...]:
    """The words that run a script: those of its first line, as a kernel takes them, or ``/bin/sh``.

    Raises StepError where that line ends as on Windows: a host would look for a program with a CR in its name.
    """
    with script.open("rb") as file:
        line = file.readline(4096)
    if not line.startswith(b"#!"):
        return ("/bin/sh",)
    if line.rstrip(b"\n").endswith(b"\r"):
        raise StepError(f'"{script}" has line ends of Windows (CR LF)', hint="save it with LF alone")
    program, *rest = line[2:].decode("utf-8", "surrogateescape").strip().split(None, 1)
    return (program, *(word.strip() for word in rest))


def files_to_send(target: Target, params: Params) -> tuple[Path, ...]:
    """The script and what goes beside it. Raises StepError for one that is missing or has the name of another."""
    files = tuple(regular(inside(target.project, target.folder, text)) for text in (params.src, *params.includes))
    if len({file.name for file in files}) < len(files):
        raise StepError(f"two files of {named(files)} have the same name, and all go into one folder")
    return files


def named(files: Iterable[Path]) -> str:
    """The names of files, as a message shows them."""
    return ", ".join(f'"{file.name}"' for file in files)


async def run(params: Params, target: Target) -> Outcome:
    """Send it, run it, remove it, unless a guard says that there is nothing to do."""
    files = await target.in_thread(lambda: files_to_send(target, params))
    program = await target.in_thread(lambda: interpreter(files[0]))
    args = as_words(params.args)
    guards = Guards(params.creates, params.removes, shell_words(params.unless), shell_words(params.only_if))
    if reason := await excuse(guards, target):
        return nothing_to_do(reason)
    name = f"runner-{secrets.token_hex(16)}"
    folder = await make_folder(target, name)
    try:
        for file in files:
            await target.put(file, f"{folder}/{file.name}")
        result = await target.run((*program, f"{folder}/{files[0].name}", *args), noted=True)
    finally:
        await remove(target, folder)
    return judged(result, target, program[0])


async def make_folder(target: Target, name: str) -> str:
    """A new private folder on the host. Raises StepError, naming the places that were tried, where none can be made."""
    result = await target.run(MAKE_FOLDER, args=(name,), stdin=b"", quiet=True)
    folder = result.stdout.text
    if result.rc != 0 or whats_wrong(folder) or not folder.endswith(f"/{name}") or len(folder) > LONGEST_FOLDER:
        raise StepError(complaint(result))
    return folder


async def remove(target: Target, folder: str) -> None:
    """Remove the private folder; what can't be removed is said, as the step's own outcome stands."""
    try:
        async with asyncio.timeout(CLEANING):
            result = await target.run(("rm", "-rf", "--", folder), stdin=b"", quiet=True)
    except TimeoutError:
        wrong = f"it took more than {CLEANING:g} s"
    except asyncio.CancelledError:
        target.say(left_behind(folder, "it was stopped"))
        raise
    except RunnerError as error:
        wrong = str(error)
    else:
        wrong = "" if result.rc == 0 else complaint(result)
    if wrong:
        target.say(left_behind(folder, wrong))


def left_behind(folder: str, why: str) -> str:
    """What is left on the host, and how to remove it."""
    return f"left behind, as it could not be removed ({why}): rm -rf {quoted(folder)}"


STEP = StepKind(
    name="script",
    summary="send a script of the project, run it, leave nothing behind",
    schema=SCHEMA,
    params=Params,
    run=run,
    spell_out=spell_out,
    heard=judged,
    local_files=("src", "includes"),
    documentation=__doc__,
)
