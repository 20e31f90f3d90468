"""Steps and handlers of other files: ids, names, what is handed over, loops, and what is refused."""

import pytest

from runner.errors import InputError
from runner.loading.project import load
from runner.model.playbook import Block, leaves, nodes_of
from runner.model.template import Template

HEAD = "version: 1\nhosts: all\ninventory: {hosts: {web1: , web2: }, groups: {web: {hosts: [web1]}}}\n"


@pytest.fixture
def site(tmp_path, monkeypatch):
    """Loads a playbook whose keys after the head start on line 4, beside other files."""
    monkeypatch.chdir(tmp_path)

    def run(text, sets=(), **files):
        (tmp_path / "site.yaml").write_text(HEAD + text)
        for name, content in files.items():
            path = tmp_path / (name.replace("__", "/") + ".yaml")
            path.parent.mkdir(exist_ok=True)
            path.write_text(content)
        return load(tmp_path / "site.yaml", sets=sets, cwd=tmp_path)

    return run


@pytest.fixture
def play(site):
    """The play of a sound playbook, without warnings."""

    def run(text, **files):
        loaded = site(text, **files)
        assert [problem.message for problem in loaded.warnings] == []
        return loaded.playbook.plays[0]

    return run


@pytest.fixture
def wrong(site):
    """Code, place, message and hint of every problem."""

    def run(text, **files):
        with pytest.raises(InputError) as caught:
            site(text, **files)
        return [(one.code, str(one.location), one.message, one.hint) for one in caught.value.problems]

    return run


def test_the_steps_of_a_file_stand_where_it_is_included(play):
    """As a block whose id theirs follow, each time with its own; the file alone may be named, if it is a list."""
    included = play(
        "steps:\n- {include: more.yaml, id: first}\n- {command: a, needs: [first]}\n- include: {file: more.yaml}\n",
        more="- {command: b, id: x}\n- {command: c, needs: [x]}\n- block: [{command: d}]\n",
    )

    assert [node.id for node in nodes_of(included.steps)] == [
        "first",
        "first/x",
        "first/command",
        "first/block",
        "first/command-2",
        "command",
        "include",
        "include/x",
        "include/command",
        "include/block",
        "include/command-2",
    ]
    assert [step.needs for step in leaves(included.steps)][:4] == [(), ("first/x",), (), ("first",)]
    assert [step.frame for step in leaves(included.steps)] == ["first"] * 3 + [""] + ["include"] * 3


def test_what_an_include_says_is_of_the_whole_or_of_each_step(play):
    """As on a block; the conditions are those of the place of the include."""
    included = play(
        "vars: {go: true, x: 1}\nsteps:\n- {command: a, id: before, register: out}\n"
        "- {include: more.yaml, name: 'all of {{ x }}', when: go and out.rc == 0, once: wave, needs: [before],"
        " on_failure: ignore, become: true, env: {A: b}, cwd: /srv, delegate_to: web2, sensitive: true, tags: [t]}\n",
        more="- {command: b, tags: [u]}\n",
    )
    block = included.steps[1]
    step = block.steps[0]

    assert isinstance(block, Block)
    assert (block.when.source, block.once, block.needs, block.on_failure) == (
        "go and out.rc == 0",
        "wave",
        ("before",),
        "ignore",
    )
    assert (step.become.user, step.env, step.cwd, step.delegate_to) == ("root", {"A": "b"}, "/srv", "web2")
    assert (step.sensitive, step.tags) == (True, ("t", "u"))


