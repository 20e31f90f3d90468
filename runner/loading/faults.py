"""What a simulation is told to let go wrong, from the command line or a file; both take the same words.

A file is a list of faults, or a mapping with ``faults`` and, beside them, ``seed``, ``deny`` and ``chance``. A fault is
a mapping of one key, and behind it stands the text that the option of that name takes, or a mapping of its parts.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast

from runner.durations import seconds
from runner.loading.cursor import Cursor
from runner.loading.documents import Problems, read_document
from runner.loading.faults_schema import FORMS, SCHEMA
from runner.location import Location
from runner.model.faults import FaultKind, Wanted, Written


def wanted(
    words: Mapping[FaultKind, Iterable[str]], *, file: Path | None, cwd: Path, chance: str | None, deny: bool
) -> Wanted:
    """All faults, those of the file first. Raises InputError with everything that is wrong.

    ``words`` are the arguments of the options; ``chance`` and ``deny`` win over the file's.
    """
    problems = Problems()
    given = _from_file(cwd / file, problems, cwd) if file is not None else Wanted()
    faults = tuple(found for kind, texts in words.items() for found in _from_words(kind, tuple(texts), problems))
    part = given.chance
    if chance is not None:
        problems.sources["--chance"] = (chance,)
        part = _percent(chance, Location("--chance", 1, 1, max(len(chance), 1)), problems)
    problems.raise_if_errors()
    return Wanted((*given.faults, *faults), deny or given.deny, part, given.seed, problems.sources)


def _from_words(kind: FaultKind, texts: tuple[str, ...], problems: Problems) -> Iterator[Written]:
    option = f"--{kind}"
    if texts:
        problems.sources[option] = texts
    for number, text in enumerate(texts, 1):
        yield from _Text(kind, text, partial(_argument, option, number), problems).parts()


def _argument(option: str, number: int, offset: int) -> Location:
    """A character of one of the arguments of an option, each of which is a line."""
    return Location(option, number, offset + 1)


def _from_file(path: Path, problems: Problems, cwd: Path) -> Wanted:
    document = read_document(path, problems, what="faults", cwd=cwd)
    if document is None:
        return Wanted()
    top = Cursor(document, problems, document.data)
    if not top.fits(SCHEMA):
        return Wanted()
    listed = top.at("faults") if isinstance(top.data, dict) else top
    faults = [found for entry in listed.parts() for found in _from_entry(entry)]
    rest = top.data if isinstance(top.data, dict) else {}
    chance = _percent(rest["chance"], top.at("chance").here, problems) if "chance" in rest else 0.0
    return Wanted(tuple(faults), rest.get("deny", False), chance, rest.get("seed"))


def _from_entry(entry: Cursor) -> Iterator[Written]:
    for key, value in entry.items():
        kind = cast("FaultKind", key)
        if isinstance(value.data, str):
            place = partial(value.document.inside, value.path)
            yield from _Text(kind, value.data, place, value.problems).parts()
        else:
            yield from _from_parts(kind, value)


def _from_parts(kind: FaultKind, parts: Cursor) -> Iterator[Written]:
    data: dict[str, Any] = parts.data
    host, step, attempt = data.get("host", ""), data.get("step", ""), data.get("try")
    try:
        duration = seconds(data.get("duration", 0))
    except ValueError as error:
        parts.at("duration").error("E406", str(error))
        return
    text = _spelt(kind, host, step, attempt, data.get("duration"))
    yield Written(
        kind, text, host, step, attempt, duration, hosts_at=parts.at("host").here, step_at=parts.at("step").here
    )


def _spelt(kind: FaultKind, host: str, step: str, attempt: int | None, duration: Any) -> str:
    """The parts as the option of that name takes them."""
    words = ":".join(part for part in (host, step) if part)
    return f"{words}{f'@{attempt}' if attempt else ''}{f'={duration}' if kind == 'takes' else ''}"


@dataclass(frozen=True, slots=True)
class _Text:
    """One fault as a line of text; ``place`` gives the place of a character of it, counted from 0."""

    kind: FaultKind
    text: str
    place: Callable[[int], Location]
    problems: Problems

    def parts(self) -> Iterator[Written]:
        """The fault, or nothing and a problem."""
        left, duration = self._duration()
        if duration is None:
            return
        left, attempt = self._attempt(left)
        hosts, colon, step = _last_colon(left)
        if self.kind == "takes" and not colon:
            hosts, step = "", left
        if not (step or self.kind == "unreachable") or not (hosts or self.kind == "takes") or (colon and not step):
            self._complain(0, f'"{self.text}" is not what --{self.kind} takes')
            return
        at = len(hosts) + 1 if colon else 0
        yield Written(
            self.kind,
            self.text,
            hosts,
            step,
            attempt,
            duration,
            hosts_at=self._at(0, len(hosts)),
            step_at=self._at(at, len(step)),
        )

    def _duration(self) -> tuple[str, float | None]:
        if self.kind != "takes":
            return self.text, 0.0
        left, sign, time = self.text.rpartition("=")
        try:
            return left, seconds(float(time) if time.replace(".", "", 1).isdigit() else time) if sign else 0.0
        except ValueError as error:
            self._complain(len(left) + 1, str(error))
            return left, None

    def _attempt(self, left: str) -> tuple[str, int | None]:
        head, sign, number = left.rpartition("@")
        if self.kind != "fail" or not sign or not number.isdecimal() or not int(number):
            return left, None
        return head, int(number)

    def _at(self, offset: int, length: int) -> Location:
        place = self.place(offset)
        return Location(place.file, place.line, place.column, max(length, 1))

    def _complain(self, offset: int, message: str) -> None:
        place = self._at(offset, len(self.text) - offset)
        self.problems.error("E619", message, place, f"write {FORMS[self.kind]}")


def _last_colon(text: str) -> tuple[str, str, str]:
    """Hosts and step. A colon of a pattern (``web:!web3``) parts nothing."""
    hosts, colon, step = text.rpartition(":")
    return (
        ("", "", "") if not text else (hosts, colon, step) if colon and step[:1] not in {"!", "&"} else (text, "", "")
    )


def _percent(text: str, place: Location, problems: Problems) -> float:
    """``2%`` as 0.02."""
    number = text.removesuffix("%")
    if text == number or not number.replace(".", "", 1).isdigit() or float(number) > 100:
        problems.error("E619", f'"{text}" is no percentage', place, 'write a percentage from 0 to 100, such as "2%"')
        return 0.0
    return float(number) / 100
