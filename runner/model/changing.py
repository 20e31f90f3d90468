"""Which steps may change something on a host, as far as the playbook says; pure."""

from runner.model.playbook import Step

QUIET = frozenset({"approve", "assert", "facts", "fetch", "flush", "log", "pause", "ping", "set", "tcp", "wait_for"})
"""Kinds that change nothing on a host."""

READING = frozenset({"GET", "HEAD"})
"""Methods of ``http`` that change nothing."""


def may_change(step: Step) -> bool:
    """Whether a step may leave its host other than it was."""
    if step.kind == "http":
        return step.params.get("method", "GET") not in READING and not step.read_only
    return not step.read_only and step.kind not in QUIET and step.changed_when is not False
