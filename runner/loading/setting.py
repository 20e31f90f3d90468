"""Where steps stand, and what that gives them: the section, the ids that are taken, what blocks round them say."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from runner.loading.cursor import Cursor
from runner.loading.files import Files, Link
from runner.loading.ids import Ids
from runner.loading.static import Static
from runner.loading.step_values import become_of, words_of
from runner.loading.texts import Written, mapping_of, templates_of
from runner.model.inventory import Become
from runner.model.playbook import Frame
from runner.model.template import Value
from runner.step import StepKind

Kinds = Mapping[str, StepKind[Any]]


@dataclass(frozen=True, slots=True)
class Around:
    """What is said for each step in it, by the blocks and includes round it and at last by the step itself.

    The nearest wins; ``env`` is merged, tags add up, those of the outermost first. None is nothing said.
    """

    become: Become | Literal[False] | None = None
    env: Mapping[str, Value] = field(default_factory=dict)
    cwd: Value = None
    delegate_to: Value = None
    sensitive: bool = False
    tags: tuple[str, ...] = ()

    def within(self, cursor: Cursor, notes: list[Written]) -> "Around":
        """What holds inside a step, block or include at a place. The templates there are added to ``notes``."""
        data = cursor.data
        return Around(
            become=become_of(cursor.at("become"), notes) if data.get("become") is not None else self.become,
            env={**self.env, **mapping_of(cursor.at("env"), notes)},
            cwd=templates_of(cursor.at("cwd"), notes) if "cwd" in data else self.cwd,
            delegate_to=templates_of(cursor.at("delegate_to"), notes) if "delegate_to" in data else self.delegate_to,
            sensitive=data.get("sensitive", self.sensitive),
            tags=tuple(dict.fromkeys((*self.tags, *words_of(cursor.at("tags"))))),
        )


@dataclass(frozen=True, slots=True)
class Reading:
    """What a file is read with. ``static`` is known in it before the run, ``chain`` are the files that lead to it.

    ``folder`` is where its relative paths start, empty for the playbook's own.
    """

    kinds: Kinds
    files: Files
    static: Static
    chain: tuple[Link, ...] = ()
    folder: str = ""


@dataclass(slots=True)
class Brought:
    """What the includes of a play have brought: frames by their id, and lists of handlers, each with its setting."""

    frames: dict[str, Frame] = field(default_factory=dict)
    handlers: list[tuple[Cursor, "Setting"]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Setting:
    """Where a list of steps stands. ``section`` and ``frame`` are what its steps have as theirs."""

    reading: Reading
    ids: Ids
    brought: Brought
    section: str = ""
    around: Around = Around()
    frame: str = ""

    @property
    def kinds(self) -> Kinds:
        """The step kinds there are."""
        return self.reading.kinds

    def inside(self, around: Around, section: str = "") -> "Setting":
        """The same inside a block; ``section`` counts where the block stands among the play's own steps."""
        return replace(self, around=around, section=self.section or section)
