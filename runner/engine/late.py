"""Steps of ``handlers``, ``always`` and ``rollback`` that run once: last, when the last host has done the rest.

Each runs on the first host, in order, that can be reached: so what was set once before all is unset once after all.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Literal

from runner.engine.host import HostRun, Trouble
from runner.engine.stop import Level
from runner.engine.walk import Walk
from runner.model.outcome import HostStatus, Status
from runner.model.playbook import Node

if TYPE_CHECKING:
    from runner.engine.play import PlayRun

Scope = Literal["run", "wave"]
Work = Callable[[HostRun, Node], Awaitable[Trouble | None]]


async def late(play: "PlayRun", scope: Scope, names: Iterable[str]) -> None:
    """Run the late handlers that were notified, and then the late steps of ``always``, among hosts that started."""
    hosts = [play.hosts[name] for name in names if name in play.hosts]
    for node in once_in(play.play.handlers, scope):
        notified = [host for host in hosts if node.id in host.pending]
        if notified and play.stop.level < Level.STOP:
            await on_first(play, node, notified, lambda host, node: Walk(host, host.turn, anew=True).through([node]))
    for node in once_in(play.play.always, scope):
        await on_first(play, node, hosts, _whatever)


def once_in(nodes: Sequence[Node], scope: Scope) -> list[Node]:
    """The nodes that run once in the wave, or in the run."""
    return [node for node in nodes if node.once == scope]


async def on_first(play: "PlayRun", node: Node, hosts: Sequence[HostRun], work: Work) -> None:
    """Run a node on the first host that it is for and that can be reached; its failure is that host's.

    Where there is none it is skipped on the first of all.
    """
    was_tried = False
    for host in hosts:
        if Walk(host, host.turn).fits(node):
            was_tried = True
            if await _has_run(play, node, host, work):
                return
    if hosts and not was_tried:
        await _has_run(play, node, hosts[0], work)


async def _has_run(play: "PlayRun", node: Node, host: HostRun, work: Work) -> bool:
    """Try a node on a host; False where the host turned out to be out of reach."""
    host.start(node.section)
    before = host.acts
    if is_back := host.status is HostStatus.ROLLED_BACK:
        host.go_back()
    trouble = await work(host, node)
    if trouble is not None:
        host.take(trouble)
    if is_back:
        host.came_back()
    status = play.statuses[host.name] = host.end()
    if status.counts:
        play.spending.spend(host.turn.wave, host.name)
    return trouble is None or trouble.status is not Status.UNREACHABLE or host.acts > before


async def _whatever(host: HostRun, node: Node) -> Trouble | None:
    """Run a node though the run was stopped."""
    return await Walk(host, host.turn).always([node])
