"""Secrets where every user of a host can read them, and host data where a shell would read it (E415)."""

import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from runner.argv import NotWords, split
from runner.loading.lint.look import Look, place_in
from runner.loading.lint.scenes import Sight
from runner.loading.lint.tainting import Frames
from runner.loading.lint.trusting import item_of
from runner.loading.steps import StepTexts
from runner.model.template import Template, templates_in

if TYPE_CHECKING:
    from runner.templating.trust import Trust

Path = tuple[str | int, ...]

ON_STDIN = "hand it over with `env` or `stdin`"

ARGUMENTS: Mapping[str, tuple[frozenset[str], str]] = {
    "command": (frozenset(), ON_STDIN),
    "shell": (frozenset(), ON_STDIN),
    "script": (frozenset(), ON_STDIN),
    "http": (frozenset({"headers", "body"}), "send it in a header or in the body"),
    "wait_for": (frozenset(), "ask for something that needs none"),
    "copy": (frozenset({"content"}), "put it into `content`"),
    "template": (frozenset(), "put it into the template file"),
    "fetch": (frozenset(), "a path needs none"),
    "file": (frozenset(), "a path needs none"),
}
"""Kinds whose params end up in argument lists on the host, which every user there can read.

With those params that do not, and where else a secret can go.
"""

_GUARDS: frozenset[Path] = frozenset({("unless",), ("only_if",)})
_TEXTS = {"shell": frozenset[Path]({(), ("run",), ("executable",)}) | _GUARDS, "script": _GUARDS}
_SHELLS = frozenset({"sh", "bash", "dash", "ksh", "mksh", "zsh", "ash"})
_RUNS_TEXT = re.compile(r"-[a-z]*c[a-z]*\Z")


def check_arguments(sight: Sight, frames: Frames, look: Look) -> None:
    """A secret may not stand in an argument, nor in shell text what a host said, unless it is quoted."""
    step, template = sight.step, sight.note.template
    if step is None or look.templates.faults(template):
        return
    _check_verify(sight, step, frames, look)
    own = (*step.cursor.path, step.step.kind)
    if step.step.kind not in ARGUMENTS or sight.note.cursor.path[: len(own)] != own:
        return
    path = sight.note.cursor.path[len(own) :]
    if not _is_sent_otherwise(step, path):
        for name in sorted(_secrets(step, template, frames)):
            message = f"a secret in `{step.step.kind}` can be read by every user of the host"
            _complain(sight, name, message, ARGUMENTS[step.step.kind][1], look)
    for text in _shell_texts(step, template, path):
        _check_text(sight, text, frames, look)


def _check_text(sight: Sight, text: Template, frames: Frames, look: Look) -> None:
    """Shell text: what reaches it raw, or quoted in a place where quoting is in vain."""
    for name, is_quoted in look.templates.leaks(text, _names(sight, frames)):
        message = f'"{name}" comes from a host and would be read by the shell'
        hint = "write | quote behind it, or hand it over with `env`"
        if is_quoted:
            message = f'"{name}" comes from a host and stands where | quote is in vain'
            hint = "no quotes, comment or backslash round it; or hand it over with `env`"
        _complain(sight, name, message, hint, look)


def _names(sight: Sight, frames: Frames) -> "Mapping[str, Trust]":
    step = sight.step
    if step is None:
        return {}
    names = frames.names(step.step.frame)
    loop = step.step.loop
    return names if loop is None else {**names, "item": item_of(loop, names, frames.templates)}


def _secrets(step: StepTexts, template: Template, frames: Frames) -> frozenset[str]:
    frame = step.step.frame
    in_items = any(frames.secrets_in(part, frame) for part in templates_in(step.step.loop))
    return frames.secrets_in(template, frame, item=in_items)


def _is_sent_otherwise(step: StepTexts, path: Path) -> bool:
    """Whether a param reaches the host in a file or on a standard input, or not at all."""
    data = step.cursor.at(step.step.kind).data
    if path[:1] in {("url",), ("http",), ()} and step.step.kind in {"http", "wait_for"}:
        return isinstance(data, dict) and data.get("from") == "controller"
    return bool(path) and path[0] in ARGUMENTS[step.step.kind][0]


def _shell_texts(step: StepTexts, template: Template, path: Path) -> Iterator[Template]:
    """The parts of a template that a shell reads."""
    kind, data = step.step.kind, step.cursor.at(step.step.kind).data
    if path in _TEXTS.get(kind, ()):
        yield template
    elif kind in {"command", "wait_for", "shell", "script"}:
        yield from _for_a_shell(template, path, data)


def _for_a_shell(template: Template, path: Path, data: Any) -> Iterator[Template]:
    """Words that stand behind ``sh -c``: in a list, or in text that is split into one."""
    if path and isinstance(path[-1], int):
        words = data
        for key in path[:-1]:
            words = words[key]
        if _is_program(words, path[-1]):
            yield template
        return
    try:
        words = split(template.source)
    except NotWords:
        return
    yield from (Template(word, template.location) for at, word in enumerate(words) if _is_program(words, at))


def _is_program(words: Any, at: int) -> bool:
    if not isinstance(words, list) or at < 2:
        return False
    shell, option = str(words[at - 2]), str(words[at - 1])
    return posixpath.basename(shell) in _SHELLS and _RUNS_TEXT.match(option) is not None


def _check_verify(sight: Sight, step: StepTexts, frames: Frames, look: Look) -> None:
    path = (*step.cursor.path, "verify")
    if sight.note.cursor.path[: len(path)] != path:
        return
    for name in sorted(_secrets(step, sight.note.template, frames)):
        message = "a secret in `verify` can be read by every user of the host"
        _complain(sight, name, message, "ask for something that needs none", look)
    if _is_program(step.cursor.at("verify").data, int(sight.note.cursor.path[-1])):
        _check_text(sight, sight.note.template, frames, look)


def _complain(sight: Sight, name: str, message: str, hint: str, look: Look) -> None:
    offset = look.templates.place(sight.note.template, name)
    look.problems.error("E415", message, place_in(sight.note, offset, len(name)), hint)
