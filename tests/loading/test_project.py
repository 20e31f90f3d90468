"""Files and options become one checked project, or one error with everything that is wrong in all files."""

import hashlib

import pytest

from runner.errors import InputError
from runner.loading.project import data_of, load

PLAYBOOK = "version: 1\nhosts: all\ninventory: hosts.yaml\nvars: {release: '1.0'}\nsteps: [{log: '{{ release }}'}]\n"
INVENTORY = "vars: {count: 3, rate: 0.5, ok: true, names: [a], any: null}\nhosts: {web1: , web2: }\n"


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder with a sound playbook and inventory, as the current one; a function that loads it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "site.yaml").write_text(PLAYBOOK)
    (tmp_path / "hosts.yaml").write_text(INVENTORY)
    return lambda **options: load(tmp_path / "site.yaml", cwd=tmp_path, **options)


def problems_of(project, **options):
    with pytest.raises(InputError) as caught:
        project(**options)
    return [(p.code, str(p.location or "")) for p in caught.value.problems if p.severity == "error"]


def test_a_project_is_playbook_inventory_and_hashes(project, tmp_path):
    """Names are relative to the current folder; every file that was read has the hash of its bytes."""
    loaded = project()

    assert loaded.playbook.path == "site.yaml"
    assert loaded.playbook.folder == str(tmp_path)
    assert list(loaded.inventory.hosts) == ["web1", "web2"]
    assert loaded.hashes["site.yaml"] == hashlib.sha256(PLAYBOOK.encode()).hexdigest()
    assert len(loaded.hashes) == 2
    assert loaded.warnings == ()


def test_the_command_lines_inventory_replaces_the_playbooks(project, tmp_path):
    """-i wins, and what the playbook names is not even read."""
    (tmp_path / "hosts.yaml").unlink()
    (tmp_path / "other.yaml").write_text("hosts: {db1: }\n")

    assert list(project(inventories=["other.yaml"]).inventory.hosts) == ["db1"]


def test_an_inventory_may_stand_in_the_playbook(project, tmp_path):
    """A mapping, or a list of files."""
    (tmp_path / "site.yaml").write_text(PLAYBOOK.replace("hosts.yaml", "{hosts: {inner: }}"))
    assert list(project().inventory.hosts) == ["inner"]

    (tmp_path / "site.yaml").write_text(PLAYBOOK.replace("hosts.yaml", "[hosts.yaml]"))
    assert list(project().inventory.hosts) == ["web1", "web2"]


def test_without_an_inventory_the_error_says_how_to_give_one(project, tmp_path):
    """There is no host to guess."""
    (tmp_path / "site.yaml").write_text(PLAYBOOK.replace("inventory: hosts.yaml\n", ""))

    with pytest.raises(InputError) as caught:
        project()

    (problem,) = caught.value.problems
    assert (problem.code, problem.message) == ("E402", "there is no inventory")
    assert "-i" in problem.hint


def test_all_files_are_told_of_at_once(project, tmp_path):
    """One error holds the problems of playbook, vars file and inventory, and their lines."""
    (tmp_path / "site.yaml").write_text(PLAYBOOK.replace("version: 1", "version: 9\nvars_files: [v.yaml]"))
    (tmp_path / "v.yaml").write_text("a: 1\na: 2\n")
    (tmp_path / "hosts.yaml").write_text(INVENTORY + "nonsense: 1\n")

    with pytest.raises(InputError) as caught:
        project()

    assert {p.location.file.rsplit("/", 1)[-1] for p in caught.value.problems} == {"site.yaml", "v.yaml", "hosts.yaml"}
    assert "site.yaml" in caught.value.sources


def test_a_broken_playbook_does_not_hide_the_inventorys_faults(project, tmp_path):
    """Also where the playbook can't be read at all."""
    (tmp_path / "site.yaml").write_text("{")
    (tmp_path / "hosts.yaml").write_text("nonsense: 1\n")

    with pytest.raises(InputError) as caught:
        project(inventories=["hosts.yaml"])

    assert "E401" in [p.code for p in caught.value.problems]
    (tmp_path / "site.yaml").unlink()
    assert problems_of(project) == [("E116", "site.yaml:1:1")]


def test_variables_are_given_as_the_type_they_have(project):
    """Text stays text; numbers, lists and booleans are read; what says nothing of its type takes anything."""
    loaded = project(sets=["release=2.10", "count=5", "rate=1", "ok=false", "names=[b, c]", "any=4"])

    assert loaded.extra == {"release": "2.10", "count": 5, "rate": 1, "ok": False, "names": ["b", "c"], "any": 4}


def test_a_variable_made_by_a_template_takes_what_it_would_give(project, tmp_path):
    """Text with an expression in it is text; a lone expression may be anything, but 1.10 is not shortened."""
    variables = "vars: {release: '{{ count }}', text: 'v{{ release }}'}"
    (tmp_path / "site.yaml").write_text(
        f"version: 1\nhosts: all\ninventory: hosts.yaml\n{variables}\nsteps: [{{log: '{{{{ text }}}}'}}]\n"
    )

    extra = project(sets=["text=5", "release=[1]", "any=1.10", "rate=2.50"]).extra

    assert extra == {"text": "5", "release": [1], "any": "1.10", "rate": 2.5}


def test_variables_may_come_from_a_file(project, tmp_path):
    """The same names and types as one by one."""
    (tmp_path / "e.yaml").write_text("release: '3'\ncount: 7\n")
    assert project(sets=["@e.yaml"]).extra == {"release": "3", "count": 7}

    (tmp_path / "e.yaml").write_text("relase: '3'\ncount: x\nrelease: 5\n")
    assert problems_of(project, sets=["@e.yaml"]) == [
        ("E509", "e.yaml:1:1"),
        ("E509", "e.yaml:2:8"),
        ("E509", "e.yaml:3:10"),
    ]

    (tmp_path / "e.yaml").write_text("[1]\n")
    assert problems_of(project, sets=["@e.yaml"]) == [("E509", "e.yaml:1:1")]
    assert problems_of(project, sets=["@missing.yaml"]) == [("E509", "-e:1:2")]


@pytest.mark.parametrize(
    ("argument", "place"),
    [
        ("release", "-e:1:1"),
        ("=b", "-e:1:1"),
        ("a.b=c", "-e:1:1"),
        ("relase=1", "-e:1:1"),
        ("count=x", "-e:1:7"),
        ("count=", "-e:1:7"),
        ("ok=yes", "-e:1:4"),
        ("names=a", "-e:1:7"),
        ("names=[", "-e:1:7"),
        ("names={a: 1, a: 2}", "-e:1:7"),
    ],
)
def test_a_wrong_assignment_is_pointed_at(project, argument, place):
    """Unknown names, wrong types and broken values each have their place in the argument."""
    assert problems_of(project, sets=[argument]) == [("E509", place)]


def test_yaml_text_is_read_for_templates(project):
    """The filter from_yaml reads as files are read, and says what is wrong in the same words."""
    assert data_of("a: [1, NO]") == {"a": [1, "NO"]}
    with pytest.raises(ValueError, match="a"):
        data_of("a: 1\na: 2")
    assert project().templates.render("x", {}) == "x"
