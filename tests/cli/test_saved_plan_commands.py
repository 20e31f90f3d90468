"""``runner plan -o`` and ``runner run PLAN``, as a user has them."""

import hashlib
import json
import os
from datetime import UTC, datetime
from pathlib import Path

import jsonschema
import pytest
from commandline import Done, runner

from runner.app.plans import make_plan
from runner.app.saving import save
from runner.app.settings import Settings
from runner.model.saved_plan import saved_plan_schema
from runner.model.schemas import plan_schema

SITE = """\
version: 1
name: mark
inventory: hosts.yaml
secrets: {token: {env: TOKEN}}
hosts: web
strategy: {type: rolling, waves: 2}
steps:
  - id: one
    shell: echo "one $HOST" >> marks
    env: {HOST: "{{ host.name }}", TOKEN: "{{ secrets.token }}"}
    cwd: "{{ here }}"
  - id: two
    shell: echo "two $HOST" >> marks
    env: {HOST: "{{ host.name }}"}
    cwd: "{{ here }}"
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Four hosts of which the plan takes three; each step leaves a mark."""
    (tmp_path / "site.yaml").write_text(SITE + f"vars: {{here: {tmp_path}}}\n")
    (tmp_path / "hosts.yaml").write_text(
        "connection: local\nhosts: {'web[1-4]': {}}\ngroups: {web: {hosts: ['web*']}}\n"
    )
    return tmp_path


def call(project: Path, *words: str, **environ: str) -> Done:
    """A command with a state folder of its own."""
    return runner(*words, cwd=project, **{"XDG_STATE_HOME": str(project / "state"), "TOKEN": "hunter22"} | environ)


def saved(project: Path) -> str:
    """Save a plan without the last host, as the command does; gives its sum."""
    settings = Settings(playbook=Path("site.yaml"), exclude=("web4",))
    with pytest.MonkeyPatch.context() as here:
        here.chdir(project)
        here.setenv("XDG_STATE_HOME", str(project / "state"))
        return save(make_plan(settings), settings, Path("plan.json"), expires=None, now=datetime.now(UTC)).sha256


def marks(project: Path) -> list[str]:
    """What the steps left, in order."""
    path = project / "marks"
    return path.read_text().splitlines() if path.exists() else []


def runs(project: Path) -> list[Path]:
    """The folders of runs."""
    return [path for path in (project / "runs").glob("2*") if path.is_dir()]


def test_a_saved_plan_is_run_once_and_can_still_be_shown(project: Path) -> None:
    """Exactly its steps on its hosts; the second time nothing is contacted, and the run that used it is named."""
    saved(project)

    first, second = call(project, "run", "plan.json"), call(project, "run", "plan.json")
    shown = call(project, "plan", "plan.json", "--all-hosts")

    assert (first.code, second.code, shown.code) == (0, 12, 0), first.err
    assert sorted(marks(project)) == sorted(f"{step} web{n}" for step in ("one", "two") for n in (1, 2, 3))
    [run] = runs(project)
    assert f"it was applied already, by run {run.name} " in second.err
    assert f"it was applied already, by run {run.name} " in shown.out
    assert "can be run   no" in shown.out
    assert shown.out.count("    wave ") == 6
    assert first.events("run.started")[0]["saved_plan"] in shown.out


def test_what_has_changed_is_named_before_anything_is_contacted(project: Path) -> None:
    """Nothing runs, no run folder is made, and the plan can be looked at."""
    saved(project)
    with (project / "hosts.yaml").open("a") as file:
        file.write("# a comment\n")

    done, shown = call(project, "run", "plan.json"), call(project, "plan", "plan.json")

    assert (done.code, shown.code) == (12, 0)
    assert "error: hosts.yaml has changed since the plan was made [E608]" in done.err
    assert "hint: make it anew: runner plan site.yaml -x web4 -o plan.json" in done.err
    assert "- hosts.yaml has changed since the plan was made" in shown.out
    assert (marks(project), runs(project)) == ([], [])


def test_the_file_is_what_it_is_said_to_be(project: Path) -> None:
    """It fits the published schema, its sum is that of the file, it is private, and holds no secret's value."""
    done = call(project, "plan", "site.yaml", "-o", "plan.json")
    data = (project / "plan.json").read_bytes()

    jsonschema.validate(json.loads(data), saved_plan_schema())
    assert f"\nsha256: {hashlib.sha256(data).hexdigest()}\n" in done.out
    assert (project / "plan.json").stat().st_mode & 0o777 == 0o600
    assert b"hunter22" not in data


def test_the_plan_for_programs_says_what_is_saved(project: Path) -> None:
    """When it is saved and when it is shown; nothing else is on standard output."""
    made = json.loads(call(project, "plan", "site.yaml", "-o", "plan.json", "--format", "json").out)
    shown = json.loads(call(project, "plan", "plan.json", "--format", "json").out)
    drawn = call(project, "plan", "site.yaml", "-o", "plan.json", "--format", "dot")

    jsonschema.validate(made, plan_schema())
    jsonschema.validate(shown, plan_schema())
    assert made == shown
    assert made["saved"]["command"] == "runner plan site.yaml"
    assert made["saved"]["problems"] == []
    assert "sha256: " in drawn.err
    assert "sha256" not in drawn.out


def test_another_machine_needs_the_sum(project: Path) -> None:
    """There the key is another one: only whoever names the plan by its sum can run it."""
    total = saved(project)
    elsewhere = {"XDG_STATE_HOME": str(project / "elsewhere")}

    refused = call(project, "run", "plan.json", **elsewhere)
    wrong = call(project, "run", "plan.json", "--sha256", "0" * 64, **elsewhere)
    hidden = call(project, "plan", "plan.json", **elsewhere)
    right = call(project, "run", "plan.json", "--sha256", total, **elsewhere)

    assert (refused.code, wrong.code, hidden.code, right.code) == (12, 12, 12, 0)
    assert "say which plan you mean: --sha256 SUM" in refused.err
    assert f"its SHA-256 is {total}, not the one after --sha256" in wrong.err
    assert len(runs(project)) == 1


