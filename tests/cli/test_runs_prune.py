"""``runner runs prune``: old runs go, whole, and nothing else does."""

import fcntl
from pathlib import Path

from commandline import project, runner

PLAYBOOK = "version: 1\ninventory: hosts.yaml\nhosts: all\nsteps:\n  - command: {}\n"
LOCAL = "connection: local\nhosts: {one: {}}\n"


def runs_of(folder: Path, **commands: str) -> Path:
    """Runs that are named, each of one command; gives their folder. The oldest comes first."""
    project(folder, "", LOCAL)
    for name, command in commands.items():
        (folder / "site.yaml").write_text(PLAYBOOK.format(command))
        done = runner("run", "site.yaml", cwd=folder)
        done.folder.rename(folder / name)
    for name in commands:
        (folder / name).rename(folder / "runs" / name.replace("r", "202611").replace("_", "-"))
    return folder / "runs"


def names(runs: Path) -> list[str]:
    return sorted(path.name for path in runs.iterdir() if path.name != ".state")


WELL = {"r01_120000_aaaa": "'true'", "r02_120000_aaaa": "'true'", "r03_120000_aaaa": "'true'"}


def test_the_newest_are_kept(tmp_path: Path) -> None:
    """The others are named as they go; with --dry-run they are named and stay."""
    runs = runs_of(tmp_path, **WELL)

    dry = runner("runs", "prune", "--keep", "1", "--dry-run", cwd=tmp_path)
    was = names(runs)
    done = runner("runs", "prune", "--keep", "1", cwd=tmp_path)

    assert len(was) == 3
    assert dry.out.splitlines()[0] == "would go 20261101-120000-aaaa  ok  site.yaml"
    assert done.out.splitlines()[1:] == ["removed  20261102-120000-aaaa  ok  site.yaml", "2 runs removed"]
    assert names(runs) == ["20261103-120000-aaaa"]


def test_young_runs_are_kept(tmp_path: Path) -> None:
    """Age is that of the run's name; with --keep both must say that it may go."""
    runs = runs_of(tmp_path, **WELL)
    (runs / "20261102-120000-aaaa").rename(runs / "20100102-120000-aaaa")
    (runs / "20261103-120000-aaaa").rename(runs / "20990102-120000-aaaa")

    runner("runs", "prune", "--keep", "3", "--older-than", "365d", cwd=tmp_path)
    was = names(runs)
    runner("runs", "prune", "--older-than", "3650d", cwd=tmp_path)

    assert len(was) == 3
    assert names(runs) == ["20261101-120000-aaaa", "20990102-120000-aaaa"]


def test_a_run_that_can_be_gone_on_with_is_kept(tmp_path: Path) -> None:
    """It goes with --unfinished only; so do one that died, and one whose journal is damaged."""
    runs = runs_of(tmp_path, r01_120000_aaaa="'false'", r02_120000_aaaa="'true'", r03_120000_aaaa="'true'")
    (runs / "20261102-120000-aaaa/events.jsonl").write_bytes(b"#\n")
    journal = runs / "20261103-120000-aaaa/events.jsonl"
    journal.write_bytes(b"".join(journal.read_bytes().splitlines(keepends=True)[:-1]))

    kept = runner("runs", "prune", "--keep", "0", cwd=tmp_path)
    was = names(runs)
    runner("runs", "prune", "--keep", "0", "--unfinished", cwd=tmp_path)

    assert kept.out.splitlines() == [
        "kept     20261101-120000-aaaa  failed (1)  site.yaml: it can be gone on with",
        "kept     20261102-120000-aaaa  damaged: its journal may yet be salvaged",
        "kept     20261103-120000-aaaa  died  site.yaml: it can be gone on with",
        "0 runs removed",
    ]
    assert len(was) == 3
    assert names(runs) == []


def test_a_run_at_work_is_kept(tmp_path: Path) -> None:
    """Whatever is asked for: somebody holds its journal."""
    runs = runs_of(tmp_path, r01_120000_aaaa="'true'")
    with (runs / "20261101-120000-aaaa/events.jsonl").open("rb") as journal:
        fcntl.flock(journal, fcntl.LOCK_EX)

        done = runner("runs", "prune", "--keep", "0", "--unfinished", cwd=tmp_path)

    assert "site.yaml: it is at work\n0 runs removed" in done.out
    assert len(names(runs)) == 1


def test_nothing_outside_a_run_goes_with_it(tmp_path: Path) -> None:
    """Links in it, and links among the runs, are not followed; what is no run stays."""
    runs = runs_of(tmp_path, r01_120000_aaaa="'true'")
    for name in ("outside", "runs/other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "dear").touch()
    (runs / "20261101-120000-aaaa/output/link").symlink_to(tmp_path / "outside")
    (runs / "20261102-120000-aaaa").symlink_to(tmp_path / "outside")
    (runs / ".20261001-120000-aaaa.removed").mkdir()

    runner("runs", "prune", "--keep", "0", "--unfinished", cwd=tmp_path)

    assert names(runs) == ["20261102-120000-aaaa", "other"]
    assert (tmp_path / "outside/dear").exists()
    assert (runs / "other/dear").exists()


def test_it_has_to_be_said_what_may_go(tmp_path: Path) -> None:
    """Without --keep and --older-than nothing does."""
    runs = runs_of(tmp_path, r01_120000_aaaa="'true'")

    assert runner("runs", "prune", cwd=tmp_path).code == 2
    assert runner("runs", "prune", "--older-than", "soon", cwd=tmp_path).code == 2
    assert len(names(runs)) == 1


def test_a_run_that_was_rolled_back_goes_too(tmp_path: Path) -> None:
    """Nothing is left of it to be gone on with."""
    project(tmp_path, PLAYBOOK.format("'false'") + "rollback: [{command: 'true'}]\n", LOCAL)
    runner("run", "site.yaml", cwd=tmp_path)
    back = runner("rollback", "last", cwd=tmp_path)

    done = runner("runs", "prune", "--keep", "0", cwd=tmp_path)

    assert back.code == 8
    assert done.out.splitlines()[-1] == "1 run removed"
