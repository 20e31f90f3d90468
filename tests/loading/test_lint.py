"""Undefined, hidden and unused names, and secrets in the wrong place, are found before any host is contacted."""

import pytest

from runner.errors import InputError
from runner.loading.project import load

INVENTORY = (
    "vars: {region: eu}\nhosts:\n  web1: {vars: {rack: r1}}\n  web2:\ngroups: {web: {hosts: [web1]}, nodejs-api: }\n"
)
HEAD = "version: 1\nhosts: all\ninventory: hosts.yaml\nsecrets: {token: {env: T}}\n"


@pytest.fixture
def check(tmp_path, monkeypatch):
    """Problems of a playbook, as code, line, column, length and hint."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hosts.yaml").write_text(INVENTORY)

    def run(text, inventory=None):
        (tmp_path / "site.yaml").write_text(text)
        if inventory:
            (tmp_path / "hosts.yaml").write_text(inventory)
        try:
            problems = load(tmp_path / "site.yaml", cwd=tmp_path).warnings
        except InputError as error:
            problems = error.problems
        return [(p.code, p.location.line, p.location.column, p.location.length, p.hint) for p in problems]

    return run


def steps(text):
    """A playbook of these steps, which start on line 6."""
    return f"{HEAD}steps:\n{text}\n"


def test_names_that_are_there_are_fine(check):
    """Always-there names, variables of any level, earlier results, items in loops, answers where there is one."""
    text = steps(
        """\
- {log: "{{ host.name }} {{ hosts.web2.name }} {{ groups.web }} {{ wave.index }} {{ run.id }} {{ facts }}"}
- {log: "{{ region }} {{ rack | default(1) }} {{ here }} {{ maybe | default('x') }} {{ 'y' if other is defined }}"}
- {command: a, register: out, changed_when: result.rc == 0, failed_when: result.rc > 1}
- {log: "{{ item }} {{ loop.index }}", loop: "{{ out.lines }}", when: item != 'a', loop_label: "{{ item }}"}
- {set: {made: "{{ out.rc }}"}}
- {log: "{{ made }}", env: {A: "{{ secrets.token }}"}}
- {command: [sh], read_only: true, retry: {until: result.json.ok}}"""
    )

    assert check(text + "vars: {here: '{{ later }}', later: '{{ out.rc }}'}\n") == []


@pytest.mark.parametrize(
    ("step", "column", "length", "hint"),
    [
        ('- {log: "{{ regoin }}"}', 13, 6, 'did you mean "region"?'),
        ("- {log: 'it''s {{ regoin }}'}", 19, 6, 'did you mean "region"?'),
        ('- {log: "\\t\\u0041 {{ regoin }}"}', 22, 6, 'did you mean "region"?'),
        ("- {log: x, when: x.regoin == regoin and region}", 18, 1, ""),
        ('- {command: [a, "{{ inventory_hostname }}"]}', 21, 18, 'Ansible\'s "inventory_hostname" is host.name here'),
        (
            '- {log: "{{ groups.nodejs-api }}"}',
            27,
            3,
            "read as a subtraction; write a name with hyphens as ['…-api']",
        ),
        (
            '- {log: "{{ result.rc }}"}',
            13,
            6,
            "it is there in changed_when, failed_when and until alone; elsewhere register a name",
        ),
        ('- {log: "{{ item }}"}', 13, 4, "it is there in a step with a loop"),
        ('- {log: x, loop: ["{{ item }}"]}', 23, 4, "it is there in a step with a loop"),
        ('- {command: a, register: mine, when: "mine.rc == 0"}', 39, 4, ""),
        ('- {log: "{{ secrets.tokn }}"}', 21, 4, 'did you mean "token"?'),
        ("- {log: \"{{ secrets['other'] }}\"}", 22, 5, "declare it: secrets: {other: {env: OTHER}}"),
    ],
)
def test_an_undefined_name_is_pointed_at_inside_its_scalar(check, step, column, length, hint):
    """The place is the name's own, through quotes and escapes, and the hint says what may have been meant."""
    found = check(steps(step))

    assert ("E407", 6, column, length, hint) in found


def test_block_scalars_have_places_too(check):
    """The line inside a literal or folded block."""
    found = check(steps("- shell: |\n    echo one\n    echo {{ nope }}\n- log: >-\n    one\n    two {{ nope }}"))

    assert [problem[:4] for problem in found] == [("E407", 8, 13, 4), ("E407", 11, 12, 4)]


def test_syntax_errors_and_unknown_filters_are_pointed_at(check):
    """jinja2's own line numbers become places in the file."""
    found = check(
        steps("- log: |\n    fine\n    {{ region | uper }}\n- {log: '{{ region }'}\n- {log: x, when: 'region =='}")
    )

    assert [problem[:3] for problem in found] == [("E408", 8, 17), ("E408", 9, 20), ("E408", 10, 19)]


def test_a_later_result_is_not_there_yet(check):
    """Results and set values exist from their step on, also in later plays; not before."""
    found = check(steps('- {log: "{{ out }}"}\n- {command: a, register: out}\n- {log: "{{ out.rc }}"}'))

    assert [problem[:3] for problem in found] == [("E407", 6, 13)]


def test_hosts_see_variables_and_groups_alone(check):
    """Waves are cut before anything runs, so there is no host yet."""
    good = HEAD.replace("hosts: all", 'hosts: "{{ groups.web }}"') + "steps: [{log: x}]\n"
    bad = HEAD.replace("hosts: all", 'hosts: "{{ host.name }}"') + "steps: [{log: x}]\n"

    assert check(good) == []
    assert [problem[:4] for problem in check(bad)] == [("E407", 2, 12, 4)]