def test_a_plan_edited_by_hand_is_refused(project: Path) -> None:
    """Whatever its name is."""
    saved(project)
    text = (project / "plan.json").read_text()
    (project / "site2.yaml").write_text(text.replace("one $HOST", "rm -rf /"))

    done = call(project, "run", "site2.yaml")

    assert done.code == 12
    assert "site2.yaml:1:1: error: it was changed after it was made" in done.err
    assert runs(project) == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("run", "plan.json", "-l", "web1"), "-l would change the saved plan"),
        (("run", "plan.json", "-e", "here=/"), "-e would change the saved plan"),
        (("plan", "plan.json", "--tags", "x"), "-t would change the saved plan"),
        (("plan", "plan.json", "-o", "other.json"), "plan.json is a saved plan already"),
        (("plan", "site.yaml", "--expires", "1h"), "add -o FILE"),
        (("plan", "site.yaml", "--sha256", "00"), "--sha256 is for a saved plan"),
        (("plan", "plan.json", "--host", "web9"), '"web9" is not in the plan'),
        (("validate", "plan.json"), "this looks like a saved plan, not like a playbook file"),
        (("simulate", "plan.json"), "this looks like a saved plan, not like a playbook file"),
    ],
)
def test_what_does_not_go_together_is_refused(project: Path, words: tuple[str, ...], message: str) -> None:
    """With what is wrong, before anything happens."""
    saved(project)

    done = call(project, *words)

    assert done.code == 2
    assert message in done.err
    assert runs(project) == []


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("missing/plan.json", "No such file or directory"),
        ("site.yaml", "the plan is made from this file"),
        (".", "it is no regular file"),
        ("/dev/null", "it is no regular file"),
    ],
)
def test_a_plan_that_cannot_be_saved_is_said_so(project: Path, name: str, why: str) -> None:
    """Nothing is shown as if it had been, and the exit status is that of wrong input."""
    done = call(project, "plan", "site.yaml", "-o", name)

    assert (done.code, done.out) == (2, "")
    assert f'-o: can\'t write "{name}": {why}' in done.err


def test_links_and_files_of_everybody_are_no_plans(project: Path) -> None:
    """What they hold may be another thing a moment later."""
    saved(project)
    (project / "link.json").symlink_to("plan.json")
    linked = call(project, "run", "link.json")
    (project / "plan.json").chmod(0o666)
    opened = call(project, "run", "plan.json")

    assert (linked.code, opened.code) == (2, 2)
    assert "this is a link" in linked.err
    assert "everybody can write it" in opened.err


def test_a_step_whose_files_only_the_run_knows_is_told(project: Path) -> None:
    """What it sends may change without the plan being refused."""
    steps = "  - {command: [date], register: now}\n  - copy: {src: '{{ now.stdout }}', dest: /x}\n"
    text = (project / "site.yaml").read_text()
    (project / "site.yaml").write_text(text.replace("vars:", f"{steps}vars:"))

    done = call(project, "plan", "site.yaml", "-o", "plan.json")

    assert 'note: only the run can tell which files step "copy" of play "mark" sends' in done.err


def test_the_commit_it_was_made_from_is_kept(project: Path) -> None:
    """And whether anything differed from it."""
    git = "git -c user.name=a -c user.email=a@b"
    assert os.system(f"cd {project} && git init -q && git add -A && {git} commit -qm x") == 0

    done = json.loads(call(project, "plan", "site.yaml", "-o", "plan.json", "--format", "json").out)

    assert len(done["saved"]["git_commit"]) == 40
    assert done["saved"]["git_clean"] is True


def test_a_plan_that_is_being_saved_is_the_old_one_until_it_is_the_new_one(project: Path) -> None:
    """Killed on the way, the old plan is whole, and another try saves the new one."""
    old = saved(project)

    killed = call(project, "plan", "site.yaml", "-o", "plan.json", RUNNER_CRASHPOINT="in_plan_write")

    assert killed.code == -9
    assert hashlib.sha256((project / "plan.json").read_bytes()).hexdigest() == old
    assert saved(project) != old


@pytest.mark.parametrize(("point", "then"), [("in_plan_write:2", 0), ("before_append", 12), ("after_send", 12)])
def test_a_run_that_is_killed_has_used_its_plan_or_has_not(project: Path, point: str, then: int) -> None:
    """Used before anything else is done: it may be lost to a run that did nothing, but no plan is run twice."""
    saved(project)

    killed = call(project, "run", "plan.json", RUNNER_CRASHPOINT=point)
    again = call(project, "run", "plan.json")

    assert (killed.code, again.code) == (-9, then), again.err
    assert len(marks(project)) == len(set(marks(project)))


def test_a_run_of_a_saved_plan_is_gone_on_with_as_it_was_planned(project: Path) -> None:
    """With its options, which nobody has to give again, and though the plan is used."""
    text = (project / "site.yaml").read_text()
    (project / "site.yaml").write_text(text.replace("    shell:", "    idempotent: true\n    shell:"))
    saved(project)

    killed = call(project, "run", "plan.json", RUNNER_CRASHPOINT="after_send:3")
    resumed = call(project, "resume", "last")

    assert (killed.code, resumed.code) == (-9, 0), resumed.err
    assert set(marks(project)) == {f"{step} web{n}" for step in ("one", "two") for n in (1, 2, 3)}
