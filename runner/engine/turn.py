"""A host's turn in one play: the names its templates see, and where its events belong."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from runner.engine.context import Run
from runner.engine.stop import Stop
from runner.model.inventory import Host
from runner.model.plan import PlannedPlay
from runner.model.playbook import Step
from runner.model.scope import host_scope


@dataclass(slots=True)
class Turn:
    """One host in one wave of one play. ``wave`` counts from 1; ``stop`` is the play's."""

    run: Run
    play: PlannedPlay
    wave: int
    host: Host
    stop: Stop
    _base: dict[str, Any] = field(default_factory=dict)

    def scope(self, **more: Any) -> Mapping[str, Any]:
        """The names a template sees now: variables, what was registered so far, and ``more``."""
        if not self._base:
            run = self.run
            self._base = host_scope(
                run.plan, self.play, self.host, wave=self.wave, results=run.results, secrets=run.secrets, run_id=run.id
            )
        return {**self._base, **self.run.results.get(self.host.name, {}), **more}

    def source(self, step: Step) -> str:
        """``file:line`` of a step."""
        return f"{step.location.file}:{step.location.line}"

    def file_id(self, step: Step) -> str:
        """A step's id in names of files: with its play's where several plays have such a step."""
        return f"{self.play.id}.{step.id}" if step.id in self.run.shared_ids else step.id
