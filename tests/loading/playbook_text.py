"""Playbooks in memory, for tests of what they become."""

from pathlib import Path

from runner.loading.documents import Problems, read_text
from runner.loading.playbook import playbook_of
from runner.steps import kinds

HEAD = "version: 1\nhosts: all\n"


def read(text):
    """The texts of a playbook, and its problems."""
    problems = Problems()
    document = read_text(text, "play.yaml", problems)
    return playbook_of(document, problems, kinds(), cwd=Path.cwd()), problems


def play_of(text):
    """The only play of a playbook without its head, which must be sound."""
    texts, problems = read(HEAD + text)
    assert [problem.message for problem in problems.items] == []
    return texts.playbook.plays[0]


def complaints(text):
    """Everything that is wrong with a playbook without its head: code, line, column, message and hint."""
    _, problems = read(HEAD + text)
    return [(p.code, p.location.line, p.location.column, p.message, p.hint) for p in problems.in_order()]
