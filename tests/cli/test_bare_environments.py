"""Environments as containers, cron and old machines have them: it works there, or says clearly why not."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from commandline import RUNNER, Done, project
from sshd import Sshd, need

LOCAL = "connection: local\nhosts: {h1: {}}\n"
TALKING = "version: 1\ninventory: hosts.yaml\nhosts: all\nsteps: [{shell: 'echo hé; test -r /'}]\n"
NAMELESS = ("unshare", "--user", "--map-user=54321", "--map-group=54321")
"""Whoever runs the tests, under a number that has no name."""


def bare(folder: Path, *argv: str, before: tuple[str, ...] = (), **environ: str) -> Done:
    """Run it with nothing in its environment but what is given, and without a terminal."""
    runs = folder / "runs"
    done = subprocess.run(
        [*before, *RUNNER, *argv],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": os.environ.get("PYTHONPATH", ""), **environ},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="surrogateescape",
        timeout=60,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr, runs)


def nameless(folder: Path, *argv: str, **environ: str) -> Done:
    """The same under a number that has no name."""
    need(shutil.which("unshare"), "no unshare here: install util-linux")
    probe = subprocess.run([*NAMELESS, "true"], capture_output=True, text=True, check=False)
    need(probe.returncode == 0, f"no user namespaces here: {probe.stderr.strip()}")
    return bare(folder, *argv, before=NAMELESS, **environ)


@pytest.mark.parametrize(
    "environ",
    [
        {"LANG": "C"},
        {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
        {"HOME": "/nonexistent", "TERM": "no-such-terminal", "TZ": "no/such/zone", "COLUMNS": "x"},
    ],
    ids=["LANG=C", "ASCII alone", "odd values"],
)
def test_a_bare_environment_is_enough(tmp_path: Path, environ: dict[str, str]) -> None:
    """Whatever the environment lacks: what can't be shown is spelt out, and the run is the same."""
    project(tmp_path, TALKING, LOCAL)

    done = bare(tmp_path, "run", "site.yaml", "--runs-dir", "runs", "--output", "stream", **environ)

    assert done.code == 0, done.err
    assert done.out.splitlines()[0] in {"h1 | hé", r"h1 | h\xe9"}
    assert next(done.folder.glob("output/h1/*.out")).read_bytes() == b"h\xc3\xa9\n"


@pytest.mark.parametrize("connection", ["local", "demo"])
def test_a_number_without_a_name_is_enough(tmp_path: Path, connection: str) -> None:
    """As in a container that runs under any user number, with or without a home."""
    project(tmp_path, TALKING, f"connection: {connection}\nhosts: {{h1: {{}}}}\n")

    done = nameless(tmp_path, "run", "site.yaml", "--runs-dir", "runs", "--output", "stream")

    assert done.code == 0, done.out + done.err
    assert done.events("run.started")[0]["user"] == "54321"


def test_a_number_without_a_name_says_whom_to_log_in_as(tmp_path: Path) -> None:
    """There is no name to take from the account, so the inventory has to say it; nothing is contacted till then."""
    project(tmp_path, TALKING, "hosts: {h1: {address: 127.0.0.1}}\n")

    done = nameless(tmp_path, "run", "site.yaml", "--runs-dir", "runs", HOME="/nonexistent")

    [lost] = done.events("host.lost")
    assert done.code == 4, done.out + done.err
    assert lost["reason"] == "whom to log in as is not said, and user number 54321 has no name here"
    assert "ssh: {user: NAME}" in lost["hint"]


@pytest.mark.sshd
def test_a_number_without_a_name_logs_in_as_it_is_told(sshd: Sshd, tmp_path: Path) -> None:
    """Where the inventory says it, nothing else is asked of the account."""
    project(tmp_path, TALKING, sshd.inventory_text(1))

    done = nameless(tmp_path, "run", "site.yaml", "--runs-dir", "runs")

    assert done.code == 0, done.out + done.err


def test_a_home_that_can_not_hold_the_runs_is_named(tmp_path: Path) -> None:
    """Where records have no place the path, the reason and the option are told, and nothing runs."""
    project(tmp_path, TALKING, LOCAL)
    (tmp_path / "home").write_text("no folder")

    done = bare(tmp_path, "run", "site.yaml", HOME=str(tmp_path / "home"))

    assert done.code == 11
    assert f'"{tmp_path}/home/.local": Not a directory' in done.err
    assert "--runs-dir" in done.err


@pytest.mark.parametrize("words", [("validate",), ("plan",), ("run", "--runs-dir", "runs")])
@pytest.mark.parametrize("place", ["folder", "file", "inventory"])
def test_a_path_that_is_no_text_is_refused(tmp_path: Path, words: tuple[str, ...], place: str) -> None:
    """No record could name it: its bytes are shown, and what to do about it."""
    folder = tmp_path / "d\udcff" if place == "folder" else tmp_path
    folder.mkdir(exist_ok=True)
    project(folder, TALKING, LOCAL)
    name = "s\udcff.yaml" if place == "file" else "site.yaml"
    (folder / "site.yaml").rename(folder / name)
    inventory = ["-i", "i\udcff.yaml"] if place == "inventory" else []
    (folder / "i\udcff.yaml").write_text(LOCAL)

    done = bare(folder, words[0], name, *words[1:], *inventory)

    assert done.code == 2, done.err
    assert "can't read the file: its path is no UTF-8 text [E117]" in done.err
    assert r"shown with \x" in done.err
    assert not done.ran


def test_a_value_that_is_no_text_is_refused(tmp_path: Path) -> None:
    """Arguments of any bytes are shown as such."""
    project(tmp_path, TALKING + "inputs: {x: {type: string}}\n", LOCAL)

    done = bare(tmp_path, "run", "site.yaml", "--runs-dir", "runs", "-e", "x=\udcff")

    assert done.code == 2, done.err
    assert "-e:1:3: error: these bytes are no UTF-8 text [E509]\n    1 | x=\\xff\n" in done.err
