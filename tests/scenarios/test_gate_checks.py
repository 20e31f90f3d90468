"""The gate of a wave on scripted hosts and a virtual clock: which hosts it holds back, when, and what it records."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from scenario import Ran, scenario

from runner.engine.context import Run
from runner.engine.gates import GateVerdict, run_gate
from runner.engine.stop import Level, Stop
from runner.engine.turn import Turn
from runner.errors import ConnectError
from runner.model.decision import Answer as Said
from runner.model.decision import Question
from runner.model.events import (
    ApprovalWaiting,
    GateChecked,
    GateFailed,
    GatePassed,
    HostLost,
    StepIntent,
    WaveStarted,
)
from runner.transports.fake import Answer, Connection, Fake, Script, answers

PLAYBOOK = """
version: 1
hosts: {hosts}
vars: {{word: probe}}
strategy: {{type: rolling, waves: rest, concurrency: {concurrency}, gate: {gate}}}
steps: [{{ping: }}]
"""

REFUSED = ConnectError("refused", "connection refused", temporary=True)


@dataclass
class Gated:
    """What the gate came to, and the run it was asked in."""

    verdict: GateVerdict
    ran: Ran

    def checked(self, host: str) -> list[tuple[float, str]]:
        """When a host was looked at, and the answers."""
        return [(self.ran.at(event), event.verdict) for event in self.ran.all(GateChecked, host=host)]


def gated(
    folder: Path,
    gate: str,
    script: Script = lambda _: Answer(),
    *,
    hosts: str = "web[01-02]",
    concurrency: int = 9,
    fake: Fake | None = None,
    ask: Callable[[Question], Awaitable[Said]] | None = None,
    stop_at: float | None = None,
) -> Gated:
    """Ask the gate of the only wave, whose hosts are all of them but lb1. ``stop_at`` is when everything is to stop."""
    found: list[GateVerdict] = []

    async def work(run: Run) -> None:
        (play,) = run.plan.plays
        (wave,) = play.waves
        run.recorder.emit(WaveStarted(play=play.id, wave=1, of=1, hosts=wave.hosts))
        stop = Stop(run.stop)
        turns = [Turn(run, play, 1, run.plan.hosts[name], stop) for name in wave.hosts]
        if stop_at is not None:
            asyncio.get_running_loop().call_later(stop_at, run.stop.raise_to, Level.STOP, "interrupted")
        found.append(await run_gate(turns, play.strategy.gate, stop=stop))

    playbook = PLAYBOOK.format(gate=gate, concurrency=concurrency, hosts="all:!lb1")
    ran = scenario(playbook, folder, script, hosts=f"{hosts} lb1", fake=fake, ask=ask, work=work)
    assert ran.error is None, ran.error
    return Gated(found[0], ran)


def test_every_host_is_looked_at_until_it_is_well(tmp_path: Path) -> None:
    """At the same time; the gate has passed once for all, when the slowest has, and no step is recorded."""
    late = {("web02", "probe *"): [Answer(rc=1), Answer(rc=1), Answer()]}

    done = gated(tmp_path, '[{command: "probe {{ host.name }}", successes: 2, interval: 3s}]', answers(late))

    assert done.verdict == GateVerdict()
    assert done.checked("web01") == [(0, "healthy"), (3, "healthy")]
    assert done.checked("web02") == [(0, "unhealthy"), (3, "unhealthy"), (6, "healthy"), (9, "healthy")]
    assert done.ran.commands("web01") == ["probe web01"] * 2
    assert done.ran.all(GatePassed) == [GatePassed(play="play", wave=1, hosts=("web01", "web02"), duration=9.0)]
    assert not done.ran.all(StepIntent)


def test_a_check_says_what_it_saw(tmp_path: Path) -> None:
    """Which look it was, how many successes there are in a row, and why it was not well."""
    script = answers({("*", "*"): [Answer(), Answer(rc=3, stderr=b"no\n"), Answer()]})

    done = gated(tmp_path, "[{command: probe, successes: 2}]", script, hosts="web01")

    seen = [(event.number, event.successes, event.of, event.verdict) for event in done.ran.all(GateChecked)]
    assert seen == [(1, 1, 2, "healthy"), (2, 0, 2, "unhealthy"), (3, 1, 2, "healthy"), (4, 2, 2, "healthy")]
    assert "exit status 3" in done.ran.all(GateChecked)[1].reason
    assert done.ran.all(GateChecked)[0].src.endswith("site.yaml:5")


def test_hosts_that_are_not_well_in_time_are_held_back(tmp_path: Path) -> None:
    """When the deadline is over, with the last reason; the others pass."""
    done = gated(tmp_path, "[{command: probe, deadline: 5s}]", answers({("web01", "probe"): Answer(rc=7)}))

    assert list(done.verdict.failed) == ["web01"]
    assert done.verdict.failed["web01"].startswith("gate-command: ")
    assert "exit status 7" in done.verdict.failed["web01"]
    (failed,) = done.ran.all(GateFailed)
    assert (failed.hosts, failed.check, failed.verdict, failed.duration) == (
        ("web01",),
        "gate-command",
        "unhealthy",
        5.0,
    )
    assert [event.hosts for event in done.ran.all(GatePassed)] == [("web02",)]


def test_hosts_that_fail_the_same_check_are_told_together(tmp_path: Path) -> None:
    """One record for a check, however many hosts; where their reasons differ it says so."""
    script = answers({("web0[1-3]", "*"): Answer(rc=1), ("web04", "*"): Answer(rc=2)})

    done = gated(tmp_path, "[{command: probe, deadline: 1s}]", script, hosts="web[01-04]")

    (failed,) = done.ran.all(GateFailed)
    assert failed.hosts == ("web01", "web02", "web03", "web04")
    assert failed.reason.endswith("(and 1 other)")
    assert not done.ran.all(GatePassed)


def test_checks_come_one_after_another(tmp_path: Path) -> None:
    """The second is asked of hosts that passed the first, with a deadline of its own."""
    gate = "[{command: first, deadline: 5s}, {command: second, deadline: 4s}]"
    script = answers({("web01", "first"): Answer(rc=1), ("web02", "second"): Answer(rc=1)})

    done = gated(tmp_path, gate, script)

    assert done.ran.commands("web01") == ["first"] * 3
    assert done.ran.commands("web02") == ["first", *["second"] * 2]
    assert {event.check: event.hosts for event in done.ran.all(GateFailed)} == {
        "gate-command": ("web01",),
        "gate-command-2": ("web02",),
    }
    assert done.ran.seconds == 9


def test_only_so_many_hosts_are_looked_at_at_once(tmp_path: Path) -> None:
    """The concurrency of the play; a look that takes long holds its place, waiting for the next one holds none."""
    slow = answers({("*", "*"): Answer(duration=2)})

    done = gated(tmp_path, "[{command: probe, stable_for: 30s, interval: 30s}]", slow, hosts="web[1-4]", concurrency=2)

    assert [sent.time for sent in done.ran.fake.sent] == [0, 0, 2, 2, 32, 32, 34, 34]


@pytest.mark.parametrize(("source", "concurrency"), [("host", 1), ("lb1", 9)])
def test_a_host_does_not_pay_for_the_looks_at_others(tmp_path: Path, source: str, concurrency: int) -> None:
    """Six healthy hosts, one at a time: each look takes a second, and the deadline is three of each host's own."""
    slow = answers({("*", "probe"): Answer(duration=1)})
    gate = f"[{{command: probe, from: {source}, successes: 2, interval: 500ms, deadline: 3s}}]"

    done = gated(tmp_path, gate, slow, hosts="web[01-06]", concurrency=concurrency)

    assert done.verdict == GateVerdict()
    assert done.ran.seconds == 12


