"""Plays of other playbooks: their order, names, secrets, and what is refused."""

import pytest

from runner.errors import InputError
from runner.loading.project import load

HEAD = "version: 1\ninventory: {hosts: {web1: , web2: }, groups: {web: {hosts: [web1]}}}\n"
PLAY = "hosts: all, steps: [{command: a}]"


@pytest.fixture
def site(tmp_path, monkeypatch):
    """Loads a playbook whose keys after the head start on line 3, beside other files."""
    monkeypatch.chdir(tmp_path)

    def run(text, **files):
        (tmp_path / "site.yaml").write_text(HEAD + text)
        for name, content in files.items():
            path = tmp_path / (name.replace("__", "/") + ".yaml")
            path.parent.mkdir(exist_ok=True)
            path.write_text(content)
        return load(tmp_path / "site.yaml", cwd=tmp_path)

    return run


@pytest.fixture
def wrong(site):
    """Code, place, message and hint of every problem."""

    def run(text, **files):
        with pytest.raises(InputError) as caught:
            site(text, **files)
        return [(one.code, str(one.location), one.message, one.hint) for one in caught.value.problems]

    return run


def test_the_plays_of_another_playbook_stand_where_it_is_included(site):
    """In its order; the first needs what the include needs, and the name stands for them all."""
    plays = site(
        f"plays:\n- {{name: one, {PLAY}}}\n- {{include: other.yaml, name: both}}\n- {{name: two, {PLAY}}}\n"
        f"- {{name: three, {PLAY}, needs: [both]}}\n- {{include: single.yaml, name: last, needs: []}}\n",
        other=f"version: 1\nplays:\n- {{name: a, {PLAY}}}\n- {{name: b, {PLAY}}}\n- {{name: c, {PLAY}, needs: []}}\n"
        f"- {{name: one, {PLAY}, needs: [a]}}\n",
        single="version: 1\nhosts: all\nsteps: [{command: a}]\n",
    ).playbook.plays

    assert [(play.id, play.needs) for play in plays] == [
        ("one", ()),
        ("a", ("one",)),
        ("b", ("a",)),
        ("c", ("one",)),
        ("one-2", ("a",)),
        ("two", ("a", "b", "c", "one-2")),
        ("three", ("a", "b", "c", "one-2")),
        ("play", ()),
    ]


def test_an_included_playbook_has_its_own_names_and_folder(site, tmp_path):
    """Its variables, its inputs with what it is handed, its secrets; its inventory is not read."""
    loaded = site(
        "vars: {size: 3}\nplays: [{include: {file: other/site.yaml, vars: {count: '{{ size }}'}}}]\n",
        other__site="version: 1\ninventory: nowhere.yaml\n"
        "inputs: {count: {type: integer}, word: {type: string, default: x}}\nsecrets: {s: {file: key}}\n"
        "vars_files: [v.yaml]\nplays:\n- hosts: all\n  vars: {v: 1}\n"
        "  strategy: {type: rolling, waves: '{{ count }}'}\n"
        "  steps:\n  - {log: '{{ count }} {{ word }} {{ w }} {{ v }}', env: {S: '{{ secrets.s }}'}}\n"
        "  - include: more.yaml\n",
        other__v="w: 2\n",
        other__more="- command: b\n",
    )
    (play,) = loaded.playbook.plays

    assert loaded.warnings == ()
    assert [layer.values for layer in play.layers] == [{"w": 2}]
    assert (play.given, play.strategy.waves) == ({"count": 3, "word": "x"}, (3,))
    assert play.steps[0].folder == str(tmp_path / "other")
    assert (loaded.playbook.secrets["s"].file, loaded.playbook.secrets["s"].folder) == ("key", str(tmp_path / "other"))
    assert sorted(loaded.hashes) == ["other/more.yaml", "other/site.yaml", "other/v.yaml", "site.yaml"]


@pytest.mark.parametrize(
    ("outer", "inner", "expected"),
    [
        ("groups.web | length > 0", "when: a", "a"),
        ("groups.web | length > 5", "when: a", False),
        ("host.index > 1", "when: a or b", "(host.index > 1) and (a or b)"),
        ("host.index > 1", "tags: [u]", "host.index > 1"),
    ],
)
def test_tags_and_conditions_of_an_include_hold_for_each_play(site, outer, inner, expected):
    """Tags add up; of two conditions both must hold, and what is known before the run is decided before it."""
    (play,) = site(
        f"plays: [{{include: other.yaml, when: '{outer}', tags: [t]}}]\n",
        other=f"version: 1\nvars: {{a: '{{{{ host.name }}}}', b: 1}}\n"
        f"plays: [{{{PLAY}, env: {{A: '{{{{ a }}}}{{{{ b }}}}'}}, {inner}}}]\n",
    ).playbook.plays

    assert getattr(play.when, "source", play.when) == expected
    assert (play.tags[0], play.steps[0].tags[0]) == ("t", "t")


def test_includes_may_nest(site):
    """A name stands for all that comes of it, and what a playbook needs are its own plays."""
    plays = site(
        f"plays:\n- {{include: one.yaml, name: all}}\n- {{name: end, {PLAY}, needs: [all]}}\n",
        one=f"version: 1\nplays:\n- {{name: a, {PLAY}}}\n- {{include: two.yaml, name: inner, needs: []}}\n",
        two=f"version: 1\nplays:\n- {{name: b, {PLAY}}}\n",
    ).playbook.plays

    assert [(play.id, play.needs) for play in plays] == [("a", ()), ("b", ()), ("end", ("a", "b"))]


