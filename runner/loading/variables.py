"""Where a variable has its value from, and what else would have given it one."""

from collections.abc import Iterable
from dataclasses import dataclass

from runner.location import Location
from runner.model.inventory import Host, Layer
from runner.model.template import Value


@dataclass(frozen=True, slots=True)
class Origin:
    """One place that sets a variable: ``layer`` reads as people say it (``group web``)."""

    layer: str
    value: Value
    location: Location


def explain(host: Host, name: str, playbook_layers: Iterable[Layer] = ()) -> list[Origin]:
    """Every place that sets a variable for a host, lowest precedence first, so that the last one wins.

    ``playbook_layers`` are those of a playbook and its play, which come after all of the inventory's. Empty where the
    variable is set nowhere.
    """
    layers = (*host.layers, *playbook_layers)
    return [Origin(layer.origin, layer.values[name], layer.locations[name]) for layer in layers if name in layer.values]
