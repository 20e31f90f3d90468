"""What a person is asked while a run is on its way, and what came of it."""

import msgspec

from runner.model.outcome import Outcome, Status, failed, ok


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What has to be decided. ``about`` and the other fields are those of ``approval.waiting``.

    ``is_approval`` where only a person may say yes; else it is a pause, which ``--yes`` lets go on.
    """

    play: str
    wave: int
    about: str
    text: str
    host: str = ""
    step: str = ""
    is_approval: bool


class Answer(msgspec.Struct, frozen=True):
    """What was said. ``yes`` is None where there was no answer: nobody is there, or a stop came first.

    ``by`` is who said it and ``how``: ``terminal``, ``command`` or ``option``. ``reason`` says in words why there was
    no answer.
    """

    yes: bool | None
    by: str = ""
    how: str = ""
    reason: str = ""

    @property
    def outcome(self) -> Outcome:
        """What it makes of a step that asked."""
        if self.yes is None:
            return Outcome(Status.CANCELLED, message=self.reason)
        return ok() if self.yes else failed(f"denied by {self.by}", temporary=False)
