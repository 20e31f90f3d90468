"""Blocks: trees of steps, what they hand down, and what may not stand there."""

import pytest
from playbook_text import complaints, play_of, read

from runner.model.inventory import Become
from runner.model.playbook import Block, Step, leaves, nodes_of


def test_a_block_holds_its_lists():
    """Steps, rescue and always are trees of their own; the steps know where they stand."""
    play = play_of(
        "steps:\n- name: try it\n  when: go\n  once: run\n  on_failure: continue\n  block: [{command: a}]\n"
        "  rescue: [{command: b}]\n  always: [{command: c}]\n"
    )
    (block,) = play.steps

    assert isinstance(block, Block)
    assert (block.id, block.name, block.when.source, block.once, block.on_failure) == (
        "try-it",
        "try it",
        "go",
        "run",
        "continue",
    )
    assert (block.rescue_on, block.section) == (("failed", "timed_out"), "")
    assert [(step.id, step.section) for step in leaves(play.steps, everything=True)] == [
        ("command", ""),
        ("command-2", "rescue"),
        ("command-3", "always"),
    ]


def test_a_rescue_may_name_what_it_is_for():
    """The long form has the statuses it waits for."""
    (block,) = play_of("steps: [{block: [{command: a}], rescue: {on: [unreachable], steps: [{log: gone}]}}]\n").steps

    assert block.rescue_on == ("unreachable",)
    assert [step.kind for step in block.rescue] == ["log"]


def test_steps_have_what_stands_round_them():
    """The nearest wins, env is merged, tags add up from the outside in; a step may take back what a block says."""
    play = play_of(
        "become: {user: nobody}\nenv: {P: p}\ntags: deploy\nsteps:\n"
        "- block:\n"
        "  - block: [{command: a, env: {B: '3'}, tags: [fast], cwd: /c, sensitive: false, delegate_to: lb2}]\n"
        "    env: {B: '2', C: '2'}\n"
        "    become: false\n"
        "  - command: b\n"
        "  become: {user: app}\n  env: {A: '1', B: '1'}\n  cwd: /b\n  delegate_to: lb1\n  sensitive: true\n"
        "  tags: [web, deploy]\n"
        "- command: c\n"
    )
    inner, outer, beside = leaves(play.steps)

    assert (inner.become, inner.env, inner.cwd) == (False, {"A": "1", "B": "3", "C": "2"}, "/c")
    assert (inner.delegate_to, inner.sensitive, inner.tags) == ("lb2", False, ("deploy", "web", "fast"))
    assert (outer.become, outer.env, outer.cwd) == (Become("app"), {"A": "1", "B": "1"}, "/b")
    assert (outer.delegate_to, outer.sensitive, outer.tags) == ("lb1", True, ("deploy", "web"))
    assert (beside.become, beside.env, beside.cwd, beside.tags) == (None, {}, None, ("deploy",))


def test_everything_in_a_section_belongs_to_it():
    """What a rollback's block rescues with is part of the rollback."""
    play = play_of(
        "steps: [{command: a}]\nrollback: [{block: [{command: b}], rescue: [{command: c}]}]\nalways: [{command: d}]\n"
    )

    assert [node.section for node in nodes_of(play.rollback)] == ["rollback"] * 3
    assert [step.section for step in play.always] == ["always"]


def test_ids_are_unique_in_all_sections():
    """Made ones are numbered over sections and blocks, and give way to written ones wherever these stand."""
    play = play_of(
        "steps: [{command: a}, {block: [{command: b}]}]\nhandlers: [{command: c}]\n"
        "rollback: [{command: d, id: command-2}]\nalways: [{block: [{command: e}]}]\n"
    )

    assert [node.id for section in play.sections for node in nodes_of(section)] == [
        "command",
        "block",
        "command-3",
        "command-4",
        "command-2",
        "block-2",
        "command-5",
    ]


def test_an_id_given_twice_is_refused_across_sections():
    """The second place is pointed at, and the first is named."""
    assert complaints("steps: [{block: [{command: a, id: x}]}]\nhandlers: [{command: b, id: x}]\n") == [
        (
            "E412",
            4,
            29,
            'the id "x" is taken by the step at play.yaml:3:35',
            "give each step its own id",
        )
    ]


def test_new_keys_of_steps_arrive():
    """One word stands for a list of one."""
    (_, step) = play_of(
        "steps: [{command: a}, {command: b, once: wave, delegate_to: controller, throttle: 2, needs: command,"
        " tags: one, notify: [h], on_resume: again}]\nhandlers: [{command: c, id: h}]\n"
    ).steps

    assert (step.once, step.delegate_to, step.throttle, step.needs) == ("wave", "controller", 2, ("command",))
    assert (step.tags, step.notify, step.on_resume) == (("one",), ("h",), "again")


def test_handlers_can_be_flushed():
    """A word of control, which is a step of its own kind."""
    (step,) = play_of("steps: [{flush: handlers, name: now, when: go, tags: [x]}]\nhandlers: [{command: a}]\n").steps

    assert isinstance(step, Step)
    assert (step.kind, step.params, step.name, step.tags, step.timeout) == (
        "flush",
        {"what": "handlers"},
        "now",
        ("x",),
        None,
    )


