"""The gate of a wave against a real web server, on a real clock."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from scenario import Ran, scenario
from web_server import WebServer

from runner.engine.context import Run
from runner.engine.gates import GateVerdict, run_gate
from runner.engine.turn import Turn
from runner.model.events import GateChecked, WaveStarted

PLAYBOOK = """
version: 1
hosts: web01
strategy: {type: rolling, gate: %s}
steps: [{ping: }]
"""


@pytest.fixture
def web() -> Iterator[WebServer]:
    """A web server on loopback."""
    with WebServer() as server:
        yield server


def gated(folder: Path, gate: str) -> tuple[GateVerdict, Ran]:
    """Ask the gate from this machine."""
    found = []

    async def work(run: Run) -> None:
        (play,) = run.plan.plays
        run.recorder.emit(WaveStarted(play=play.id, wave=1, of=1, hosts=play.hosts))
        turn = Turn(run, play, 1, run.plan.hosts["web01"], run.stop)
        found.append(await run_gate([turn], play.strategy.gate, stop=run.stop))

    ran = scenario(PLAYBOOK % gate, folder, hosts="web01", work=work, drive=asyncio.run)
    assert ran.error is None, ran.error
    return found[0], ran


def test_a_service_that_comes_up_gets_exactly_as_many_requests_as_it_takes(tmp_path: Path, web: WebServer) -> None:
    """Four times 503 and then 200: three in a row are there with the seventh."""
    web.answers = [503] * 4 + [200]

    verdict, ran = gated(
        tmp_path, f"[{{http: '{web.url}/next', from: controller, successes: 3, interval: 50ms, deadline: 30s}}]"
    )

    assert verdict == GateVerdict()
    assert len(web.asked) == 7
    assert [event.verdict for event in ran.all(GateChecked)] == ["unhealthy"] * 4 + ["healthy"] * 3
    assert ran.all(GateChecked)[0].reason == f'"{web.url}/next" answered 503, wanted 200'
    assert not ran.fake.connects


def test_a_port_that_nobody_listens_on_is_unhealthy(tmp_path: Path, web: WebServer) -> None:
    """Refused is an answer, and so is open."""
    closed, _ = gated(tmp_path, "[{tcp: {port: 1, host: 127.0.0.1}, from: controller, deadline: 0.2s}]")
    opened, _ = gated(tmp_path, f"[{{tcp: {{port: {web.port}, host: 127.0.0.1}}, from: controller}}]")

    assert closed.failed == {"web01": "gate-tcp: port 1 of 127.0.0.1: closed (Connection refused)"}
    assert opened.failed == {}
