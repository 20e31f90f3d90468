"""Steps and handlers of another file, put where they are included: a frame of names, and ids, for each copy.

The file is read before the run, also where a condition leaves it out in the end, so that plan, journal and resume know
every step. For the same reason a loop is over what inputs, variables and groups alone decide.
"""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from runner.errors import RenderError
from runner.fragments import mapping
from runner.loading import step_language
from runner.loading.cursor import Cursor, given
from runner.loading.files import Link
from runner.loading.handing import Handed, handed_over
from runner.loading.ids import Ids
from runner.loading.inputs import inputs_of, with_defaults
from runner.loading.opening import check_names
from runner.loading.setting import Around, Setting
from runner.loading.static import Static, settle_steps
from runner.loading.texts import Written, layer_of, templates_of
from runner.model.inventory import Layer
from runner.model.playbook import NO_VARS, Frame, Input
from runner.model.template import Value, has_template

MOST_ITEMS = 100_000

Item = Mapping[str, Value]
"""The names ``item`` and ``loop`` with their values, or none."""


@dataclass(frozen=True, slots=True)
class Copy:
    """One copy of an included file: the lists of steps in it, and the setting that they stand in.

    ``vars`` are the file's variables, ``own`` the templates of these and of what is known before the run in the file,
    ``handed`` those of what the include hands over.
    """

    frame: Frame
    setting: Setting
    steps: Cursor
    handlers: Cursor
    vars: Layer
    own: list[Written] = field(default_factory=list)
    handed: list[Written] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _File:
    """What an included file says before its steps. ``cursor`` is its top."""

    cursor: Cursor
    inputs: Mapping[str, Input]
    vars: Layer
    own: list[Written]


def copies_of(cursor: Cursor, setting: Setting, around: Around, own: str, *, wanted: str = "steps") -> Iterator[Copy]:
    """The copies of the file that the include at a place brings, as many as its loop has items.

    ``around`` is what holds for each step in them, ``own`` the include's id, ``wanted`` the list that it is for.
    """
    place = cursor.at("include", "file") if isinstance(cursor.at("include").data, dict) else cursor.at("include")
    if "loop" not in cursor.data:
        items: list[tuple[str, Item]] = [(own, {})]
    else:
        local = own.removeprefix(setting.ids.prefix)
        items = [(f"{own}.{number}", item) for number, item in enumerate(_items(cursor.at("loop")), 1)]
        for number in range(1, len(items) + 1):
            setting.ids.check_free(f"{local}.{number}", cursor)
    for name, item in items:
        copy = _copy(place, cursor, replace(setting, around=around), name, item, wanted)
        if copy is None:
            return
        yield copy


def _items(cursor: Cursor) -> list[Item]:
    """The names of each item of a loop, whose templates have been rendered. Complains (E416) of what is no list."""
    lists = dict(cursor.items()) if isinstance(cursor.data, dict) else {"": cursor}
    for part in lists.values():
        if not isinstance(part.data, list | tuple):
            part.error("E416", f"got {given(part.data)}, expected a list", "an include loops over a list known before")
            return []
    count = 1
    for part in lists.values():
        count *= len(part.data)
    if count > MOST_ITEMS:
        cursor.error("E416", f"the loop has {count} items; the limit is {MOST_ITEMS}")
        return []
    rows = itertools.product(*(part.data for part in lists.values()))
    values = [row[0] if "" in lists else dict(zip(lists, row, strict=True)) for row in rows]
    return [
        {"item": value, "loop": {"index": index, "length": count, "first": index == 1, "last": index == count}}
        for index, value in enumerate(values, 1)
    ]


def _copy(place: Cursor, cursor: Cursor, setting: Setting, own: str, item: Item, wanted: str) -> Copy | None:
    reading = setting.reading
    document = reading.files.include(place, reading.chain, "steps")
    file = _file(Cursor(document, place.problems, document.data), wanted) if document else None
    if document is None or file is None:
        return None
    notes: list[Written] = []
    handed = handed_over(
        place, cursor.at("include", "vars"), file.inputs, lambda part: _value(part, reading.static.at(item), notes)
    )
    static = reading.static.inside(
        file.vars.values, with_defaults(file.inputs, handed.known), item, late=handed.late, missing=handed.wrong
    )
    static = replace(static, notes=file.own)  # its templates see other names than those of the playbook
    chain = (*reading.chain, Link(document.path, place.here))
    inner = replace(reading, static=static, chain=chain, folder=str(document.path.parent))
    steps, handlers = _lists(file, static, wanted)
    ids = Ids(f"{own}/")
    ids.reserve([steps, handlers])
    frame = _frame(place, setting, file, own, item, handed)
    setting.brought.frames[own] = frame
    return Copy(frame, replace(setting, reading=inner, ids=ids, frame=own), steps, handlers, file.vars, file.own, notes)


def _file(cursor: Cursor, wanted: str) -> _File | None:
    """Complains of a file that is neither a list of steps nor a mapping that has one."""
    if isinstance(cursor.data, list):
        return _File(cursor, {}, NO_VARS, []) if cursor.fits(step_language.STEPS) else None
    if not isinstance(cursor.data, dict):
        cursor.error("E311", f"got {given(cursor.data)}, expected a list of steps", "or a mapping with steps in it")
        return None
    if "hosts" in cursor.data or "plays" in cursor.data:
        hint = 'include it under "plays", or take the steps out into a file of their own'
        cursor.error("E410", "this is a playbook, not a file of steps", hint)
        return None
    cursor.fits(mapping(step_language.FILE_KEYS, (wanted,)))
    own: list[Written] = []
    check_names(cursor.at("vars"))
    file = _File(cursor, inputs_of(cursor.at("inputs")), layer_of(cursor.at("vars"), "file", own), own)
    for name in file.inputs.keys() & file.vars.values.keys():
        message = f'"{name}" is an input of this file already'
        cursor.problems.error("E412", message, cursor.at("vars", name).key, "take another name")
    return file


def _lists(file: _File, static: Static, wanted: str) -> tuple[Cursor, Cursor]:
    """The file's lists of steps and of handlers, with what is known before the run put into their templates."""
    top = file.cursor
    nothing = Cursor(top.document, top.problems, None)
    if isinstance(top.data, list):
        settle_steps(top, static)
        return (top, nothing) if wanted == "steps" else (nothing, top)
    for key in ("steps", "handlers"):
        settle_steps(top.at(key), static)
    return (top.at("steps") if wanted == "steps" else nothing), top.at("handlers")


def _frame(place: Cursor, setting: Setting, file: _File, own: str, item: Item, handed: Handed) -> Frame:
    return Frame(
        own,
        file.cursor.document.name,
        setting.frame,
        handed.values,
        file.inputs,
        file.vars.values,
        has_item=bool(item),
        item=item.get("item"),
        loop=item.get("loop", {}),
        folder=str(place.document.path.parent),
    )


def _value(part: Cursor, static: Static, notes: list[Written]) -> tuple[Value, bool]:
    """A value that is handed over, rendered where all its names are known, and whether they are not."""
    value = templates_of(part, notes)
    if not has_template(value):
        return value, False
    if not static.knows(value):
        return value, True
    try:
        return static.templates.render(value, static.scope()), False
    except RenderError:
        return value, True
