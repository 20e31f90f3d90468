"""What does not fit its schema: code, place, words and hint of each problem."""

# ruff: noqa: E501 - a row of the tables below is one line

import pytest

from runner.fragments import BOOLEAN, DURATION, FILLED, MODE, TEXT, choice, mapping, or_template
from runner.loading.documents import Problems, read_text
from runner.loading.schema import validate, validate_step
from runner.loading.step_language import ID

COUNT = {"type": "integer", "minimum": 1}
WAVE = {
    "title": "a count, a percentage or rest",
    "anyOf": [COUNT, {"type": "string", "pattern": "^[0-9]+%$"}, {"const": "rest"}],
}
SCHEMA = mapping(
    {
        "name": {**FILLED, "examples": ["deploy"]},
        "hosts": {"anyOf": [FILLED, {"type": "array", "items": FILLED, "minItems": 1}], "examples": ["web"]},
        "timeout": DURATION,
        "become": {"anyOf": [{"type": "boolean"}, mapping({"user": FILLED})]},
        "sensitive": BOOLEAN,
        "mode": MODE,
        "tries": or_template(COUNT),
        "factor": {"type": "number", "exclusiveMinimum": 0, "maximum": 10},
        "share": {"type": "number", "maximum": 1},
        "on_failure": choice("stop", "continue", "ignore"),
        "env": {"type": "object", "additionalProperties": TEXT},
        "vars": {"type": "object", "propertyNames": {"pattern": "^[a-z_]+$"}},
        "ids": {"type": "object", "propertyNames": {"title": "a number in quotes", "pattern": "^[0-9]+$"}},
        "list": {"type": "array", "items": {"type": "integer"}, "uniqueItems": True},
        "waves": {"anyOf": [WAVE, {"type": "array", "items": WAVE, "minItems": 1}]},
        "strategy": mapping({"max_failures": COUNT, "waves": WAVE}),
        "only": {"const": "this"},
        "flag": {"enum": [True, "auto", None]},
        "file": mapping({"src": TEXT}, ("src",)),
        "any": {"not": {"type": "null"}},
        "id": ID,
        "tag": {"type": "string", "pattern": "^v[0-9]+$"},
        "titled": {"title": "a version", "type": "string", "pattern": "^v[0-9]+$"},
    },
    ("name",),
)


def said(text, schema=SCHEMA):
    """Each problem as ``code line:column message | hint``."""
    problems = Problems()
    document = read_text(text, "f.yaml", problems)
    validate(document, schema, problems)
    return [_line(problem) for problem in problems.in_order()]


def _line(problem):
    place = f"{problem.location.line}:{problem.location.column}+{problem.location.length}"
    return f"{problem.code} {place} {problem.message}" + (f" | {problem.hint}" if problem.hint else "")


