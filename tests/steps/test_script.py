"""``script``: sent, run, nothing left behind."""

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest
from local_target import LocalTarget, do

from runner.errors import LostError, StepError
from runner.model.outcome import Status
from runner.step import typed
from runner.steps import script
from runner.steps.script import STEP

PRINT_ARGS = "#!/bin/sh\nfor arg; do printf '<%s>' \"$arg\"; done\n"


@pytest.fixture(autouse=True)
def place(target: LocalTarget, tmp_path: Path) -> Path:
    """The host's folder for temporary files."""
    folder = tmp_path / "tmp dir"
    folder.mkdir()
    target.env["TMPDIR"] = str(folder)
    return folder


def test_it_sees_the_arguments_as_they_are_written(target: LocalTarget, place: Path) -> None:
    """And the folder for temporary files is as before."""
    (target.folder / "my script.sh").write_text(PRINT_ARGS)

    args = ["a b", "it's", '"q"', "$HOME", "*", "", "-x", "ü\nn", 7]
    outcome = do(STEP, {"src": "my script.sh", "args": args}, target)

    assert outcome.stdout.text == '<a b><it\'s><"q"><$HOME><*><><-x><ü\nn><7>'
    assert outcome.status is Status.CHANGED
    assert list(place.iterdir()) == []


def test_includes_lie_beside_it(target: LocalTarget, place: Path) -> None:
    """The folder is private, and goes also when the script fails."""
    (target.folder / "lib").mkdir()
    (target.folder / "lib" / "lib.sh").write_text("hello() { echo hello; }\n")
    (target.folder / "run.sh").write_text('. "$(dirname "$0")/lib.sh"; hello; ls -ld "$(dirname "$0")"; exit 3\n')

    outcome = do(STEP, {"src": "run.sh", "includes": ["lib/lib.sh"]}, target)

    assert (outcome.status, outcome.rc) == (Status.FAILED, 3)
    assert outcome.stdout.text.startswith("hello\ndrwx------")
    assert list(place.iterdir()) == []


def test_the_first_line_names_the_interpreter(target: LocalTarget) -> None:
    """With its one argument, as a kernel takes it; the file need not be executable."""
    (target.folder / "run.py").write_text("#! /usr/bin/env  python3 \nimport sys; print(sys.argv[1:])\n")

    assert do(STEP, {"src": "run.py", "args": ["x y"]}, target).stdout.text == "['x y']"


def test_line_ends_of_windows_are_named(target: LocalTarget) -> None:
    """A host would only say that it does not find something."""
    (target.folder / "run.sh").write_bytes(b"#!/bin/sh\r\necho\r\n")

    with pytest.raises(StepError, match="line ends of Windows"):
        do(STEP, "run.sh", target)
    assert target.calls == 0


def test_no_place_for_it_names_the_places(target: LocalTarget) -> None:
    """The text says where it was tried."""
    (target.folder / "run.sh").write_text("echo")
    target.env |= {"TMPDIR": "/proc/self", "HOME": "/proc/1"}
    target.env["PATH"] = ""

    with pytest.raises(StepError, match="tried: /proc/self /tmp /var/tmp /proc/1"):
        do(STEP, "run.sh", target)


def test_two_files_of_one_name_are_refused(target: LocalTarget) -> None:
    """They would go into one folder."""
    for name in ("run.sh", "a/lib.sh", "b/lib.sh"):
        (target.folder / name).parent.mkdir(exist_ok=True)
        (target.folder / name).touch()

    with pytest.raises(StepError, match="have the same name"):
        do(STEP, {"src": "run.sh", "includes": ["a/lib.sh", "b/lib.sh"]}, target)


def test_a_guard_skips_it_before_anything_is_sent(target: LocalTarget) -> None:
    """One question, no folder."""
    (target.folder / "run.sh").touch()

    outcome = do(STEP, {"src": "run.sh", "unless": "true"}, target)

    assert (outcome.status, target.calls) == (Status.SKIPPED, 1)


class Losing(LocalTarget):
    """A host that is lost at one round trip, counted from the end of the script's."""

    lost_at = 0

    async def run(self, *args: Any, **options: Any) -> Any:
        if self.calls + 1 >= self.lost_at > 0:
            self.calls += 1
            raise LostError("gone")
        return await super().run(*args, **options)


@pytest.mark.parametrize(("lost_at", "ends"), [(3, "lost"), (4, "changed")])
def test_a_folder_that_can_not_be_removed_is_named(target: LocalTarget, place: Path, lost_at: int, ends: str) -> None:
    """The outcome of the script itself stands."""
    losing = Losing(target.root, target.folder, env=target.env)
    losing.lost_at = lost_at
    (target.folder / "run.sh").write_text("exit 0")

    if ends == "lost":
        with pytest.raises(LostError):
            do(STEP, "run.sh", losing)
    else:
        assert do(STEP, "run.sh", losing).status is Status.CHANGED

    (left,) = place.iterdir()
    assert losing.said == [f"left behind, as it could not be removed (gone): rm -rf '{left}'"]


class Hanging(LocalTarget):
    """A host on which the script, and then ``rm``, never end; ``removing`` is set when the second begins."""

    script_ends = False
    removing: asyncio.Event

    async def run(self, command: Any, **options: Any) -> Any:
        if isinstance(command, tuple) and (command[0] == "rm" or not self.script_ends):
            if command[0] == "rm":
                self.removing.set()
            await asyncio.Event().wait()
        return await super().run(command, **options)


def hanging(target: LocalTarget) -> Hanging:
    """Such a host, and a script for it."""
    (target.folder / "run.sh").write_text("exit 0")
    host = Hanging(target.root, target.folder, env=target.env)
    host.removing = asyncio.Event()
    return host


def test_a_removal_that_hangs_has_its_own_limit(
    target: LocalTarget, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The step's timeout has fired already; what is left is said, and the timeout is still what ends the step."""
    monkeypatch.setattr(script, "CLEANING", 0.05)
    host = hanging(target)

    async def story() -> None:
        async with asyncio.timeout(0.2):
            await STEP.run(typed(STEP, {"src": "run.sh"}), host)

    begun = time.monotonic()
    with pytest.raises(TimeoutError):
        asyncio.run(asyncio.wait_for(story(), 5))

    (left,) = place.iterdir()
    assert time.monotonic() - begun < 3
    assert host.said == [f"left behind, as it could not be removed (it took more than 0.05 s): rm -rf '{left}'"]


def test_a_removal_that_is_stopped_says_what_is_left(target: LocalTarget, place: Path) -> None:
    """And the one who stops it is heard."""
    host = hanging(target)
    host.script_ends = True

    async def story() -> None:
        task = asyncio.create_task(STEP.run(typed(STEP, {"src": "run.sh"}), host))
        await host.removing.wait()
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(story())

    (left,) = place.iterdir()
    assert host.said == [f"left behind, as it could not be removed (it was stopped): rm -rf '{left}'"]