def test_a_check_may_be_made_once_for_the_wave(tmp_path: Path) -> None:
    """On the first host; what it says is said of all of them."""
    done = gated(tmp_path, "[{command: probe, each: wave, deadline: 1s}]", answers({("*", "*"): Answer(rc=1)}))

    assert done.ran.commands("web02") == []
    assert set(done.verdict.failed) == {"web01", "web02"}
    assert {event.host for event in done.ran.all(GateChecked)} == {""}


def test_a_check_may_come_from_another_host(tmp_path: Path) -> None:
    """Its name may be a template; the names in it are those of the host that is checked, and it takes turns there."""
    gate = """[{command: 'probe {{ host.name }}', from: "{{ 'lb1' }}"}]"""

    done = gated(tmp_path, gate, answers({("lb1", "*"): Answer(duration=1)}))

    assert [(sent.host, sent.text, sent.time) for sent in done.ran.fake.sent] == [
        ("lb1", "probe web01", 0),
        ("lb1", "probe web02", 1),
    ]
    assert done.verdict == GateVerdict()


@pytest.mark.parametrize(
    ("gate", "args"),
    [
        ("[{tcp: 8080, from: lb1}]", ("web01", "8080", "5")),
        ("[{tcp: 8080}]", ("127.0.0.1", "8080", "5")),
        ("[{tcp: {port: 8080, host: '::1', timeout: 9s}, from: lb1}]", ("::1", "8080", "9")),
    ],
)
def test_a_port_is_the_one_of_the_host_that_is_checked(tmp_path: Path, gate: str, args: tuple[str, ...]) -> None:
    """From elsewhere by its address, unless the check names another; by itself at its own loopback."""
    done = gated(tmp_path, gate, hosts="web01")

    assert [sent.command.args for sent in done.ran.fake.sent] == [args]


