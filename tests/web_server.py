"""A web server on loopback that keeps what it was asked."""

import json
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class WebServer:
    """``/healthz`` answers 200, ``/json`` JSON, ``/away`` a redirect, ``/503`` that status, ``/raw`` no HTTP.

    ``/next`` gives the statuses in ``answers``, one after the other, the last one for ever.
    """

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.answers = [200]
        web = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                web.asked.append(Asked(self.command, self.path, headers, body))
                if self.path == "/raw":
                    self.wfile.write(b"SSH-2.0-none\r\n")
                    return
                self.reply(*web.reply_to(self.path))

            def reply(self, status: int, content: bytes, headers: dict[str, str]) -> None:
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(content)

            do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = answer  # noqa: N815

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    def reply_to(self, path: str) -> tuple[int, bytes, dict[str, str]]:
        """Status, body and headers for a path."""
        match path:
            case "/json":
                return (
                    200,
                    json.dumps({"applied": [1, 2]}).encode(),
                    {"Content-Type": "application/json", "X-A": "b: c"},
                )
            case "/away":
                return 302, b"", {"Location": "file:///etc/passwd"}
            case "/503":
                return 503, b"busy\n", {}
            case "/large":
                return 200, b"x" * (3 * 1024 * 1024), {}
            case "/next":
                status = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
                return status, b"", {}
            case _:
                return 200, b"ok\n", {}

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
