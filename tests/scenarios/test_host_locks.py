"""``lock: hosts``: all hosts or none, on scripted hosts that several runs share."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace as changed
from scenario import STARTED, Ran, Recorder, gone, scenario, stopping

from runner.app.plans import plan_ready
from runner.engine.context import Run
from runner.engine.lanes import Lanes
from runner.engine.run import run_plan
from runner.engine.sessions import Sessions
from runner.engine.stop import Level, Stop
from runner.errors import ConnectError, JournalError, LockError
from runner.host_lock import BEAT, RELEASE, SETTLE, TAKE, Claim
from runner.model.events import HostConnecting, HostEnded, LockReleased, LockTaken, StepIntent, Warned, WaveStarted
from runner.model.inventory import Host
from runner.transports.fake import Answer, Connection, Fake, Sent

PLAY = "version: 1\nlock: hosts\nhosts: web*\nsteps: [{command: one}]\n"
ADA = Claim("a" * 16, "r1", "ada", "laptop", "runner lock release site.yaml --host-lock ")
BOB = Claim("b" * 16, "r2", "bob", "desk", "runner lock release site.yaml --host-lock ")


@dataclass
class Hosts:
    """Hosts with locks: who has each, since when. ``slow`` gives seconds for each answer, ``answer`` other answers."""

    owners: dict[str, tuple[str, str, float]] = field(default_factory=dict)
    settled: set[str] = field(default_factory=set)
    beats: list[tuple[float, str]] = field(default_factory=list)
    slow: Callable[[Sent], float] = lambda _: 0.01
    answer: Callable[[Sent], Answer | None] = lambda _: None
    delay: float = 60.0

    def script(self, sent: Sent) -> Answer:
        """What a host says."""
        given = self.answer(sent)
        if given is not None:
            return given
        if sent.command.script == BEAT:
            self.beats.append((sent.time, sent.host))
            return Answer()
        if sent.command.script == SETTLE:
            self.settled.add(sent.command.args[0])
            return Answer()
        if sent.command.script not in {TAKE, RELEASE}:
            return Answer(duration=self.delay)
        return Answer(stdout=self.said(sent).encode(), duration=self.slow(sent))

    def said(self, sent: Sent) -> str:
        """As the scripts do."""
        lock_id, *line = sent.command.args
        if sent.command.script == RELEASE:
            had = self.owners.get(sent.host, ("", "", 0.0))[0] == lock_id
            if had:
                del self.owners[sent.host]
            return "released\n" if had else "gone\n"
        if sent.host not in self.owners:
            self.owners[sent.host] = (lock_id, line[0], sent.time)
            return "taken x\n"
        owner, text, since = self.owners[sent.host]
        if owner == lock_id:
            return "mine x\n"
        settled = "settled\n" if owner in self.settled else ""
        return f"held x\nnow {1e9 + sent.time:.0f}\nid {owner}\n{settled}owner {text}\nsince {1e9 + since:.0f}\n"

    def had(self, claim: Claim, *names: str, since: float = 0.0) -> "Hosts":
        """Some have been locked before."""
        self.owners |= dict.fromkeys(names, (claim.id, claim.line, since))
        return self


def locked(run: Run, claim: Claim = ADA) -> None:
    """Let a run put this on its hosts."""
    run.claim = claim


def played(folder: Path, there: Hosts, playbook: str = PLAY, **options: Any) -> Ran:
    """A run under ``lock: hosts``."""
    during = options.pop("during", lambda _: None)

    def both(run: Run) -> None:
        locked(run)
        during(run)

    fake = options.pop("fake", None) or Fake(there.script)
    return scenario(playbook, folder, fake=fake, during=both, **options)


def test_all_hosts_are_locked_before_the_first_step_and_released_after_the_last(tmp_path: Path) -> None:
    """At one round trip each, for all at once; the records say so, and no lock is left."""
    hosts = Hosts()

    run = played(tmp_path, hosts, hosts="web[01-05]")

    (taken,), (released,) = run.all(LockTaken), run.all(LockReleased)
    names = [f"web0{number}" for number in range(1, 6)]
    assert (taken.scope, taken.id, list(taken.hosts)) == ("hosts", ADA.id, names)
    assert (released.id, list(released.hosts)) == (ADA.id, names)
    assert run.at(taken) == pytest.approx(0.01)
    assert all(run.at(event) >= run.at(taken) for event in run.all(StepIntent))
    assert run.at(released) >= max(run.at(event) for event in run.all(HostEnded))
    assert len(run.fake.connects) == 5
    assert hosts.owners == {}


def test_without_the_key_nothing_is_asked_of_a_host(tmp_path: Path) -> None:
    """It costs nothing."""
    run = scenario(PLAY, tmp_path, Hosts().script)

    assert set(run.commands()) == {"one"}


def test_it_costs_two_round_trips_before_the_first_step_and_one_after_the_last(tmp_path: Path) -> None:
    """However many hosts there are: the lock is asked for, all is said to be there, the lock is given back."""
    hosts = Hosts(delay=1, slow=lambda _: 1)
    hosts.answer = lambda sent: Answer(duration=1) if sent.command.script == SETTLE else None

    locked = played(tmp_path, hosts, hosts="web[01-50]")
    free = scenario(PLAY, tmp_path, Hosts(delay=1).script, hosts="web[01-50]")

    assert locked.seconds - free.seconds == pytest.approx(3)


def test_one_host_that_another_run_has_keeps_this_one_from_all(tmp_path: Path) -> None:
    """It gives back what it got, runs nothing, and says whose the host is, since when, and how to release it."""
    hosts = Hosts().had(BOB, "web03", since=-120)

    run = played(tmp_path, hosts, hosts="web[01-05]")

    assert isinstance(run.error, LockError)
    assert run.error.message == (
        "web03 is locked by run r2 of bob on desk, since 2m; no sign of life for 2m, so that run may be dead"
    )
    assert run.error.hint == f"where that run is surely over: runner lock release site.yaml --host-lock {BOB.id}"
    assert set(run.statuses().values()) == {"not_run"}
    assert not run.all(StepIntent) + run.all(LockTaken) + run.all(LockReleased) + run.all(WaveStarted)
    assert set(hosts.owners) == {"web03"}
    assert run.seconds < 1


def test_the_hosts_of_one_owner_are_named_together(tmp_path: Path) -> None:
    """Three of them; the rest as a number. A run of this machine can also be gone on with."""
    here = replace(BOB, controller=ADA.controller)

    run = played(tmp_path, Hosts().had(here, *(f"web0{n}" for n in range(1, 6)), since=-60), hosts="web[01-05]")

    assert run.error is not None
    assert str(run.error).startswith("web01, web02, web03 and 2 more hosts are locked by run r2 of bob on laptop")
    assert run.error.hint.endswith(f"--host-lock {BOB.id}, or go on with it: runner resume r2")  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "answer", [b"cannot mkdir: No space left on device\n", b"odd /var/tmp/.runner-lock\n", b"hm\n", b""]
)
def test_a_host_that_cannot_hold_a_lock_keeps_the_run_from_all(tmp_path: Path, answer: bytes) -> None:
    """A run that is locked on some hosts only is not locked."""
    hosts = Hosts(answer=lambda sent: Answer(stdout=answer) if sent.host == "web02" and sent.command.script else None)

    run = played(tmp_path, hosts, hosts="web[01-03]")

    assert isinstance(run.error, LockError)
    assert run.error.message.startswith("web02 is not to be locked: ")
    assert set(run.statuses().values()) == {"not_run"}
    assert hosts.owners == {}


def test_what_an_earlier_process_of_the_run_has_is_its_own(tmp_path: Path) -> None:
    """It was killed; whoever goes on with the run has the same id."""
    hosts = Hosts().had(ADA, "web01", "web02", since=-3600)

    run = played(tmp_path, hosts, hosts="web[01-03]")

    assert set(run.statuses().values()) == {"changed"}
    assert hosts.owners == {}
    assert not run.all(Warned)


def test_an_unreachable_host_fails_alone_and_takes_no_part_any_more(tmp_path: Path) -> None:
    """It has no lock: also when it comes back, as here for the second try, nothing is run on it."""
    hosts = Hosts()

    def connecting(host: Host, attempt: int) -> Connection:
        is_away = host.name == "web02" and attempt == 1
        return Connection(error=ConnectError("refused", "nobody listens") if is_away else None)

    run = played(tmp_path, hosts, fake=Fake(hosts.script, connecting), hosts="web[01-03]")

    assert run.statuses() == {"web01": "changed", "web02": "unreachable", "web03": "changed"}
    assert run.all(HostEnded, host="web02")[0].reason.endswith(
        "nobody listens; it has no lock, and so no part in this run"
    )
    assert [event.attempt for event in run.all(HostConnecting, host="web02")] == [1]
    assert run.error is None


def test_what_preflight_did_not_reach_is_not_asked_again(tmp_path: Path) -> None:
    """It counts against the budget as without locks."""
    hosts = Hosts()
    play = PLAY + "strategy: {type: rolling, waves: 2, max_failures: 1}\n"

    run = played(tmp_path, hosts, play, fake=gone("web02", script=hosts.script), hosts="web[01-03]")

    assert run.statuses() == {"web01": "changed", "web02": "unreachable", "web03": "changed"}
    assert [host for _, host in run.fake.connects].count("web02") == 1
    assert hosts.owners == {}


def test_a_lost_answer_is_asked_for_again(tmp_path: Path) -> None:
    """The host may have heard: then the lock is there, and ours."""
    hosts, lost = Hosts(), []

    def answer(sent: Sent) -> Answer | None:
        if sent.host == "web02" and sent.command.script == TAKE and not lost:
            lost.append(hosts.said(sent))
            return Answer(lost="the connection went away", duration=1)
        return None

    hosts.answer = answer
    run = played(tmp_path, hosts, hosts="web[01-03]")

    assert set(run.statuses().values()) == {"changed"}
    assert hosts.owners == {}


def test_a_host_that_never_answers_is_given_up_and_its_lock_told_of(tmp_path: Path) -> None:
    """It may have our lock all the same: who reads the warning can release it."""
    hosts = Hosts()
    hosts.answer = lambda sent: (
        Answer(duration=1e6) if sent.host == "web02" and sent.command.script in {TAKE, RELEASE} else None
    )

    run = played(tmp_path, hosts, hosts="web[01-03]")

    assert run.statuses()["web02"] == "unreachable"
    assert [(event.message, event.hint) for event in run.all(Warned)] == [
        (
            "the lock of web02 could not be given back",
            f"release them: runner lock release site.yaml --host-lock {ADA.id}",
        )
    ]


def test_what_somebody_released_meanwhile_is_told(tmp_path: Path) -> None:
    """The run has gone on without its lock, and another may have been at work beside it."""
    hosts = Hosts()

    def rob(_: Run) -> None:
        asyncio.get_running_loop().call_later(10, hosts.owners.pop, "web02")

    run = played(tmp_path, hosts, during=rob, hosts="web[01-03]")

    assert [event.message for event in run.all(Warned)] == ["somebody else released the lock of web02 during the run"]
    assert list(run.all(LockReleased)[0].hosts) == ["web01", "web03"]


@pytest.mark.parametrize("level", [Level.STOP, Level.KILL])
@pytest.mark.parametrize("at", [0.001, 0.015, 30])
def test_locks_are_given_back_however_the_run_ends(tmp_path: Path, at: float, level: Level) -> None:
    """While they are taken, just after, and in mid-step."""
    hosts = Hosts()

    run = played(tmp_path, hosts, during=stopping((at, level)), hosts="web[01-03]")

    assert hosts.owners == {}
    assert run.error is None


def test_locks_are_given_back_where_the_journal_cannot_be_written(tmp_path: Path) -> None:
    """A run without records starts nothing, and leaves nothing."""
    hosts = Hosts()

    run = played(tmp_path, hosts, recorder=Recorder(fails_at=9), hosts="web[01-03]")

    assert isinstance(run.error, JournalError)
    assert hosts.owners == {}
    assert not [command for command in run.commands() if command == "one"]


def test_signs_of_life_go_out_beside_the_steps(tmp_path: Path) -> None:
    """Every thirty seconds, on connections that are open; one that was lost is not opened for them."""
    hosts = Hosts(delay=100)
    hosts.answer = lambda sent: (
        Answer(lost="gone", duration=45) if sent.text == "one" and sent.host == "web02" else None
    )

    def connecting(_: Host, attempt: int) -> Connection:
        return Connection(error=ConnectError("refused", "down") if attempt > 1 else None)

    run = played(tmp_path, hosts, fake=Fake(hosts.script, connecting), hosts="web[01-02]")

    assert [time for time, host in hosts.beats if host == "web01"] == pytest.approx([30, 60, 90], abs=0.1)
    assert [time for time, host in hosts.beats if host == "web02"] == pytest.approx([30], abs=0.1)
    assert not [time for time, _ in run.fake.connects if 50 < time < 100]
    assert run.seconds == pytest.approx(100, abs=1)


# -- two runs at once


@dataclass
class Two:
    """What came of two controllers that started with these hosts: the ends of hosts, and the errors."""

    first: dict[str, str]
    second: dict[str, str]
    errors: list[str]
    seconds: float


FIRST, SECOND = "web01 web02 web03 web04 web05", "web04 web05 web06 web07 web08"


def two(
    folder: Path,
    hosts: Hosts,
    *,
    claims: tuple[Claim, Claim] = (ADA, BOB),
    late: float = 0.0,
    connecting: Callable[[Host, int], Connection] = lambda _, __: Connection(),
    max_open: int | None = None,
) -> Two:
    """Two controllers with two of five hosts in common start at once, or the second one ``late``.

    Where ``max_open`` connections are too few for all hosts, each host is asked as soon as it is connected to.
    """
    recorders, errors = (Recorder(), Recorder()), []

    async def started(run: Run, seconds: float) -> None:
        await asyncio.sleep(seconds)
        try:
            await run_plan(run)
        except LockError as error:
            errors.append(error.message)

    async def work(run: Run) -> None:
        first, second = (
            replace(controller(run, names, claim, recorder), max_open=max_open)
            for names, claim, recorder in zip((FIRST, SECOND), claims, recorders, strict=True)
        )
        await asyncio.gather(started(first, 0), started(second, late))

    run = scenario(PLAY, folder, fake=Fake(hosts.script, connecting), hosts="web[01-08]", work=work)
    ends = [{e.host: e.status for e in recorder.events if isinstance(e, HostEnded)} for recorder in recorders]
    return Two(ends[0], ends[1], errors, run.seconds)


def controller(run: Run, names: str, claim: Claim, recorder: Recorder) -> Run:
    """A run of its own, on some of the hosts."""
    (play,) = run.plan.plays
    some = tuple(names.split())
    part = changed(play, hosts=some, waves=(changed(play.waves[0], hosts=some),))
    recorder.emit(STARTED)
    recorder.emit(plan_ready(changed(run.plan, plays=(part,))))
    return replace(
        run,
        plan=changed(run.plan, plays=(part,)),
        claim=claim,
        recorder=recorder,
        sessions=Sessions(run.sessions._transports, recorder),
        stop=Stop(),
        users=Counter(),
        lanes=Lanes(),
    )


ALL_WELL, NONE_RUN = {"changed"}, {"not_run"}


@pytest.mark.parametrize("claims", [(ADA, BOB), (BOB, ADA)])
def test_of_two_that_meet_half_way_one_gets_all_and_the_other_keeps_none(
    tmp_path: Path, claims: tuple[Claim, Claim]
) -> None:
    """Each has got one of the two hosts that both want: the one with the lower id waits for the other to give up."""
    slow = {("web05", 1), ("web04", 2)}
    hosts = Hosts(delay=1)

    def connecting(host: Host, attempt: int) -> Connection:
        return Connection(0.5 if (host.name, attempt) in slow else 0.1)

    both = two(tmp_path, hosts, claims=claims, connecting=connecting, max_open=1)

    won, lost = (both.first, both.second) if claims[0] is ADA else (both.second, both.first)
    assert set(won.values()) == ALL_WELL
    assert set(lost.values()) == NONE_RUN
    assert len(both.errors) == 1
    assert hosts.owners == {}
    assert both.seconds < 3


def test_a_run_that_has_all_its_hosts_is_not_waited_for(tmp_path: Path) -> None:
    """It says so on each of them; the one that comes a moment late ends at once, whatever its id."""
    both = two(tmp_path, Hosts(delay=1), claims=(BOB, ADA), late=0.5)

    assert set(both.first.values()) == ALL_WELL
    assert set(both.second.values()) == NONE_RUN
    words = "web04, web05 are locked by run r2 of bob on desk, since 0s; its last sign of life is 0s old"
    assert both.errors == [words]


@pytest.mark.parametrize(("late", "age"), [(2, 10), (20, 20)])
def test_a_run_that_does_not_say_so_is_waited_for_a_moment(tmp_path: Path, late: float, age: int) -> None:
    """It might give up: ten seconds after it got the lock it will not."""
    hosts = Hosts(delay=60)
    hosts.answer = lambda sent: Answer(rc=1) if sent.command.script == SETTLE else None

    both = two(tmp_path, hosts, claims=(BOB, ADA), late=late)

    words = f"web04, web05 are locked by run r2 of bob on desk, since {age}s; its last sign of life is {age}s old"
    assert both.errors == [words]


HOST = st.tuples(st.sampled_from(sorted({*FIRST.split(), *SECOND.split()})), st.integers(1, 2))


@settings(deadline=None)
@given(seconds=st.dictionaries(HOST, st.floats(0, 2)), late=st.floats(0, 2), turned=st.booleans(), keeps=st.booleans())
def test_however_slow_which_host_is_one_gets_all(
    tmp_path_factory: pytest.TempPathFactory,
    seconds: dict[tuple[str, int], float],
    late: float,
    *,
    turned: bool,
    keeps: bool,
) -> None:
    """Nobody ever runs on a part, never both at once, and no lock is left."""
    hosts = Hosts(delay=30, slow=lambda sent: seconds.get((sent.host, 1), 0.01))

    both = two(
        tmp_path_factory.mktemp("two"),
        hosts,
        claims=(BOB, ADA) if turned else (ADA, BOB),
        late=late,
        connecting=lambda host, attempt: Connection(seconds.get((host.name, attempt), 0.0)),
        max_open=None if keeps else 1,
    )

    assert sorted(map(str, (set(both.first.values()), set(both.second.values())))) == ["{'changed'}", "{'not_run'}"]
    assert len(both.errors) == 1
    assert hosts.owners == {}
