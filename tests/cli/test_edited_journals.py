"""A journal that somebody edited, and reckoned the sums of anew: it is not believed."""

import json
from pathlib import Path

import pytest
from commandline import Done, project, runner
from journals import rechained

HOSTS = "connection: local\nhosts: {h1: {}, h2: {}, h3: {}}\n"
STEPS = """
version: 1
inventory: hosts.yaml
hosts: all
strategy: {type: rolling, waves: 1}
steps:
  - {id: restart, shell: "echo {{ host.name }} >> FOLDER/done"}
  - {id: check, shell: "test -e FOLDER/mended || test {{ host.name }} != h3"}
"""


@pytest.fixture
def stopped(tmp_path: Path) -> Done:
    """A run of three waves, of which the last failed."""
    project(tmp_path, STEPS.replace("FOLDER", str(tmp_path)), HOSTS)
    done = runner("run", "site.yaml", cwd=tmp_path)
    assert done.code == 5
    (tmp_path / "mended").touch()
    return done


def edit(run: Done, host: str, step: str, **fields: object) -> None:
    """Change what the journal tells of the end of a step, as an editor and a small program do."""
    path = run.folder / "events.jsonl"
    lines = path.read_bytes().splitlines()
    wanted = {"event": "step.ended", "host": host, "step": step}
    number = next(number for number, line in enumerate(lines) if wanted.items() <= json.loads(line).items())
    lines[number] = json.dumps({**json.loads(lines[number]), **fields}, separators=(",", ":")).encode()
    path.write_bytes(b"".join(rechained(lines)))


def test_an_edited_journal_is_not_gone_on_with(stopped: Done, tmp_path: Path) -> None:
    """With sums that are right again: 11, before anything runs."""
    before = (tmp_path / "done").read_text()
    edit(stopped, "h2", "restart", rc=7)

    for command in (("resume",), ("resume", "--plan"), ("runs", "verify"), ("rerun", "--only", "failed")):
        done = runner(*command, "last", cwd=tmp_path)

        assert done.code == 11, command
        assert "another program has changed it, or a record before it" in done.err
        assert "runner runs salvage" in done.err
    assert (tmp_path / "done").read_text() == before


def test_what_was_sealed_before_the_edit_can_be_salvaged(stopped: Done, tmp_path: Path) -> None:
    """What stands behind the last right seal is unknown then, and said to be."""
    edit(stopped, "h3", "check", status="ok", rc=0)

    salvaged = runner("runs", "salvage", "last", "--replace", cwd=tmp_path)
    verified = runner("runs", "verify", "last", cwd=tmp_path)
    resumed = runner("resume", "last", cwd=tmp_path)

    assert salvaged.code == 0
    assert 'unknown from now on: step "restart" of "play" on h3' in salvaged.out
    assert verified.out.endswith("intact\n")
    assert (resumed.code, "h3" in resumed.out) == (6, True)


@pytest.mark.usefixtures("stopped")
def test_a_run_of_another_machine_is_gone_on_with_and_that_is_said(tmp_path: Path) -> None:
    """Its key is not here; the run is, in a folder that several machines share."""
    (tmp_path / "state").mkdir()

    planned = runner("resume", "last", "--plan", cwd=tmp_path, XDG_STATE_HOME=str(tmp_path / "state"))
    resumed = runner("resume", "last", cwd=tmp_path, XDG_STATE_HOME=str(tmp_path / "state"))

    assert resumed.code == 0
    assert "seals of the journal can't be checked" in planned.out + planned.err
    assert "seals of the journal can't be checked: another account's or machine's key made them" in (
        resumed.out + resumed.err
    )
    assert (tmp_path / "done").read_text().split() == ["h1", "h2", "h3"]


def test_where_no_key_can_be_kept_journals_are_not_sealed(tmp_path: Path) -> None:
    """They run all the same, and going on says nothing, as nothing is amiss."""
    project(tmp_path, STEPS.replace("FOLDER", str(tmp_path)), HOSTS)
    (tmp_path / "state").write_text("a file, where the folder should be")
    run = runner("run", "site.yaml", cwd=tmp_path, XDG_STATE_HOME=str(tmp_path / "state"))
    (tmp_path / "mended").touch()

    resumed = runner("resume", "last", cwd=tmp_path, XDG_STATE_HOME=str(tmp_path / "state"))

    assert (run.code, resumed.code) == (5, 0)
    assert not any("seal" in record or record.get("key") for record in run.events())
    assert "seal" not in resumed.out + resumed.err


def test_the_first_record_names_the_key_and_does_not_tell_it(stopped: Done) -> None:
    """The name is made of it in a way that can't be turned back; the key itself is in no record."""
    start = json.loads((stopped.folder / "events.jsonl").read_text().splitlines()[0])

    assert len(start["key"]) == 16
