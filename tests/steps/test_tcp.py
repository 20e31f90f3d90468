"""``tcp``: one connection, from the host or from here."""

import asyncio
import socket

import pytest
from local_target import LocalTarget, complaints_of, do
from web_server import WebServer

from runner.errors import StepError
from runner.model.outcome import Outcome, Status
from runner.step import typed
from runner.steps.tcp import STEP


def test_an_open_port_is_well_and_a_closed_one_is_not(target: LocalTarget, web: WebServer) -> None:
    """From the host by default, at its own loopback address."""
    fine = do(STEP, web.port, target)
    bad = do(STEP, {"port": 1, "timeout": "1s"}, target)

    assert (fine.status, fine.message) == (Status.OK, f"port {web.port} of 127.0.0.1: open")
    assert bad.status is Status.FAILED
    assert bad.message.startswith("port 1 of 127.0.0.1: closed (")
    assert target.calls == 2


def test_from_the_controller_nothing_is_sent_to_the_host(target: LocalTarget, web: WebServer) -> None:
    """This machine connects."""
    fine, bad = from_here(web.port, target), from_here(1, target)

    assert fine.status is Status.OK
    assert bad.message == "port 1 of 127.0.0.1: closed (Connection refused)"
    assert target.calls == 0
    assert STEP.on_host({"port": 1, "from_": "controller"}) is False


def test_a_port_that_never_answers_takes_no_longer_than_its_timeout(target: LocalTarget) -> None:
    """A full queue answers nobody: the try ends by itself."""
    with socket.socket() as full, socket.socket() as first, socket.socket() as second:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for one in (first, second):
            one.setblocking(False)
            one.connect_ex(full.getsockname())
        params = {"port": full.getsockname()[1], "timeout": "100ms", "from_": "controller"}

        outcome = asyncio.run(STEP.run(typed(STEP, params), target))

    assert outcome.message.endswith("closed (timed out)")


def test_a_host_without_a_tool_for_ports_is_named(target: LocalTarget) -> None:
    """That says nothing about the port."""
    target.env["PATH"] = "/nowhere"

    with pytest.raises(StepError, match="none of bash, nc and python3"):
        do(STEP, 1, target)


def test_a_timeout_that_is_no_duration_is_refused(target: LocalTarget) -> None:
    """Written, before the run; rendered, when it is tried."""
    assert complaints_of(STEP, {"port": 1, "timeout": "soon"}) == ["E406"]
    with pytest.raises(StepError, match="is no duration"):
        asyncio.run(STEP.run(STEP.params(1, timeout="soon"), target))


def from_here(port: int, target: LocalTarget) -> Outcome:
    return asyncio.run(STEP.run(typed(STEP, {"port": port, "from_": "controller"}), target))
