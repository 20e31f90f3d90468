"""Records on a host that lie about commands: an end is believed only where nothing in them contradicts it."""

import asyncio
import time
from typing import Any

import pytest

from runner.clock import run_virtual
from runner.model.outcome import Captured
from runner.shell.recall import recalled
from runner.shell.recalling import LOOK, TAILS, judged, parsed
from runner.shell.records import HostRecords
from runner.transport import Command, CommandResult, Recalled

BOOT = "0e2f7d6c-1111-4222-8333-444455556666"
PATH = "/tmp/.runner-token-abcd1234-0123456789abcdef"
SUFFIX = "fedcba9876543210"
STARTED = "|s key 4711 60 f"


def record(*lines: str, path: str = PATH, head: str = "", marks: str = "x m", boot: str = BOOT) -> str:
    """One record as LOOK prints it, with lines of its own."""
    first = head or f"|r1 4242 {SUFFIX} 1 {path}"
    return "\n".join([f"f -rw------- 300 {path}", *marks.split(), f"|b {boot}", first, *lines, ""])


def told(*records: str, key: str = "key", boot: str = BOOT) -> str:
    """What is made of them."""
    found, _ = judged(key, *parsed(f"b {boot}\n" + "".join(records)))
    return found.state if found.result is None else f"{found.state} {found.result.rc}"


TRUE = {
    "an end": ((record(STARTED, "|e key 3"),), "done 3"),
    "no start": ((record(),), "never"),
    "a start": ((record(STARTED),), "gone"),
    "a start at work": ((record(STARTED, marks="x m p"),), "running"),
    "an end of another shell's": ((record(STARTED, "|e key 271"),), "done 271"),
    "not started after all": ((record(STARTED, "|n key", "|e key 125"),), "never"),
}

LIES = {
    "nothing": ("",),
    "no boot": (f"f -rw------- 300 {PATH}\n",),
    "an end without a start": (record("|e key 0"),),
    "an end of another key": (record("|s other 1 60 f", "|e other 0", head="|r1 1 x 1 /y"),),
    "two ends": (record(STARTED, "|e key 1", "|e key 0"),),
    "two records with two ends": (record(STARTED, "|e key 1"), record(STARTED, "|e key 0", path=PATH[:-1] + "0")),
    "status 999": (record(STARTED, "|e key 999"),),
    "status 512": (record(STARTED, "|e key 512"),),
    "status 1000": (record(STARTED, "|e key 1000"),),
    "status -1": (record(STARTED, "|e key -1"),),
    "status of other digits": (record(STARTED, "|e key \u0660"),),
    "no status": (record(STARTED, "|e key"),),
    "a status and more": (record(STARTED, "|e key 0 0"),),
    "a word that there is not": (record(STARTED, "|e key 0", "|z key"),),
    "escapes": (record(STARTED, "|e key 0", "|\x1b]0;owned\x07"),),
    "bytes that are no text": (record(STARTED, "|e key 0", "|\udcff\udcfe"),),
    "a NUL": (record(STARTED, "|e key 0\0"),),
    "a carriage return": (record(STARTED, "|e key 0\r|e key 0"),),
    "a line without its mark": (record(STARTED, "e key 0"),),
    "a key of 41 letters": (record("|s " + "k" * 41 + " 1 1 f", "|e key 0"),),
    "a group of eleven digits": (record("|s key 12345678901 60 f", "|e key 0"),),
    "a policy that there is not": (record("|s key 1 60 q", "|e key 0"),),
    "two heads": (record(f"|r1 1 {SUFFIX} 1 {PATH}", STARTED, "|e key 0"),),
    "two boots": (record(f"|b {BOOT}", STARTED, "|e key 0"),),
    "another boot": (record(STARTED, "|e key 0", boot="0" * 36),),
    "no head": (record(STARTED, "|e key 0", head="|x"),),
    "a head of another path": (record(STARTED, "|e key 0", head=f"|r1 1 {SUFFIX} 1 /etc/passwd"),),
    "a head with a short suffix": (record(STARTED, "|e key 0", head=f"|r1 1 abc 1 {PATH}"),),
    "a path of shell characters": (record(STARTED, "|e key 0", path="/tmp/$(reboot)"),),
    "a path with an escape": (record(STARTED, "|e key 0", path="/tmp/\x1b[2J"),),
    "a path of a kilobyte": (record(STARTED, "|e key 0", path="/" + "x" * 1000),),
    "an unknown mark": (record(STARTED, "|e key 0", marks="x m q"),),
    "a kept stream that there is not": (record(STARTED, "|e key 0", "o z"),),
    "a line of a megabyte": (record(STARTED, "|e key 0", "|e key " + "0" * 2**20),),
    "a thousand records and one": tuple(record(STARTED, "|e key 0", path=f"{PATH}{n}") for n in range(1002)),
}


@pytest.mark.parametrize(("records", "outcome"), TRUE.values(), ids=TRUE)
def test_true_records_are_believed(records: tuple[str, ...], outcome: str) -> None:
    """What the lies below are made from."""
    assert told(*records) == outcome


