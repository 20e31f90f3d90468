"""Saved plans against the files that they were made from."""

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from disk import ERRORS, Disk

from runner.app import plan_file, seal_key, used_plans
from runner.app.plans import make_plan
from runner.app.saved_plans import chosen, claim
from runner.app.saving import save
from runner.app.settings import Settings
from runner.errors import InputError, JournalError, MismatchError
from runner.model.encoding import decode_plan, encode_plan
from runner.model.saved_plan import put_together, sum_of, take_apart
from runner.run_folder import RunFolder

pytestmark = pytest.mark.usefixtures("here")

NOW = datetime(2030, 1, 1, tzinfo=UTC)
SITE = """\
version: 1
vars_files: [vars.yaml]
inputs: {release: {type: string}}
hosts: web
strategy: {type: rolling, waves: 2, order: shuffle}
steps:
  - include: common/users.yaml
  - template: {src: app.j2, dest: /etc/app}
  - copy: {src: dist, dest: /srv/dist}
  - copy: {src: "{{ host.name }}.key", dest: /etc/key}
  - script: {src: go.sh, includes: [lib.sh]}
"""
FILES = {
    "site.yaml": SITE,
    "vars.yaml": "word: hi\n",
    "values.yaml": "release: 1.4.2\n",
    "hosts/web.yaml": "hosts: {'web[1-3]': {ssh: {identity: web.key}}}\ngroups: {web: {hosts: ['web[1-3]']}}\n",
    "hosts/db.yaml": "hosts: {db1: {}}\n",
    "common/users.yaml": "- copy: {src: users.txt, dest: /etc/users}\n",
    "common/users.txt": "ada\n",
    "app.j2": "{{ word }} {{ release }}\n",
    "dist/a.tar": "a",
    "dist/sub/b.tar": "b",
    "web1.key": "1",
    "web2.key": "2",
    "web3.key": "3",
    "go.sh": "echo\n",
    "lib.sh": "true\n",
}
MADE = Settings(playbook=Path("site.yaml"), inventory=("hosts",), sets=("@values.yaml",), exclude=("web3",))
SAVED = Settings(playbook=Path("plan.json"))


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A project with a file of each kind, and a plan of it."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    project = tmp_path / "project"
    (project / ".git").mkdir(parents=True)
    for name, text in FILES.items():
        (project / name).parent.mkdir(exist_ok=True)
        (project / name).write_text(text)
    monkeypatch.chdir(project)
    saved()
    return project


def saved(settings=MADE, **options):
    """Save a plan."""
    return save(make_plan(settings), settings, Path("plan.json"), **{"expires": None, "now": NOW, **options})


def why_not(settings=SAVED, *, now=NOW):
    """What is said about a plan that is refused."""
    with pytest.raises(MismatchError) as raised:
        chosen(settings, now=now)
    return [problem.message for problem in raised.value.problems]


def written_anew(**fields):
    """The plan with other things said about it, by somebody who has the key."""
    parts = take_apart(Path("plan.json").read_bytes(), "plan.json")
    plan = fields.pop("plan", parts.plan)
    key = fields.pop("key", seal_key.find(os.environ, Path.home()))
    head = msgspec.structs.replace(parts.head, **fields)
    Path("plan.json").write_bytes(put_together(head, plan, key))


def test_an_unchanged_plan_is_run_as_it_was_saved():
    """With the options that it was made with, byte for byte; order and seed of chance included."""
    stored = take_apart(Path("plan.json").read_bytes(), "plan.json")

    settings, planned = chosen(SAVED, now=NOW)

    assert encode_plan(planned.plan) == stored.plan
    assert planned.saved == stored.head
    assert (settings.playbook, settings.exclude, settings.seed) == (Path("site.yaml"), ("web3",), planned.seed)
    assert set(planned.plan.inputs) == {*FILES, "dist/"} - {"web3.key"}


