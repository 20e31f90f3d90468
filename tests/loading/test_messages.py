"""What is said of values that fit none of several forms: what was meant, and what to write, with its keys."""

# ruff: noqa: E501 - a row of the tables below is one line

import pytest

from runner.errors import InputError
from runner.loading.project import load


@pytest.fixture
def said(tmp_path, monkeypatch):
    """``line:column message | hint`` of each problem of a playbook; what is asked about starts on line 4."""
    monkeypatch.chdir(tmp_path)

    def run(text):
        head = "version: 1\nhosts: all\ninventory: {hosts: {web1: }}\n"
        steps = "" if text.startswith("steps") else "\nsteps: [{command: a}]"
        (tmp_path / "site.yaml").write_text(f"{head}{text}{steps}\n")
        with pytest.raises(InputError) as caught:
            load(tmp_path / "site.yaml", cwd=tmp_path)
        return [f"{p.location.line}:{p.location.column} {p.message} | {p.hint}" for p in caught.value.problems]

    return run


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("steps: [{wait_for: {}}]", '4:20 missing key "port", "path", "command" or "http" | add port: …, path: …, command: … or http: …'),
        ("steps: [{wait_for: {port: 1, path: /a}}]", '4:30 "port" and "path" exclude each other | leave all but one of them out'),
        ("steps: [{wait_for: {port: 022}}]", "4:27 the port 022 has a leading zero | write 22"),
        ("steps: [{copy: {dest: /a}}]", '4:16 missing key "src" or "content" | add src: … or content: …'),
        ("steps: [{copy: {dest: /a, src: b, content: c}}]", '4:35 "src" and "content" exclude each other | leave all but one of them out'),
        ("steps: [{copy: a}]", '4:16 got the text "a", expected a mapping | for example: copy: {src: app.conf, dest: /etc/app.conf}'),
        ("steps: [{command: a, loop: 3}]", "4:28 got the number 3, expected a list, an expression or a mapping of lists | for example: loop: [a, b]"),
        ("steps: [{command: a, become: root}]", '4:30 got the text "root", expected true, false or a mapping | for example: become: {user: root}'),
        ("steps: [{command: a, retry: 3}]", "4:29 got the number 3, expected a mapping | for example: retry: {attempts: 3}"),
        ("steps: [{command: a, ok_codes: 0}]", "4:32 got the number 0, expected a list | write a list: [0]"),
        ("steps: [command]", '4:9 got the text "command", expected a step such as {command: uptime} | '),
        ("strategy: {concurrency: many}", '4:25 got the text "many", expected a count or auto | for example: strategy: {concurrency: 5}'),
        ("strategy: {group_by: 3}", "4:22 got the number 3, expected the name of a variable, or a list of groups | for example: strategy: {group_by: rack}"),
        ("strategy: 3", "4:11 got the number 3, expected parallel, rolling, sequential or a mapping | for example: strategy: {type: rolling, waves: [1, rest]}"),
        ("secrets: {a: x}", '4:14 got the text "x", expected one of env, file, prompt and command | for example: secrets: {a: {env: API_TOKEN}}'),
        ("steps: [{file: /a}]", '4:16 got the text "/a", expected a mapping | write file: {path: …, state: …}'),
    ],
)  # fmt: skip
def test_the_form_that_was_meant_is_named(said, text, expected):
    """One problem for one mistake, at its place."""
    assert said(text) == [expected]


def test_a_port_with_a_zero_in_front_is_told_once(tmp_path):
    """In an inventory too, and nobody is told to remove quotes that are not there."""
    text = "inventory: {hosts: {web1: {ssh: {port: 022}}}}\nversion: 1\nhosts: all\nsteps: [{command: a}]\n"
    (tmp_path / "site.yaml").write_text(text)

    with pytest.raises(InputError) as caught:
        load(tmp_path / "site.yaml", cwd=tmp_path)

    assert [problem.code for problem in caught.value.problems] == ["E503"]
