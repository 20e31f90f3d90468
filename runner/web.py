"""One HTTP request, sent from a host or from this machine, and its answer.

From a host it goes through ``curl``, which reads what to send from its standard input, so that no header or body,
which may hold a secret, stands in an argument list; or, for a bare GET, through ``wget`` where that is all there is.
Redirects are answers, not followed: a check of one address must not turn into a check of another, and none can lead
to a file.
"""

import asyncio
import json
import re
import socket
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from email.message import Message
from typing import Any

from runner.errors import StepError
from runner.remote_files import complaint
from runner.step import Target
from runner.transport import CommandResult

LARGEST = 1024 * 1024
"""Bytes of a body that are kept."""

MOST_INTERIM = 20
"""Answers that say that the answer is still to come, which are passed over."""

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
LONGEST_HERE = 60.0
"""Seconds that an answer to this machine may take, from the look-up of the name to the end of the body."""

READING = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing."""

CURL = r"""
if command -v curl >/dev/null 2>&1; then exec curl -q -K -; fi
echo 'the host has no curl' >&2; exit 90
"""
WGET = r"""
if ! command -v wget >/dev/null 2>&1; then echo 'the host has neither curl nor wget' >&2; exit 127; fi
exec 2>&1
if wget --version 2>/dev/null | grep -q 'GNU Wget'; then
  exec wget --save-headers --content-on-error --max-redirect=0 --tries=1 -q -T "$2" -O - -- "$1"
fi
exec wget -q -S -T "$2" -O - "$1"
"""
NO_CURL = 90


@dataclass(frozen=True, slots=True)
class Request:
    """What to ask. ``limit`` in seconds is how long the answer may take; ``body`` that is no text is sent as JSON."""

    url: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    limit: float = 300.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; ``headers`` by lower-case name. ``status`` 0 is no answer, and ``reason`` says why."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    reason: str = ""

    @property
    def data(self) -> dict[str, Any]:
        """What a registered result gets of it. ``json`` is None where the body is no JSON."""
        text = self.body.decode("utf-8", "surrogateescape")
        return {"http_status": self.status, "headers": dict(self.headers), "body": text, "json": _json(text)}


def _json(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse) if text.strip() else None
    except (ValueError, RecursionError):
        return None


def _refuse(word: str) -> None:
    raise ValueError(word)  # NaN and Infinity are no JSON


def request(
    url: str, *, method: str = "GET", headers: Mapping[str, Any] | None = None, body: Any = None, limit: float = 300.0
) -> Request:
    """A request made of rendered values. Raises StepError for what can't be sent."""
    if not re.fullmatch(r"https?://[^\s\x00-\x1f\x7f]+", url, re.IGNORECASE):
        raise StepError(f'"{url}" is no http or https address')
    if method not in METHODS:
        raise StepError(f'"{method}" is no method', hint=f"one of {', '.join(METHODS)}")
    given = {str(name): str(value) for name, value in (headers or {}).items()}
    for name, value in given.items():
        if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name) or re.search(r"[\x00\r\n]", value):
            raise StepError(f'header "{name}" can\'t be sent: its name or value holds what no header can')
    data, kind = _body(body)
    if data is not None and "content-type" not in {name.lower() for name in given}:
        given["Content-Type"] = kind
    return Request(url, method, given, data, limit)


def _body(body: Any) -> tuple[bytes | None, str]:
    if body is None or isinstance(body, str):
        return None if body is None else body.encode("utf-8", "surrogateescape"), "text/plain; charset=utf-8"
    return json.dumps(body, ensure_ascii=False).encode("utf-8", "surrogateescape"), "application/json"


async def ask(target: Target, wanted: Request, *, from_host: bool) -> Answer:
    """Send it and hear the answer. Raises StepError when the host has nothing to send it with."""
    if not from_host:
        return await _from_here(target, wanted)
    result = await target.run(CURL, stdin=curl_config(wanted), quiet=True)
    if result.rc == NO_CURL:
        return await _by_wget(target, wanted)
    if result.rc != 0:
        return Answer(0, reason=complaint(result).removeprefix("curl: "))
    return parsed(result.stdout.data)


async def _from_here(target: Target, wanted: Request) -> Answer:
    limit = min(wanted.limit, LONGEST_HERE)
    try:
        # A name that does not resolve can't be cut short: its thread is left behind.
        async with asyncio.timeout(limit + 1):
            answer = await target.in_thread(lambda: ask_here(wanted, limit))
    except TimeoutError:
        return _too_slow(limit)
    return answer if isinstance(answer, Answer) else Answer(0, reason=str(answer))


def _too_slow(limit: float) -> Answer:
    return Answer(0, reason=f"no whole answer within {limit:g} s")


def curl_config(wanted: Request) -> bytes:
    """The options of curl, as its ``-K`` reads them."""
    lines = [
        f"url = {_curl_text(wanted.url)}",
        'proto = "=http,https"',
        "globoff\nsilent\nshow-error\ninclude",
        f"max-time = {max(1, round(wanted.limit))}",
        "head" if wanted.method == "HEAD" else f"request = {_curl_text(wanted.method)}",
        *(f"header = {_curl_text(_header(name, value))}" for name, value in wanted.headers.items()),
    ]
    data = b"\n".join(line.encode("utf-8", "surrogateescape") for line in lines) + b"\n"
    if wanted.body is None:
        return data
    text = wanted.body.decode("utf-8", "surrogateescape")
    return data + f"data-raw = {_curl_text(text)}\n".encode("utf-8", "surrogateescape")


def _header(name: str, value: str) -> str:
    return f"{name}: {value}" if value else f"{name};"  # curl's way to send a header without a value