@pytest.mark.parametrize("records", LIES.values(), ids=LIES)
def test_no_end_is_made_of_a_lie(records: tuple[str, ...]) -> None:
    """Never done, and never "never started": nobody knows, which is said."""
    assert told(*records) == "none"


@pytest.mark.parametrize(
    "lines",
    [
        ("|k key loss", "|e key 0"),
        ("|k key time", "|e key 0"),
        ("|k key loss", "|g key", "|e key 0"),
    ],
)
def test_an_end_after_the_kill_is_no_end(lines: tuple[str, ...]) -> None:
    """The host was ending the group before: whatever its status, it did not end by itself."""
    assert told(record(STARTED, *lines)) == "gone"


def test_a_record_that_is_odd_makes_nothing_of_the_others() -> None:
    """A command that no good record mentions may stand in the one that somebody has changed."""
    assert told(record(), record("|z", path=PATH[:-1] + "0")) == "none"


def test_a_megabyte_of_records_is_judged_in_no_time() -> None:
    """However the host fills it."""
    texts = [
        "f\n" * 500_000,
        record(*["|e key 0"] * 100_000),
        record(*[STARTED, "|e key 0"] * 30_000),
        "|" * 2**20,
        "\u2028f x y z" * 100_000,
        "x\n" * 500_000,
    ]
    begun = time.process_time()

    assert {told(text) for text in texts} <= {"none", "done 0"}
    assert time.process_time() - begun < 5


# asked through a session


def asked(answers: dict[str, CommandResult], **more: Any) -> tuple[Recalled, HostRecords]:
    """What comes of a host that answers LOOK so, and everything else with what it keeps of the output."""
    records = HostRecords("web1", ".runner-token-abcd1234", lambda _: None, **more)

    async def run(command: Command) -> CommandResult:
        return answers["look" if command.script == LOOK else "tails"]

    return asyncio.run(recalled(run, records, "key", None)), records


def answer(text: str, rc: int = 0, size: int = 0) -> CommandResult:
    """An answer, perhaps cut."""
    data = text.encode("utf-8", "surrogateescape")
    return CommandResult(rc, stdout=Captured(data, size=size or len(data)), stderr=Captured(data, size=len(data)))


@pytest.mark.parametrize(
    "look",
    [
        answer(f"b {BOOT}\n" + record(STARTED, "|e key 0"), rc=1),
        answer(f"b {BOOT}\n" + record(STARTED, "|e key 0"), size=5_000_000),
        answer(""),
        answer("\udcff" * 1000),
    ],
    ids=["a failure", "more than is taken", "nothing", "no text"],
)
def test_an_answer_that_is_none_tells_nothing(look: CommandResult) -> None:
    """A look that failed, or of which a part is missing, is no proof of anything."""
    found, _ = asked({"look": look, "tails": answer("")})

    assert found.state == "none"


@pytest.mark.parametrize(("silent_on", "state"), [(LOOK, "none"), (TAILS, "done")])
def test_a_host_that_never_answers_is_not_asked_for_ever(silent_on: str, state: str) -> None:
    """Nothing is known then: not of the step, nor of what it printed."""
    look = answer(f"b {BOOT}\n" + record(STARTED, "|l key", "|e key 3", "|f key", "o o", "o e"))
    records = HostRecords("web1", ".runner-token-abcd1234", lambda _: None)

    async def run(command: Command) -> CommandResult:
        return await asyncio.get_running_loop().create_future() if command.script == silent_on else look

    found = run_virtual(recalled(run, records, "key", None))

    assert found.state == state
    assert found.result is not None or found.reason == "the host did not say within 35 s what its record is"


def test_kept_output_is_bytes_and_never_more_than_was_asked_for() -> None:
    """A host that sends a megabyte of escapes for the end of a stream: its last 64 KiB are data like any other."""
    look = answer(f"b {BOOT}\n" + record(STARTED, "|l key", "|e key 0", "|f key", "o o", "o e"))

    found, records = asked({"look": look, "tails": answer("\x1b]0;owned\x07" * 100_000)})

    assert found.result is not None
    assert (found.state, found.result.rc) == ("done", 0)
    assert len(found.result.stdout.data) == 64 * 1024
    assert found.result.stdout.truncated
    assert records.files([PATH]) == (PATH, f"{PATH}-{SUFFIX}.e", f"{PATH}-{SUFFIX}.o", f"{PATH}-{SUFFIX}.x")


def test_paths_that_a_host_makes_up_are_removed_nowhere() -> None:
    """Only what stands in a good record, under its own name, is ever handed to ``rm`` on that host."""
    lie = record(STARTED, "|e key 0", path="/etc/passwd", head=f"|r1 1 {SUFFIX} 1 {PATH}")

    _, records = asked({"look": answer(f"b {BOOT}\n{lie}"), "tails": answer("")})

    assert records.leftovers == []
