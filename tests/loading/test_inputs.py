"""Inputs: declared with a type, checked before anything is contacted, given with -e."""

import pytest

from runner.errors import InputError
from runner.loading.project import declared_inputs, load

HOSTS = "vars: {region: eu}\nhosts: {web1: , web2: }\n"


@pytest.fixture
def site(tmp_path, monkeypatch):
    """Loads a playbook with these inputs, one a line from line 5 on, whose step uses what is asked for."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hosts.yaml").write_text(HOSTS)

    def run(inputs, *sets, uses="inputs", more=""):
        top = f"version: 1\nhosts: all\ninventory: hosts.yaml\ninputs:\n{inputs}\n{more}"
        text = f"{top}steps: [{{log: '{{{{ {uses} }}}}'}}]\n"
        (tmp_path / "site.yaml").write_text(text)
        return load(tmp_path / "site.yaml", sets=sets, cwd=tmp_path)

    return run


@pytest.fixture
def wrong(site):
    """Code, place, message and hint of every error."""

    def run(inputs, *sets, **options):
        with pytest.raises(InputError) as caught:
            site(inputs, *sets, **options)
        errors = [problem for problem in caught.value.problems if problem.severity == "error"]
        return [(one.code, str(one.location), one.message, one.hint) for one in errors]

    return run


def test_inputs_are_defaults_and_what_is_given(site, tmp_path):
    """Text from the command line is read as the input's type asks; the others have their defaults."""
    loaded = site(
        """\
  release: {type: string}
  count: {type: integer, default: 2}
  drain: {type: duration, default: 10s}
  on_call: {type: list, default: []}
  size: {type: choice, choices: [small, large, 3], default: small}
  file: {type: path, default: a.txt}
  other: {type: path, default: b.txt}
  loud: {type: boolean}
""",
        "release=1.10",
        "drain=2m",
        "on_call=[ann, bob]",
        "size=3",
        "file=sub/c.txt",
        "loud=true",
    )

    assert loaded.given == {
        "release": "1.10",
        "count": 2,
        "drain": 120,
        "on_call": ["ann", "bob"],
        "size": 3,
        "file": str(tmp_path / "sub/c.txt"),
        "other": str(tmp_path / "b.txt"),
        "loud": True,
    }
    assert loaded.extra == {}
    assert loaded.playbook.inputs["count"].default == 2


def test_a_file_gives_inputs_and_variables(site, tmp_path):
    """A path in it starts at that file; the last argument wins."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "e.yaml").write_text("release: '1.0'\nfile: c.txt\nregion: us\n")

    loaded = site("  release: {type: string}\n  file: {type: path}", "@sub/e.yaml", "release=2")

    assert loaded.given == {"release": "2", "file": str(tmp_path / "sub" / "c.txt")}
    assert loaded.extra == {"region": "us"}


def test_all_missing_inputs_are_told_at_once(wrong):
    """Each with its type, its help and what to write."""
    found = wrong(
        """\
  release: {type: string, pattern: '^\\d', help: the release to deploy}
  size: {type: choice, choices: [small, large]}
  drain: {type: duration}
"""
    )

    assert found == [
        (
            "E511",
            "site.yaml:5:3",
            'no value for the input "release" (string: the release to deploy)',
            "write -e release=…, matching ^\\d",
        ),
        ("E511", "site.yaml:6:3", 'no value for the input "size" (choice)', "write -e size=small|large"),
        ("E511", "site.yaml:7:3", 'no value for the input "drain" (duration)', "write -e drain=…"),
    ]


@pytest.mark.parametrize(
    ("argument", "place", "message"),
    [
        ("count=many", "-e:1:7", '"count": got "many", expected a whole number'),
        ("count=", "-e:1:7", '"count": got nothing, expected a whole number'),
        ("relase=1", "-e:1:1", 'there is no input or variable "relase"'),
        ("release=v1", "-e:1:9", r'"release": "v1" does not match ^\d'),
        ("size=huge", "-e:1:6", '"size": got "huge", expected "small", "large"'),
        ("names=[", "-e:1:7", None),
    ],
)
def test_a_value_that_does_not_fit_is_pointed_at(wrong, argument, place, message):
    """At its place in the argument; that it was given is known, so nothing else is said of it."""
    ((code, where, said, _),) = wrong(
        """\
  release: {type: string, pattern: '^\\d', default: '1'}
  count: {type: integer, default: 1}
  size: {type: choice, choices: [small, large], default: small}
  names: {type: list, default: []}
