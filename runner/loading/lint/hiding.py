"""Names that would hide others: an input a variable, a result a variable or what is always there (E412)."""

from runner.loading.documents import Problems
from runner.loading.lint.scenes import ANYWHERE, Names, frame_of, given_by
from runner.loading.playbook import PlaybookTexts
from runner.loading.plays import PlayTexts
from runner.loading.steps import StepTexts
from runner.model.playbook import Input

ANOTHER = "take another name"


def check_inputs(texts: PlaybookTexts, names: Names, problems: Problems) -> None:
    """An input may not hide a variable of its playbook, of a play in it, or of the inventory."""
    for play in texts.plays:
        origin = play.origin
        inputs = origin.inputs if origin else texts.playbook.inputs
        layers = origin.layers if origin else texts.playbook.layers
        variables = names.of_hosts.union(play.play.vars.values, *(layer.values for layer in layers))
        for name in sorted(inputs.keys() & variables):
            _hides(inputs[name], problems)


def _hides(one: Input, problems: Problems) -> None:
    message = f'the input "{one.name}" would hide a variable of that name'
    problems.error("E412", message, one.location, "take another name, or give the variable itself with -e")


def check_results(play: PlayTexts, names: Names, problems: Problems) -> None:
    """What a step registers or sets may hide nothing; only ``set`` may give its own name anew."""
    outer = names.of_hosts | names.written(play)
    frames = play.play.frames
    registered: dict[str, set[str]] = {}
    for part in play.parts:
        frame = frame_of(part)
        own = {*frames[frame].vars, *frames[frame].inputs} if frame else set[str]()
        mine = registered.setdefault(frame, set())
        result = part.step.register if isinstance(part, StepTexts) else part.block.register if part.block else None
        for name, place in given_by(part):
            where = place.here if name == result else place.key
            if name in outer | own or (name in mine and name != result):
                what = "a result" if name not in outer | own else "a variable"
                problems.error("E412", f'"{name}" would hide {what} of that name', where, ANOTHER)
            elif name in ANYWHERE and name != result:  # of a result, reading it has said so
                problems.error("E412", f'"{name}" is always there', where, ANOTHER)
        mine |= {result} if result else set()
