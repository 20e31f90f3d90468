"""A real OpenSSH server on loopback, and users to log in as: what every test of the real thing stands on.

One server answers on as many addresses of 127.0.0.0/8 as a test wants hosts, so nine hosts cost one process. The
server listens on up to sixteen addresses by name (more is more than sshd can); beyond that it listens on all of this
machine's, and lets nobody log in but from loopback.
"""

import contextlib
import os
import pwd
import re
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import asyncssh
import pytest
import yaml

PROGRAM = shutil.which("sshd", path="/usr/sbin:/usr/local/sbin:/sbin:" + os.environ.get("PATH", ""))
REQUIRED = os.environ.get("RUNNER_REQUIRE_SSHD") == "1"
MOST_ADDRESSES = 16
"""Listening sockets that sshd can hold (MAX_LISTEN_SOCKS)."""

DEFAULTS = {
    "AuthorizedKeysFile": "{folder}/authorized_keys",
    "KbdInteractiveAuthentication": "no",
    "LogLevel": "VERBOSE",
    "LoginGraceTime": "60",
    "MaxStartups": "1000",
    "PasswordAuthentication": "no",
    "PermitRootLogin": "yes",
    "PermitUserEnvironment": "no",
    "PidFile": "{folder}/sshd.pid",
    "PrintMotd": "no",
    "StrictModes": "no",
    "Subsystem": "sftp internal-sftp",
    "UseDNS": "no",
    "UsePAM": "no",
}


def need(condition: object, reason: str) -> None:
    """Skip the test with its reason, or fail where the full suite is asked for (RUNNER_REQUIRE_SSHD=1)."""
    if not condition:
        (pytest.fail if REQUIRED else pytest.skip)(reason)


def address(index: int) -> str:
    """The address of a host, counted from 1: 127.0.0.1, 127.0.0.2 and so on, then 127.0.1.0."""
    return f"127.{index >> 16 & 255}.{index >> 8 & 255}.{index & 255}"


def free_port() -> int:
    """A TCP port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def me() -> str:
    """The name of the user the tests run as."""
    return pwd.getpwuid(os.getuid()).pw_name


class Sshd:
    """One server with its own keys, for as long as the ``with`` block lasts.

    ``config`` are further lines of sshd_config; they win over the defaults. ``user`` is whom inventories log in as.
    ``addresses`` is how many hosts it answers for. ``folder``, ``port``, ``identity`` (a private key that is let in),
    ``known_hosts`` (its key, under every address) and ``host_key`` (the public one) are there to be used.
    """

    def __init__(self, *config: str, user: str | None = None, addresses: int = MOST_ADDRESSES) -> None:
        need(PROGRAM, "no OpenSSH server here: install openssh-server")
        self.user = user or me()
        self.folder = Path(tempfile.mkdtemp(prefix="runner-sshd-"))
        self.folder.chmod(0o755)  # the login user reads authorized_keys in it
        self.identity = self.folder / "user_ed25519"
        self.known_hosts = self.folder / "known_hosts"
        self.addresses = addresses
        self._log = self.folder / "log"
        self._pid_file = self.folder / "sshd.pid"
        self._config = config
        self.port = 0
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self._write_keys()
        for _ in range(5):  # another process may take the port before sshd does
            if self._start():
                return self
        log = self.log()
        shutil.rmtree(self.folder, ignore_errors=True)
        raise RuntimeError(f"sshd does not start:\n{log}")

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _write_keys(self) -> None:
        user_key = asyncssh.generate_private_key("ssh-ed25519", comment="runner tests")
        user_key.write_private_key(str(self.identity))
        self.identity.chmod(0o600)
        user_key.write_public_key(str(self.folder / "authorized_keys"))
        (self.folder / "authorized_keys").chmod(0o644)
        self.new_host_key()

    def new_host_key(self) -> None:
        """Give it another host key, in force after the next start; ``known_hosts`` keeps the old one."""
        key = asyncssh.generate_private_key("ssh-ed25519")
        path = self.folder / "host_ed25519"
        key.write_private_key(str(path))
        path.chmod(0o600)
        self.host_key = key.export_public_key().decode().strip()

    def _start(self) -> bool:
        self.port = free_port()
        self.known_hosts.write_text(f"[127.*]:{self.port} {self.host_key}\n")
        return self.start()

    def start(self) -> bool:
        """Start it, again on the same port and with what ``new_host_key`` left; True when it answers."""
        (self.folder / "sshd_config").write_text(self._config_text())
        if os.getuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        self._pid_file.unlink(missing_ok=True)
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [str(PROGRAM), "-D", "-e", "-f", str(self.folder / "sshd_config")],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        return self._listens()

    def _config_text(self) -> str:
        given = {line.split(maxsplit=1)[0].lower() for line in self._config}
        lines = [f"Port {self.port}", f"HostKey {self.folder}/host_ed25519", "AllowUsers *@127.0.0.0/8"]
        lines += [f"ListenAddress {name}" for name in self._listening()]
        lines += [
            f"{key} {value}".format(folder=self.folder) for key, value in DEFAULTS.items() if key.lower() not in given
        ]
        return "\n".join([*lines, *self._config]) + "\n"

    def _listens(self) -> bool:
        """Wait until it has written its PidFile, which it does once it listens on every address."""
        assert self.process
        end = time.monotonic() + 10
        while self.process.poll() is None and time.monotonic() < end:
            if self._pid_file.exists() and self._pid_file.read_text().strip() == str(self.process.pid):
                return True
            time.sleep(0.005)  # asks again; nothing depends on how long this is
        self.stop()
        return False

    def _listening(self) -> list[str]:
        return self.hosts(self.addresses) if self.addresses <= MOST_ADDRESSES else ["0.0.0.0"]

    def hosts(self, count: int, start: int = 1) -> list[str]:
        """Addresses of that many hosts, from number ``start`` on."""
        return [address(index) for index in range(start, start + count)]

    def options(self, **extra: Any) -> dict[str, Any]:
        """What stands under ``ssh:`` for a host of this server."""
        own = {"user": self.user, "port": self.port, "identity": str(self.identity)}
        return {**own, "known_hosts": str(self.known_hosts), **extra}

    def inventory(self, count: int, prefix: str = "web", **extra: Any) -> dict[str, Any]:
        """An inventory of that many hosts, web01 and on, as data; ``extra`` are further keys under ``ssh:``."""
        width = max(2, len(str(count)))
        names = {f"{prefix}{index:0{width}}": {"address": address(index)} for index in range(1, count + 1)}
        return {"ssh": self.options(**extra), "hosts": names}

    def inventory_text(self, count: int, prefix: str = "web", **extra: Any) -> str:
        """The same as YAML."""
        return str(yaml.safe_dump(self.inventory(count, prefix, **extra), sort_keys=False))

    def log(self) -> str:
        """All that it has logged."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def connections(self) -> int:
        """How many connections it has accepted."""
        return self.log().count("Connection from ")

    def authentications(self) -> int:
        """How many logins it has let in."""
        return len(re.findall(r"^Accepted \S+ for ", self.log(), re.MULTILINE))

    def drops(self) -> int:
        """How many connections it has dropped because too many were logging in (MaxStartups)."""
        return self.log().count("drop connection #")

    def sessions(self) -> list[int]:
        """Process ids of all that the server has started: one or two for each connection, and what runs in them."""
        return descendants(self.process.pid) if self.process else []

    def stop(self) -> None:
        """End the server and the connections it serves, and nothing else."""
        if self.process is None:
            return
        children = self.sessions()
        self.process.terminate()
        self.process.wait(10)
        for pid in children:
            end_process(pid)
        self.process = None


