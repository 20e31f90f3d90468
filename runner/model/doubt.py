"""What a journal without syncs is worth when its machine has been started anew: the end of it may be missing.

Whatever a host that had begun has no end of may have been sent, and have ended, without a word of it on disk.
"""

from runner.model.changed import changed
from runner.model.past import Past
from runner.model.past_steps import NONE
from runner.model.plan import Plan
from runner.model.playbook import leaves
from runner.model.remaining import is_over


def doubt(past: Past, plan: Plan) -> int:
    """Take every step without an end, on hosts that had begun and not ended, as one whose end is unknown.

    Gives the number of such steps.
    """
    found = 0
    for play in plan.plays:
        hosts = past.plays[play.id].hosts if play.id in past.plays else {}
        for host in hosts.values():
            if not host.is_started or is_over(host):
                continue
            for step in leaves(play.steps):
                known = host.steps.get(step.id, NONE)
                if not known.status and not known.is_open:
                    host.steps[step.id] = changed(known, is_open=True, attempt=known.attempt + 1)
                    found += 1
    return found


def is_doubtful(past: Past, boot_id: str) -> bool:
    """Whether a process of the run wrote without syncs, and its machine is not the one that is up now."""
    last = past.last
    return last is not None and last.durability == "relaxed" and bool(boot_id) and last.boot_id != boot_id
