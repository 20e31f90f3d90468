"""A document becomes a Playbook, or a list of everything that is wrong with it, each at its place."""

from pathlib import Path

import pytest

from runner.loading.documents import Problems, read_text
from runner.loading.playbook import playbook_of
from runner.model.inventory import Become
from runner.model.playbook import Retry
from runner.model.template import Template
from runner.steps import kinds

HEAD = "version: 1\nhosts: all\n"


def read(text):
    problems = Problems()
    document = read_text(text, "play.yaml", problems)
    return playbook_of(document, problems, kinds(), cwd=Path.cwd()), problems


def step_of(text):
    """The one step of a small playbook, which must be sound."""
    texts, problems = read(f"{HEAD}steps:\n  - {text}\n")
    assert problems.items == []
    return texts.playbook.plays[0].steps[0]


def complaints(text):
    """Code and place of everything that is wrong with a small playbook of these steps."""
    _, problems = read(f"{HEAD}steps:\n{text}")
    return [(p.code, p.location.line, p.location.column) for p in problems.in_order()]


def test_the_smallest_playbook_has_every_default():
    """Version, hosts and steps are all that is needed."""
    texts, problems = read(HEAD + "steps: [{command: uptime}]\n")
    (play,) = texts.playbook.plays
    (step,) = play.steps

    assert not problems.items
    assert (texts.playbook.name, play.id, play.hosts, play.strategy.type) == ("play", "play", "all", "parallel")
    assert (step.id, step.kind, step.params, step.timeout, step.ok_codes) == (
        "command",
        "command",
        {"argv": ["uptime"]},
        1800.0,
        (0,),
    )
    assert (step.retry, step.on_failure, step.output_limit, step.timeout_is_default) == (
        None,
        "stop",
        1024 * 1024,
        True,
    )


def test_all_keys_of_a_step_arrive():
    """Durations become seconds, sizes bytes, conditions bare templates."""
    step = step_of(
        "{name: say it, id: say, command: 'x {{ host.name }}', when: a == 1, loop: [1, '{{ b }}'],"
        " loop_label: '{{ item }}',"
        " register: out, changed_when: false, failed_when: result.rc > 1, ok_codes: [0, 3, HUP],"
        " retry: {attempts: 5, delay: 500ms, backoff: exponential, factor: 1.5, max_delay: 1h30m, jitter: full,"
        " on: [failed], until: result.rc == 0}, timeout: 0, idle_timeout: 5m, become: {user: www, password: pw},"
        " env: {A: 1, B: '{{ c }}'}, cwd: /srv, stdin: text, on_failure: ignore, read_only: true, sensitive: true,"
        " output_limit: 2MiB}"
    )

    assert (step.id, step.name, step.register, step.timeout, step.idle_timeout) == ("say", "say it", "out", None, 300.0)
    assert (step.when.source, step.when.bare) == ("a == 1", True)
    assert step.loop[0] == 1
    assert isinstance(step.loop[1], Template)
    assert (step.changed_when, step.failed_when.source) == (False, "result.rc > 1")
    assert step.ok_codes == (0, 3, "HUP")
    assert step.retry == Retry(5, 0.5, "exponential", 1.5, 5400.0, "full", ("failed",), step.retry.until)
    assert step.retry.until.bare
    assert step.become == Become("www", "sudo", "pw")
    assert step.env["A"] == "1"
    assert (step.cwd, step.stdin, step.on_failure) == ("/srv", "text", "ignore")
    assert (step.read_only, step.sensitive, step.output_limit) == (True, True, 2 * 1024 * 1024)
    assert step.loop_label.source == "{{ item }}"
    assert not step.timeout_is_default


@pytest.mark.parametrize(("become", "value"), [("true", Become()), ("false", False), ("{}", Become())])
def test_become_is_a_user_or_nobody(become, value):
    """True is root; false refuses what play and host say."""
    assert step_of(f"{{command: id, become: {become}}}").become == value


def test_templates_know_their_place():
    """A template has the place of its scalar, so that an error can point there."""
    step = step_of("command: [echo, '{{ name }}']")

    assert str(step.params["argv"][1].location) == "play.yaml:4:21"