def test_a_file_sees_its_own_names_first(play):
    """What it is handed, its defaults and its vars stand in a frame; known values arrive as their types."""
    included = play(
        "vars: {port: 80, app: shop}\ninputs: {wait: {type: duration, default: 5s}}\nsteps:\n"
        "- {command: a, register: out}\n"
        "- include: {file: more.yaml, vars: {name: '{{ app }}', drain: '{{ wait }}', seen: '{{ out.rc }}',"
        " ports: ['{{ port }}', 81]}}\n  id: m\n",
        more="inputs:\n  name: {type: string}\n  drain: {type: duration}\n  seen: {type: integer}\n"
        "  ports: {type: list}\n  size: {type: integer, default: 3}\n"
        "vars: {url: 'http://{{ name }}:{{ ports[0] }}', port: 9}\n"
        "steps:\n- {log: '{{ url }} {{ port }} {{ seen }} {{ inputs.size }} {{ app }}', timeout: '{{ drain * 2 }}',"
        " throttle: '{{ size }}'}\n",
    )
    frame = included.frames["m"]
    (_, step) = leaves(included.steps)

    assert (frame.file, frame.parent, frame.has_item) == ("more.yaml", "", False)
    assert {name: value for name, value in frame.given.items() if name != "seen"} == {
        "name": "shop",
        "drain": 5,
        "ports": [80, 81],
    }
    assert isinstance(frame.given["seen"], Template)
    assert (frame.inputs["size"].default, frame.vars["port"]) == (3, 9)
    assert (step.timeout, step.throttle) == (10.0, 3)


def test_what_is_handed_over_starts_outside(play):
    """A path starts at the file that hands it over, and a value of the same name is the one outside."""
    included = play(
        "vars: {app: shop}\nsteps: [{include: {file: common/more.yaml, vars: {app: '{{ app }}', where: dist}}}]\n",
        common__more="inputs: {app: {type: string}, where: {type: path}}\nsteps: [{log: '{{ app }} {{ where }}'}]\n",
    )
    frame = included.frames["include"]

    assert frame.given["app"] == "shop"
    assert frame.given["where"].endswith("/dist")
    assert "common" not in frame.given["where"]


def test_paths_in_a_file_start_at_that_file(play, tmp_path):
    """For its steps, for files that it includes, and for templates it renders."""
    (tmp_path / "common" / "files").mkdir(parents=True)
    (tmp_path / "common" / "files" / "a.txt").write_text("a")
    (tmp_path / "common" / "b.j2").write_text("{{ app }}")
    included = play(
        "steps: [{include: {file: common/one.yaml, vars: {app: x}}}]\n",
        common__one="inputs: {app: {type: string}}\nsteps: [{copy: {src: files/a.txt, dest: /a}},"
        " {template: {src: b.j2, dest: /b}}, {include: two.yaml}]\n",
        common__two="- script: files/a.txt\n",
    )

    assert [step.folder for step in leaves(included.steps)] == [str(tmp_path / "common")] * 3
    assert included.frames["include/include"].parent == "include"


def test_a_loop_makes_a_copy_for_each_item(play):
    """Every combination of a mapping of lists, the last name fastest; each is a block and a frame of its own."""
    included = play(
        "vars: {sizes: [1, 2]}\nsteps:\n- id: fill\n"
        "  include: {file: more.yaml, vars: {pool: '{{ item.pool }}', size: '{{ item.size }}'}}\n"
        "  loop: {pool: [a, b], size: '{{ sizes }}'}\n  when: item.size > 0\n  register: all\n"
        "- {log: '{{ all.results }}', needs: [fill]}\n",
        more="inputs: {pool: {type: string}, size: {type: integer}}\n"
        "steps:\n- {command: [make, '{{ pool }}', '{{ loop.index }}'], id: make, throttle: '{{ size }}'}\n"
        "handlers:\n- {log: '{{ pool }}', name: said}\n",
    )

    assert [node.id for node in included.steps] == ["fill.1", "fill.2", "fill.3", "fill.4", "log"]
    assert [step.id for step in leaves(included.steps)][:2] == ["fill.1/make", "fill.2/make"]
    assert [included.frames[f"fill.{n}"].given for n in (1, 2, 3, 4)] == [
        {"pool": "a", "size": 1},
        {"pool": "a", "size": 2},
        {"pool": "b", "size": 1},
        {"pool": "b", "size": 2},
    ]
    assert included.frames["fill.2"].item == {"pool": "a", "size": 2}
    assert included.frames["fill.2"].loop == {"index": 2, "length": 4, "first": False, "last": False}
    assert [step.throttle for step in leaves(included.steps)] == [1, 2, 1, 2, None]
    assert included.steps[4].needs == ("fill.1", "fill.2", "fill.3", "fill.4")
    assert [step.id for step in included.handlers] == [f"fill.{n}/said" for n in (1, 2, 3, 4)]


