"""Words of other tools are answered with what they are called here."""

import pytest
from playbook_text import complaints

STEPS = "steps: [{command: a}]\n"


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("run_once", 'Ansible\'s "run_once" is written "once: run" here'),
        ("with_nested", 'Ansible\'s "with_nested" is written "loop: {A: […], B: […]}": every combination here'),
        ("include_tasks", 'Ansible\'s "include_tasks" is written "include: {file: FILE, vars: {…}}" here'),
        ("listen", 'Ansible\'s "listen" is not there: a step names all handlers that it means under "notify" here'),
        ("local_action", 'Ansible\'s "local_action" is written "delegate_to: controller" here'),
        ("meta", 'Ansible\'s "meta" is written "flush: handlers" here'),
        ("_sudo_user", 'pyinfra\'s "_sudo_user" is written "become: {user: NAME}" here'),
        ("_catch_errors", 'Bolt\'s "_catch_errors" is written "on_failure: continue" here'),
        ("warn_only", 'Fabric\'s "warn_only" is written "on_failure: ignore" here'),
    ],
)
def test_a_word_of_a_step_is_answered(word, hint):
    """Whoever brings it learns the word for it."""
    ((code, _, _, message, said),) = complaints(f"steps: [{{command: a, {word}: x}}]\n")

    assert (code, message, said) == ("E401", f'unknown key "{word}"', hint)


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("serial", 'Ansible\'s "serial" is written "strategy: {type: rolling, waves: …}" here'),
        ("roles", 'Ansible\'s "roles" is written "include: {file: FILE, vars: {…}}" among "steps" here'),
        ("vars_prompt", 'Ansible\'s "vars_prompt" is called "inputs", or "secrets" with "prompt" here'),
        ("targets", 'Bolt\'s "targets" is called "hosts" here'),
        ("boot", 'Kamal\'s "boot" is written "strategy: {type: rolling, waves: …, bake: …}" here'),
    ],
)
def test_a_word_of_a_play_is_answered(word, hint):
    """The same at the top."""
    ((code, _, _, message, said),) = complaints(f"{STEPS}{word}: x\n")

    assert (code, message, said) == ("E401", f'unknown key "{word}"', hint)


@pytest.mark.parametrize("word", ["delegate_to", "throttle", "tags", "notify", "when", "become", "env", "register"])
def test_words_that_are_the_same_are_ours(word):
    """Nothing is said of them."""
    value = {"throttle": "1", "when": "true", "env": "{A: b}", "become": "true"}.get(word, "x")

    assert complaints(f"steps: [{{command: a, {word}: {value}}}]\nhandlers: [{{command: b, name: x}}]\n") == []