def test_conditions_judge_the_answer(tmp_path: Path) -> None:
    """``failed_when`` sees ``result`` and all names; a name missing in an answer makes it unhealthy."""
    gate = """[{command: '{{ word }}', failed_when: "result.json.lag > 5", deadline: 9s}]"""
    outputs = [b"starting", b'{"lag": 9}', b'{"lag": 2}']

    done = gated(tmp_path, gate, answers({("*", "probe"): [Answer(stdout=out) for out in outputs]}), hosts="web01")

    assert [verdict for _, verdict in done.checked("web01")] == ["unhealthy", "unhealthy", "healthy"]


def test_an_assertion_is_a_check_too(tmp_path: Path) -> None:
    """No command and no connection: what was registered decides."""
    done = gated(tmp_path, "[{assert: {that: host.name == 'web01'}, deadline: 1s}]")

    assert list(done.verdict.failed) == ["web02"]
    assert not done.ran.fake.connects


def test_a_look_takes_no_longer_than_what_is_left(tmp_path: Path) -> None:
    """A command that hangs is ended at the deadline, and that is no good answer."""
    done = gated(tmp_path, "[{command: probe, deadline: 5s}]", answers({("*", "*"): Answer(duration=60)}))

    assert done.checked("web01") == [(5, "unhealthy")]
    assert done.verdict.failed["web01"] == "gate-command: it took longer than the 5s that were left"
    assert done.ran.seconds == 5


def test_a_sensitive_check_says_nothing(tmp_path: Path) -> None:
    """Neither in its records nor in the reason, not even of why it could not be made."""
    script = answers({("*", "*"): Answer(rc=1, stderr=b"password wrong\n")})
    gate = """[
      {command: [probe, hush], failed_when: host.name == 'web01', sensitive: true, deadline: 1s},
      {http: "{{ 'hush' if run.id else '' }}", sensitive: true, on_inconclusive: fail}]"""

    done = gated(tmp_path, gate, script)

    assert "its output is hidden" in done.verdict.failed["web01"]
    assert "why is hidden" in done.verdict.failed["web02"]
    assert not [line for line in done.ran.recorder.lines if b"hush" in line or b"password" in line]


# inconclusive


def lost_until(end: float) -> Fake:
    """Hosts of which the first can't be reached before a time."""
    return Fake(
        connecting=lambda host, _: Connection(
            error=REFUSED if host.name == "web01" and asyncio.get_running_loop().time() < end else None
        )
    )


def test_a_host_that_can_not_be_reached_is_asked_again(tmp_path: Path) -> None:
    """Its check could not be made, which says nothing of the service; later answers count."""
    done = gated(tmp_path, "[{command: probe}]", fake=lost_until(4))

    assert done.checked("web01") == [(0, "inconclusive"), (2, "inconclusive"), (4, "healthy")]
    assert done.verdict == GateVerdict()


def test_a_connection_that_goes_away_says_nothing_either(tmp_path: Path) -> None:
    """It is opened again for the next look."""
    done = gated(tmp_path, "[{command: probe}]", answers({("web01", "*"): [Answer(lost="gone"), Answer()]}))

    assert [verdict for _, verdict in done.checked("web01")] == ["inconclusive", "healthy"]
    assert done.ran.all(HostLost)[0].host == "web01"


