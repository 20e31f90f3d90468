"""A host's way through steps and blocks: conditions, rescue, always, what runs once, and what waits for others."""

from collections.abc import Awaitable, Iterable, Sequence
from functools import partial

from runner.engine.crew import Crew, Part
from runner.engine.ends import Fate
from runner.engine.host import HostRun, Trouble, cleaning_up, ends_host
from runner.engine.judging import reported
from runner.engine.meetings import Claim, Settled
from runner.engine.recalling import Recalled
from runner.engine.stop import Level, Stop, Stopped
from runner.engine.task import answer_for, holds, run_step
from runner.engine.turn import Turn
from runner.errors import JournalError, RenderError
from runner.hostlist import fold
from runner.model.outcome import Outcome, Status, failed
from runner.model.past_steps import LOST
from runner.model.playbook import Block, Node, Step, leaves, nodes_of

FALSE = "its condition is false"


class Walk:
    """One host on its way. ``crew`` are the others of its wave, None where a host works by itself.

    ``blocks`` are those that it is in, each with the stop that ends its steps. ``is_alone`` in a block that runs once:
    the others are not meant to come there, so it waits for nobody. ``anew``: what ended well before this process is
    done again.
    """

    def __init__(
        self,
        host: HostRun,
        turn: Turn,
        crew: Crew | None = None,
        *,
        blocks: list[tuple[Block, Stop]] | None = None,
        is_alone: bool = False,
        anew: bool = False,
    ) -> None:
        self._host = host
        self._turn = turn
        self._crew = crew
        self._blocks = blocks if blocks is not None else []
        self._is_alone = is_alone
        self._past = Recalled({} if anew else host.past)

    async def through(self, nodes: Iterable[Node]) -> Trouble | None:
        """Run all nodes, or those before the first that ends it; gives why, if one did. Raises nothing of theirs."""
        for node in nodes:
            trouble = await self._one(node)
            if trouble is not None and not self._goes_on(node, trouble):
                return trouble
        return None

    async def handlers(self) -> Trouble | None:
        """Run the handlers that were notified, each at most once, in the order in which they are written."""
        walk = self._beside(self._turn, is_alone=self._is_alone, anew=True)
        for handler in self._turn.play.handlers:
            if handler.id in self._host.pending and handler.once is None:
                trouble = await walk._one(handler)  # noqa: SLF001 - its own kind
                self._host.pending.pop(handler.id, None)
                if trouble is not None and not self._goes_on(handler, trouble):
                    return trouble
        return None

    async def always(self, nodes: Sequence[Node]) -> Trouble | None:
        """Run nodes whatever happened, stops included."""
        if self._crew is not None:
            await self._crew.clean_up(self._host, self._turn.stop)
        with cleaning_up(self._host, self._turn.stop) as stop:
            return await self._beside(self._turn.under(stop), is_alone=self._is_alone, anew=True).through(nodes)

    def _beside(self, turn: Turn, *, is_alone: bool, anew: bool = False) -> "Walk":
        """The same host in the same place, under another stop or by itself."""
        anew = anew or self._past.is_empty
        return Walk(self._host, turn, self._crew, blocks=self._blocks, is_alone=is_alone, anew=anew)

    def fits(self, node: Node) -> bool:
        """Whether the host can do a node at all: its condition holds, and the host is there, or not asked."""
        is_there = not self._host.is_lost or all(self._is_elsewhere(step) for step in leaves([node]))
        return is_there and self._may_run(node)

    def _goes_on(self, node: Node, trouble: Trouble) -> bool:
        if trouble.ends_host or node.on_failure == "stop":
            return False
        if node.on_failure == "continue":
            self._host.take(trouble)
        else:
            self._host.ignore()
        return True

    async def _one(self, node: Node) -> Trouble | None:
        if self._turn.stop.level >= Level.STOP:
            return self._stopped(node)
        if isinstance(node, Step) and self._host.is_lost and not self._is_elsewhere(node):
            return self._ended(node, Outcome(Status.SKIPPED, message=LOST))
        crew = self._crew
        if self._past.stands(node) and not (crew is not None and crew.waits_again(node)):
            return self._recall(node)
        return await (self._do(node) if crew is None or not crew.concerns(node) else self._with_others(node, crew))

    async def _with_others(self, node: Node, crew: Crew) -> Trouble | None:
        if self._is_alone:
            return await self._by_itself(node, crew)
        waits = bool(node.needs or node.once)
        if crew.is_lockstep and (waits or isinstance(node, Step) or not self._host.started):
            return await self._in_step(node, crew)
        return await self._among(node, crew)

    def _recall(self, node: Node) -> Trouble | None:
        """It was done before this process: for those who wait for it, too."""
        trouble = None
        for step in leaves([node], everything=True):
            if step.id in self._host.past:
                trouble = self._host.recall(step) or trouble
        if self._past.is_fine(node):
            trouble = None
        if self._crew is not None:
            for inner in reversed(list(nodes_of([node]))[1:]):  # those inside others first
                self._crew.done(self._host.name, inner, well=self._past.is_fine(inner))
            self._crew.done(self._host.name, node, well=_is_fine(node, trouble))
        return trouble

    async def _in_step(self, node: Node, crew: Crew) -> Trouble | None:
        """Lockstep: when all have come as far. A host that has not begun does so before it looks at a block, too.

        Where it went badly it keeps its place: if that ends the host, it is counted before another takes it.
        """
        first = next(leaves([node]))
        if not await crew.arrive(self._host, first, self._turn.stop):
            return self._stopped(node)
        trouble = await self._among(node, crew)
        if trouble is None:
            crew.release(self._host)
        return trouble

    def _stopped(self, node: Node) -> Trouble:
        return Trouble(Status.CANCELLED, node.id, self._turn.stop.reason)

    def _is_elsewhere(self, step: Step) -> bool:
        """Whether a step asks nothing of its own host."""
        if step.delegate_to is not None:
            return True
        return step.kind != "flush" and not self._turn.run.kinds[step.kind].on_host(step.params)

    # with others

    async def _among(self, node: Node, crew: Crew) -> Trouble | None:
        trouble = await self._in_turn(node, crew)
        crew.done(self._host.name, node, well=_is_fine(node, trouble))
        return trouble

    async def _in_turn(self, node: Node, crew: Crew) -> Trouble | None:
        missed = await self._needs(node, crew)
        if missed is not None:
            return missed if isinstance(missed, Trouble) else self._ended(node, missed)
        claim = crew.claims.get(node.id)
        return await (self._do(node) if claim is None else self._once(node, claim, crew))

    async def _needs(self, node: Node, crew: Crew) -> Trouble | Outcome | None:
        """Wait for what all hosts of the wave must have ended well; gives what a stop, or a bad end, makes of it."""
        for need in node.needs:
            meeting, stop = crew.meetings[need], self._turn.stop
            waiting = meeting.wait(self._host.name, stop)
            if not meeting.is_over and not await crew.aside(self._host, waiting, stop):
                return self._stopped(node)
            waiting.close()
            if meeting.bad:
                if stop.level >= Level.DRAIN:  # those that are missing were kept out
                    return self._stopped(node)
                return _missed(need, meeting.bad)
        return None

    async def _once(self, node: Node, claim: Claim, crew: Crew) -> Trouble | None:
        host, stop = self._host, self._turn.stop
        if claim.settled is None:
            is_mine = self._may_run(node)
            if not is_mine:
                claim.pass_on(host.name)
            waiting = claim.turn(host.name, stop) if is_mine else claim.end(host.name, stop)
            is_ready = claim.is_next(host.name) if is_mine else claim.is_exhausted
            if not is_ready and not await crew.aside(host, waiting, stop):
                return self._stopped(node)
            waiting.close()
            if is_mine and claim.settled is None:
                return await self._claimed(node, claim)
        return self._follow(node, claim.settled)

    def _may_run(self, node: Node) -> bool:
        """Whether the node's condition holds here; one that can't be asked makes the node fail when it runs."""
        try:
            return holds(self._turn, node)
        except RenderError:
            return True

    async def _claimed(self, node: Node, claim: Claim) -> Trouble | None:
        """Run for all, and so by itself. A host that never got to it leaves it to the next."""
        before = self._host.acts
        trouble = await self._beside(self._turn, is_alone=True)._do(node)  # noqa: SLF001 - its own kind
        if trouble is not None and self._host.acts == before and trouble.ends_host:
            claim.pass_on(self._host.name)
            return trouble
        self._settle(node, claim, trouble)
        return trouble

    async def _by_itself(self, node: Node, crew: Crew) -> Trouble | None:
        """Inside a block that runs once: what it needs it has done itself, or not."""
        bad = [need for need in node.needs if self._host.name in crew.meetings[need].bad]
        missed = _missed(bad[0], [self._host.name]) if bad else None
        trouble = self._ended(node, missed) if missed else await self._for_all(node, crew)
        crew.done(self._host.name, node, well=_is_fine(node, trouble))
        return trouble

    async def _for_all(self, node: Node, crew: Crew) -> Trouble | None:
        """What runs once in the run may have done so in an earlier wave."""
        claim = crew.claims.get(node.id)
        if claim is None:
            return await self._do(node)
        if claim.settled is not None:
            return self._follow(node, claim.settled)
        before = self._host.acts
        trouble = await self._do(node)
        if self._host.acts > before or (trouble is not None and not trouble.ends_host):
            self._settle(node, claim, trouble)
        return trouble

    def _settle(self, node: Node, claim: Claim, trouble: Trouble | None) -> None:
        """Let all have what came of a node that ran once."""
        share(self._turn, node)
        if trouble is None or _is_fine(node, trouble):
            claim.settle(Settled(self._host.name))
        elif trouble.status is Status.CANCELLED:
            claim.settle(Settled(self._host.name, trouble.reason, is_cancelled=True))
        else:
            claim.settle(Settled(self._host.name, f"{trouble.status}: {trouble}"))

    def _follow(self, node: Node, settled: Settled | None) -> Trouble | None:
        """Another host has run it, or nobody does."""
        if settled is None:
            return self._ended(node, Outcome(Status.SKIPPED, message=FALSE))
        if settled.trouble is None:
            return self._ended(node, Outcome(Status.SKIPPED, message=f"run once, on {settled.host}"), again=True)
        if settled.is_cancelled:
            return Trouble(Status.CANCELLED, node.id, settled.trouble)
        words = f"run once, on {settled.host}, where it ended {settled.trouble}"
        return self._ended(node, failed(words, temporary=False), again=True)

    def _ended(self, node: Node, outcome: Outcome, *, again: bool = False) -> Trouble | None:
        """End a node that does not run here: each of its steps is skipped, or the first has failed."""
        trouble = None
        for step in leaves([node]):
            ended = answer_for(self._turn, step, outcome, again=again, taken=partial(self._taken_of, node))
            trouble = trouble or self._host.weigh(step, ended)
            if not outcome.status.is_well:
                break
        if isinstance(node, Block) and not outcome.status.is_well:
            trouble = Trouble(outcome.status, node.id, outcome.message)
        if self._crew is not None and outcome.status is Status.SKIPPED:
            self._crew.done(self._host.name, node, well=True, skipped=True)
        return trouble

    # steps and blocks

    def _do(self, node: Node) -> Awaitable[Trouble | None]:
        if isinstance(node, Block):
            return self._block(node)
        if node.kind == "flush":
            return self._flush(node)
        return self._run(node) if node.throttle is None else self._throttled(node)

    async def _throttled(self, step: Step) -> Trouble | None:
        turn = self._turn
        try:
            async with turn.run.lanes.step(turn.play.id, step, turn.stop):
                return await self._run(step)
        except Stopped:
            return self._stopped(step)

    async def _run(self, step: Step) -> Trouble | None:
        run = self._turn.run
        try:
            return self._host.weigh(step, await run_step(self._turn, step, self._taken))
        except JournalError as error:
            # Its intent is not on disk, so nothing was sent. Others finish what runs; nothing new starts.
            run.fatal = run.fatal or error
            run.stop.raise_to(Level.STOP, error.message)
            return Trouble(Status.CANCELLED, step.id, error.message)
        except Exception as error:  # noqa: BLE001 - a fault in one host's step must not end the others
            file = reported(self._turn, step, error)
            return Trouble(Status.FAILED, step.id, f"a fault in runner: {type(error).__name__}; see {file}")

    async def _flush(self, step: Step) -> Trouble | None:
        if not self._may_run(step):
            return self._ended(step, Outcome(Status.SKIPPED, message=FALSE))
        trouble = await self.handlers()
        if trouble is None:
            self._host.weigh(step, answer_for(self._turn, step, Outcome(Status.OK)))
        return trouble

    async def _block(self, block: Block) -> Trouble | None:
        try:
            is_on = self._past.has_begun(block) or holds(self._turn, block)
        except RenderError as error:
            words = error.message if error.location is None else f"{error.location}: {error.message}"
            return self._ended(block, failed(words, temporary=False))
        if not is_on:
            return self._ended(block, Outcome(Status.SKIPPED, message=FALSE))
        self._blocks.append((block, self._turn.stop))
        trouble = await self.through(block.steps)
        self._blocks.pop()
        self._over(block, "steps")
        if trouble is not None and _rescues(block, self._turn.stop, trouble.status):
            worse = await self.through(block.rescue)
            # A host that is lost stays so, whatever was done about it elsewhere.
            trouble = worse or (trouble if trouble.ends_host else None)
        self._over(block, "rescue")
        after = await self.always(block.always) if block.always else None
        self._show(block)
        return trouble or after

    def _over(self, block: Block, part: Part) -> None:
        if self._crew is not None:
            self._crew.over(self._host.name, block, part)

    def _taken_of(self, node: Node, status: Status) -> Fate:
        """The same of a node that did not run: a block that fails at its start is not rescued, but may be ignored."""
        if isinstance(node, Block) and node.on_failure != "stop":
            return "ignored" if node.on_failure == "ignore" else ""
        return self._taken(status)

    def _taken(self, status: Status) -> Fate:
        """What a block round the step makes of an end in this status."""
        for block, stop in reversed(self._blocks):
            if _rescues(block, stop, status):
                return "rescued"
            if block.on_failure != "stop" and not ends_host(status):
                return "ignored" if block.on_failure == "ignore" else ""
        return ""

    def _show(self, block: Block) -> None:
        """What an include registered, under the name that is known outside."""
        if block.register is None:
            return
        inner, outer = dict(self._turn.kept(block.opens)), self._turn.kept(block.frame)
        if self._turn.play.frames[block.opens].has_item:
            before = outer.get(block.register, {"results": []})["results"]
            outer[block.register] = {"results": [*before, inner]}
        else:
            outer[block.register] = inner


