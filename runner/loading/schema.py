"""Documents against JSON Schemas, and what is wrong in words that help: the one file that knows jsonschema.

jsonschema reports paths and repeats the schema; a :class:`~runner.loading.documents.Document` turns paths into places,
and this module turns what failed into a sentence, a code and a hint. A schema says what it expects in its ``title``
("a count, a percentage or rest"), which messages and editors show, and what a value may look like in ``examples``.

Why a step's kind is found by hand. ``oneOf`` over all kinds reports that none of twenty fits. So the kind is found by
its key, and its value meets that kind's own schema.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

from runner.fragments import TEMPLATE
from runner.loading.documents import Document, Steps
from runner.loading.fits import fits
from runner.loading.foreign_words import foreign
from runner.loading.problems_list import SHOWN, Problems
from runner.loading.unknown_keys import homes, look_alike
from runner.loading.wrong_values import either, example, finding, fits_type, is_duration
from runner.words import suggest

Schema = Mapping[str, Any]

MOST = 10_000
"""Things that do not fit at one place, after which no more are looked for: 50 of a file are shown."""

ITEMS = 2_000
"""Items of a list that are looked at first: where one of them is wrong, those behind them need no look."""


def validate(document: Document, schema: Schema, problems: Problems, at: Steps = ()) -> None:
    """Report everything at ``at`` and below that does not fit the schema."""
    _Check(document, problems, at, schema).run(document.at(at), schema)


def validate_step(
    document: Document,
    path: Steps,
    problems: Problems,
    *,
    common_schema: Schema,
    kinds: Mapping[str, Schema],
    what: str = "a step",
) -> str | None:
    """Report what is wrong with the step at ``path``; its kind, or None where that can't be told.

    ``common_schema`` is that of the keys all steps share; ``kinds`` have the schema of what follows each kind's key,
    and only that of a kind in use is asked for. ``what`` it is called in messages.
    """
    step = document.at(path)
    common = common_schema["properties"]
    unknown = [key for key in step if key not in common and key not in kinds] if isinstance(step, dict) else []
    # Where an unknown key belongs is only looked for where there is one: it takes the schemas of all kinds.
    everything = {"type": "object", "properties": {**common, **(dict(kinds) if unknown else {})}}
    check = _Check(document, problems, path, everything)
    if not isinstance(step, dict):
        check.run(step, {"type": "object", "title": f"{what}, which is a mapping"})
        return None
    found = [key for key in step if key in kinds]
    check.unknown(unknown, (), everything["properties"])
    check.run({key: value for key, value in step.items() if key in common}, common_schema)
    if len(found) == 1:
        validate(document, kinds[found[0]], problems, (*path, found[0]))
        return str(found[0])
    _no_single_kind(document, path, problems, found, kinds=kinds, is_told=bool(unknown), what=what)
    return None


def _no_single_kind(
    document: Document,
    path: Steps,
    problems: Problems,
    found: list[str],
    *,
    kinds: Iterable[str],
    is_told: bool,
    what: str,
) -> None:
    """Say that a step has two kinds, or none; not so where an unknown key has been reported in its place."""
    if found:
        listed = " and ".join(f'"{key}"' for key in found)
        message = f"{what} has exactly one kind; this one has {listed}"
        problems.error("E403", message, document.key_at((*path, found[1])), f"make it two {what.removeprefix('a ')}s")
    elif not is_told:
        keys = ", ".join(f'"{key}"' for key in document.at(path))
        message = f"{what} has exactly one kind; this one has {f'only {keys}' if keys else 'nothing in it'}"
        problems.error("E403", message, document.start_of(path), f"kinds: {', '.join(kinds)}")


class _Check:
    """One value on its way against one schema. ``whole`` is where homes of misplaced keys are looked for."""

    def __init__(self, document: Document, problems: Problems, base: Steps, whole: Schema) -> None:
        self.document = document
        self.problems = problems
        self.base = base
        self.whole = whole
        self.told = 0
        self.homes: Mapping[str, Sequence[str]] | None = None

    def run(self, value: Any, schema: Schema) -> None:
        """Report all errors of a value."""
        if fits(value, schema):
            return
        from jsonschema import Draft202012Validator  # noqa: PLC0415 - see fits

        check = Draft202012Validator(dict(schema))
        found = list(islice(check.iter_errors(_cut(value)), MOST)) or islice(check.iter_errors(value), MOST)
        for error in found:
            self.report(error)

    def report(self, error: Any) -> None:
        """One error of jsonschema's as problems."""
        path: Steps = tuple(error.absolute_path)
        if "propertyNames" in error.schema_path:
            self.bad_name(error.instance, path, error.schema)
            return
        match error.validator:
            case "additionalProperties" if isinstance(error.instance, dict):
                known = error.schema.get("properties", {})
                self.unknown([key for key in error.instance if key not in known], path, known)
            case "required":
                self.missing(error, path)
            case "anyOf" | "oneOf":
                self.choose(error, path)
            case _:
                self.wrong(error, path)

    def unknown(self, keys: Iterable[str], path: Steps, known: Iterable[str]) -> None:
        """Keys that nothing knows, each with what could have been meant."""
        for key in keys:
            self.told += 1
            hint = self.meant(key, path, known) if self.told <= SHOWN else ""  # more are only counted
            self.problems.error("E401", f'unknown key "{key}"', self.document.key_at((*self.base, *path, key)), hint)

    def meant(self, key: str, path: Steps, known: Iterable[str]) -> str:
        """What could have been meant by a key that nothing knows."""
        hint = look_alike(key) or foreign(key, known) or suggest(key, known) or self.belongs(key, path)
        if look_alike(key) and suggest(key, known):
            hint += f"; {suggest(key, known)}"
        return hint

    def belongs(self, key: str, path: Steps) -> str:
        """Where else in the schema the key is known."""
        here = next((step for step in reversed((*self.base, *path)) if isinstance(step, str)), "")
        self.homes = homes(self.whole) if self.homes is None else self.homes
        places = [home for home in self.homes.get(key, ()) if home != here]
        if not places:
            is_outer = path and key in self.whole.get("properties", ())
            return f'"{key}" belongs outside of "{here}"' if is_outer else ""
        listed = " or ".join(f'"{home}"' for home in places[:3])
        return f'"{key}" belongs under {listed}'

    def missing(self, error: Any, path: Steps) -> None:
        """Keys that a mapping needs."""
        whole = example(error.schema, (*self.base, *path))
        for key in error.validator_value:
            if key not in error.instance:
                hint = example(error.schema.get("properties", {}).get(key, {}), (key,)) or whole
                place = self.document.start_of((*self.base, *path))
                self.problems.error("E402", f'missing key "{key}"', place, hint)

    def bad_name(self, name: str, path: Steps, schema: Schema) -> None:
        """A key that is free to choose, but not in this way."""
        hint = f"expected {schema['title']}" if "title" in schema else "use letters, digits and _, and no digit first"
        self.problems.error("E412", f'"{name}" can\'t be a name', self.document.key_at((*self.base, *path, name)), hint)

    def choose(self, error: Any, path: Steps) -> None:
        """Of several schemas none fits: report the errors of the one that was meant, where that can be told."""
        if all(set(branch) == {"required"} for branch in error.validator_value):
            self.choose_keys(error, path)
            return
        branches: dict[Any, list[Any]] = {}
        for inner in error.context or ():
            branches.setdefault(inner.relative_schema_path[0], []).append(inner)
        meant = [errors for n, errors in branches.items() if _is_meant(error.instance, error.validator_value[n])]
        is_told_whole = is_duration(error.schema) or "title" in error.schema
        if len(meant) == 1 and (not is_told_whole or any(inner.relative_path for inner in meant[0])):
            for inner in meant[0]:
                self.report(inner)
        else:
            self.wrong(error, path)

    def choose_keys(self, error: Any, path: Steps) -> None:
        """Of several keys a mapping must have one: none is there, or more than one."""
        if not isinstance(error.instance, dict):
            return  # that it is no mapping is told
        keys = [key for branch in error.validator_value for key in branch["required"]]
        there = [key for key in keys if key in error.instance]
        full = (*self.base, *path)
        if there:
            listed = " and ".join(f'"{key}"' for key in there)
            place = self.document.key_at((*full, there[1]))
            self.problems.error("E406", f"{listed} exclude each other", place, "leave all but one of them out")
        else:
            listed = either(f'"{key}"' for key in keys)
            hint = "add " + either(f"{key}: …" for key in keys)
            self.problems.error("E402", f"missing key {listed}", self.document.start_of(full), hint)

    def wrong(self, error: Any, path: Steps) -> None:
        """A value that does not fit, unless something worse has been said of it."""
        full = (*self.base, *path)
        place = self.document.value_at(full)
        if self.problems.has_error_at(place):
            return
        if isinstance(error.instance, list):
            error.instance = self.document.at(full)  # in full length
        found = finding(error, full, self.document.text_at(full))
        self.problems.error(found.code, found.message, place, found.hint)


def _cut(value: Any) -> Any:
    """The value with the first items of long lists alone, so that a thousand mistakes cost no more than they say."""
    if isinstance(value, dict):
        return {key: _cut(part) for key, part in value.items()}
    return [_cut(part) for part in value[:ITEMS]] if isinstance(value, list) else value


def _is_meant(value: Any, branch: Schema) -> bool:
    """Whether a value has the type that a branch asks for. A branch for templates is meant by templates alone."""
    return branch != TEMPLATE and fits_type(value, branch)
