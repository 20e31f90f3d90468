"""Steps that can never run are warned of: behind one that always fails, or with a condition that is false."""

import pytest
from playbook_checks import said

BEHIND = "this step never runs"


@pytest.mark.parametrize(
    "steps",
    [
        "- {assert: {that: false}}",
        "- {assert: {that: [true, 'false']}}",
        "- {command: a, failed_when: true}",
        "- {block: [{assert: {that: false}}]}",
        "- {block: [{assert: {that: false}}], rescue: [{assert: {that: false}}]}",
        "- {block: [{command: b}], always: [{assert: {that: false}}]}",
    ],
)
def test_nothing_runs_behind_what_always_fails(tmp_path, steps):
    """The warning names the step that fails."""
    found = said(tmp_path, f"hosts: all\nsteps:\n{steps}\n- command: c\n- command: d\n")

    assert len(found) == 1
    assert found[0].startswith(f"6:3 {BEHIND}: ")
    assert "always fails [W426]" in found[0]


@pytest.mark.parametrize(
    "steps",
    [
        "- {assert: {that: false}, when: host.name == 'web1'}",
        "- {assert: {that: false}, on_failure: continue}",
        "- {assert: {that: false}, tags: [never]}",
        "- {assert: {that: '{{ x }}' }, loop: []}",
        '- {assert: {that: false}, loop: "{{ groups.web }}"}',
        "- {block: [{assert: {that: false}}], rescue: [{command: b}]}",
        "- {command: a, failed_when: false}",
    ],
)
def test_what_may_pass_is_no_end(tmp_path, steps):
    """A condition, a loop without items, a rescue, or a failure that ends nothing."""
    found = said(tmp_path, f"hosts: all\nsteps:\n{steps}\n- command: c\n")

    assert not [line for line in found if BEHIND in line]


def test_the_message_says_what_to_do(tmp_path):
    """With the id and the place of the step that fails."""
    text = "hosts: all\nsteps:\n- {id: stop, assert: {that: false}}\n- command: c\n"

    assert said(tmp_path, text) == [
        (
            '6:3 this step never runs: "stop" (site.yaml:5:3) always fails [W426]'
            " | give that step a condition, or remove what stands behind"
        )
    ]


def test_a_condition_that_is_false_as_written(tmp_path):
    """On steps, blocks, includes and plays."""
    text = """\
hosts: all
when: false
steps:
- {command: a, when: "false"}
- {block: [{command: b}], when: false}
- {include: more.yaml, when: false}
"""
    assert said(tmp_path, text, more_yaml="- command: c\n") == [
        "4:7 this play never runs [W426] | write a condition, or remove the play",
        "6:22 this step never runs [W426] | write a condition, or remove the step",
        "7:33 this step never runs [W426] | write a condition, or remove the step",
        "8:30 this step never runs [W426] | write a condition, or remove the step",
    ]