def descendants(root: int) -> list[int]:
    """Process ids below ``root``, parents first."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                parents.setdefault(parent, []).append(int(entry.name))
    found, queue = [], [root]
    while queue:
        children = parents.get(queue.pop(0), [])
        found += children
        queue += children
    return found


def end_process(pid: int) -> None:
    """KILL a process of ours, stopped ones too; it may be gone already."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, signal.SIGKILL)


@dataclass(frozen=True)
class User:
    """A login user of this machine, made for a test."""

    name: str
    home: Path
    password: str


@contextlib.contextmanager
def test_user(shell: str = "/bin/sh", sudo: str = "") -> Iterator[User]:  # noqa: PT028 - no test, see below
    """Make a user, and remove it with its processes at the end. Needs root.

    ``sudo`` is ``""`` (none), ``"nopasswd"`` or ``"password"``: the user's own, which is set either way.
    """
    need(os.getuid() == 0, "making a user needs root")
    user = User(
        f"runnertest{secrets.token_hex(3)}", Path(tempfile.mkdtemp(prefix="runner-home-")), secrets.token_hex(8)
    )
    rule = Path("/etc/sudoers.d") / user.name
    system("useradd", "--shell", shell, "--home-dir", str(user.home), "--no-create-home", "--user-group", user.name)
    try:
        shutil.chown(user.home, user.name, user.name)
        system("chpasswd", data=f"{user.name}:{user.password}\n")
        if sudo:
            write_rule(rule, user.name, sudo)
        yield user
    finally:
        rule.unlink(missing_ok=True)
        remove_user(user)


test_user.__test__ = False  # type: ignore[attr-defined]  # its name is a word, not a test


def write_rule(path: Path, name: str, sudo: str) -> None:
    """Let a user use sudo, with or without a password."""
    need(shutil.which("sudo"), "no sudo here: install sudo")
    tag = "NOPASSWD: " if sudo == "nopasswd" else ""
    draft = path.with_name(path.name + ".new")  # a name with a dot is not read
    draft.write_text(f"Defaults:{name} lecture=never\n{name} ALL=(ALL:ALL) {tag}ALL\n")
    draft.chmod(0o440)
    draft.rename(path)


def remove_user(user: User) -> None:
    """End the user's processes and remove it with its home."""
    uid = pwd.getpwnam(user.name).pw_uid
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and entry.stat().st_uid == uid:
                end_process(int(entry.name))
    system("userdel", "--force", user.name)
    shutil.rmtree(user.home, ignore_errors=True)


def system(*argv: str, data: str = "") -> None:
    """Run a tool that edits /etc/passwd; tried again while another one holds its lock."""
    for _ in range(50):
        done = subprocess.run(argv, input=data, text=True, capture_output=True, check=False)
        if done.returncode == 0:
            return
        if "lock" not in done.stderr and "try again" not in done.stderr:
            break
        time.sleep(0.1)  # another process holds /etc/.pwd.lock
    raise RuntimeError(f"{argv[0]}: {done.stderr.strip()}")