""",
        argument,
    )

    assert (code, where) == ("E509", place)
    assert message is None or said == message


def test_a_file_with_wrong_values_is_pointed_into(wrong, tmp_path):
    """Templates are no data: an input's value is what is written."""
    (tmp_path / "e.yaml").write_text("release: 1.1\ncount: '{{ region }}'\n")

    assert wrong("  release: {type: string}\n  count: {type: integer}", "@e.yaml") == [
        ("E509", "e.yaml:1:10", '"release": got 1.1, expected text', "put it in quotes"),
        ("E509", "e.yaml:2:8", '"count": a value for an input is data; no template is rendered in it', ""),
    ]


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        ("{type: sting}", ("E406", "5:15", 'did you mean "string"?')),
        ("{}", ("E402", "5:8", "for example: type: string")),
        ("string", ("E311", "5:8", "write one: {type: string}")),
        ("{type: string, defualt: a}", ("E401", "5:23", 'did you mean "default"?')),
        ("{type: choice}", ("E402", "5:8", "for example: choices: [small, large]")),
        ("{type: choice, choices: []}", ("E219", "5:32", "")),
        ("{type: string, choices: [a]}", ("E406", "5:23", "write type: choice, or leave it out")),
        ("{type: integer, pattern: a}", ("E406", "5:24", "write type: string, or leave it out")),
        ("{type: string, pattern: '['}", ("E406", "5:32", "put \\ in front of a character that is meant as it is")),
        ("{type: string, default: 5}", ("E305", "5:32", "quote it: '5'")),
        ("{type: integer, default: }", ("E219", "5:32", None)),
        ("{type: string, default: '{{ region }}'}", ("E406", "5:32", "")),
        ("{type: string, pattern: '^a', default: b}", ("E406", "5:47", "")),
        ("{type: choice, choices: [a, b], default: c}", ("E406", "5:49", "")),
        ("{type: duration, default: soon}", ("E406", "5:34", None)),
    ],
)
def test_a_wrong_declaration_is_pointed_at(wrong, declared, expected):
    """Once, with what to write; that a value is missing is not said too."""
    ((code, where, _, hint),) = wrong(f"  one: {declared}")

    assert (code, where) == (expected[0], f"site.yaml:{expected[1]}")
    assert expected[2] is None or hint == expected[2]


def test_an_input_may_hide_nothing(wrong):
    """Neither what is always there, nor a variable of playbook, play or inventory."""
    found = wrong(
        "  host: {type: string, default: a}\n  app: {type: string, default: a}\n  region: {type: string, default: a}",
        more="vars: {app: b}\n",
        uses="app",
    )

    assert [(code, where) for code, where, *_ in found] == [
        ("E412", "site.yaml:5:3"),
        ("E412", "site.yaml:6:3"),
        ("E412", "site.yaml:7:3"),
    ]


def test_names_of_inputs_are_known_and_checked(site, wrong):
    """By themselves and under ``inputs``; a wrong one is an error with a suggestion."""
    assert site("  release: {type: string, default: a}", uses="release ~ inputs.release").given == {"release": "a"}

    ((code, _, message, hint),) = wrong("  release: {type: string, default: a}", uses="release ~ inputs.relase")

    assert (code, message, hint) == ("E407", '"inputs.relase" is undefined', 'did you mean "release"?')


def test_the_inputs_of_a_playbook_can_be_asked_for_alone(tmp_path):
    """No inventory is needed, and nothing else of it has to be right; what is wrong with them is told."""
    (tmp_path / "site.yaml").write_text("inputs: {release: {type: string, help: which}}\nnonsense: 1\n")
    assert declared_inputs(tmp_path / "site.yaml", cwd=tmp_path)["release"].help == "which"

    (tmp_path / "site.yaml").write_text("inputs: {release: {type: sting}}\n")
    with pytest.raises(InputError):
        declared_inputs(tmp_path / "site.yaml", cwd=tmp_path)

    (tmp_path / "site.yaml").write_text("[]\n")
    with pytest.raises(InputError):
        declared_inputs(tmp_path / "site.yaml", cwd=tmp_path)
