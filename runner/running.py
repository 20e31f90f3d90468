"""What the kinds that run a command share: words, the reasons not to run, and what an exit status means.

Why the guards are one script that prints nothing: it costs one round trip however many there are, runs where the
command would run (its ``cwd`` and ``env``), and leaves no byte in the step's output; the answer is its exit status.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from runner.argv import NotWords, split
from runner.errors import StepError
from runner.model.outcome import Outcome, Status
from runner.model.template import Template, Value, is_template_text
from runner.step import Complaint, Target
from runner.transport import CommandResult

Word = str | int | float | bool
"""A word of an argument list as it comes out of rendering."""

Words = tuple[Word, ...] | str
"""An argument list, or text that is split into one."""

HINT = "use `shell` for pipes, redirection and variables, or write a list of words"
LONGEST_LINE = 500
"""Characters of a host's words in a message."""

OUT_OF_MEMORY = " (maybe out of memory)"


def as_text(word: Word) -> str:
    """A rendered value as a word: booleans as YAML writes them."""
    return str(word).lower() if isinstance(word, bool) else str(word)


def as_words(words: Iterable[Word]) -> tuple[str, ...]:
    """Rendered values as an argument list. Raises StepError for a NUL, which no argument can hold."""
    argv = tuple(as_text(word) for word in words)
    if any("\0" in word for word in argv):
        raise StepError("an argument holds a NUL character")
    return argv


def in_words(value: Value) -> Value:
    """Text, or a Template, as a list of them; as it is where it can't be split (``check_words`` says why).

    Why before rendering: so a value that a template puts in stays within its word, whatever it holds.
    """
    source = source_of(value)
    if source is None:
        return value
    try:
        words = split(source)
    except NotWords:
        return value
    if isinstance(value, Template):
        if len(words) == 1:
            return value  # it may give a whole list
        return [Template(word, value.location) if is_template_text(word) else word for word in words]
    return words


def source_of(value: Value) -> str | None:
    """Text as it is written, templates and all; None for what is no text."""
    text = value.source if isinstance(value, Template) else value
    return text if isinstance(text, str) else None


def check_words(params: Mapping[str, Value], keys: Iterable[str]) -> Iterator[Complaint]:
    """Complains of text that only a shell could understand."""
    for key in keys:
        source = source_of(params.get(key))
        try:
            if source is not None and not split(source):
                yield Complaint("E414", f"{about(key)}there is no word in it", (key,))
        except NotWords as error:
            yield Complaint("E414", f"{about(key)}{error}", (key,), HINT)


def about(key: str) -> str:
    """What a complaint about the words under a key begins with; those of the command itself need no name."""
    return "" if key == "argv" else f"{key}: "


def argv_of(words: Words) -> tuple[str, ...]:
    """Rendered words as an argument list. Raises StepError for text that is none, or an empty program name."""
    try:
        argv = as_words(split(words) if isinstance(words, str) else words)
    except NotWords as error:
        raise StepError(str(error), hint=HINT) from None
    if argv and not argv[0]:
        raise StepError("the program's name is empty")
    return argv


def shell_words(command: Sequence[Word] | str) -> tuple[str, ...]:
    """A guard of a kind that runs shell text: text for ``/bin/sh``, or a list of words."""
    return ("/bin/sh", "-c", command) if isinstance(command, str) else as_words(command)


def quoted(text: str) -> str:
    """Text as one word of a shell. Always in quotes, so that it is never a keyword, an assignment or an option."""
    return "'" + text.replace("'", "'\"'\"'") + "'"


@dataclass(frozen=True, slots=True)
class Guards:
    """When a command has nothing to do: a path exists or is missing, another command ends well or does not."""

    creates: str | None = None
    removes: str | None = None
    unless: tuple[str, ...] = ()
    only_if: tuple[str, ...] = ()


