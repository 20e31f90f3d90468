"""A host where another user has guessed the names that runner will use, and put something there."""

import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from local_target import LocalTarget, do
from sshd import need

from runner.engine.target import PUT
from runner.errors import StepError
from runner.model.outcome import Status
from runner.steps import copy, script

GUESSED = "0" * 32
PLANTS = {
    "link to a file": 'ln -s "$2" "$1"',
    "link to a folder": 'ln -s "${2%/*}" "$1"',
    "link to nothing": 'ln -s "$2-not-there" "$1"',
    "folder": 'mkdir -m 777 "$1"',
    "file": 'echo theirs >"$1"; chmod 666 "$1"',
    "FIFO": 'mkfifo -m 666 "$1"',
}


@pytest.fixture
def everybody(target: LocalTarget, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder like ``/tmp``, and nothing random any more. Needs root, to be somebody else for a moment."""
    need(os.getuid() == 0, "planting files as another user needs root")
    monkeypatch.setattr(secrets, "token_hex", lambda size: "0" * 2 * size)
    folder = Path(tempfile.mkdtemp(prefix="runner-everybody-", dir="/tmp"))
    folder.chmod(0o1777)
    (folder / "victim").write_text("precious")
    (folder / "victim").chmod(0o600)
    target.env["TMPDIR"] = str(folder)
    yield folder
    shutil.rmtree(folder)


def plant(kind: str, place: Path) -> None:
    """As another user, through that user's own shell."""
    command = ["/bin/sh", "-c", PLANTS[kind], "sh", str(place), str(place.parent / "victim")]
    nobody = pwd.getpwnam("nobody")
    subprocess.run(command, user=nobody.pw_uid, group=nobody.pw_gid, extra_groups=[], cwd="/", check=True)


def untouched(folder: Path) -> bool:
    """Whether what they wanted to reach is as it was, and nothing was made through their link."""
    info = (folder / "victim").stat()
    is_same = (folder / "victim").read_text() == "precious" and (info.st_mode & 0o777, info.st_uid) == (0o600, 0)
    return is_same and not (folder / "victim-not-there").exists()


@pytest.mark.parametrize("kind", PLANTS)
def test_a_copy_is_not_written_through_it(target: LocalTarget, everybody: Path, kind: str) -> None:
    """It fails and says so; neither the content nor the owner, group and mode reach what is behind it."""
    dest = everybody / "app.conf"
    first = do(copy.STEP, {"content": "port = 1\n", "dest": str(dest)}, target)
    (place,) = [Path(word) for argv in target.argvs for word in argv if word.endswith(GUESSED)]
    plant(kind, place)

    params = {"content": "a secret\n", "dest": str(dest), "mode": "0644", "owner": "nobody"}
    with pytest.raises(StepError, match="already, which is not ours"):
        do(copy.STEP, params, target)

    assert first.status is Status.CHANGED
    assert dest.read_text() == "port = 1\n"
    assert untouched(everybody)
    assert b"secret" not in b"".join(path.read_bytes() for path in everybody.iterdir() if path.is_file())


@pytest.mark.parametrize("kind", PLANTS)
def test_a_script_gets_a_folder_elsewhere(target: LocalTarget, everybody: Path, kind: str) -> None:
    """One that is its own; theirs is neither used nor removed."""
    plant(kind, everybody / f"runner-{GUESSED}")
    (target.folder / "where.sh").write_text('ls -ld "$(dirname "$0")"\n')

    outcome = do(script.STEP, {"src": "where.sh"}, target)

    assert outcome.stdout.text.startswith("drwx------")
    assert outcome.stdout.text.split()[-1] in {f"/tmp/runner-{GUESSED}", f"/var/tmp/runner-{GUESSED}"}
    assert str(everybody) not in outcome.stdout.text
    assert untouched(everybody)
    assert os.path.lexists(everybody / f"runner-{GUESSED}")


@pytest.mark.parametrize("kind", PLANTS)
def test_a_file_that_is_sent_is_a_new_one(everybody: Path, kind: str) -> None:
    """What is there already, and is not ours, is not written to."""
    place = everybody / "sent"
    plant(kind, place)

    done = subprocess.run(["/bin/sh", "-c", PUT, "sh", place, "8"], input=b"a secret", capture_output=True, timeout=5)  # noqa: PLW1510

    assert done.returncode == 1
    assert done.stderr == b"it is there already\n"
    assert untouched(everybody)
    assert os.path.lexists(place)