@pytest.mark.parametrize(
    ("step", "column"),
    [
        ("- {command: a, register: region}", 26),
        ("- {command: a, register: host}", 26),
        ("- {set: {region: 1}}", 10),
        ("- {set: {host: 1}}", 10),
        ("- {set: {here: 1}}", 10),
    ],
)
def test_a_result_may_not_hide_a_variable(check, step, column):
    """Otherwise the name would mean two things in one play."""
    found = check(steps(step + '\n- {log: "{{ here }}"}') + "vars: {here: 1}\n")

    assert [problem[:3] for problem in found] == [("E412", 6, column)]


def test_set_may_not_hide_a_result_of_its_play(check):
    """But it may give its own name anew."""
    found = check(steps("- {command: a, register: out}\n- {set: {out: 1}}\n- {set: {a: 1}}\n- {set: {a: 2}}"))

    assert [problem[:3] for problem in found] == [("E412", 7, 10)]


def test_unused_variables_and_steps_that_never_run_are_warned_of(check):
    """Of playbook and plays; an inventory serves many playbooks."""
    found = check(steps("- {log: x, when: false}") + "vars: {idle: 1}\n")

    assert [problem[:3] for problem in found] == [("W426", 6, 18), ("W425", 7, 8)]


@pytest.mark.parametrize(
    "step",
    [
        '- {command: [a, "{{ secrets.token }}"]}',
        '- {shell: "a {{ secrets.token }}"}',
        '- {shell: "a {{ url }}"}',
        '- {command: "a {{ url }}"}',
        '- {command: "a {{ deep.x }}"}',
    ],
)
def test_secrets_do_not_go_into_arguments(check, step):
    """Neither directly nor through a variable; env and stdin are the way."""
    found = check(steps(step) + "vars: {key: '{{ secrets.token }}', url: 'x{{ key }}', deep: {x: ['{{ key }}']}}\n")

    assert "E415" in [problem[0] for problem in found]
    assert "hand it over with `env` or `stdin`" in [problem[4] for problem in found]


def test_what_a_host_said_is_quoted_in_shell_text(check):
    """A result goes into sh text through quote, or as a number that runner made."""
    first = "- {command: a, register: out}\n"

    assert check(steps(first + '- {shell: "a {{ out.stdout | quote }} {{ out.rc }} {{ out.lines | length }}"}')) == []
    found = check(steps(first + '- {shell: "a {{ out.stdout }}"}'))
    assert [problem[:4] for problem in found] == [("E415", 7, 17, 3)]


def test_template_files_are_looked_into(check, tmp_path):
    """Their undefined names have places in them, and what they use is used."""
    (tmp_path / "a.j2").write_text("x {{ here }}\ny {{ nope }}\n")
    (tmp_path / "b.j2").write_text("{{ here | nope }}\n")
    text = steps("- {template: {src: a.j2, dest: /a}}\n- {template: {src: b.j2, dest: /b}}") + "vars: {here: 1}\n"

    assert [problem[:4] for problem in check(text)] == [("E407", 2, 6, 4), ("E408", 1, 11, 4)]


def test_an_unknown_template_file_may_use_anything(check):
    """Where its name is known at run time only, no variable is called unused."""
    text = steps("- {template: {src: '{{ host.name }}.j2', dest: /a}}") + "vars: {here: 1}\n"

    assert check(text) == []


def test_inventory_templates_are_checked(check):
    """Variables of hosts may use everything that is known anywhere."""
    found = check(steps("- {log: '{{ rack }}'}"), "hosts: {web1: {vars: {rack: '{{ host.index }}{{ nope }}'}}}\n")

    assert [problem[:4] for problem in found] == [("E407", 1, 49, 4)]


def test_passwords_in_clear_text_are_warned_of_and_hidden(tmp_path, monkeypatch):
    """The warning has the place, and the value is taken out of the lines that are shown."""
    text = steps("- {log: '{{ db_password }}', become: {password: hunter2}}\n- {log: x, become: {password: token}}")
    (tmp_path / "site.yaml").write_text(text + "vars:\n  db_password: swordfish\n")
    (tmp_path / "hosts.yaml").write_text("hosts: {web1: {ssh: {password: plain}}}\n")

    monkeypatch.chdir(tmp_path)
    loaded = load(tmp_path / "site.yaml", cwd=tmp_path)

    assert [(p.code, p.location.file, p.location.line) for p in loaded.warnings] == [
        ("W418", "site.yaml", 6),
        ("W418", "site.yaml", 9),
        ("W418", "hosts.yaml", 1),
    ]
    shown = "\n".join(loaded.sources["site.yaml"])
    assert "swordfish" not in shown
    assert "hunter2" not in shown


def test_passwords_of_hosts_are_warned_of_once_and_hidden_wherever_they_stand(tmp_path, monkeypatch):
    """For ssh and for sudo, of a host or of the whole file; what names a secret is fine."""
    hosts = (
        "ssh: {password: far-away}\n"
        "hosts:\n"
        "  web1: {become: {user: app, password: swordfish}}\n"
        "  web2: {become: {password: token}}\n"
        "  web3: {become: {password: '{{ secrets.token }}'}}\n"
    )
    (tmp_path / "site.yaml").write_text(steps("- {log: '{{ secrets.token }}'}"))
    (tmp_path / "hosts.yaml").write_text(hosts)

    monkeypatch.chdir(tmp_path)
    loaded = load(tmp_path / "site.yaml", cwd=tmp_path)

    assert sorted((p.code, p.location.line, p.message) for p in loaded.warnings) == [
        ("W418", 3, "a password for become in clear text"),
        ("W418", 3, "a password for ssh in clear text"),
    ]
    shown = "\n".join(loaded.sources["hosts.yaml"])
    assert "far-away" not in shown
    assert "swordfish" not in shown
    assert "user: app" in shown