@pytest.mark.parametrize("name", sorted({*FILES} - {"web3.key"}))
def test_one_changed_byte_is_named(here, name):
    """In the playbook, an include, a template, what is copied, a script, the inventory, variables or given values."""
    with (here / name).open("a") as file:
        file.write(" ")

    assert why_not() == [f"{name} has changed since the plan was made"]


def test_what_is_no_input_may_change(here):
    """A file of a host that was left out, and any that no step sends."""
    (here / "web3.key").write_text("other")
    (here / "README").write_text("new")

    assert chosen(SAVED, now=NOW)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda here: (here / "go.sh").unlink(), ["go.sh is gone since the plan was made"]),
        (lambda here: (here / "hosts/db.yaml").unlink(), ["hosts/db.yaml is gone since the plan was made"]),
        (
            lambda here: (here / "hosts/new.yaml").write_text("hosts: {}\n"),
            ["hosts/new.yaml is new since the plan was made"],
        ),
        (
            lambda here: (here / "dist/new").write_text(""),
            ["dist/ has changed since the plan was made", "dist/new is new since the plan was made"],
        ),
        (lambda here: (here / "dist/a.tar").chmod(0o755), ["dist/ has changed since the plan was made"]),
        (
            lambda here: (here / "site.yaml").write_text("steps: ["),
            ["site.yaml has changed since the plan was made"],
        ),
        (
            lambda here: (here / "site.yaml").write_text(SITE.partition("  - script")[0]),
            [
                "site.yaml has changed since the plan was made",
                "go.sh is no longer part of the plan",
                "lib.sh is no longer part of the plan",
            ],
        ),
    ],
    ids=["file", "inventory", "new inventory", "new file", "mode", "damaged", "step"],
)
def test_what_is_gone_or_new_is_named(here, change, words):
    """Files, a file in a folder, modes; also where the playbook can't be read any more."""
    change(here)

    assert why_not() == words


def test_every_reason_is_told_at_once(here):
    """Too old, used, changed."""
    head = chosen(SAVED, now=NOW)[1].saved
    claim(head, RunFolder(here, "r1"), SAVED, now=NOW)
    (here / "vars.yaml").write_text("word: ho\n")

    expired, applied, changed = why_not(now=NOW + timedelta(days=7))

    assert expired == "it was good until 2030-01-08T00:00:00.000000Z"
    assert applied.startswith("it was applied already, by run r1 (2030-01-01T00:00:00.000000Z, ")
    assert changed == "vars.yaml has changed since the plan was made"


@pytest.mark.parametrize(("expires", "lasts"), [(None, timedelta(days=7)), ("90s", timedelta(seconds=90))])
def test_a_plan_is_good_for_a_time(expires, lasts):
    """For seven days where nothing is said; not a microsecond longer."""
    saved(expires=expires)

    assert chosen(SAVED, now=NOW + lasts - timedelta(microseconds=1))
    assert why_not(now=NOW + lasts)


@pytest.mark.parametrize("expires", ["0", "-1", "soon", "20000d", "nan"])
def test_a_time_that_is_none_is_refused(expires):
    """And the old plan stays."""
    before = Path("plan.json").read_bytes()

    with pytest.raises(InputError, match="--expires"):
        saved(expires=expires)

    assert Path("plan.json").read_bytes() == before


def test_a_plan_of_another_version_is_refused():
    """What the same files mean may be another thing there."""
    written_anew(tool="0.0.9")

    assert why_not() == ["it was made by runner 0.0.9; this is 0.1.0"]


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"user": "eve", "host": "elsewhere"}, "it says that eve made it on elsewhere; this is "),
        ({}, "its seal is not of this account's key"),
    ],
)
def test_a_plan_of_somebody_else_needs_its_sum(fields, why):
    """Another user, another machine, or anybody who only says to be us; the right sum lets it be run, no other."""
    written_anew(key=b"another key", **fields)

    assert why_not()[0].startswith(why)
    total = sum_of(Path("plan.json").read_bytes())
    assert chosen(replace(SAVED, sha256=f"sha256:{total}"), now=NOW)
    assert why_not(replace(SAVED, sha256="0" * 64)) == [f"its SHA-256 is {total}, not the one after --sha256"]


