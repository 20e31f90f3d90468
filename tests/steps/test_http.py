"""``http``: one request, from the host or the controller."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from local_target import LocalTarget, complaints_of, do, few_tools
from web_server import WebServer

from runner.errors import StepError
from runner.model.outcome import Outcome, Status
from runner.steps.http import STEP
from runner.web import LARGEST, Answer, ask_here, curl_config, parsed, request
from runner.web import ask as ask_through

PLACES = pytest.mark.parametrize("place", ["host", "wget", "controller"])
SECRET = 'to"ken\\ $(id) {[1-3]} ü'


@pytest.fixture
def ask(target: LocalTarget, web: WebServer, tmp_path: Path) -> Any:
    """Ask the server, from a place."""

    def ask(place: str, path: str, **params: Any) -> Outcome:
        if place == "wget":
            (tmp_path / "bin").exists() or few_tools(tmp_path / "bin", "wget grep")
            target.env["PATH"] = str(tmp_path / "bin")
        source = "controller" if place == "controller" else "host"
        return do(STEP, {"url": web.url + path, "from": source, **params}, target)

    return ask


@PLACES
def test_the_answer_is_in_the_result(ask: Any, place: str) -> None:
    """Status, headers by lower-case name, body and JSON."""
    outcome = ask(place, "/json")

    assert outcome.status is Status.OK
    assert outcome.data["http_status"] == 200
    assert outcome.data["headers"]["x-a"] == "b: c"
    assert outcome.data["body"] == '{"applied": [1, 2]}'
    assert outcome.data["json"] == {"applied": [1, 2]}


@PLACES
def test_another_status_is_a_failure_that_keeps_the_answer(ask: Any, web: WebServer, place: str) -> None:
    """It says which was wanted."""
    bad = ask(place, "/503", status=[200, 204])
    wanted = ask(place, "/503", status=503)

    assert bad.status is Status.FAILED
    assert bad.message == f'"{web.url}/503" answered 503, wanted 200 or 204'
    assert (bad.data["body"], bad.data["json"]) == ("busy\n", None)
    assert wanted.status is Status.OK


@pytest.mark.parametrize("place", ["host", "controller"])
def test_a_redirect_is_an_answer(ask: Any, web: WebServer, place: str) -> None:
    """It is not followed, least of all to a file."""
    outcome = ask(place, "/away", status=302)

    assert outcome.status is Status.OK
    assert outcome.data["headers"]["location"] == "file:///etc/passwd"
    assert [asked.path for asked in web.asked] == ["/away"]


@pytest.mark.parametrize("place", ["host", "controller"])
def test_what_is_secret_is_in_no_argument_list(ask: Any, target: LocalTarget, web: WebServer, place: str) -> None:
    """Headers arrive as they are written, whatever is in them."""
    ask(place, "/healthz?a={b}", headers={"X-Token": SECRET.replace("ü", "u"), "X-Number": 5})

    assert web.asked[0].headers["x-token"] == SECRET.replace("ü", "u")
    assert web.asked[0].headers["x-number"] == "5"
    assert not any("ken" in word for argv in target.argvs for word in argv)


@pytest.mark.parametrize("place", ["host", "controller"])
@pytest.mark.parametrize(
    ("body", "sent", "kind"),
    [
        (f"@/etc/passwd\r\n\t{SECRET}\n", f"@/etc/passwd\r\n\t{SECRET}\n", "text/plain; charset=utf-8"),
        ({"a": [1, SECRET]}, '{"a": [1, "to\\"ken\\\\ $(id) {[1-3]} ü"]}', "application/json"),
        ([], "[]", "application/json"),
        ("", "", "text/plain; charset=utf-8"),
    ],
)
def test_a_body_is_sent_as_it_is(
    ask: Any, target: LocalTarget, web: WebServer, *, place: str, body: Any, sent: str, kind: str
) -> None:
    """Text as text, data as JSON; and that is a change unless the step says otherwise."""
    outcome = ask(place, "/x", method="POST", body=body)
    target.read_only = True
    again = ask(place, "/x", method="POST", body=body, headers={"content-type": "x/y"})

    assert (web.asked[0].method, web.asked[0].body.decode(), web.asked[0].headers["content-type"]) == (
        "POST",
        sent,
        kind,
    )
    assert web.asked[1].headers["content-type"] == "x/y"
    assert [outcome.status, again.status] == [Status.CHANGED, Status.OK]
    assert not any("ken" in word for argv in target.argvs for word in argv)


@pytest.mark.parametrize("place", ["host", "controller"])
@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "PUT", "PATCH", "DELETE"])
def test_methods(ask: Any, web: WebServer, place: str, method: str) -> None:
    """Those that only read never change anything."""
    outcome = ask(place, "/x", method=method)

    assert web.asked[0].method == method
    assert outcome.changed is (method in {"PUT", "PATCH", "DELETE"})


@PLACES
def test_no_answer_is_a_failure_with_its_reason(target: LocalTarget, place: str, ask: Any, web: WebServer) -> None:
    """A port where nobody listens, and something that speaks no HTTP."""
    raw = ask(place, "/raw")
    refused = do(
        STEP, {"url": "http://127.0.0.1:1/", "from": "controller" if place == "controller" else "host"}, target
    )

    assert raw.status is refused.status is Status.FAILED
    assert raw.message.startswith(f'"{web.url}/raw" gave no answer: ')
    assert refused.message.startswith('"http://127.0.0.1:1/" gave no answer: ')


@pytest.mark.parametrize("place", ["host", "controller"])
def test_a_large_body_is_cut(ask: Any, place: str) -> None:
    """Its first MiB is kept."""
    assert len(ask(place, "/large").data["body"]) == LARGEST


def test_a_host_without_tools_is_named(ask: Any, target: LocalTarget) -> None:
    """And one whose wget can't do it."""
    with pytest.raises(StepError, match="wget is used for a bare GET only"):
        ask("wget", "/x", headers={"X": "y"})
    target.env["PATH"] = "/nowhere"
    with pytest.raises(StepError, match="neither curl nor wget"):
        ask("host", "/x")


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://x/", "x", "http://", "http://a b", "http://a\nb", "-o/x", "http://\x00"]
)
def test_what_is_no_address_is_refused_before_and_at_the_run(url: str) -> None:
    """A rendered one too."""
    assert complaints_of(STEP, url) == ["E424"]
    with pytest.raises(StepError, match="is no http or https address"):
        request(url)