def test_a_file_may_loop_over_what_it_was_handed(play):
    """What is known outside before the run is known inside, too, item by item."""
    included = play(
        "steps: [{include: {file: one.yaml, vars: {names: ['{{ item }}1', '{{ item }}2']}}, loop: [a, b], id: o}]\n",
        one="inputs: {names: {type: list}}\n"
        "steps: [{include: {file: two.yaml, vars: {name: '{{ item }}'}}, loop: '{{ names }}', id: t}]\n",
        two="inputs: {name: {type: string}}\nsteps: [{log: '{{ name }}'}]\n",
    )

    assert {one.id: one.given["name"] for one in included.frames.values() if one.file == "two.yaml"} == {
        "o.1/t.1": "a1",
        "o.1/t.2": "a2",
        "o.2/t.1": "b1",
        "o.2/t.2": "b2",
    }


def test_a_loop_over_nothing_brings_nothing(play):
    """And what needs it needs nothing."""
    included = play(
        "inputs: {items: {type: list, default: []}}\nsteps:\n- {include: more.yaml, loop: '{{ items }}', id: x}\n"
        "- {command: a, needs: [x]}\n",
        more="- command: b\n",
    )

    assert [(node.id, node.needs) for node in included.steps] == [("command", ())]


def test_what_is_included_is_read_also_where_it_does_not_run(play):
    """A plan knows every step."""
    included = play("steps: [{include: more.yaml, when: groups.web | length > 5}]\n", more="- command: a\n")

    assert [step.id for step in leaves(included.steps)] == ["include/command"]


def test_notify_looks_in_the_file_first(play):
    """Then in the files round it, then in the play; from outside by the name, or by the whole id."""
    included = play(
        "steps:\n- {include: one.yaml, id: one}\n- {command: a, notify: [restart, only here, one/restart]}\n"
        "handlers:\n- {log: play, name: restart}\n- {log: play, name: reload}\n",
        one="steps:\n- {command: b, notify: [restart, reload]}\n- {include: two.yaml, id: two}\n"
        "handlers:\n- {log: one, name: restart}\n",
        two="steps:\n- {command: c, notify: [restart, only here, reload]}\nhandlers:\n- {log: two, name: only here}\n",
    )

    assert [step.notify for step in leaves(included.steps)] == [
        ("one/restart", "reload"),
        ("one/restart", "one/two/only-here", "reload"),
        ("restart", "one/two/only-here", "one/restart"),
    ]
    assert [(step.id, step.frame, step.section) for step in included.handlers] == [
        ("restart", "", "handlers"),
        ("reload", "", "handlers"),
        ("one/restart", "one", "handlers"),
        ("one/two/only-here", "one/two", "handlers"),
    ]


def test_handlers_can_be_included(play):
    """Of a file that has some, or is a list; they are called as they are there."""
    included = play(
        "steps: [{command: a, notify: [restart, twice/again, say]}]\n"
        "handlers:\n- {include: {file: one.yaml, vars: {app: x}}, become: true}\n- {include: two.yaml}\n"
        "- {include: {file: three.yaml}, id: once}\n- {include: {file: three.yaml}, id: twice}\n",
        one="inputs: {app: {type: string}}\nhandlers: [{log: '{{ app }}', name: restart}]\n",
        two="- {log: two, id: say}\n",
        three="- {log: three, id: again}\n",
    )

    assert included.steps[0].notify == ("include/restart", "twice/again", "include-2/say")
    assert [step.id for step in included.handlers] == [
        "include/restart",
        "include-2/say",
        "once/again",
        "twice/again",
    ]
    assert (included.handlers[0].become.user, included.handlers[0].frame) == ("root", "include")