def test_without_a_key_a_plan_has_no_seal(here, monkeypatch):
    """Where no state can be kept; it is run by its sum alone."""
    monkeypatch.setenv("XDG_STATE_HOME", "/proc/nowhere")
    made = saved()
    monkeypatch.undo()
    monkeypatch.chdir(here)

    assert not made.is_sealed
    assert "no key could be kept" in why_not()[0]
    assert chosen(replace(SAVED, sha256=made.sha256), now=NOW)


def test_a_key_that_others_can_read_seals_nothing(tmp_path):
    """Whoever has it could make plans in our name."""
    (tmp_path / "state/runner/keys/seals").chmod(0o644)

    assert seal_key.find(os.environ, Path.home()) is None
    assert why_not()


def test_a_forged_plan_does_nothing_that_the_files_do_not_say():
    """Even with the right sum: what is run is made from the files that are here, and this plan is another."""
    stored = take_apart(Path("plan.json").read_bytes(), "plan.json").plan
    written_anew(plan=stored.replace(b"/etc/app", b"/etc/shadow"))

    total = sum_of(Path("plan.json").read_bytes())

    assert why_not() == ["the files that are here come to another plan"]
    assert why_not(replace(SAVED, sha256=total)) == ["the files that are here come to another plan"]


def test_a_plan_with_nonsense_in_it_is_refused_in_words():
    """Somebody vouched for bytes that are no plan."""
    written_anew(plan=b'{"inputs": 5}')

    with pytest.raises(InputError, match="holds what no saved plan has"):
        chosen(SAVED, now=NOW)


def test_a_plan_goes_with_its_project(here, tmp_path, monkeypatch):
    """The same files in another place come to the same plan, though paths in it are others."""
    shutil.copytree(here, tmp_path / "moved")
    monkeypatch.chdir(tmp_path / "moved")

    settings, planned = chosen(SAVED, now=NOW)

    assert planned.plan.folder == str(tmp_path / "moved")
    assert decode_plan(encode_plan(planned.plan)).hosts["web1"].options["identity"] == str(
        tmp_path / "moved/hosts/web.key"
    )
    assert settings.playbook == Path("site.yaml")


def test_a_plan_of_another_project_is_told_as_one(tmp_path, monkeypatch):
    """Not as a list of missing files."""
    shutil.copy("plan.json", tmp_path)
    monkeypatch.chdir(tmp_path)

    assert why_not() == [f"there is no site.yaml in {tmp_path}: this is another project than the plan's"]


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({"limit": ("web1",)}, ["-l"]),
        ({"inventory": ("hosts/web.yaml",), "sets": ("release=2",)}, ["-i", "-e"]),
        ({"exclude": ("web2",), "tags": ("a",), "skip_tags": ("b",)}, ["-x", "-t", "--skip-tags"]),
        ({"start_at": "copy", "concurrency": 1, "timeout": "5m"}, ["--start-at", "-j", "--timeout"]),
        ({"seed": 1 << 40, "fail_fast": True}, ["--seed", "--fail-fast"]),
    ],
)
def test_options_that_would_change_it_are_refused(options, names):
    """All of them, by the names they are given by."""
    with pytest.raises(InputError) as raised:
        chosen(replace(SAVED, **options), now=NOW)

    assert [problem.message.split()[0] for problem in raised.value.problems] == names


def test_an_option_that_says_the_same_again_changes_nothing():
    """One from the environment may stand for plan and run alike."""
    assert chosen(replace(SAVED, exclude=("web3",), inventory=("hosts",)), now=NOW)


