"""Secrets where every user of a host can read them, and host data where a shell would read it (E415)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from runner.loading.lint.look import Look, place_in
from runner.loading.lint.scenes import Sight, given_in
from runner.loading.playbook import PlaybookTexts
from runner.loading.plays import PlayTexts
from runner.loading.steps import StepTexts
from runner.model.inventory import Layer
from runner.model.template import Template, Value, templates_in
from runner.templating import Templates

ARGUMENTS = frozenset({"command", "shell", "script"})
"""Kinds whose own text ends up in an argument list on the host, which every user there can read."""

SECRETS = frozenset({"secrets"})
FROM_HOSTS = frozenset({"facts"})
SOURCES = SECRETS | FROM_HOSTS


Uses = Callable[[Template], frozenset[str]]


@dataclass(frozen=True, slots=True)
class Tainted:
    """Names by frame whose values hold a secret, or something that a host said: directly or through others."""

    secret: Mapping[str, frozenset[str]]
    untrusted: Mapping[str, frozenset[str]]


def tainted(play: PlayTexts, texts: PlaybookTexts, templates: Templates) -> Tainted:
    """What is tainted in a play."""
    layers: list[Layer] = [*(play.origin.layers if play.origin else texts.playbook.layers), play.play.vars]
    variables = {name: value for layer in layers for name, value in layer.values.items()}
    nothing: dict[str, set[str]] = {}
    given = {frame: given_in(play, frame) for frame in ("", *play.play.frames)}
    return Tainted(
        secret=_by_frame(play, variables, templates.mentions, SECRETS, nothing),
        untrusted=_by_frame(play, variables, templates.unquoted, FROM_HOSTS | _given_anywhere(texts), given),
    )


def check_arguments(sight: Sight, marked: Tainted, look: Look) -> None:
    """A secret may not stand in an argument, nor unquoted in shell text what a host said."""
    step, template = sight.step, sight.note.template
    if step is None or look.templates.faults(template):
        return
    _check_verify(sight, step, marked, look)
    if step.step.kind not in ARGUMENTS:
        return
    path = (*step.cursor.path, step.step.kind)
    if sight.note.cursor.path[: len(path)] != path:
        return
    kind, frame = step.step.kind, step.step.frame
    for name in sorted(look.templates.mentions(template) & marked.secret[frame]):
        message = f"a secret in `{kind}` can be read by every user of the host"
        _complain(sight, name, message, "hand it over with `env` or `stdin`", look)
    if kind == "shell":
        others = {"hosts"} if look.templates.results_of_others(template) else set()
        for name in sorted(look.templates.unquoted(template) & (marked.untrusted[frame] | others)):
            message = f'"{name}" comes from a host and would be read by the shell'
            _complain(sight, name, message, "write | quote behind it, or hand it over with `env`", look)


def _check_verify(sight: Sight, step: StepTexts, marked: Tainted, look: Look) -> None:
    path = (*step.cursor.path, "verify")
    if sight.note.cursor.path[: len(path)] != path:
        return
    for name in sorted(look.templates.mentions(sight.note.template) & marked.secret[step.step.frame]):
        message = "a secret in `verify` can be read by every user of the host"
        _complain(sight, name, message, "ask for something that needs none", look)


def _complain(sight: Sight, name: str, message: str, hint: str, look: Look) -> None:
    offset = look.templates.place(sight.note.template, name)
    look.problems.error("E415", message, place_in(sight.note, offset, len(name)), hint)


def _given_anywhere(texts: PlaybookTexts) -> frozenset[str]:
    return frozenset[str]().union(*(given_in(play, "") for play in texts.plays))


def _by_frame(
    play: PlayTexts,
    variables: Mapping[str, Value],
    uses: Uses,
    seeds: frozenset[str],
    own: Mapping[str, set[str]],
) -> dict[str, frozenset[str]]:
    """The tainted names in each frame. ``own`` are those that are tainted in one frame alone."""
    found = {"": _closure(_used(variables, uses), seeds | own.get("", set()))}
    for frame in play.play.frames.values():  # the frame that an include stands in comes before its own
        handed = {name for name, names in _used(frame.given, uses).items() if names & found[frame.parent]}
        outer = found[""] - own.get("", set()) - frame.vars.keys() - frame.inputs.keys()
        start = (seeds & SOURCES) | outer | handed | own.get(frame.id, set())
        found[frame.id] = _closure(_used(frame.vars, uses), frozenset(start))
    return found


def _used(values: Mapping[str, Value], uses: Uses) -> dict[str, set[str]]:
    return {name: {one for part in templates_in(value) for one in uses(part)} for name, value in values.items()}


def _closure(uses: Mapping[str, set[str]], seeds: frozenset[str]) -> frozenset[str]:
    found = seeds
    while more := {name for name, names in uses.items() if names & found} - found:
        found |= more
    return found
