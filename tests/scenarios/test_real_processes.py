"""No secret is in the list of processes: not here, and not on the host, while a run is at work."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from commandline import project, runner
from sshd import User
from web_server import WebServer

pytestmark = [pytest.mark.sshd, pytest.mark.sudo]

IN_ENV = "cAn4ry-env-1"
IN_STDIN = "cAn4ry-stdin-2"
IN_FILE = "cAn4ry-file-3"
IN_HTTP = "cAn4ry-http-4"
IN_OURS = "cAn4ry-ours-5"
OURS = b"-m\0runner\0run\0"
"""In the words of runner's own process, which somebody gave a secret by its environment."""

SEEN = "to-be-seen-by-all"

PLAY = """
version: 1
inventory: hosts.yaml
secrets:
  env: {{file: env.txt}}
  stdin: {{file: stdin.txt}}
  key: {{file: key.txt}}
  http: {{file: http.txt}}
  sudo: {{file: sudo.txt}}
  ours: {{env: OUR_TOKEN}}
hosts: all
steps:
- {{command: [sh, -c, "sleep 0.1; true {seen}"]}}
- {{command: [sleep, "0.1"], env: {{TOKEN: "{{{{ secrets.env }}}}"}}}}
- {{shell: 'test "$TOKEN" && sleep 0.1', env: {{TOKEN: "{{{{ secrets.env }}}}"}}}}
- {{shell: 'cat; sleep 0.1', stdin: "{{{{ secrets.stdin }}}}"}}
- {{copy: {{content: "{{{{ secrets.key }}}}", dest: {folder}/copied, mode: "0600"}}}}
- {{template: {{src: it.j2, dest: {folder}/made, mode: "0600"}}}}
- {{script: {{src: it.sh}}, stdin: "{{{{ secrets.stdin }}}}"}}
- http: {{url: "{url}/healthz", method: POST, headers: {{X: "{{{{ secrets.http }}}}"}}, body: "{{{{ secrets.http }}}}"}}
- {{http: {{url: "{url}/healthz?{{{{ secrets.http }}}}", from: controller}}}}
- {{command: [sleep, "0.1"], become: {{password: sudo}}, stdin: "{{{{ secrets.stdin }}}}"}}
- {{command: [sleep, "0.1"], become: {{password: sudo}}, env: {{TOKEN: "{{{{ secrets.env }}}}"}}}}
- {{command: [sleep, "0.1"], delegate_to: controller, stdin: "{{{{ secrets.ours }}}}"}}
- {{log: "{{{{ secrets.env }}}} {{{{ secrets.http }}}}"}}
"""


@contextmanager
def watching(canaries: tuple[str, ...]) -> Iterator[set[tuple[str, str]]]:
    """Look at all processes of this machine every few milliseconds; gathers what was seen, and where."""
    found: set[tuple[str, str]] = set()
    wanted = [(canary, canary.encode()) for canary in canaries]
    is_over = threading.Event()

    def look() -> None:
        while not is_over.is_set():
            for process in Path("/proc").glob("[0-9]*"):
                words, environ = _read(process / "cmdline"), _read(process / "environ")
                found.update((canary, "cmdline") for canary, raw in wanted if raw in words)
                if OURS not in words:
                    found.update((canary, "environ") for canary, raw in wanted if raw in environ)
            time.sleep(0.003)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield found
    finally:
        is_over.set()
        thread.join()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def test_no_secret_is_in_an_argument_or_environment_but_where_it_was_given(
    sudo_password_user: User, sshd_with, tmp_path: Path
) -> None:
    """Over SSH, through sudo with a password, curl, files and scripts; only what ``env`` gives is in an environment."""
    server = sshd_with(user=sudo_password_user.name)
    place = sudo_password_user.home
    secrets = {"env": IN_ENV, "stdin": IN_STDIN, "key": IN_FILE, "http": IN_HTTP, "sudo": sudo_password_user.password}
    for name, value in secrets.items():
        (tmp_path / f"{name}.txt").write_text(value)
    (tmp_path / "it.j2").write_text("{{ secrets.key }}\n")
    (tmp_path / "it.sh").write_text("#!/bin/sh\ncat; sleep 0.1\n")

    with WebServer() as web, watching((*secrets.values(), IN_OURS, SEEN)) as found:
        text = PLAY.format(folder=place, url=web.url, seen=SEEN)
        done = runner("run", project(tmp_path, text, server.inventory_text(1)), cwd=tmp_path, OUR_TOKEN=IN_OURS)

    assert done.code == 0, done.out + done.err
    assert found == {(SEEN, "cmdline"), (IN_ENV, "environ")}
