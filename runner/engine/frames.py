"""What an include was handed, checked against the inputs of its file. The same is done before the run where it can."""

from collections.abc import Mapping
from typing import Any

from runner.errors import RenderError
from runner.input_values import Complaint, accepted
from runner.model.playbook import Frame
from runner.model.template import Unknown


def filled(frame: Frame, given: Mapping[str, Any], *, folder: str) -> dict[str, Any]:
    """The values of a frame's inputs, and of what else it was handed. Raises RenderError for one that does not fit.

    Relative paths start at ``folder``.
    """
    values = {name: spec.default for name, spec in frame.inputs.items() if name not in given}
    for name, value in given.items():
        spec = frame.inputs.get(name)
        # Where no host answers, nobody knows whether a value fits.
        fits = value if spec is None or isinstance(value, Unknown) else accepted(spec, value, folder=folder)
        if isinstance(fits, Complaint):
            raise RenderError(f'input "{name}" of {frame.file}: {fits.message}', hint=fits.hint)
        values[name] = fits
    return values