def test_where_nobody_is_an_inconclusive_gate_pauses(tmp_path: Path) -> None:
    """At its deadline: no host has failed, none has passed that could not be asked, and no other check is made."""
    done = gated(tmp_path, "[{command: probe, deadline: 5s}, {command: second}]", fake=lost_until(99))

    assert done.verdict == GateVerdict(paused=True)
    (asked,) = done.ran.all(ApprovalWaiting)
    assert (asked.about, asked.step, done.ran.at(asked)) == ("gate", "gate-command", 5)
    assert asked.question == (
        "the gate is inconclusive: gate-command on web01: connection refused. Take it for passed?"
    )
    assert not done.ran.all(GateFailed) + done.ran.all(GatePassed)
    assert "second" not in done.ran.commands()


@pytest.mark.parametrize("yes", [True, False])
def test_a_person_decides_an_inconclusive_gate(tmp_path: Path, yes: bool) -> None:  # noqa: FBT001
    """One question for all hosts that could not be asked: they have passed the check, or failed it."""

    async def ada(_: Question) -> Said:
        return Said(yes, by="ada", how="terminal")

    done = gated(tmp_path, "[{command: probe, deadline: 5s}]", fake=lost_until(99), ask=ada)

    assert (done.verdict.denied, set(done.verdict.failed)) == (not yes, set() if yes else {"web01"})
    assert [event.hosts for event in done.ran.all(GatePassed)] == [("web01", "web02") if yes else ("web02",)]
    assert [(event.hosts, event.verdict) for event in done.ran.all(GateFailed)] == (
        [] if yes else [(("web01",), "inconclusive")]
    )


def test_an_inconclusive_check_may_fail_the_gate(tmp_path: Path) -> None:
    """Nobody is asked then."""
    done = gated(tmp_path, "[{command: probe, deadline: 5s, on_inconclusive: fail}]", fake=lost_until(99))

    assert list(done.verdict.failed) == ["web01"]
    assert done.ran.all(GateFailed)[0].verdict == "inconclusive"
    assert not done.ran.all(ApprovalWaiting)


@pytest.mark.parametrize(
    "gate",
    [
        "[{command: 'probe {{ hosts.web01.results.nothing }}', on_inconclusive: fail}]",
        "[{command: probe, from: '{{ hosts.web01.results.nothing }}', on_inconclusive: fail}]",
        """[{http: "{{ 'no address' if run.id else '' }}", on_inconclusive: fail}]""",
    ],
)
def test_what_time_can_not_mend_is_decided_at_once(tmp_path: Path, gate: str) -> None:
    """A text that can't be rendered or has no meaning will not have one in five minutes."""
    done = gated(tmp_path, gate, hosts="web01")

    assert list(done.verdict.failed) == ["web01"]
    assert done.ran.seconds == 0


def test_a_refused_login_is_not_tried_again(tmp_path: Path) -> None:
    """Neither for a gate: it would lock the account."""
    wrong = ConnectError("auth", "permission denied", temporary=False)

    done = gated(
        tmp_path,
        "[{command: probe, on_inconclusive: fail}]",
        fake=Fake(connecting=lambda *_: Connection(error=wrong)),
        hosts="web01",
    )

    assert len(done.ran.fake.connects) == 1
    assert "permission denied" in done.verdict.failed["web01"]


# stops


def test_a_stop_ends_the_gate_at_once(tmp_path: Path) -> None:
    """Looks under way are cut short; no host has passed, and none has failed for it."""
    script = answers({("web01", "*"): Answer(duration=60)})

    done = gated(tmp_path, "[{command: probe, stable_for: 1h}]", script, stop_at=7)

    assert done.verdict == GateVerdict(stopped=True)
    assert done.ran.seconds == 7
    assert not done.ran.all(GatePassed) + done.ran.all(GateFailed)


def test_without_hosts_there_is_no_gate(tmp_path: Path) -> None:
    """Nothing is asked or recorded of a wave in which nobody is well."""
    seen = []

    async def work(run: Run) -> None:
        seen.append(await run_gate([], run.plan.plays[0].strategy.gate, stop=run.stop))

    ran = scenario(PLAYBOOK.format(gate="[{command: probe}]", concurrency=1, hosts="all"), tmp_path, work=work)

    assert seen == [GateVerdict()]
    assert not ran.fake.sent