@pytest.mark.parametrize(
    "key", ["retry", "loop", "register", "timeout", "notify", "throttle", "on_resume", "stdin", "verify", "idempotent"]
)
def test_a_block_refuses_what_is_for_single_steps(key):
    """By name, with what to do instead."""
    ((code, line, column, message, hint),) = complaints(f"steps: [{{block: [{{command: a}}], {key}: x}}]\n")

    assert (code, line, column, message) == ("E401", 3, 33, f'a block can\'t have "{key}"')
    assert hint


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        (
            "[{command: a, rescue: [{command: b}]}]",
            ("E401", 22, 'a step can\'t have "rescue"', 'it belongs to a block: write "block: [STEPS]" beside it'),
        ),
        (
            "[{block: [{command: a}], command: b}]",
            ("E403", 33, 'a step has exactly one kind; this one has "block" and "command"', "make it two steps"),
        ),
        ("[{block: []}]", ("E219", 17, '"block" is empty; expected a list', "")),
        ("[{block: {command: a}}]", ("E311", 17, "got a mapping of 1 key, expected a list", "")),
        ("[{blok: [{command: a}]}]", ("E401", 10, 'unknown key "blok"', 'did you mean "block"?')),
        (
            "[{block: [{command: a}], rescue: {on: [changed], steps: [{command: b}]}}]",
            ("E406", 47, 'got the text "changed", expected failed, timed_out, unreachable or unknown', ""),
        ),
        (
            "[{flush: handlers, retry: {}}]",
            ("E401", 27, 'flush can\'t have "retry"', "say it of the handlers"),
        ),
        ("[{flush: all}]", ("E406", 17, 'got the text "all", expected handlers', "")),
        (
            "[{command: a, once: host}]",
            ("E406", 28, 'got the text "host", expected run or wave', "for example: once: run"),
        ),
        ("[{command: a, throttle: 0}]", ("E406", 32, "got the number 0, expected a whole number from 1 up", "")),
        (
            "[{command: a, tags: [not]}]",
            (
                "E406",
                29,
                'got the text "not", expected a tag of letters, digits and _ . : / -, but not and, or, not',
                "",
            ),
        ),
        (
            "[{command: a, run_once: true}]",
            ("E401", 22, 'unknown key "run_once"', 'Ansible\'s "run_once" is written "once: run" here'),
        ),
    ],
)
def test_what_is_wrong_with_blocks_is_said_at_its_place(steps, expected):
    """Each fault has its code, place, words and hint."""
    ((code, _, column, message, hint),) = complaints(f"steps: {steps}\n")

    assert (code, column, message, hint) == expected


def test_faults_inside_a_faulty_block_are_told_too():
    """One fault does not hide another."""
    found = complaints(
        "steps: [{block: [{comand: a}], retry: 1, rescue: [{command: b, timeot: 1}], always: [{shel: c}]}]\n"
    )

    assert [(code, column) for code, _, column, _, _ in found] == [
        ("E401", 19),
        ("E401", 32),
        ("E401", 64),
        ("E401", 87),
    ]


def test_a_step_needs_steps_before_it_in_its_list():
    """Also a block, by its id, and among the steps of a block."""
    play = play_of(
        "steps:\n- {name: one step, command: a}\n- {id: two, block: [{command: b, id: x}, {command: c, needs: [x]}]}\n"
        "- {command: d, needs: [one-step, two]}\n"
    )

    assert [step.needs for step in leaves(play.steps)] == [(), (), ("x",), ("one-step", "two")]


@pytest.mark.parametrize(
    ("steps", "message", "hint"),
    [
        ("[{command: a}, {command: b, needs: comand}]", 'there is no step "comand" to need', 'did you mean "command"?'),
        ("[{command: b, needs: x, id: x}]", 'the step "x" needs itself', "remove it"),
        (
            "[{command: a, needs: [x]}, {command: b, id: x}]",
            '"x" stands behind this step, at play.yaml:3:52, and could never be waited for',
            "move it up: steps run in the order written",
        ),
        (
            "[{command: a, id: x}, {block: [{command: b, needs: [x]}]}]",
            '"x" stands in another list of steps, at play.yaml:3:26',
            "a step needs steps before it in its own list; for those outside write needs on the block round it",
        ),
    ],
)
def test_needs_that_cannot_be_met_are_refused(steps, message, hint):
    """Unknown, itself, later, or in another list."""
    ((code, _, _, *said),) = complaints(f"steps: {steps}\n")

    assert (code, said) == ("E404", [message, hint])


def test_needs_are_for_the_plays_own_steps():
    """Where not every host gets to, nobody could wait for all."""
    found = complaints("steps: [{command: a}]\nrollback: [{command: b, id: x}, {command: c, needs: [x]}]\n")

    assert [(code, message) for code, _, _, message, _ in found] == [("E406", '"needs" has no meaning in "rollback"')]


@pytest.mark.parametrize("section", ["always", "rollback"])
def test_what_comes_behind_all_stands_in_no_block(section):
    """In a play's own sections a step that runs once is the last of all; a block there runs on each host."""
    text = f"steps: [{{command: a}}]\n{section}: [{{block: [{{command: b, once: run}}]}}, {{command: c, once: run}}]\n"
    [(code, *_, message, hint)] = complaints(text)

    assert code == "E406"
    assert message.startswith(f'"once" has no meaning inside a block of "{section}"')
    assert hint == "write the step beside the block, or once on the block"


def test_lint_finds_the_steps_of_all_sections_in_order():
    """Blocks stand before their steps, sections in the order in which they run, and the gate apart."""
    texts, _ = read(
        "version: 1\nhosts: all\nsteps: [{block: [{command: a}], rescue: [{command: b}]}]\nhandlers: [{command: c}]\n"
        "rollback: [{command: d}]\nalways: [{command: e}]\nstrategy: {gate: [{command: f}]}\n"
    )
    (play,) = texts.plays

    assert [part.cursor.data.get("command", "block") for part in play.parts] == ["block", *"abcde"]
    assert [step.step.section for step in play.steps] == ["", "rescue", "handlers", "rollback", "always"]
    assert [check.step.id for check in play.gate] == ["gate-command"]