def guard_script(guards: Guards) -> str:
    """Text for sh that ends with 80, 81, 82, 83 for the guard that holds, 126 or 127 for one that can't be asked."""
    lines = []
    if guards.creates is not None:
        lines.append(f"if {exists(guards.creates)}; then exit 80; fi")
    if guards.removes is not None:
        lines.append(f"if {exists(guards.removes)}; then :; else exit 81; fi")
    if guards.unless:
        lines.append(f"{silently(guards.unless)}; case $? in 0) exit 82;; 126|127) exit 126;; esac")
    if guards.only_if:
        lines.append(f"{silently(guards.only_if)}; case $? in 0) ;; 126|127) exit 127;; *) exit 83;; esac")
    return "\n".join(lines)


def exists(path: str) -> str:
    """A condition for sh: something is there, were it a link that leads nowhere."""
    return f"[ -e {quoted(path)} ] || [ -L {quoted(path)} ]"


def silently(argv: Sequence[str]) -> str:
    """A command in a subshell without input and output."""
    return f"(exec {' '.join(quoted(word) for word in argv)}) </dev/null >/dev/null 2>&1"


async def excuse(guards: Guards, target: Target) -> str:
    """Why there is nothing to do, or empty. Raises StepError when a guard can't be asked."""
    script = guard_script(guards)
    if not script:
        return ""
    result = await target.run(script, stdin=b"")
    reasons = {
        0: "",
        80: f'"{guards.creates}" exists',
        81: f'"{guards.removes}" does not exist',
        82: f"unless: {shown(guards.unless)} ended well",
        83: f"only_if: {shown(guards.only_if)} did not end well",
    }
    if result.rc not in reasons:
        raise StepError(unanswered(guards, result))
    return reasons[result.rc]


def unanswered(guards: Guards, result: CommandResult) -> str:
    """What to say of guards that could not be asked."""
    match result.rc:
        case 126:
            return f"unless: {shown(guards.unless)} was not found or can't be run"
        case 127:
            return f"only_if: {shown(guards.only_if)} was not found or can't be run"
        case _:
            return f"the guards could not be asked: {ending(result)} {last_line(result)}".rstrip()


def shown(argv: Sequence[str]) -> str:
    """A command as a message shows it; ``/bin/sh -c TEXT`` as its text."""
    words = argv[2:3] if tuple(argv[:2]) == ("/bin/sh", "-c") else argv
    return '"' + " ".join(words) + '"'


def nothing_to_do(reason: str) -> Outcome:
    """The outcome of a step that was not needed."""
    return Outcome(Status.SKIPPED, message=reason)


def judged(result: CommandResult, target: Target, program: str = "") -> Outcome:
    """What a command's end means: fine with one of ``ok_codes``, and then changed unless the step changes nothing."""
    fine = result.rc in target.ok_codes or result.signal in target.ok_codes
    well = Status.OK if target.read_only else Status.CHANGED
    return Outcome(
        status=well if fine else Status.FAILED,
        rc=result.rc,
        signal=result.signal,
        message="" if fine else ending(result, program),
        stdout=result.stdout,
        stderr=result.stderr,
    )


def ending(result: CommandResult, program: str = "") -> str:
    """How a command ended, in words. ``program`` is what was started, where that is known."""
    if result.signal is not None:
        return f"killed by SIG{result.signal}{OUT_OF_MEMORY if result.signal == 'KILL' else ''}"
    what = f'"{program}"' if program else "a command in it"
    reasons = {
        126: f" ({what} can't be run: not executable, or not allowed)",
        127: f" ({what} was not found)",
        137: " (a process was killed by SIGKILL, maybe out of memory)",
    }
    return f"exit status {result.rc}{reasons.get(result.rc, '')}"


def last_line(result: CommandResult) -> str:
    """The last line a command wrote to standard error, where it says what was wrong."""
    return next(reversed(result.stderr.text.splitlines()), "").strip()[:LONGEST_LINE]
