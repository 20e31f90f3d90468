"""Where the events of a simulation go: into what is folded from them, and nowhere else."""

import asyncio

from runner.clock import VIRTUAL_START
from runner.errors import RunnerError
from runner.model.events import Event, StepIntent
from runner.model.progress import Progress
from runner.simulation.story import Story
from runner.simulation.world import current


class Recorder:
    """Implements what the engine asks for. ``faults`` are events that do not fit together: a fault in runner."""

    wants_output = False

    def __init__(self) -> None:
        self.progress = Progress()
        self.story = Story()
        self.faults: list[RunnerError] = []
        self._loop = asyncio.get_running_loop()

    def emit(self, event: Event) -> None:
        """Fold it in, at the time of the virtual clock."""
        now = self._loop.time()
        if isinstance(event, StepIntent):
            current.set(event)
        try:
            self.progress.apply(event, VIRTUAL_START + now)
        except RunnerError as error:
            self.faults.append(error)
        self.story.see(event, now)

    async def store(self, event: Event) -> None:
        """The same; there is no disk to wait for."""
        self.emit(event)
