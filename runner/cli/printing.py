"""Where commands print: nothing leaves for a terminal but through here, or through the outlets of a run.

Both pass it through the last net of :mod:`runner.reporting.escape`, so that a text nobody thought of does no harm.
"""

from collections.abc import Iterable

import click

from runner.model.ascii_json import ascii_json
from runner.reporting.escape import tame, visible


def say(text: str, *, err: bool = False, ours: bool = False) -> None:
    """Print text for people, which may have several lines, and end its last one; colours stay only with ``ours``."""
    click.echo(tame(text, ours=ours).removesuffix("\n"), err=err) if text else None


def say_lines(lines: Iterable[str], *, err: bool = False) -> None:
    """Print lines for people: each stays one, whatever stands in it."""
    if text := "".join(f"{visible(line)}\n" for line in lines):
        click.echo(text, err=err, nl=False)


def say_json(data: str | bytes) -> None:
    """Print JSON for programs, in ASCII, and end its last line."""
    encoded = data.encode("utf-8", "backslashreplace") if isinstance(data, str) else data
    click.echo(ascii_json(encoded).removesuffix(b"\n"))