@pytest.mark.parametrize(
    ("play", "other", "expected"),
    [
        (
            "{include: gone.yaml}",
            "",
            ("E410", "site.yaml:3:19", 'there is no file "gone.yaml" in "FOLDER"', ""),
        ),
        (
            "{include: other.yaml}",
            "version: 1\nplays: [{include: site.yaml}]\n",
            (
                "E410",
                "other.yaml:2:19",
                "site.yaml includes itself: site.yaml:3:19, then other.yaml:2:19",
                "remove one of these includes",
            ),
        ),
        (
            "{include: other.yaml}",
            "- {command: a}\n",
            (
                "E410",
                "other.yaml:1:1",
                "this is a file of steps, not a playbook",
                'include it under "steps" of a play',
            ),
        ),
        (
            "{include: other.yaml}",
            "inputs: {size: {type: integer}}\nsteps: [{command: a}]\n",
            (
                "E410",
                "other.yaml:1:1",
                "this is a file of steps, not a playbook",
                'include it under "steps" of a play',
            ),
        ),
        (
            "{include: other.yaml, hosts: all}",
            f"version: 1\nplays: [{{{PLAY}}}]\n",
            ("E401", "site.yaml:3:31", 'an include of plays can\'t have "hosts"', "say it of the plays in the file"),
        ),
        (
            "{include: other.yaml, nmae: x}",
            f"version: 1\nplays: [{{{PLAY}}}]\n",
            ("E401", "site.yaml:3:31", 'unknown key "nmae"', 'did you mean "name"?'),
        ),
        (
            "{include: other.yaml, when: none > 1}",
            f"version: 1\nplays: [{{{PLAY}}}]\n",
            (
                "E409",
                "site.yaml:3:37",
                "the template can't be rendered: '>' not supported between instances of 'NoneType' and 'int'",
                "",
            ),
        ),
        (
            "{include: other.yaml, needs: [x]}",
            f"version: 1\nplays: [{{{PLAY}}}]\n",
            ("E404", "site.yaml:3:39", 'there is no play "x" to need', ""),
        ),
        (
            "{include: other.yaml, name: x, needs: [x]}",
            f"version: 1\nplays: [{{{PLAY}}}]\n",
            ("E404", "site.yaml:3:48", 'the play "x" needs itself', "remove it"),
        ),
        (
            "{include: {file: other.yaml, vars: {size: '{{ host.name }}'}}}",
            f"version: 1\ninputs: {{size: {{type: integer, default: 1}}}}\nplays: [{{{PLAY}}}]\n",
            ("E407", "site.yaml:3:55", '"host" is undefined', "only inputs, vars and groups are known here"),
        ),
        (
            "{include: other.yaml}",
            f"version: 1\ninputs: {{size: {{type: integer}}}}\nplays: [{{{PLAY}}}]\n",
            (
                "E511",
                "site.yaml:3:19",
                'no value for the input "size" (integer)',
                "write include: {file: other.yaml, vars: {size: …}}",
            ),
        ),
        (
            "{include: {file: other.yaml, vars: {x: 1}}}",
            f"version: 1\nplays: [{{{PLAY}}}]\n",
            ("E509", "site.yaml:3:45", 'other.yaml has no input "x"', "declare it there: inputs: {x: {type: string}}"),
        ),
        (
            "{include: other.yaml}",
            f"version: 1\nsecrets: {{s: {{env: OTHER}}}}\nplays: [{{{PLAY}}}]\n",
            (
                "E412",
                "other.yaml:2:11",
                'the secret "s" has another source at site.yaml:4:11',
                "give one of them another name",
            ),
        ),
        (
            "{include: other.yaml}",
            "version: 1\nplays: [{hosts: all, steps: [{log: '{{ nobody }}'}]}]\n",
            ("E407", "other.yaml:2:40", '"nobody" is undefined', ""),
        ),
    ],
)
def test_what_is_wrong_with_an_include_is_said_at_its_place(wrong, tmp_path, play, other, expected):
    """In the file where it is wrong."""
    found = wrong(f"plays: [{play}]\nsecrets: {{s: {{env: S}}}}\n", other=other)

    assert [(code, place, message.replace(str(tmp_path), "FOLDER"), hint) for code, place, message, hint in found] == [
        expected
    ]


def test_the_names_of_one_playbook_are_not_those_of_another(wrong):
    """Neither its variables nor its inputs are seen in a file that it includes, nor the other way."""
    assert wrong(
        "vars: {mine: 1}\nplays:\n- include: other.yaml\n- hosts: all\n  steps: [{log: '{{ theirs }}{{ mine }}'}]\n",
        other="version: 1\nvars: {theirs: 1}\nplays:\n- hosts: '{{ mine }}'\n"
        "  steps: [{log: '{{ mine }}{{ theirs }}'}]\n",
    ) == [
        ("E407", "other.yaml:4:14", '"mine" is undefined', ""),
        ("E407", "other.yaml:5:21", '"mine" is undefined', ""),
        ("E407", "site.yaml:7:21", '"theirs" is undefined', ""),
    ]