def _curl_text(text: str) -> str:
    if "\0" in text:
        raise StepError("a NUL character can't be sent")
    escapes = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v"}
    return '"' + "".join(escapes.get(letter, letter) for letter in text) + '"'


async def _by_wget(target: Target, wanted: Request) -> Answer:
    if wanted.method != "GET" or wanted.headers or wanted.body is not None:
        # wget takes these as arguments alone, where every user of the host could read them
        raise StepError("the host has no curl, and wget is used for a bare GET only", hint="install curl on the host")
    args = (wanted.url, str(max(1, round(wanted.limit))))
    result = await target.run(WGET, args=args, stdin=b"", quiet=True)
    if result.rc == 127:
        raise StepError(complaint(result), hint="install curl on the host")
    return _wget_answer(result)


def _wget_answer(result: CommandResult) -> Answer:
    data = result.stdout.data
    if re.match(rb"\s*HTTP/", data):
        # busybox indents the headers and ends them without an empty line
        unindented = re.sub(rb"\A((?:[ ]{2}[^\n]*\n)+)", lambda match: match[1].replace(b"\n  ", b"\n") + b"\n", data)
        return parsed(unindented.lstrip())
    last = data.decode("utf-8", "replace").strip().rpartition("\n")[2]
    return Answer(0, reason=last or f"wget: exit status {result.rc}")


def parsed(data: bytes) -> Answer:
    """An answer as it stands on the wire; interim ones (1xx) before it are passed over, as far as there is an end."""
    for _ in range(MOST_INTERIM):
        head, _, rest = data.partition(b"\r\n\r\n") if b"\r\n\r\n" in data else data.partition(b"\n\n")
        match = re.match(rb"HTTP/[0-9.]+ ([0-9]{3})", head)
        if match is None:
            return Answer(0, reason="what came back is no HTTP answer")
        if not match[1].startswith(b"1"):
            return Answer(int(match[1]), _headers(head), rest[:LARGEST])
        data = rest
    return Answer(0, reason=f"more than {MOST_INTERIM} interim answers came back")


def _headers(head: bytes) -> dict[str, str]:
    lines = head.decode("latin-1").splitlines()[1:]
    pairs = (line.partition(":") for line in lines if ":" in line)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def ask_here(wanted: Request, limit: float = LONGEST_HERE) -> Answer:
    """Send it from this machine, and wait, at most ``limit`` seconds from the connection to the end of the body.

    Certificates are verified; a proxy is taken from the environment. Why a clock beside it: a socket's own timeout
    begins anew with each byte, so that a server that sends one a minute would be heard for ever.
    """
    clock = _Clock(limit)
    with clock:
        answer = _answer_here(wanted, limit, clock)
    return _too_slow(limit) if clock.is_over else answer


class _Clock:
    """Cuts the connections that it knows when ``limit`` seconds are over."""

    def __init__(self, limit: float) -> None:
        self.is_over = False
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self._timer = threading.Timer(limit, self._cut)
        self._timer.daemon = True

    def connect(self, *args: Any, **options: Any) -> socket.socket:
        """Open a connection, and keep a second handle of it: TLS takes the first one away."""
        made = socket.create_connection(*args, **options)
        with self._lock:
            self._sockets.append(made.dup())
        if self.is_over:
            self._cut()
        return made

    def _cut(self) -> None:
        self.is_over = True
        with self._lock:
            for one in self._sockets:
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> None:
        self._timer.start()

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        with self._lock:
            for one in self._sockets:
                one.close()
            self._sockets.clear()


def _answer_here(wanted: Request, limit: float, clock: _Clock) -> Answer:
    import urllib.request  # noqa: PLC0415 - 30 ms, and hardly any playbook needs it
    from http.client import HTTPException  # noqa: PLC0415 - as above

    class Http(urllib.request.HTTPHandler):
        def do_open(self, http_class: Any, req: Any, **options: Any) -> Any:
            return super().do_open(_watched(http_class, clock), req, **options)

    class Https(urllib.request.HTTPSHandler):
        def do_open(self, http_class: Any, req: Any, **options: Any) -> Any:
            return super().do_open(_watched(http_class, clock), req, **options)

    # No handler for redirects, errors, files or FTP: an answer of any status is an answer, and http is all there is.
    opener = urllib.request.OpenerDirector()
    for handler in (urllib.request.ProxyHandler(), Http(), Https()):
        opener.add_handler(handler)
    sent = urllib.request.Request(  # noqa: S310 - ``request`` has looked at the scheme
        wanted.url, data=wanted.body, headers=dict(wanted.headers), method=wanted.method
    )
    try:
        with opener.open(sent, timeout=limit) as response:
            return Answer(response.status, _by_name(response.headers), response.read(LARGEST))
    except (OSError, HTTPException, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        if isinstance(reason, TimeoutError):
            return _too_slow(limit)  # the socket's own limit may be met just before the clock's
        return Answer(0, reason=str(reason) or type(error).__name__)


def _watched(http_class: Any, clock: _Clock) -> Any:
    def made(*args: Any, **options: Any) -> Any:
        connection = http_class(*args, **options)
        connection._create_connection = clock.connect  # noqa: SLF001 - the one place where it can be had before TLS
        return connection

    return made


def _by_name(headers: Message) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def statuses(status: int | tuple[int, ...]) -> tuple[int, ...]:
    """One wanted status or many, as many."""
    return (status,) if isinstance(status, int) else status


def unmet(answer: Answer, wanted: Request, status: tuple[int, ...]) -> str:
    """Why an answer is not the wanted one, or empty."""
    if answer.status in status:
        return ""
    expected = " or ".join(str(number) for number in status)
    got = f"answered {answer.status}, wanted {expected}" if answer.status else f"gave no answer: {answer.reason}"
    return f'"{wanted.url}" {got}'