def test_every_included_file_is_an_input_of_the_plan(site):
    """So a change of one makes a saved plan stale."""
    loaded = site("steps: [{include: one.yaml}]\n", one="- include: two.yaml\n", two="- command: a\n")

    assert sorted(loaded.hashes) == ["one.yaml", "site.yaml", "two.yaml"]


def test_what_a_file_registers_stays_inside(wrong):
    """But for the name that the include gives it; a name may stand in both."""
    assert wrong(
        "vars: {v: 1}\nsteps:\n- {command: a, register: out}\n- {include: one.yaml, register: shown}\n"
        "- {log: '{{ inner }} {{ shown.inner.rc }} {{ v }}'}\n",
        one="- {command: b, register: inner}\n- {log: '{{ inner.rc }} {{ out.rc }}'}\n",
    ) == [
        (
            "E407",
            "one.yaml:2:28",
            '"out" is undefined',
            'a file sees of results only its own; hand it in: include: {file: …, vars: {out: "{{ out }}"}}',
        ),
        (
            "E407",
            "site.yaml:8:13",
            '"inner" is undefined',
            'it is registered inside the include "include"; write register: NAME beside the include, and NAME.inner',
        ),
    ]


@pytest.mark.parametrize(
    ("step", "more", "expected"),
    [
        (
            "{include: gone.yaml}",
            "",
            ("E410", "site.yaml:4:19", 'there is no file "gone.yaml" in "FOLDER"', ""),
        ),
        (
            f"{{include: {'a' * 300}}}",
            "",
            ("E410", "site.yaml:4:19", f'there can be no file "{"a" * 300}": File name too long', ""),
        ),
        (
            "{include: /etc/more.yaml}",
            "",
            (
                "E410",
                "site.yaml:4:19",
                '"/etc/more.yaml" can\'t be included: files of the project can',
                "write its path from this file on, such as common/users.yaml",
            ),
        ),
        (
            "{include: https://example.com/more.yaml}",
            "",
            (
                "E410",
                "site.yaml:4:19",
                '"https://example.com/more.yaml" can\'t be included: files of the project can',
                "write its path from this file on, such as common/users.yaml",
            ),
        ),
        (
            "{include: ../more.yaml}",
            "",
            (
                "E410",
                "site.yaml:4:19",
                '"../more.yaml" is outside the project "FOLDER"',
                "local files must lie in the project",
            ),
        ),
        (
            "{include: more.yaml}",
            "- include: more.yaml\n",
            (
                "E410",
                "more.yaml:1:12",
                "more.yaml includes itself: more.yaml:1:12",
                "remove one of these includes",
            ),
        ),
        (
            "{include: site.yaml}",
            "",
            ("E410", "site.yaml:4:19", "site.yaml includes itself: site.yaml:4:19", "remove one of these includes"),
        ),
        (
            "{include: more.yaml}",
            "",
            ("E101", "more.yaml:1:1", "the file is empty", "the smallest one: [{command: uptime}]"),
        ),
        (
            "{include: more.yaml}",
            "just text\n",
            ("E311", "more.yaml:1:1", 'got "just text", expected a list of steps', "or a mapping with steps in it"),
        ),
        (
            "{include: more.yaml}",
            "version: 1\nhosts: all\nsteps: [{command: a}]\n",
            (
                "E410",
                "more.yaml:1:1",
                "this is a playbook, not a file of steps",
                'include it under "plays", or take the steps out into a file of their own',
            ),
        ),
        (
            "{include: more.yaml}",
            "handlers: [{command: a}]\n",
            ("E402", "more.yaml:1:1", 'missing key "steps"', "write {steps: …}"),
        ),
        (
            "{include: more.yaml}",
            "steps: [{command: a}]\ntasks: []\n",
            ("E401", "more.yaml:2:1", 'unknown key "tasks"', 'Ansible\'s "tasks" is called "steps" here'),
        ),
        (
            "{include: more.yaml}",
            "- {comand: a}\n",
            ("E401", "more.yaml:1:4", 'unknown key "comand"', 'did you mean "command"?'),
        ),
        (
            "{include: {file: more.yaml, vars: {siez: 3}}}",
            "inputs: {size: {type: integer, default: 1}}\nsteps: [{log: '{{ size }}'}]\n",
            ("E509", "site.yaml:4:44", 'more.yaml has no input "siez"', 'did you mean "size"?'),
        ),
        (
            "{include: {file: more.yaml, vars: {x: 3}}}",
            "- command: a\n",
            ("E509", "site.yaml:4:44", 'more.yaml has no input "x"', "declare it there: inputs: {x: {type: string}}"),
        ),
        (
            "{include: {file: more.yaml, vars: {size: big}}}",
            "inputs: {size: {type: integer}}\nsteps: [{log: '{{ size }}'}]\n",
            ("E509", "site.yaml:4:50", '"size": got "big", expected a whole number', ""),
        ),
        (
            "{include: {file: more.yaml}}",
            "inputs: {size: {type: integer, help: how many}}\nsteps: [{command: a, throttle: '{{ size }}'}]\n",
            (
                "E511",
                "site.yaml:4:26",
                'no value for the input "size" (integer: how many)',
                "write include: {file: more.yaml, vars: {size: …}}",
            ),
        ),
        (
            "{include: {file: more.yaml, vars: {size: '{{ host.index }}'}}}",
            "inputs: {size: {type: integer}}\nsteps: [{command: a, throttle: '{{ size }}'}]\n",
            (
                "E407",
                "more.yaml:2:32",
                '"size" is known in the run alone',
                "only inputs, vars and groups are known here",
            ),
        ),
        (
            "{include: more.yaml}",
            "inputs: {a: {type: integer, default: 1}}\nvars: {a: 2}\nsteps: [{log: '{{ a }}'}]\n",
            ("E412", "more.yaml:2:8", '"a" is an input of this file already', "take another name"),
        ),
        (
            "{include: more.yaml, retry: {}}",
            "- command: a\n",
            ("E401", "site.yaml:4:30", 'an include can\'t have "retry"', "say it of the steps in the file"),
        ),
        (
            "{include: more.yaml, vars: {a: 1}}",
            "- command: a\n",
            (
                "E401",
                "site.yaml:4:30",
                'an include can\'t have "vars"',
                'write it inside: "include: {file: FILE, vars: {…}}"',
            ),
        ),
        (
            "{include: more.yaml, loop: 5}",
            "- command: a\n",
            (
                "E416",
                "site.yaml:4:36",
                "got the number 5, expected a list, an expression or a mapping of lists",
                "for example: loop: [a, b]",
            ),
        ),
        (
            "{include: more.yaml, loop: '{{ host.groups }}'}",
            "- command: a\n",
            ("E407", "site.yaml:4:40", '"host" is undefined', "only inputs, vars and groups are known here"),
        ),
        (
            "{include: more.yaml, loop: {a: '{{ groups.web | length }}'}}",
            "- command: a\n",
            ("E416", "site.yaml:4:40", "got 1, expected a list", "an include loops over a list known before"),
        ),
        (
            "{include: more.yaml, loop: [1]}, {command: a, id: include.1}",
            "- command: a\n",
            (
                "E412",
                "site.yaml:4:9",
                'the id "include.1", of an item of this loop, is taken by the step at site.yaml:4:59',
                "give the other step another id",
            ),
        ),
        (
            "{include: more.yaml, id: x}",
            "- {command: a, register: r}\n- {command: b, register: r}\n",
            ("E412", "more.yaml:2:26", '"r" is registered already at more.yaml:1:26', "take another name"),
        ),
        (
            "{include: more.yaml}",
            "- {command: a, notify: nobody}\n",
            ("E427", "more.yaml:1:24", 'there is no handler "nobody"', "write it under handlers, beside steps"),
        ),
        (
            "{include: more.yaml}",
            "inputs: {token: {type: string, default: ''}}\nsteps: [{shell: 'a {{ inputs.tokn }} {{ token }}'}]\n",
            ("E407", "more.yaml:2:30", '"inputs.tokn" is undefined', 'did you mean "token"?'),
        ),
    ],
)
def test_what_is_wrong_with_an_include_is_said_at_its_place(wrong, tmp_path, step, more, expected):
    """In the file where it is wrong, each with its own words."""
    found = wrong(f"steps: [{step}]\n", more=more)

    assert [(code, place, message.replace(str(tmp_path), "FOLDER"), hint) for code, place, message, hint in found] == [
        expected
    ]


