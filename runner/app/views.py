"""Who shows a run: one view on the screen, and a log beside it where one is asked for."""

import errno
import os
import shutil
import stat
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TextIO, cast

from runner.app.outlet import Outlets
from runner.app.settings import Settings
from runner.errors import InputError
from runner.home import user_of
from runner.location import Problem
from runner.model.progress import Progress
from runner.redaction import Redactor
from runner.reporting import View
from runner.run_folder import FILE_MODE


@dataclass(frozen=True, slots=True)
class Screen:
    """The terminal, or what stands in for it.

    ``has_input`` says that a person can type, ``is_terminal`` that one looks at standard output, ``color`` that it may
    be coloured. ``outlets`` are where text for people goes.
    """

    has_input: bool
    is_terminal: bool
    color: bool
    outlets: Outlets = field(default_factory=Outlets)


def screen_of(settings: Settings, environ: Mapping[str, str] = os.environ) -> Screen:
    """What standard input and output are; ``NO_COLOR``, ``TERM=dumb`` and ``CI`` are obeyed."""
    is_terminal = _is_terminal(sys.stdout)
    is_plain = environ.get("TERM") == "dumb" or bool(environ.get("CI"))
    color = is_terminal and not settings.no_color and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"
    return Screen(has_input=_is_terminal(sys.stdin), is_terminal=is_terminal and not is_plain, color=color)


def _is_terminal(stream: TextIO | None) -> bool:
    """Whether a stream is one; Python has None for a descriptor that was closed when it started."""
    return stream is not None and stream.isatty()


def wants_output(settings: Settings, screen: Screen) -> bool:
    """Whether the view on the screen shows lines of output as they come, or the last one of a host it waits for."""
    return chosen(settings, screen) in {"live", "plain", "stream", "json"}


def chosen(settings: Settings, screen: Screen) -> str:
    """The name of the view: as asked for, else live; that only on a terminal, and plain elsewhere."""
    wanted = settings.output or ("live" if screen.is_terminal else "plain")
    # What redraws is for a terminal: a pipe gets not one escape byte.
    return "plain" if wanted == "live" and not _is_terminal(sys.stdout) else wanted


def make_views(settings: Settings, screen: Screen, redactor: Redactor, progress: Progress) -> list[View]:
    """The views of a run, whose ``progress`` has a record folded in before they see it.

    Raises InputError for a ``--line`` or a ``--log-file`` that can't be used.
    """
    if settings.line is not None and chosen(settings, screen) != "stream":
        raise InputError(
            [Problem("E619", "--line is the form of a line under --output stream", hint="add --output stream")]
        )
    found = [_view(settings, screen, progress)]
    if chosen(settings, screen) == "json":
        from runner.reporting.quiet import Quiet  # noqa: PLC0415 - see _view

        # Standard output is for whoever reads the events; how it ended is for people too.
        found.append(Quiet(screen.outlets.to(sys.stderr)))
    if chosen(settings, screen) in {"json", "quiet", "stream"}:
        from runner.reporting.on_signal import OnSignal  # noqa: PLC0415 - see _view

        is_told = chosen(settings, screen) == "stream"
        found.append(OnSignal(screen.outlets.to(sys.stderr), progress, is_told=is_told))
    if settings.log_format is not None or settings.log_file is not None:
        found.append(_log(settings, screen, redactor))
    return found


def _view(settings: Settings, screen: Screen, progress: Progress) -> View:
    """Only the chosen view is imported: rich alone costs as much as twenty connections."""
    to = screen.outlets.to
    out, color, answers = to(sys.stdout), screen.color, screen.has_input and not settings.batch
    match chosen(settings, screen):
        case "live":
            from runner.reporting.live import Live  # noqa: PLC0415 - see above

            return Live(out, size=_size, color=color, answers=answers, shared=progress)
        case "stream":
            from runner.reporting.stream import Stream, check_template  # noqa: PLC0415 - see above

            template = None if settings.line is None else check_template(settings.line)
            return Stream(out, say=to(sys.stderr), template=template, color=color, answers=answers, before=progress)
        case "json":
            from runner.reporting.json_lines import JsonLines  # noqa: PLC0415 - see above

            return JsonLines(out)
        case "quiet":
            from runner.reporting.quiet import Quiet  # noqa: PLC0415 - see above

            return Quiet(out, color=color)
        case _:
            from runner.reporting.plain import Plain  # noqa: PLC0415 - see above

            return Plain(out, color=color, answers=answers, shared=progress)


def _size() -> tuple[int, int]:
    columns, rows = shutil.get_terminal_size()
    return columns, rows


def _log(settings: Settings, screen: Screen, redactor: Redactor) -> View:
    from runner.reporting.log import Log  # noqa: PLC0415 - structlog takes 70 ms to import

    form = cast("Literal['console', 'json', 'logfmt']", settings.log_format or "json")
    if settings.log_file is None:
        return Log(screen.outlets.to(sys.stderr), form, redactor=redactor, color=screen.color and sys.stderr.isatty())
    try:
        descriptor = _log_file(str(settings.log_file))
    except OSError as error:
        words = f'cannot write the log: "{settings.log_file}": {error.strerror or error}'
        raise InputError([Problem("E619", words, hint="name another with --log-file")]) from error
    return Log(screen.outlets.to(os.fdopen(descriptor, "a", encoding="utf-8")), form, redactor=redactor)


def _log_file(path: str) -> int:
    """A descriptor of the log. A link is followed where it is ours or root's, as ``/dev/stderr`` is. Raises OSError.

    In a folder like ``/tmp`` another user may have put a link there, or a file that they can read.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
    trusted = {os.geteuid(), 0}
    try:
        descriptor = os.open(path, flags | os.O_NOFOLLOW, FILE_MODE)
    except OSError as error:
        if error.errno != errno.ELOOP or os.lstat(path).st_uid not in trusted:
            raise
        descriptor = os.open(path, flags, FILE_MODE)
    found = os.fstat(descriptor)
    if stat.S_ISREG(found.st_mode) and found.st_uid not in trusted:
        os.close(descriptor)
        raise OSError(errno.EPERM, f"it belongs to user {user_of(found.st_uid)}", path)
    return descriptor
