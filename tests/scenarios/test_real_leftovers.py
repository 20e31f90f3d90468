"""Secrets that were under way when a run ended, in whatever way: neither side keeps them anywhere.

Real OpenSSH servers. Two steps are at work when it ends: a script that was given a secret by its environment and by its
standard input, and a copy of a file that holds one, which is on the host already but not in its place.
"""

import secrets
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from chaos_proxy import Chaos
from real_runs import Started, until
from sshd import Sshd

pytestmark = pytest.mark.sshd

STEPS = """
  - id: scripted
    when: host.name == "web01"
    script: {{src: work.sh, args: ["{there}"]}}
    env: {{TOKEN: "{{{{ secrets.token }}}}"}}
    stdin: "{{{{ secrets.token }}}}"
  - id: copied
    when: host.name == "web02"
    copy:
      content: "token = {{{{ secrets.token }}}}\\n"
      dest: {there}/app.conf
      mode: "0600"
      validate: [sh, "{there}/look.sh", "%s"]
"""
WORK = 'cat >/dev/null; touch "$1/scripted"; until [ -e "$1/go" ]; do sleep 0.05; done; [ ! -e "$1/bad" ]\n'
LOOK = 'cd "${0%/*}"; [ -s "$1" ] && touch copied; until [ -e go ]; do sleep 0.05; done; [ ! -e bad ]\n'


class Ground:
    """Where a run leaves its traces: ``there`` on the hosts, ``tmp`` their temporary folder, ``local`` this side."""

    def __init__(self, folder: Path) -> None:
        self.secret = f"canary-{secrets.token_hex(8)}"  # its own: other tests may run at the same time
        self.began = time.time()
        self.there, self.tmp = folder / "there", folder / "remote-tmp"
        self.local = folder / "local"
        for path in (self.there, self.tmp, self.local, self.local / "tmp", self.local / "home"):
            path.mkdir()
        (self.there / "look.sh").write_text(LOOK)
        (self.local / "work.sh").write_text(WORK)

    def go(self) -> None:
        """Let the steps end."""
        (self.there / "go").touch()

    def files(self) -> Iterator[Path]:
        """Every file that either side may have written, but the one that was asked for."""
        for root in (self.there, self.tmp, self.local):
            yield from (path for path in root.rglob("*") if path.is_file() and path != self.there / "app.conf")
        for root in map(Path, ("/tmp", "/var/tmp", "/dev/shm", "/run")):
            for path in (*root.glob("*"), *root.glob(".[!.]*"), *root.glob("runner-*/*")):
                try:
                    is_new = path.is_file() and path.stat().st_mtime >= self.began - 1
                except OSError:
                    continue
                if is_new and path.stat().st_size < 1 << 20:
                    yield path

    def holds(self, path: Path) -> bool:
        """Whether the secret is in a file; one that is gone holds nothing."""
        try:
            return self.secret.encode() in path.read_bytes()
        except OSError:
            return False

    def is_at_work(self) -> bool:
        """Whether a process on this machine, which is both sides, still has the secret in its environment."""
        for entry in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if f"TOKEN={self.secret}".encode() in (entry / "environ").read_bytes():
                    return True
        return False


def success(ground: Ground, _run: Started, _chaos: Chaos) -> None:
    ground.go()


def failure(ground: Ground, _run: Started, _chaos: Chaos) -> None:
    (ground.there / "bad").touch()
    ground.go()


def interrupt(_ground: Ground, run: Started, _chaos: Chaos) -> None:
    run.process.send_signal(signal.SIGINT)


def kill(ground: Ground, run: Started, _chaos: Chaos) -> None:
    run.process.kill()
    run.process.wait()
    ground.go()


def loss(ground: Ground, _run: Started, chaos: Chaos) -> None:
    chaos.refuse()
    chaos.reset()
    ground.go()


@pytest.mark.parametrize(
    ("end", "code"),
    [
        pytest.param(success, 0, marks=pytest.mark.long),
        pytest.param(failure, 1, marks=pytest.mark.long),
        (interrupt, 130),
        (kill, -signal.SIGKILL),
        (loss, 6),
    ],
)
def test_no_secret_is_left_behind(
    sshd_with: Callable[..., Sshd], tmp_path: Path, end: Callable[[Ground, Started, Chaos], None], code: int
) -> None:
    """On the hosts and here: records, outputs, temporary files and folders are searched once all has ended."""
    ground = Ground(tmp_path)
    server = sshd_with(f"SetEnv TMPDIR={ground.tmp}")
    with Chaos(server.port, hosts=2) as chaos:
        run = Started(
            ground.local,
            STEPS.format(there=ground.there) + "secrets: {token: {env: CANARY}}\n",
            chaos.inventory(server, 2, connect_timeout="2s"),
            CANARY=ground.secret,
            TMPDIR=str(ground.local / "tmp"),
            HOME=str(ground.local / "home"),
        )
        until(lambda: all((ground.there / name).exists() for name in ("scripted", "copied")), "both steps")
        assert ground.is_at_work()
        on_its_way = [path.stat().st_mode & 0o777 for path in ground.there.glob(".*") if ground.holds(path)]
        end(ground, run, chaos)
        done = run.end()
        until(
            lambda: not ground.is_at_work() and not any(map(ground.holds, ground.there.glob(".*"))),
            "the end on the hosts",
        )

    assert on_its_way == [0o600]
    assert done.code == code, done.out + done.err
    assert [path for path in ground.files() if ground.holds(path)] == []
    assert ground.secret not in done.out + done.err