def test_a_ring_of_files_is_named_as_it_leads(wrong):
    """Every include on the way is told."""
    assert wrong(
        "steps: [{include: one.yaml}]\n", one="- include: two.yaml\n", two="- command: a\n- include: one.yaml\n"
    ) == [
        (
            "E410",
            "two.yaml:2:12",
            "one.yaml includes itself: one.yaml:1:12, then two.yaml:2:12",
            "remove one of these includes",
        )
    ]


def test_a_link_out_of_the_project_is_refused(wrong, tmp_path):
    """By whatever way it leads there."""
    outside = tmp_path.parent / "outside.yaml"
    outside.write_text("- command: a\n")
    (tmp_path / "more.yaml").symlink_to(outside)

    ((code, _, message, _),) = wrong("steps: [{include: more.yaml}]\n")

    assert (code, "outside the project" in message) == ("E410", True)


def test_a_handler_that_two_files_have_must_be_named_whole(wrong):
    """Nothing is guessed."""
    assert wrong(
        "steps: [{include: one.yaml, id: a}, {include: one.yaml, id: b}, {command: c, notify: again}]\n",
        one="steps: [{command: d, notify: again}]\nhandlers: [{log: x, id: again}]\n",
    ) == [("E412", "site.yaml:4:86", '"again" could be any of a/again, b/again', "write its id: a/again")]