def _missed(need: str, hosts: Sequence[str]) -> Outcome:
    words = f'needs "{need}", which did not end well on {fold(hosts)}'
    return failed(words, temporary=False)


def _is_fine(node: Node, trouble: Trouble | None) -> bool:
    """Whether a node has ended well for those that need it."""
    return trouble is None or (node.on_failure == "ignore" and not trouble.ends_host)


def _rescues(block: Block, stop: Stop, status: Status) -> bool:
    """Whether a block does something about an end in this status; nothing new starts under a stop."""
    return bool(block.rescue) and status in block.rescue_on and stop.level < Level.STOP


def share(turn: Turn, node: Node) -> None:
    """Give what a node that ran once has registered and set to all hosts."""
    names = {(step.frame, name) for step in leaves([node], everything=True) for name in given_by(step)}
    if isinstance(node, Block) and node.register:
        names.add((node.frame, node.register))
    for frame, name in names:
        own = turn.kept(frame)
        if name not in own:
            continue
        for other in turn.run.plan.hosts if not frame else turn.play.hosts:
            if frame:
                turn.run.inner.setdefault((other, turn.play.id, frame), {})[name] = own[name]
            else:
                turn.run.results.setdefault(other, {})[name] = own[name]


def given_by(step: Step) -> tuple[str, ...]:
    """The names that exist once a step has run."""
    given = tuple(step.params["values"]) if step.kind == "set" else ()
    return (*given, step.register) if step.register else given