def test_ids_are_given_or_made():
    """Made from the name, else the kind; numbered where taken, also by an id that is given later."""
    texts, _ = read(
        HEAD
        + "steps:\n- {name: 'Restart {{ app }}!', command: a}\n"
        + "- command: b\n- command: c\n- {command: d, id: command}\n"
    )

    assert [step.id for step in texts.playbook.plays[0].steps] == ["restart-app", "command-2", "command-3", "command"]


def test_plays_have_ids_names_and_their_own_vars():
    """Several plays stand under plays; a play's vars are its layer, the playbook's come before."""
    texts, problems = read(
        "version: 1\nname: site\nvars: {a: 1}\nplays:\n"
        "- {name: web tier, hosts: web, vars: {b: 2}, become: true, env: {X: y}, cwd: /srv, allow_empty: true,"
        " strategy: sequential, steps: [{command: a}]}\n"
        "- {hosts: [db, '!x'], steps: [{command: a}]}\n- {hosts: db, become: false, steps: [{command: a}]}\n"
    )
    first, second, third = texts.playbook.plays

    assert not problems.items
    assert texts.playbook.name == "site"
    assert [play.id for play in texts.playbook.plays] == ["web-tier", "play", "play-2"]
    assert (first.vars.values, first.vars.origin, first.become, first.env, first.cwd) == (
        {"b": 2},
        "play web tier",
        Become(),
        {"X": "y"},
        "/srv",
    )
    assert first.allow_empty
    assert first.strategy.type == "sequential"
    assert str(first.strategy_location).startswith("play.yaml:5:")
    assert second.hosts == ["db", "!x"]
    assert third.become is False
    assert [layer.origin for layer in texts.playbook.layers] == ["playbook"]


def test_the_vars_of_a_single_play_are_the_playbooks():
    """There is one mapping of vars at the top, and it is not counted twice."""
    texts, _ = read(HEAD + "vars: {a: 1}\nsteps: [{command: a}]\n")

    assert texts.playbook.layers[0].values == {"a": 1}
    assert texts.playbook.plays[0].vars.values == {}


def test_secrets_are_declared_not_fetched():
    """Each of the four sources arrives; nothing is looked up."""
    texts, problems = read(
        HEAD + "secrets: {a: {env: X}, b: {file: f}, c: {prompt: p}, d: {command: [pass, x]}}\nsteps: [{command: a}]\n"
    )
    secrets = texts.playbook.secrets

    assert not problems.items
    assert (secrets["a"].env, secrets["b"].file, secrets["c"].prompt, secrets["d"].command) == (
        "X",
        "f",
        "p",
        ("pass", "x"),
    )


