"""What nobody uses: variables and inputs that no template reads (W425), handlers that nothing notifies (W428)."""

from collections.abc import Iterable, Iterator

from runner.loading.documents import Problems
from runner.loading.nodes import BlockTexts
from runner.loading.opening import Opening
from runner.loading.playbook import PlaybookTexts
from runner.loading.plays import PlayTexts
from runner.location import Location
from runner.model.inventory import Layer
from runner.model.playbook import Input, leaves

REMOVE = "remove it"


def check_names(texts: PlaybookTexts, used: set[str], problems: Problems) -> None:
    """Warn of variables and inputs; what an inventory and ``vars_files`` have may serve others."""
    used = used | set(_grouping(texts))
    openings = {id(play.origin): play.origin for play in texts.plays if play.origin}
    layers = [texts.playbook.layers, *(opening.layers for opening in openings.values())]
    for layer in [layer for some in layers for layer in some if layer.origin == "playbook"]:
        _check_layer(layer, used, problems)
    for play in texts.plays:
        _check_layer(play.play.vars, used, problems)
    for name, place in _of_files(texts):
        if name not in used:
            problems.warning("W425", f'the variable "{name}" is not used', place, REMOVE)
    if "inputs.*" not in used:
        for one in _inputs(texts, openings.values()):
            if one.name not in used:
                problems.warning("W425", f'the input "{one.name}" is not used', one.location, REMOVE)


def _check_layer(layer: Layer, used: set[str], problems: Problems) -> None:
    for name in layer.values:
        if name not in used:
            problems.warning("W425", f'the variable "{name}" is not used', layer.locations[name], REMOVE)


def _grouping(texts: PlaybookTexts) -> Iterator[str]:
    """Variables that strategies name."""
    for play in texts.plays:
        if isinstance(play.play.strategy.group_by, str):
            yield play.play.strategy.group_by


def _copies(texts: PlaybookTexts) -> Iterator[BlockTexts]:
    return (part for play in texts.plays for part in play.parts if isinstance(part, BlockTexts))


def _of_files(texts: PlaybookTexts) -> Iterator[tuple[str, Location]]:
    """Variables of included files, with their places."""
    for part in _copies(texts):
        if part.copy:
            for name in part.copy.frame.vars:
                yield name, part.copy.steps.document.key_at(("vars", name))


def _inputs(texts: PlaybookTexts, openings: Iterable[Opening]) -> Iterator[Input]:
    yield from texts.playbook.inputs.values()
    for opening in openings:
        yield from opening.inputs.values()
    for part in _copies(texts):
        if part.copy:
            yield from part.copy.frame.inputs.values()


def check_handlers(play: PlayTexts, problems: Problems) -> None:
    """Warn of handlers of the play's own file; another file's may serve other plays."""
    sections = play.play.sections
    called = {one for nodes in sections for step in leaves(nodes, everything=True) for one in step.notify}
    for handler in leaves(play.play.handlers):
        if handler.id not in called and handler.location.file == play.play.location.file:
            message = f'nothing notifies the handler "{handler.id}"'
            problems.warning("W428", message, handler.location, f"write notify: {handler.id} on a step, or remove it")
