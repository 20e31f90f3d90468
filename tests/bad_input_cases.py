r"""The corpus of bad input: what each file in ``tests/bad_input`` holds, and how one case is tried.

A case is a title, what is given, and what is said of it, exactly::

    ===== a tab as indent
    ----- steps
    - command: a
    ----- exit 2
    site.yaml:5:1: error: …

What is given, each part of it behind a line of its own:

- ``NAME``: a file of that name, and ``NAME escaped`` one in which ``\xNN`` stands for a byte
- ``steps``, ``play``: ``site.yaml`` without what every playbook begins with; ``steps`` starts on line 5, ``play`` on 3
- ``made by FUNCTION``: a function of ``bad_input_makers`` or ``bad_input_state`` makes what no text can be
- ``as another user``: it is run by somebody who may read nothing here, also where root runs the tests
- ``runner …``: the command, in which ``BYTES`` is a byte that is no UTF-8; else ``runner validate site.yaml``

``hosts.yaml`` is there already. ``exit STATUS`` is followed by all that was printed, standard output first; a character
that nobody would see in it is written as ``<U+200B>``, and the folder of the case as ``FOLDER``.
"""

import codecs
import re
import shlex
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import bad_input_makers
import bad_input_state

from runner.app.provenance import user

CORPUS = Path(__file__).parent / "bad_input"
HOSTS = "hosts:\n  web[1-3]:\n  db1:\ngroups: {web: {hosts: ['web*']}, empty: {}}\n"
HEADS = {
    "play": "version: 1\ninventory: hosts.yaml\n",
    "steps": "version: 1\ninventory: hosts.yaml\nhosts: web\nsteps:\n",
}
MAKERS = {**vars(bad_input_makers), **vars(bad_input_state)}
LINE = re.compile(r"^(=====|-----) (.*)\n", re.MULTILINE)


@dataclass(frozen=True)
class Case:
    """One case. ``parts`` are headings with their texts; ``expected`` is the last of them, or None where none is."""

    file: Path
    title: str
    parts: tuple[tuple[str, str], ...]
    expected: str | None

    @property
    def argv(self) -> list[str]:
        """The words behind ``runner``."""
        lines = [head for head, _ in self.parts if head.startswith("runner ")]
        return shlex.split(lines[0] if lines else "runner validate site.yaml")[1:]

    @property
    def is_of_another(self) -> bool:
        """Whether somebody else than the owner of the files runs the command."""
        return any(head == "as another user" for head, _ in self.parts)

    def files(self) -> Iterator[tuple[str, bytes]]:
        """The files that are given as text, by name."""
        for head, text in self.parts:
            name, _, way = head.partition(" ")
            if head in HEADS:
                yield "site.yaml", (HEADS[head] + text).encode()
            elif way == "escaped":
                yield name, codecs.escape_decode(text.removesuffix("\n").encode())[0]
            elif not way:
                yield name, text.encode()

    def make(self, folder: Path) -> None:
        """Put everything where it belongs."""
        (folder / "hosts.yaml").write_text(HOSTS)
        given = dict(self.files())
        for name, data in given.items():
            (folder / name).parent.mkdir(exist_ok=True, parents=True)
            (folder / name).write_bytes(data)
        for head, _ in self.parts:
            if head.startswith("made by "):
                MAKERS[head.removeprefix("made by ")](folder)


def read(file: Path) -> list[Case]:
    """The cases of one file, in order."""
    _, *pieces = LINE.split(file.read_text(encoding="utf-8"))
    cases: list[tuple[str, list[tuple[str, str]]]] = []
    for sign, head, text in zip(*[iter(pieces)] * 3, strict=True):
        if sign == "=====":
            cases.append((head, []))
        else:
            cases[-1][1].append((head, text))
    return [_case(file, title, parts) for title, parts in cases]


def _case(file: Path, title: str, parts: list[tuple[str, str]]) -> Case:
    last = parts[-1] if parts and parts[-1][0].startswith("exit ") else None
    given = tuple(parts[:-1] if last else parts)
    return Case(file, title, given, f"{last[0]}\n{last[1].rstrip()}" if last else None)


def all_cases() -> list[Case]:
    """The whole corpus."""
    return [case for file in sorted(CORPUS.glob("*.txt")) for case in read(file)]


def seen(text: str, folder: Path) -> str:
    """What was printed as the corpus has it."""
    text = text.replace(str(folder), "FOLDER").rstrip()
    text = text.replace(f"{user()} on {socket.gethostname()}", "USER on HOST")
    text = re.sub(r"\b(?!0{64})[0-9a-f]{64}\b", "SUM", text)
    return "".join(c if c.isprintable() or c in "\n\t" else f"<U+{ord(c):04X}>" for c in text)


def write_anew(case: Case, said: str) -> None:
    """Put what was said in place of what the corpus expects of this case."""
    text = case.file.read_text(encoding="utf-8")
    start = text.index(f"===== {case.title}\n")
    end = text.find("\n===== ", start)
    end = len(text) if end < 0 else end + 1
    given = re.split(r"^----- exit .*\n", text[start:end], maxsplit=1, flags=re.MULTILINE)[0].rstrip("\n")
    case.file.write_text(f"{text[:start]}{given}\n----- {said}\n\n{text[end:]}".rstrip("\n") + "\n", encoding="utf-8")


class Contact:
    """Notes what files this process opens, and whether it starts another or connects, while ``watching``."""

    def __init__(self) -> None:
        self.watching = False
        self.events: list[str] = []
        self.opened: list[str] = []
        sys.addaudithook(self._hook)

    @contextmanager
    def watch(self) -> Iterator[None]:
        """While this lasts, note it."""
        self.events.clear()
        self.opened.clear()
        self.watching = True
        try:
            yield
        finally:
            self.watching = False

    def _hook(self, event: str, args: tuple[object, ...]) -> None:
        if self.watching and event == "open":
            self.opened.append(str(args[0]))
        if self.watching and event in {"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "socket.connect"}:
            self.events.append(f"{event} {args}")


contact = Contact()
