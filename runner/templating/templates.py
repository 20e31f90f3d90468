"""What the rest of runner sees of templating. jinja2 is imported when the first template turns up.

**Why.** A playbook of plain commands has no template, and importing jinja2 costs as much processor time as fifteen
connections.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from runner.model.template import Template, Value, has_template

if TYPE_CHECKING:
    from runner.templating.analysis import Fault, Uses
    from runner.templating.compiler import Compiler
    from runner.templating.flow import Leak
    from runner.templating.trust import Trust


class Templates:
    """All templates of a process, compiled when first used. Safe to use from several threads.

    ``yaml_load`` turns YAML text into data, for the filter ``from_yaml``.
    """

    def __init__(self, yaml_load: Callable[[str], Any] | None = None) -> None:
        self._yaml_load = yaml_load
        self._made: Compiler | None = None

    def render(self, value: Value, scope: Mapping[str, Any]) -> Value:
        """A tree with each Template replaced by its value; parts without one are shared, not copied.

        ``scope`` maps names to values, which may be or hold Templates: such a value is rendered, in the same scope,
        when it is used. Raises RenderError, with the place of the template at fault.
        """
        return self._compiler.render(value, scope) if has_template(value) else value

    def text(self, template: Template, scope: Mapping[str, Any]) -> str:
        """A template rendered to text, also where it is one lone expression: what a template file gives."""
        return self._compiler.text(template, scope)

    def condition(self, value: Template | bool, scope: Mapping[str, Any]) -> bool:  # noqa: FBT001 - as it was written
        """Whether a condition holds: jinja2's truth, but for text, since ``"false"`` would be true.

        Raises RenderError.
        """
        return value if isinstance(value, bool) else self._compiler.condition(value, scope)

    def names(self, template: Template) -> frozenset[str]:
        """Variables that must have a value: all it reads but those it asks about (``default``, ``is defined``)."""
        return self._compiler.names(template)

    def mentions(self, template: Template) -> frozenset[str]:
        """All variables it reads. Empty where its syntax is wrong."""
        return self._compiler.mentions(template)

    def faults(self, template: Template) -> tuple["Fault", ...]:
        """What is wrong with its syntax, at offsets into its source. Nothing is rendered."""
        return self._compiler.faults(template)

    def members(self, template: Template, name: str) -> frozenset[str]:
        """The ``x`` of each ``name.x`` or ``name['x']`` in it that must be there."""
        return self._compiler.members(template, name)

    def uses(self, template: Template) -> "Uses":
        """What it takes from its variables, member by member."""
        return self._compiler.uses(template)

    def parts(self, template: Template, name: str) -> frozenset[str] | None:
        """The ``x`` of each ``name.x`` in it; None where it uses the name in another way, or as a whole."""
        return self._compiler.parts(template, name)

    def results_of_others(self, template: Template) -> frozenset[str]:
        """The ``x`` of each ``hosts.NAME.results.x`` and its like in it: what other hosts have registered."""
        return self._compiler.results_of_others(template)

    def certain(self, template: Template) -> frozenset[str]:
        """Variables that it reads whatever their values are: not those in a branch that may not be taken."""
        return self._compiler.certain(template)

    def leaks(self, template: Template, names: Mapping[str, "Trust"]) -> tuple["Leak", ...]:
        """What of these names a shell would read in its text: raw, or quoted where that is in vain."""
        return self._compiler.leaks(template, names)

    def trust(self, template: Template, names: Mapping[str, "Trust"]) -> "Trust":
        """How far what it gives may be trusted in shell text, where it sees these names."""
        return self._compiler.trust(template, names)

    def place(self, template: Template, name: str) -> int:
        """The offset of the first mention of a variable in the source; 0 where it is not found."""
        return self._compiler.place(template, name)

    @property
    def _compiler(self) -> "Compiler":
        if self._made is None:
            from runner.templating.compiler import Compiler  # noqa: PLC0415 - see above

            self._made = Compiler(self._yaml_load)
        return self._made
