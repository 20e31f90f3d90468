"""A host's turn in one play: the names its templates see, and where its events belong."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from runner.engine.context import Run
from runner.engine.frames import filled
from runner.engine.stop import Stop
from runner.model.inventory import Host
from runner.model.past import StepPast
from runner.model.plan import PlannedPlay
from runner.model.playbook import Step
from runner.model.scope import host_scope
from runner.model.secret_text import Revealing

Attempt = tuple[Step, int | None, int, str]
"""A step, the item of its loop, the number of the try, and the host it runs on where that is another one."""


@dataclass(slots=True)
class Turn:
    """One host in one wave of one play. ``wave`` counts from 1; ``stop`` is the play's.

    ``tries`` counts the attempts, by step and item, of steps that may run again in the same turn: those outside the
    play's ``steps``. ``settled`` are those of which it was found out how an earlier process's attempt ended.
    ``unheard`` are the tries of this process that may run on behind its back.
    """

    run: Run
    play: PlannedPlay
    wave: int
    host: Host
    stop: Stop
    tries: dict[tuple[str, int | None], int] = field(default_factory=dict)
    settled: set[tuple[str, int | None]] = field(default_factory=set)
    unheard: list[Attempt] = field(default_factory=list)
    _base: dict[str, Any] = field(default_factory=dict)
    _frames: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    def under(self, stop: Stop) -> "Turn":
        """The same turn, heeding another stop."""
        return replace(self, stop=stop)

    def scope(self, frame: str = "", **more: Any) -> Mapping[str, Any]:
        """The names a template sees now, inside a frame or outside any: variables, what was registered, ``more``.

        Raises RenderError where what an include was handed can't be rendered.
        """
        if not self._base:
            run = self.run
            self._base.update(
                host_scope(
                    run.plan,
                    self.play,
                    self.host,
                    wave=self.wave,
                    results=run.results,
                    secrets=Revealing(run.secrets),
                    run_id=run.id,
                )
            )
        if not frame:
            return {**self._base, **self.run.results.get(self.host.name, {}), **more}
        return {**self._base, **self._inside(frame), **self.kept(frame), **more}

    def kept(self, frame: str) -> dict[str, Any]:
        """What was registered and set so far, inside a frame or outside any; it may be added to."""
        if not frame:
            return self.run.results.setdefault(self.host.name, {})
        return self.run.inner.setdefault((self.host.name, self.play.id, frame), {})

    def past(self, step: Step, item: int | None = None) -> StepPast | None:
        """What an earlier process has left of a step, or of an item of its loop."""
        found = self.run.past
        return None if found is None else found.step(self.play.id, self.host.name, step.id, item)

    def tried(self, step: Step, item: int | None) -> int:
        """The attempts that there were already."""
        if (step.id, item) in self.tries:
            return self.tries[step.id, item]
        past = self.past(step, item)
        return past.attempt if past else 0

    def is_open(self, step: Step, item: int | None) -> bool:
        """Whether an earlier process began it, and nobody knows yet how it ended."""
        past = self.past(step, item)
        return past is not None and past.is_open and past.attempt > 0 and (step.id, item) not in self.settled

    def is_guess(self, step: Step, item: int | None) -> bool:
        """Whether what an earlier process began is guessed, as the journal has lost its records."""
        past = self.past(step, item)
        return past is not None and past.is_guess

    def source(self, step: Step) -> str:
        """``file:line`` of a step."""
        return f"{step.location.file}:{step.location.line}"

    def file_id(self, step: Step) -> str:
        """A step's id in names of files: with its play's where several plays have such a step."""
        name = step.id.replace("/", "+")  # an id has no plus sign, and a file's name no slash
        return f"{self.play.id}.{name}" if step.id in self.run.shared_ids else name

    def _inside(self, frame: str) -> Mapping[str, Any]:
        """What an include was handed, rendered once: when its first step comes to run on this host."""
        if frame not in self._frames:
            spec = self.play.frames[frame]
            outer = self.scope(spec.parent, **spec.items)
            given = {name: self.run.templates.render(value, outer) for name, value in spec.given.items()}
            values = filled(spec, given, folder=spec.folder or self.run.plan.folder)
            self._frames[frame] = {**spec.vars, **values, **spec.items, "inputs": values}
        return self._frames[frame]
