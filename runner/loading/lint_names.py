"""Which names are known where: outside of includes, and in each file that is included."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from runner.loading.cursor import Cursor
from runner.loading.includes import Copy
from runner.loading.nodes import BlockTexts, Texts
from runner.loading.steps import StepTexts
from runner.model.inventory import Layer
from runner.model.scope import ALWAYS
from runner.model.template import Value, templates_in
from runner.templating import Templates


@dataclass(slots=True)
class Known:
    """The names that the steps of one file see in a play.

    ``variables`` are variables and inputs, ``given`` what steps have registered or set so far, ``heard`` inputs that
    were handed such a thing. ``tainted`` hold a secret. ``items`` are ``item`` and ``loop`` of the include, if it has
    them.
    """

    variables: frozenset[str]
    inputs: frozenset[str]
    tainted: frozenset[str]
    given: set[str] = field(default_factory=set)
    heard: frozenset[str] = frozenset()
    items: frozenset[str] = frozenset()

    @property
    def names(self) -> set[str]:
        """All of them."""
        return {*self.variables, *self.given, *self.items, *ALWAYS}

    def inside(self, copy: Copy, outer: "Known", templates: Templates) -> "Known":
        """What is known in an included file; ``self`` is the play's, ``outer`` what the include itself sees."""
        frame = copy.frame
        handed = {name: _mentions(value, templates) for name, value in frame.given.items()}
        own = {name: _mentions(value, templates) for name, value in frame.vars.items()}
        secret = {name for name, read in handed.items() if read & {"secrets", *outer.tainted}}
        return Known(
            variables=self.variables | frame.inputs.keys() | frame.vars.keys(),
            inputs=frozenset(frame.inputs),
            tainted=spread(own, secret | (self.tainted - frame.inputs.keys())),
            heard=frozenset(name for name, read in handed.items() if read & {"facts", *outer.given, *outer.heard}),
            items=frozenset({"item", "loop"} if frame.has_item else ()),
        )


def _mentions(value: Value, templates: Templates) -> set[str]:
    return {name for template in templates_in(value) for name in templates.mentions(template)}


def tainted_in(layers: Iterable[Layer], templates: Templates) -> frozenset[str]:
    """Variables that hold a secret, directly or through others."""
    uses = {name: _mentions(value, templates) for layer in layers for name, value in layer.values.items()}
    return spread(uses, set())


def spread(uses: Mapping[str, set[str]], start: Iterable[str]) -> frozenset[str]:
    """The names of ``start``, and all that read a secret or one of them."""
    found = set(start)
    while more := {name for name, names in uses.items() if names & {"secrets", *found}} - found:
        found |= more
    return frozenset(found)


def set_by(step: StepTexts) -> Iterator[tuple[str, Cursor]]:
    """The names that a ``set`` step gives."""
    if step.step.kind == "set":
        yield from step.cursor.at("set").items()


def given_by(part: Texts) -> set[str]:
    """The names that exist once a step, or an include, has run."""
    if isinstance(part, BlockTexts):
        return {part.block.register} if part.block and part.block.register else set()
    return {name for name, _ in set_by(part)} | ({part.step.register} if part.step.register else set())
