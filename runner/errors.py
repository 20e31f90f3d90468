"""The tree of errors. Each says what happened in words for the person who runs a playbook; none knows an exit status.

``cli/exit_codes`` turns a class into a status. Retry asks an error one thing: whether it is ``temporary``.
"""

from collections.abc import Iterable, Mapping

from runner.location import Location, Problem


class RunnerError(Exception):
    """Base of everything that runner raises on purpose.

    ``hint`` says what to do about it, or is empty. ``temporary`` is True where trying again can help. ``code`` is
    stable, as that of a problem, where the error is about an input; else empty.
    """

    temporary = False
    code = ""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class InputError(RunnerError):
    """Files or arguments are wrong: nothing was contacted. Holds all problems of all files at once.

    ``sources`` maps a file's name, as it stands in the locations, to its lines, for the excerpts.
    """

    def __init__(self, problems: Iterable[Problem], sources: Mapping[str, tuple[str, ...]] | None = None) -> None:
        self.problems = tuple(problems)
        self.sources = dict(sources or {})
        super().__init__("; ".join(p.message for p in self.problems if p.severity == "error"))


class JournalError(RunnerError):
    """The run folder or the journal in it cannot be used. ``code`` is empty where no file is at fault."""

    def __init__(self, message: str, *, hint: str = "", code: str = "") -> None:
        super().__init__(message, hint=hint)
        self.code = code


class MismatchError(RunnerError):
    """A plan or journal does not match the inputs it was made from. ``problems`` name each thing that does not."""

    def __init__(self, message: str, *, hint: str = "", problems: Iterable[Problem] = (), code: str = "") -> None:
        super().__init__(message, hint=hint)
        self.problems = tuple(problems)
        self.code = code


class LockError(RunnerError):
    """Another run holds the lock."""


class RenderError(RunnerError):
    """A template could not be rendered; ``location`` is the place of the template in its file."""

    def __init__(self, message: str, *, location: Location | None = None, hint: str = "", undefined: str = "") -> None:
        super().__init__(message, hint=hint)
        self.location = location
        self.undefined = undefined


class StepError(RunnerError):
    """A step cannot do what it was asked to: a definite failure, said before or after looking at the host."""


class ConnectError(RunnerError):
    """A host could not be reached; nothing was sent to it.

    ``cause`` is one word of ``dns refused timeout host_key auth kex protocol closed_midway``. Only what time can mend
    is ``temporary``: a refused login or an unknown key is not, and is never tried again.
    """

    def __init__(self, cause: str, message: str, *, hint: str = "", temporary: bool = False) -> None:
        super().__init__(message, hint=hint)
        self.cause = cause
        self.temporary = temporary


class LostError(RunnerError):
    """The connection went away after a step was sent and before its end was heard: its outcome is unknown."""