@pytest.mark.parametrize(
    ("version", "code"),
    [("", "E419"), ("version: 2\n", "E419"), ("version: '1'\n", "E419"), ("version: true\n", "E419")],
)
def test_the_version_must_be_one(version, code):
    """A playbook for another runner is refused."""
    _, problems = read(f"{version}hosts: all\nsteps: [{{command: a}}]\n")

    assert [p.code for p in problems.items] == [code]


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ("- {name: x}", [("E403", 4, 3)]),
        ("- {command: a, shell: b}", [("E403", 4, 16)]),
        ("- {comand: a}", [("E401", 4, 4)]),
        ("- {command: a, timeot: 3s}", [("E401", 4, 16)]),
        ("- {command: a, confirm: [x]}", [("E401", 4, 16)]),
        ("- just text", [("E311", 4, 3)]),
        ("- {command: a, retry: 3}", [("E311", 4, 23)]),
        ("- {command: a, retry: {attempts: 0}}", [("E406", 4, 34)]),
        ("- {command: a, timeout: 5 minutes}", [("E406", 4, 25)]),
        ("- {command: a, timeout: '{{ x }}'}", [("E406", 4, 25)]),
        ("- {command: a, when: '{{ x }}'}", [("E411", 4, 22)]),
        ("- {ping: , retry: {until: '{{ x }}'}}", [("E411", 4, 27)]),
        ("- {assert: {that: ['{{ x }}']}}", [("E411", 4, 20)]),
        ("- {command: 'a | b'}", [("E414", 4, 13)]),
        ("- {command: {argv: 'a | b'}}", [("E414", 4, 20)]),
        ("- {command: a, register: 1x}", [("E412", 4, 26)]),
        ("- {command: a, register: host}", [("E412", 4, 26)]),
        ("- {command: a, register: x}\n- {command: a, register: x}", [("E412", 5, 26)]),
        ("- {command: a, id: x}\n- {command: a, id: x}", [("E412", 5, 20)]),
        ("- {command: a, loop: abc}", [("E416", 4, 22)]),
        ("- {command: a, loop: {a: 5}}", [("E416", 4, 26)]),
        ("- {command: a, loop: 5}", [("E416", 4, 22)]),
        ("- {command: a, ok_codes: [300]}", [("E406", 4, 27)]),
        ("- {command: a, output_limit: much}", [("E406", 4, 30)]),
        (
            "- {command: a, nonsense: 1, when: '{{ x }}', register: 1x}",
            [("E401", 4, 16), ("E411", 4, 35), ("E412", 4, 56)],
        ),
    ],
)
def test_what_is_wrong_with_steps_is_said_at_its_place(steps, expected):
    """Each fault has its code and place; one fault does not hide another."""
    assert complaints(steps) == expected


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("version: 1\n", "E402"),
        (HEAD + "steps: []\n", "E219"),
        (HEAD + "steps: [{command: a}]\nvars: {host: 1}\n", "E412"),
        (HEAD + "steps: [{command: a}]\nvars: {a-b: 1}\n", "E412"),
        (HEAD + "steps: [{command: a}]\nplays: []\n", "E401"),
        (HEAD + "steps: [{command: a}]\nstrategy: {type: rolling, waves: 0, nonsense: 1}\n", "E401"),
        (HEAD + "steps: [{command: a}]\nsecrets: {a: {env: X, file: y}}\n", "E406"),
        (HEAD + "steps: [{command: a}]\ninputs: {a: {}}\n", "E402"),
        ("[1]\n", "E311"),
        ("version: 1\nplays: [{hosts: web, steps: [{command: a}], gate: []}]\n", "E401"),
        (HEAD + "steps: [{command: a}]\nbecome: 5\n", "E311"),
    ],
)
def test_what_is_wrong_at_the_top_is_said(text, code):
    """Unknown, missing and mistyped keys at the top and in plays; keys of later versions are unknown."""
    _, problems = read(text)

    assert code in [p.code for p in problems.items]


def test_what_stands_at_the_same_place_is_all_told():
    """A missing version and a missing key are both at the start of the mapping; neither hides the other."""
    _, problems = read("steps: [{command: a}]\n")

    assert sorted(p.message for p in problems.items) == [
        'missing key "hosts"',
        "the version of the language is missing",
    ]


def test_all_sizes_are_told_beside_an_unknown_key():
    """A wrong strategy says everything in one go."""
    _, problems = read(HEAD + "steps: [{command: a}]\nstrategy: {type: rolling, waves: [0, 1], nonsense: 1}\n")

    assert sorted(p.code for p in problems.items) == ["E401", "E406"]


def test_vars_files_come_before_vars(tmp_path, monkeypatch):
    """Each file is a layer of its own, in order; its names are checked as any."""
    (tmp_path / "a.yaml").write_text("x: '{{ y }}'\n")
    (tmp_path / "b.yaml").write_text("host: 1\n")
    monkeypatch.chdir(tmp_path)

    texts, problems = read(HEAD + "vars_files: [a.yaml, b.yaml]\nvars: {z: 1}\nsteps: [{command: a}]\n")

    assert [layer.origin for layer in texts.playbook.layers] == ["file a.yaml", "file b.yaml", "playbook"]
    assert isinstance(texts.playbook.layers[0].values["x"], Template)
    assert [(p.code, str(p.location)) for p in problems.items] == [("E412", "b.yaml:1:1")]
