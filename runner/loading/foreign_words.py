"""Words of other tools and what they are here: people bring their habits, and deserve a straight answer."""

from collections.abc import Iterable

ANSIBLE = {
    "tasks": 'called "steps"',
    "pre_tasks": 'written as the first of "steps"',
    "post_tasks": 'written as the last of "steps"',
    "become_user": 'written "become: {user: NAME}"',
    "become_method": 'written "become: {method: sudo}"',
    "become_pass": 'written "become: {password: SECRET}"',
    "remote_user": 'written "ssh: {user: NAME}" in the inventory',
    "with_items": 'called "loop"',
    "with_list": 'called "loop"',
    "with_dict": 'called "loop"',
    "with_sequence": 'called "loop"',
    "loop_control": 'written "loop_label"',
    "serial": 'written "strategy: {type: rolling, waves: …}"',
    "forks": 'written "strategy: {concurrency: …}"',
    "max_fail_percentage": 'written "strategy: {max_failure_percent: …}"',
    "any_errors_fatal": 'written "strategy: {max_failures: 0, on_exceed: kill}"',
    "gather_facts": "not needed: nothing is gathered unasked",
    "ignore_errors": 'written "on_failure: ignore"',
    "ignore_unreachable": "not there: a lost host always stops",
    "retries": 'written "retry: {attempts: …}"',
    "delay": 'written "retry: {delay: …}"',
    "until": 'written "retry: {until: …}"',
    "environment": 'called "env"',
    "chdir": 'called "cwd"',
    "no_log": 'called "sensitive"',
    "async": 'written "timeout: …"',
    "debug": 'called "log"',
    "set_fact": 'called "set"',
    "uri": 'called "http"',
    "raw": 'called "shell"',
    "get_url": 'written with "http" or "command: [curl, …]"',
    "fail": 'written "assert: {that: false, message: …}"',
}
"""Ansible's words, and how each is said here."""


def foreign(word: str, known: Iterable[str]) -> str:
    """``Ansible's "tasks" is called "steps" here``, or nothing. ``known`` are the words that could stand here."""
    short = word.removeprefix("ansible.builtin.").removeprefix("ansible.legacy.")
    if short != word and short in known:
        return f'Ansible\'s "{word}" is called "{short}" here'
    return f'Ansible\'s "{word}" is {ANSIBLE[short]} here' if short in ANSIBLE else ""