def test_what_fits_is_silent():
    """Every field with a good value, templates where a value may be rendered."""
    text = """\
name: x
hosts: [a, b]
timeout: 1h30m
become: {user: app}
sensitive: "{{ quiet }}"
mode: "0644"
tries: "{{ n }}"
factor: 0.5
on_failure: continue
env: {A: b}
waves: [1, 25%, rest]
only: this
flag: auto
"""
    assert said(text) == []


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("timout: 5s", 'E401 2:1+6 unknown key "timout" | did you mean "timeout"?'),
        ("max_failures: 1", 'E401 2:1+12 unknown key "max_failures" | "max_failures" belongs under "strategy"'),
        ("tasks: []", 'E401 2:1+5 unknown key "tasks" | Ansible\'s "tasks" is called "steps" here'),
        ("gather_facts: no", 'E401 2:1+12 unknown key "gather_facts" | Ansible\'s "gather_facts" is not needed: nothing is gathered unasked here'),
        ("h\u043ests: a", 'E401 2:1+5 unknown key "h\u043ests" | contains U+043E CYRILLIC SMALL LETTER O; did you mean "hosts"?'),
        ("\u00e9\u00e9\u00e9\u00e9: a", 'E401 2:1+4 unknown key "\u00e9\u00e9\u00e9\u00e9" | contains U+00E9 LATIN SMALL LETTER E WITH ACUTE'),
        ("whatever: 1", 'E401 2:1+8 unknown key "whatever"'),
        ("'<<': 1", 'E401 2:1+4 unknown key "<<"'),
        ("become: {usr: x}", 'E401 2:10+3 unknown key "usr" | did you mean "user"?'),
        ("become: {hosts: x}", 'E401 2:10+5 unknown key "hosts" | "hosts" belongs outside of "become"'),
        ("tries: !!str 5", 'E311 2:8+7 got the text "5", expected a whole number from 1 up | write 5'),
        ("file: {dest: x}", 'E402 2:7+1 missing key "src" | write file: {src: …}'),
        ("timeout: 5 minutes", 'E406 2:10+9 got the text "5 minutes", expected a duration | write 500ms, 10s, 5m, 1h30m, 2d or a number of seconds'),
        ("timeout: -1", "E406 2:10+2 got the number -1, expected a duration | write 500ms, 10s, 5m, 1h30m, 2d or a number of seconds"),
        ("timeout:", 'E219 2:9+1 "timeout" has no value; expected a duration'),
        ("timeout: [1]", "E311 2:10+3 got a list of 1 item, expected a duration"),
        ('id: "../../../x"', 'E406 2:5+12 got the text "../../../x", expected letters, digits, dots, dashes and underscores, a letter or digit first'),
        ("tag: x", 'E406 2:6+1 got the text "x", expected text of the form ^v[0-9]+$'),
        ("titled: x", 'E406 2:9+1 got the text "x", expected a version'),
        ("name: 1.10", "E305 1:7+4 got the number 1.1, expected text | quote it: '1.10'"),
        ("name: true", "E311 1:7+4 got true, expected text | quote it: 'true'"),
        ("name: [a, b]", "E311 1:7+6 got a list of 2 items, expected text | for example: name: deploy"),
        ("name: ''", 'E219 1:7+2 "name" is empty; expected text | for example: name: deploy'),
        ("hosts: []", 'E405 2:8+2 "hosts" names no host | for example: hosts: all'),
        ("hosts: {a: b}", "E311 2:8+6 got a mapping of 1 key, expected text or a list | for example: hosts: web"),
        ("hosts: [1]", "E305 2:9+1 got the number 1, expected text | quote it: '1'"),
        ("sensitive: yes", 'E308 2:12+3 got the text "yes", expected true or false | write true or false'),
        ("sensitive: TRUE", 'E308 2:12+4 got the text "TRUE", expected true or false | write true or false'),
        ("sensitive: 'true'", 'E312 2:12+6 got the text "true", expected true or false | write true or false, without quotes'),
        ("sensitive: maybe", 'E311 2:12+5 got the text "maybe", expected true or false'),
        ("sensitive: 1", "E311 2:12+1 got the number 1, expected true or false"),
        ("mode: 644", 'E303 2:7+3 the mode 644 without quotes is octal to some readers and decimal to others | quote it: "0644"'),
        ("mode: u+x", 'E303 2:7+3 "u+x" is no mode: it must be octal digits | write four octal digits in quotes: "0644"'),
        ("mode: 0o644", 'E303 2:7+5 the mode 0o644 without quotes is octal to some readers and decimal to others | quote it: "0644"'),
        ("tries: 0", "E406 2:8+1 got the number 0, expected a whole number from 1 up"),
        ("tries: '5'", 'E312 2:8+3 got the text "5", expected a whole number from 1 up | remove the quotes: 5'),
        ("tries: many", 'E406 2:8+4 got the text "many", expected a whole number from 1 up'),
        ("tries: 1_000", 'E311 2:8+5 got the text "1_000", expected a whole number from 1 up | write 1000'),
        ("tries: 1.5", "E406 2:8+3 got the number 1.5, expected a whole number from 1 up"),
        ("factor: 0", "E406 2:9+1 got the number 0, expected a number from 0 to 10"),
        ("factor: 11", "E406 2:9+2 got the number 11, expected a number from 0 to 10"),
        ("share: 2", "E406 2:8+1 got the number 2, expected a number up to 1"),
        ("on_failure: contineu", 'E406 2:13+8 got the text "contineu", expected stop, continue or ignore | did you mean "continue"?'),
        ("on_failure: 5", "E311 2:13+1 got the number 5, expected stop, continue or ignore"),
        ("env: [a]", "E311 2:6+3 got a list of 1 item, expected a mapping"),
        ("env: {A: 1.10}", "E305 2:10+4 got the number 1.1, expected text | quote it: '1.10'"),
        ("vars: {a-b: 1}", 'E412 2:8+3 "a-b" can\'t be a name | use letters, digits and _, and no digit first'),
        ("ids: {a: 1}", 'E412 2:7+1 "a" can\'t be a name | expected a number in quotes'),
        ("list: 5", "E311 2:7+1 got the number 5, expected a list | write a list: [5]"),
        ("list: a", 'E311 2:7+1 got the text "a", expected a list | write a list: [a]'),
        ("list: [1, 1]", "E406 2:7+6 something stands in this list twice | remove one of them"),
        ("waves: 30", None),
        ("waves: half", 'E406 2:8+4 got the text "half", expected a count, a percentage or rest'),
        ("waves: [1, half]", 'E406 2:12+4 got the text "half", expected a count, a percentage or rest'),
        ("waves: 0", "E406 2:8+1 got the number 0, expected a count, a percentage or rest"),
        ("only: that", 'E406 2:7+4 got the text "that", expected this | did you mean "this"?'),
        ("flag: false", "E406 2:7+5 got false, expected true, auto or nothing"),
        ("strategy: rolling", 'E311 2:11+7 got the text "rolling", expected a mapping'),
        ("any: {}", None),
        ("file: {src: ''}", None),
        ("any:", 'E219 2:5+1 "any" has no value; expected another value'),
    ],
)  # fmt: skip
def test_a_wrong_line_is_told_with_code_place_and_hint(line, expected):
    """One problem for one mistake."""
    text = f"{line}\n" if line.startswith("name") else f"name: x\n{line}\n"
    found = [problem for problem in said(text) if not problem.startswith("W301")]

    if line.startswith("file"):
        found = found[:1]
    assert found == ([expected] if expected else [])


