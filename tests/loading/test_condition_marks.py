"""A condition is an expression: template marks in one are an error at their place, so nothing is rendered twice."""

import pytest
from playbook_checks import said

MARKS = [
    "{{ out.stdout }}",
    "{{out.stdout}} == 'yes'",
    "out.stdout == '{{ secrets.token }}'",
    "'{{' in out.stdout",
    "{{ out.stdout | bool }}",
    "{{ 1 }} == 1 and true",
    "not {{ out.rc }}",
    "{{ '{{ 1 }}' }}",
    "{{- out.rc -}} == 0",
    "{% if true %}true{% endif %}",
    "{%- set x = 1 %}",
    "{% raw %}true{% endraw %}",
    "{% for a in [1] %}{{ a }}{% endfor %}",
    "{# note #} true",
    "true {# note",
    "out.rc == 0 {%",
    "{{{{ out.rc }}}}",
    "{{ lookup('env', 'HOME') }}",
    "{{ ''.__class__.__mro__ }}",
    "{{ host.name }} in groups.web",
]


@pytest.mark.parametrize("marks", MARKS)
def test_marks_in_a_condition_are_refused_at_their_place(marks, tmp_path):
    """In ``when`` and every other condition, of a step, a block, a play and a check."""
    text = marks.replace("'", "''")
    steps = (
        f"when: '{text}'\nhosts: all\nsteps:\n"
        f"- {{when: '{text}', command: a, register: out}}\n"
        f"- {{changed_when: '{text}', command: a}}\n"
        f"- {{failed_when: '{text}', command: a}}\n"
        f"- {{retry: {{until: '{text}'}}, command: a, idempotent: true}}\n"
        f"- {{assert: {{that: ['{text}']}}}}\n"
        f"- {{when: '{text}', block: [{{log: x}}]}}\n"
    )

    problems = [line for line in said(tmp_path, steps) if "[E411]" in line]

    message = "a condition has template marks in it [E411]"
    hint = "a condition is an expression already; write it without {{ }}"
    places = ["3:7", "6:10", "7:18", "8:17", "9:19", "10:20", "11:10"]
    assert problems == [f"{place} {message} | {hint}" for place in places]


def test_what_a_host_said_is_not_rendered_in_a_condition(tmp_path):
    """It may be compared, also with marks, which an expression then builds; nothing of it is looked into."""
    condition = "out.stdout == '{' ~ '{ secrets.x }' ~ '}'"
    steps = f'hosts: all\nsteps:\n- {{command: a, register: out}}\n- {{log: x, when: "{condition}"}}\n'

    assert said(tmp_path, steps) == []
