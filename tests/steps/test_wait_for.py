"""``wait_for``: looks until it is so, and says what it sees."""

import asyncio
import contextlib
import socket
from pathlib import Path
from typing import Any

import pytest
from local_target import LocalTarget, complaints_of, do, few_tools
from web_server import WebServer

from runner.errors import StepError
from runner.model.outcome import Status
from runner.step import typed
from runner.steps.wait_for import STEP


def test_it_looks_until_a_path_is_there(target: LocalTarget) -> None:
    """At the interval, and it changes nothing."""
    path = target.root / "it's ready"
    target.on_sleep = lambda now: path.touch() if now >= 5 else None

    outcome = do(STEP, {"path": str(path)}, target)

    assert (outcome.status, outcome.data, target.calls) == (Status.OK, {"waited": 5.0}, 6)
    assert target.said == [f'"{path}": there']


def test_what_is_so_already_is_said_nowhere(target: LocalTarget) -> None:
    """One look, no waiting."""
    outcome = do(STEP, {"path": str(target.root)}, target)

    assert (outcome.data["waited"], target.calls, target.said) == (0.0, 1, [])


def test_changes_are_said_once_and_ticks_come_regularly(target: LocalTarget, web: WebServer) -> None:
    """Thirty-five seconds with two changes: two notes and three ticks."""
    web.answers = [503] * 15 + [502] * 20 + [200]

    outcome = do(STEP, {"http": f"{web.url}/next", "from": "controller"}, target)

    assert outcome.data["waited"] == 35.0
    assert target.said == [
        f'still waiting for "{web.url}/next", 10s: answered 503',
        f'"{web.url}/next": answered 502',
        f'still waiting for "{web.url}/next", 20s: answered 502',
        f'still waiting for "{web.url}/next", 30s: answered 502',
        f'"{web.url}/next": answered 200',
    ]


def test_ticks_come_also_within_a_long_interval(target: LocalTarget) -> None:
    """An interval longer than a tick does not silence it."""
    path = target.root / "it"
    target.on_sleep = lambda now: path.touch() if now >= 30 else None

    do(STEP, {"path": str(path), "interval": "30s", "tick": 10}, target)

    ticks = [f'still waiting for "{path}", {seconds}s: not there' for seconds in (10, 20, 30)]
    assert target.said == [*ticks, f'"{path}": there']
    assert target.calls == 2


@pytest.mark.parametrize("tools", ["bash", "nc", "python3", "bash timeout"])
def test_a_port_is_tried_from_the_host(target: LocalTarget, web: WebServer, tools: str, tmp_path: Path) -> None:
    """With whatever the host has for it."""
    try:
        target.env["PATH"] = few_tools(tmp_path / "bin", tools)
    except AssertionError:
        pytest.skip(f"no {tools} here")

    assert do(STEP, {"port": web.port}, target).message == f"port {web.port}: open"
    assert do(STEP, {"port": 1, "state": "absent"}, target).message == "port 1: closed"


def test_a_host_without_a_tool_for_ports_is_named(target: LocalTarget) -> None:
    """It would wait in vain."""
    target.env["PATH"] = "/nowhere"

    with pytest.raises(StepError, match="none of bash, nc and python3"):
        do(STEP, {"port": 1}, target)


def test_a_port_is_tried_from_the_controller(target: LocalTarget, web: WebServer) -> None:
    """Nothing is sent to the host."""
    value = {"port": web.port, "address": "127.0.0.1", "from": "controller"}

    assert do(STEP, value, target).message == f"port {web.port} of 127.0.0.1: open"
    assert do(STEP, {**value, "port": 1, "state": "absent"}, target).message.startswith("port 1 of 127.0.0.1: closed (")
    assert target.calls == 0
    assert STEP.on_host(STEP.spell_out(value)) is False


def test_an_address_that_answers_from_the_host(target: LocalTarget, web: WebServer) -> None:
    """Also by not answering any more."""
    assert do(STEP, {"http": f"{web.url}/503", "status": [503]}, target).status is Status.OK
    assert "no answer" in do(STEP, {"http": "http://127.0.0.1:1/", "state": "absent"}, target).message


def test_a_command_is_run_until_it_ends_well(target: LocalTarget) -> None:
    """Where and how the step would run it."""
    target.on_sleep = lambda now: (target.root / "a b").touch() if now >= 2 else None

    outcome = do(STEP, {"command": "test -e 'a b'"}, target)

    assert (outcome.data["waited"], outcome.message) == (2.0, '"test -e a b": ended well')
    assert do(STEP, {"command": ["test", "-e", "nothing"], "state": "absent"}, target).message.endswith("exit status 1")


@pytest.mark.parametrize(
    ("value", "codes"),
    [
        ({"path": "x"}, ["E413"]),
        ({"command": "a | b"}, ["E414"]),
        ({"path": "/x", "status": 200}, ["E401"]),
        ({"path": "/x", "from": "controller"}, ["E401"]),
        ({"http": "http://a/", "address": "b"}, ["E401"]),
        ({"port": 1, "from": "controller"}, ["E402"]),
        ({"port": 1, "address": "b", "from": "controller"}, []),
    ],
)
def test_what_does_not_go_together_is_found_before_the_run(value: dict[str, Any], codes: list[str]) -> None:
    """Every key has an effect, or is an error."""
    assert complaints_of(STEP, value) == codes


@pytest.mark.parametrize(
    "value",
    [{"port": 1, "from_": "controller"}, {"command": []}, {"path": "x"}, {"path": "/", "tick": "soon"}, {"http": "x"}],
)
def test_rendered_values_meet_the_same_rules(target: LocalTarget, value: dict[str, Any]) -> None:
    """And nothing is sent."""
    with pytest.raises(StepError):
        asyncio.run(STEP.run(typed(STEP, value), target))
    assert target.calls == 0


def test_a_port_that_opens_late(target: LocalTarget) -> None:
    """A host that comes up after five seconds is seen then."""
    with contextlib.ExitStack() as stack:
        place = socket.socket()
        stack.callback(place.close)
        place.bind(("127.0.0.1", 0))
        port = place.getsockname()[1]
        target.on_sleep = lambda now: place.listen() if now == 5 else None

        outcome = do(STEP, {"port": port, "address": "127.0.0.1", "from": "controller"}, target)

    assert outcome.data["waited"] == 5.0