def test_a_sum_is_for_a_saved_plan_only():
    """Of a playbook there is no plan to mean."""
    with pytest.raises(InputError, match="--sha256 is for a saved plan"):
        chosen(replace(MADE, sha256="0" * 64), now=NOW)


def test_of_many_that_start_at_once_one_gets_the_plan(tmp_path):
    """The others leave no run folder behind, and name the one that did."""
    head = chosen(SAVED, now=NOW)[1].saved
    settings = replace(SAVED, runs_dir=tmp_path / "runs", plan_file=Path("plan.json"))

    def start(number):
        folder = RunFolder(tmp_path / f"runs/r{number}", f"r{number}")
        folder.path.mkdir(parents=True)
        try:
            claim(head, folder, settings, now=NOW)
        except MismatchError as error:
            return error.problems[0].message
        return ""

    with ThreadPoolExecutor(16) as pool:
        said = list(pool.map(start, range(16)))

    [winner] = [number for number, words in enumerate(said) if not words]
    assert all(f"by run r{winner} " in words for words in said if words)
    assert [path.name for path in (tmp_path / "runs").glob("r*")] == [f"r{winner}"]


@pytest.mark.parametrize("name", ["site.yaml", "hosts/web.yaml", "dist/a.tar"])
def test_a_plan_is_not_written_over_what_it_is_made_of(name):
    """A slip of the hand costs nothing."""
    with pytest.raises(InputError, match="made from this file"):
        save(make_plan(MADE), MADE, Path(name), expires=None, now=NOW)

    assert Path(name).read_text() == FILES[name]


def test_equal_plans_have_ids_of_their_own():
    """So each can be used once."""
    first = chosen(SAVED, now=NOW)[1].saved
    saved(replace(MADE, seed=first.options.seed))
    second = chosen(SAVED, now=NOW)[1].saved

    assert first.id != second.id
    assert first.options == second.options


@pytest.mark.parametrize("error", ERRORS)
def test_a_disk_that_fails_once_costs_at_most_the_new_plan(here, tmp_path, error):
    """At any call of the operating system's: it is said, and the old plan or the new one is whole."""
    planned = make_plan(MADE)
    with Disk(tmp_path).watching() as disk:
        save(planned, MADE, here / "plan.json", expires=None, now=NOW)

    for number in range(len(disk.calls)):
        with Disk(tmp_path).failing(number, error).watching(), suppress(InputError):
            save(planned, MADE, here / "plan.json", expires=None, now=NOW)
        assert take_apart((here / "plan.json").read_bytes(), "plan.json").plan


@pytest.mark.parametrize("error", ERRORS)
def test_a_disk_that_fails_once_uses_a_plan_once_or_not_at_all(here, tmp_path, error):
    """Where that can't be kept the run does not begin, and leaves the plan for the next."""
    head = chosen(SAVED, now=NOW)[1].saved
    settings = replace(SAVED, plan_file=Path("plan.json"))
    with Disk(tmp_path).watching() as disk:
        claim(head, RunFolder(here, "r0"), settings, now=NOW)

    for number in range(len(disk.calls)):
        new = msgspec.structs.replace(head, id=f"{number:032x}")
        try:
            with Disk(tmp_path).failing(number, error).watching():
                claim(new, RunFolder(here, "r1"), settings, now=NOW)
            is_used = True
        except JournalError:
            is_used = False
        assert (used_plans.used(new.id, runs_dir=None) is not None) == is_used


@pytest.mark.parametrize("error", ERRORS)
def test_a_plan_that_cannot_be_read_is_said_so(here, tmp_path, error):
    """At any call; never a fault of runner's own."""
    with Disk(tmp_path).watching() as disk:
        plan_file.read(here / "plan.json")

    for number in range(len(disk.calls)):
        with Disk(tmp_path).failing(number, error).watching(), pytest.raises(InputError, match=r"can't read|link"):
            plan_file.read(here / "plan.json")