def test_a_missing_key_is_told_at_the_start_with_an_example():
    """The example is what could be written."""
    assert said("timeout: 5\n") == ['E402 1:1+1 missing key "name" | for example: name: deploy']


def test_a_long_text_is_cut_in_the_message():
    """The line itself is shown below it anyway."""
    assert "x" * 57 + "…" in said(f"name: n\nlist: {'x' * 100}\n")[0]


def test_a_value_that_could_not_be_read_is_told_once():
    """Reading said that the mode needs quotes; nothing more is wrong with it."""
    assert [line[:4] for line in said("name: x\ntimeout: .inf\n")] == ["E306"]


def test_a_part_of_a_document_can_be_checked():
    """Places are those in the whole file."""
    problems = Problems()
    document = read_text("a:\n  - name: x\n    nmae: y\n", "f", problems)

    validate(document, SCHEMA, problems, ("a", 0))

    assert [_line(p) for p in problems.in_order()] == ['E401 3:5+4 unknown key "nmae" | did you mean "name"?']


def test_a_place_of_the_same_name_is_no_hint():
    """Inside one "file" it says nothing that a key belongs under "file"."""
    schema = mapping({"a": mapping({"file": mapping({"src": TEXT})}), "b": mapping({"file": mapping({"path": TEXT})})})

    assert said("b: {file: {src: x}}\n", schema) == ['E401 1:12+3 unknown key "src"']


COMMON = mapping({"name": FILLED, "timeout": DURATION, "retry": mapping({"attempts": COUNT})})
KINDS = {
    "command": {"anyOf": [FILLED, mapping({"argv": {"type": "array"}, "creates": FILLED}, ("argv",))]},
    "copy": mapping({"src": FILLED, "dest": FILLED}, ("dest",)),
    "log": TEXT,
}


def step(text):
    """The kind found, and what was said."""
    problems = Problems()
    document = read_text(f"- {text}\n", "f", problems)
    kind = validate_step(document, (0,), problems, common_schema=COMMON, kinds=KINDS)
    return kind, [_line(problem) for problem in problems.in_order()]


@pytest.mark.parametrize(
    ("text", "kind", "problems"),
    [
        ("{command: uptime, name: x, timeout: 5s}", "command", []),
        ("{copy: {src: a, dest: /b}}", "copy", []),
        ("{name: x}", None, ['E403 1:3+1 a step has exactly one kind; this one has only "name" | kinds: command, copy, log']),
        ("{}", None, ["E403 1:3+1 a step has exactly one kind; this one has nothing in it | kinds: command, copy, log"]),
        ("{copy: {dest: a}, log: b}", None, ['E403 1:21+3 a step has exactly one kind; this one has "copy" and "log" | make it two steps']),
        ("{comand: x}", None, ['E401 1:4+6 unknown key "comand" | did you mean "command"?']),
        ("{debug: x}", None, ['E401 1:4+5 unknown key "debug" | Ansible\'s "debug" is called "log" here']),
        ("{ansible.builtin.copy: x}", None, ['E401 1:4+20 unknown key "ansible.builtin.copy" | Ansible\'s "ansible.builtin.copy" is called "copy" here']),
        ("{log: x, attempts: 3}", "log", ['E401 1:12+8 unknown key "attempts" | "attempts" belongs under "retry"']),
        ("{log: x, src: 3}", "log", ['E401 1:12+3 unknown key "src" | "src" belongs under "copy"']),
        ("{log: x, timeout: x}", "log", ['E406 1:21+1 got the text "x", expected a duration | write 500ms, 10s, 5m, 1h30m, 2d or a number of seconds']),
        ("{copy: {src: a}}", "copy", ['E402 1:10+1 missing key "dest" | write copy: {dest: …}']),
        ("{command: {argv: x}}", "command", ['E311 1:20+1 got the text "x", expected a list | write a list: [x]']),
        ("{log: }", "log", ['E219 1:8+1 "log" has no value; expected text']),
        ("text", None, ['E311 1:3+4 got the text "text", expected a step, which is a mapping']),
    ],
)  # fmt: skip
def test_a_step_is_checked_by_its_own_kind(text, kind, problems):
    """Found by its key; no other kind is spoken of."""
    assert step(text) == (kind, problems)
