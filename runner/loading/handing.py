"""What an include hands to the inputs of its file."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from runner.input_values import Complaint, accepted
from runner.loading.cursor import Cursor
from runner.loading.inputs import missing
from runner.model.playbook import Input
from runner.model.template import Value
from runner.words import suggest


@dataclass(slots=True)
class Handed:
    """Values by the name of the input. ``late`` are those that only the run can tell, which are templates still.

    ``wrong`` have no sound value, and something has been said of each.
    """

    values: dict[str, Value] = field(default_factory=dict)
    late: set[str] = field(default_factory=set)
    wrong: set[str] = field(default_factory=set)

    @property
    def known(self) -> dict[str, Value]:
        """The values that are known before the run."""
        return {name: value for name, value in self.values.items() if name not in self.late}


def handed_over(
    place: Cursor, given: Cursor, inputs: Mapping[str, Input], read: Callable[[Cursor], tuple[Value, bool]]
) -> Handed:
    """The values at ``given`` (``vars`` of the include whose file is named at ``place``), checked against the inputs.

    ``read`` gives a value, and whether only the run can tell it. Complains (E509) of values that no input takes, and
    (E511) of inputs that must be given and are not. Paths start at the file that hands them over.
    """
    handed = Handed()
    for name, part in given.items():
        if name not in inputs:
            hint = suggest(name, inputs) or f"declare it there: inputs: {{{name}: {{type: string}}}}"
            part.problems.error("E509", f'{place.data} has no input "{name}"', part.key, hint)
        else:
            _take(handed, inputs[name], part, read)
    for one in missing(inputs, [*handed.values, *handed.wrong]):
        about = f"{one.type}: {one.help}" if one.help else one.type
        hint = f"write include: {{file: {place.data}, vars: {{{one.name}: …}}}}"
        place.error("E511", f'no value for the input "{one.name}" ({about})', hint)
        handed.wrong.add(one.name)
    return handed


def _take(handed: Handed, wanted: Input, part: Cursor, read: Callable[[Cursor], tuple[Value, bool]]) -> None:
    value, is_late = read(part)
    taken = value if is_late else accepted(wanted, value, folder=str(part.document.path.parent))
    if isinstance(taken, Complaint):
        part.error("E509", f'"{wanted.name}": {taken.message}', taken.hint)
        handed.wrong.add(wanted.name)
        return
    handed.values[wanted.name] = taken
    handed.late |= {wanted.name} if is_late else set()