def test_an_include_of_handlers_takes_less(wrong):
    """Handlers are asked one by one, so nothing can be said of the whole."""
    assert wrong(
        "steps: [{command: a}]\nhandlers: [{include: one.yaml, when: true, loop: [1], register: x}]\n",
        one="- command: b\n",
    ) == [
        (
            "E401",
            f"site.yaml:5:{column}",
            f'an include of handlers can\'t have "{key}"',
            "say it of the handlers in the file",
        )
        for key, column in (("when", 32), ("loop", 44), ("register", 55))
    ]


def test_secrets_and_answers_are_followed_into_a_file(wrong):
    """A secret may not end in an argument, nor what a host printed unquoted in shell text, by way of an include."""
    assert wrong(
        "secrets: {s: {env: S}}\nsteps:\n- {command: a, register: out}\n"
        "- include: {file: more.yaml, vars: {key: '{{ secrets.s }}', text: '{{ out.stdout }}'}}\n",
        more="inputs: {key: {type: string}, text: {type: string}}\nsteps:\n- {command: [use, '{{ key }}']}\n"
        "- {shell: 'echo {{ text }} {{ text | quote }}'}\n",
    ) == [
        (
            "E415",
            "more.yaml:3:23",
            "a secret in `command` can be read by every user of the host",
            "hand it over with `env` or `stdin`",
        ),
        (
            "E415",
            "more.yaml:4:20",
            '"text" comes from a host and would be read by the shell',
            "write | quote behind it, or hand it over with `env`",
        ),
    ]


def test_what_a_file_does_not_use_is_told(site):
    """Its variables, as those of a playbook."""
    loaded = site("steps: [{include: more.yaml}]\n", more="vars: {idle: 1}\nsteps: [{command: a}]\n")

    assert [(one.code, str(one.location)) for one in loaded.warnings] == [("W425", "more.yaml:1:8")]


def test_an_include_that_grows_without_end_is_stopped(wrong):
    """Each file includes the next one many times: what it comes to is counted, not its bytes."""
    files = {f"f{n}": "".join(f"- include: f{n + 1}.yaml\n" for _ in range(12)) for n in range(5)}

    found = wrong("steps: [{include: f0.yaml}]\n", **files, f5="- command: a\n")

    assert [code for code, *_ in found] == ["E225"]
