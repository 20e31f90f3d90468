"""``runner plan --against``: only what is other than in an older plan."""

import json
import subprocess
from pathlib import Path

import jsonschema
import pytest
from commandline import Done, runner

from runner.model.plan_difference import difference_schema

SITE = """\
version: 1
name: web
inventory: hosts.yaml
hosts: all
strategy: {type: rolling, waves: 2}
steps:
  - {id: one, command: [date]}
  - {id: two, command: [date]}
"""
FLEET = "connection: local\nhosts: {'web[1-4]': {}}\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A playbook of two steps for four hosts, and a plan of it."""
    (tmp_path / "site.yaml").write_text(SITE)
    (tmp_path / "hosts.yaml").write_text(FLEET)
    assert call(tmp_path, "plan", "site.yaml", "-o", "old.json").code == 0
    return tmp_path


def call(project: Path, *words: str) -> Done:
    """A command with a state folder of its own."""
    return runner(*words, cwd=project, XDG_STATE_HOME=str(project / "state"))


def grow(project: Path) -> None:
    """One host more, and one step."""
    (project / "site.yaml").write_text(SITE + "  - {id: three, command: [date]}\n")
    (project / "hosts.yaml").write_text(FLEET.replace("1-4", "1-5"))


GROWN = [(1, "web1"), (1, "web2"), (2, "web3"), (2, "web4"), (3, "web5")]
ADDED = [*((wave, host, "three") for wave, host in GROWN), (3, "web5", "one"), (3, "web5", "two")]


def added(done: Done) -> list[tuple[int, str, str]]:
    """The tasks of a difference in JSON, which must fit its schema and have lost none."""
    data = json.loads(done.out)
    jsonschema.validate(data, difference_schema())
    assert data["removed"] == []
    return sorted((task["wave"], task["host"], task["step"]) for task in data["added"])


def test_plans_of_two_commits_differ_by_what_was_committed(project: Path) -> None:
    """One host and one step more: exactly their tasks, as text and as JSON, and nothing is contacted or written."""

    def git(*words: str) -> None:
        subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *words], cwd=project, check=True)

    git("init", "-q")
    git("add", "site.yaml", "hosts.yaml")
    git("commit", "-qm", "four hosts")
    grow(project)
    git("commit", "-qam", "one more")

    text = call(project, "plan", "site.yaml", "--against", "old.json", "--all-hosts")
    data = call(project, "plan", "site.yaml", "--against", "old.json", "--format", "json")

    lines = [line.split() for line in text.out.splitlines() if line.startswith(("  + web  ", "  - web  "))]
    assert (text.code, data.code) == (0, 0)
    assert sorted((int(line[3]), line[4], line[5]) for line in lines) == sorted(ADDED)
    assert added(data) == sorted(ADDED)
    assert not (project / "runs").exists()


def test_a_run_is_compared_by_its_plan_or_its_id(project: Path) -> None:
    """The file in its folder, the id, or the last one."""
    ran = call(project, "run", "site.yaml")
    grow(project)

    for old in (str(ran.folder / "plan.json"), ran.folder.name, "last"):
        done = call(project, "plan", "site.yaml", "--against", old, "--format", "json")
        assert added(done) == sorted(ADDED)


def test_two_saved_plans_are_compared(project: Path) -> None:
    """The newer one as it was saved, whatever the files say now; one plan may take the other's place at once."""
    grow(project)
    replaced = call(project, "plan", "site.yaml", "--against", "old.json", "-o", "old.json", "--format", "json")
    (project / "site.yaml").write_text(SITE)

    same = call(project, "plan", "old.json", "--against", "old.json")

    assert added(replaced) == sorted(ADDED)
    assert "sha256: " in replaced.err
    assert same.out == "from old.json to old.json\n  nothing differs\n"


def test_a_plan_of_anybody_can_be_compared_with(project: Path) -> None:
    """Nothing in it is rendered or run, so nobody need vouch for it."""
    grow(project)

    done = runner(
        "plan", "site.yaml", "--against", "old.json", "--format", "json", cwd=project, XDG_STATE_HOME=str(project)
    )

    assert added(done) == sorted(ADDED)


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        (lambda data: data.replace(b'"one"', b'"uno"'), 12, "it was changed after it was made"),
        (lambda data: data[:-200], 2, "it is cut off"),
        (lambda _: b"", 2, "it is empty"),
        (lambda _: b"version: 1\n", 2, "this looks like a playbook, or some other text, not like a saved plan"),
        (lambda _: b'{"playbook":"x","name":"y","plays":5}', 2, "the stored plan can't be read"),
        (lambda _: b'{"playbook":"x","name":' + b"[" * 100_000, 2, "more than 200 deep"),
    ],
    ids=["changed", "cut", "empty", "playbook", "wrong", "deep"],
)
def test_an_old_plan_that_is_damaged_is_refused(project: Path, change, code: int, message: str) -> None:
    """In words, and nothing is saved in that case."""
    (project / "old.json").write_bytes(change((project / "old.json").read_bytes()))

    done = call(project, "plan", "site.yaml", "--against", "old.json", "-o", "new.json")

    assert done.code == code
    assert message in done.err
    assert not (project / "new.json").exists()


@pytest.mark.parametrize("words", [("--host", "web1"), ("--format", "dot")])
def test_what_has_no_place_in_a_difference_is_refused(project: Path, words: tuple[str, ...]) -> None:
    """Rendered steps and graphs."""
    assert call(project, "plan", "site.yaml", "--against", "old.json", *words).code == 2


def test_an_old_plan_that_is_nowhere_is_refused(project: Path) -> None:
    """Neither a file nor a run."""
    nothing = call(project, "plan", "site.yaml", "--against", "nothing")
    missing = call(project, "plan", "site.yaml", "--against", "./nothing.json")

    assert (nothing.code, missing.code) == (2, 2)
    assert 'there are no runs in "' in nothing.err
    assert "there is no such file" in missing.err