@pytest.mark.parametrize("headers", [{"X": "a\r\nY: b"}, {"X\n": "a"}, {"": "a"}, {"X Y": "a"}, {"X:": "a"}])
def test_a_header_can_not_smuggle_another(headers: dict[str, str]) -> None:
    """Line ends in a value, or a name that is none, are refused."""
    with pytest.raises(StepError, match="can't be sent"):
        request("http://a/", headers=headers)


def test_an_unknown_method_and_a_nul_are_refused() -> None:
    """A rendered method meets the list again; curl's options can hold no NUL."""
    with pytest.raises(StepError, match='"TRACE" is no method'):
        request("http://a/", method="TRACE")
    with pytest.raises(StepError, match="NUL"):
        curl_config(request("http://a/", method="POST", body="\0"))


def test_interim_answers_are_passed_over() -> None:
    """And header lines may end either way; JSON that is none is None."""
    assert parsed(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/2 200\r\nA: b\r\n\r\n\n\nx") == Answer(200, {"a": "b"}, b"\n\nx")
    assert parsed(b"HTTP/1.0 204 None\nA: b\n\n") == Answer(204, {"a": "b"})
    assert Answer(200, body=b"NaN").data["json"] is None
    assert Answer(200, body=b"[" * 100_000).data["json"] is None


def test_an_empty_header_is_sent(ask: Any, web: WebServer) -> None:
    """Curl would otherwise take it out."""
    ask("host", "/x", headers={"X-Empty": ""})

    assert web.asked[0].headers["x-empty"] == ""


def test_the_controller_s_request_opens_no_connection() -> None:
    """``from`` decides who is contacted."""
    assert STEP.on_host(STEP.spell_out("http://a/")) is True
    assert STEP.on_host(STEP.spell_out({"url": "http://a/", "from": "controller"})) is False


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize(
    "says", [b"", b"HTTP/1.1 200 OK\r\nX-A: ", b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"]
)
def test_a_slow_server_holds_no_thread(scheme: str, says: bytes) -> None:
    """Silent, or dripping headers or a body, each byte in time: the limit is for all of it."""
    over = threading.Event()

    def serve(listening: socket.socket) -> None:
        taken, _ = listening.accept()
        with taken, suppress(OSError):
            taken.sendall(says)
            while not over.wait(0.05):
                if says:
                    taken.sendall(b"x")

    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = threading.Thread(target=serve, args=(listening,), daemon=True)
        server.start()
        # a byte of a TLS record's head at a time, for https
        url = f"{scheme}://127.0.0.1:{listening.getsockname()[1]}/"
        begun = time.monotonic()
        answer = ask_here(request(url), 0.3)
        took = time.monotonic() - begun
        over.set()
        server.join(10)

    assert answer.status == 0
    assert took < 3
    if scheme == "http":
        assert answer.reason == "no whole answer within 0.3 s"


def test_a_thread_that_hangs_is_not_waited_for(target: LocalTarget) -> None:
    """A name can take longer to resolve than anybody wants to wait."""

    async def in_thread(_work: Callable[[], Any]) -> Any:
        await asyncio.Event().wait()

    target.in_thread = in_thread  # type: ignore[method-assign]
    wanted = request("http://127.0.0.1:9/", limit=0.01)

    answer = asyncio.run(ask_through(target, wanted, from_host=False))

    assert answer == Answer(0, reason="no whole answer within 0.01 s")
