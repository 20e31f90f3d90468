"""The inputs of a playbook, for whoever is about to give them; pure."""

from collections.abc import Iterator, Mapping

from runner.durations import written
from runner.model.playbook import Input
from runner.model.template import Value
from runner.reporting.escape import visible


def listed(playbook: str, inputs: Mapping[str, Input]) -> Iterator[str]:
    """Lines: each input with its type, whether it must be given, its choices and help; then how to give one."""
    if not inputs:
        yield f"{visible(playbook)} has no inputs"
        return
    yield f"Inputs of {visible(playbook)}:"
    names = max(len(name) for name in inputs)
    types = max(len(one.type) for one in inputs.values())
    for name, one in inputs.items():
        yield f"  {name:{names}}  {one.type:{types}}  {'; '.join(_about(one))}"
        for line in one.help.splitlines():
            yield f"  {'':{names}}  {visible(line)}".rstrip()
    example = next((one for one in inputs.values() if one.is_required), next(iter(inputs.values())))
    yield f"Give them with -e NAME=VALUE, as in -e {example.name}={visible(_example(example))}, or -e @FILE.yaml."


def _about(one: Input) -> Iterator[str]:
    if one.choices:
        yield f"one of {', '.join(_shown(choice, one) for choice in one.choices)}"
    if one.pattern is not None:
        yield f"matching {visible(one.pattern)}"
    yield "required" if one.is_required else f"default {_shown(one.default, one)}"


def _shown(value: Value, one: Input) -> str:
    """A value as it could be typed: lists and mappings as YAML takes them."""
    match value:
        case bool():
            return str(value).lower()
        case int() | float() if one.type == "duration":
            return written(value)
        case list() | tuple():
            return f"[{', '.join(_shown(part, one) for part in value)}]"
        case Mapping():
            return f"{{{', '.join(f'{visible(key)}: {_shown(part, one)}' for key, part in value.items())}}}"
    return '""' if value == "" else visible(str(value))


def _example(one: Input) -> str:
    if one.choices:
        return str(one.choices[0])
    words = {"boolean": "true", "duration": "10s", "list": "'[a, b]'", "mapping": "'{a: 1}'"}
    return words.get(one.type, "…")
