"""Whatever login shell a user has, over a real OpenSSH server: steps run in /bin/sh, or the reason is told."""

import asyncio
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from ssh_support import context, host
from sshd import Sshd, User, need, system, test_user

from runner.errors import ConnectError
from runner.transport import Command
from runner.transports import ssh

pytestmark = pytest.mark.sshd


@pytest.fixture
def users() -> Iterator[Any]:
    """Make users with a shell, by its name or path."""
    with ExitStack() as stack:

        def make(shell: str | Path) -> User:
            found = shutil.which(str(shell))
            need(found, f"no {shell} here")
            return stack.enter_context(test_user(shell=str(found)))

        yield make


def script_shell(folder: Path, text: str) -> Path:
    """A login shell of our own making, in a folder that everybody can read."""
    shell = folder / "shell"
    shell.write_text(f"#!/bin/sh\n{text}\n")
    shell.chmod(0o755)
    return shell


def said(server: Sshd, folder: Path, script: str = "echo $LC_ALL; umask; echo over") -> str:
    """What a step prints there."""

    async def work() -> str:
        one = host("web1", "127.0.0.2", **server.options())
        async with ssh.start(context(folder, one)) as transport:
            session = await transport.connect(one)
            try:
                result = await asyncio.wait_for(session.run(Command(script=script)), 20)
            finally:
                await session.close()
            return result.stdout.data.decode()

    return asyncio.run(work())


@pytest.mark.parametrize("shell", ["bash", "dash", "ksh", "zsh", "fish", "tcsh", "yash"])
def test_steps_run_in_sh_whatever_the_login_shell(users: Any, sshd_with: Any, shell: str, tmp_path: Path) -> None:
    """Only words that mean the same to all of them are sent to it."""
    if shutil.which(shell) is None:
        pytest.skip(f"no {shell} here")
    server = sshd_with(user=users(shell).name)

    assert said(server, tmp_path).split() == ["C.UTF-8", "0022", "over"]


def test_a_shell_that_knows_just_one_way_to_be_asked(users: Any, sshd: Sshd, sshd_with: Any, tmp_path: Path) -> None:
    """It gets ``-c`` and one line without quotes, variables or redirections, which an odd shell may read otherwise."""
    log = sshd.folder / "asked"
    log.touch()
    log.chmod(0o666)
    text = f'printf "%s\\n" "$*" >> {log}\n[ "$*" = "-c exec /bin/sh" ] || exit 99\nexec /bin/sh'
    server = sshd_with(user=users(script_shell(sshd.folder, text)).name)

    assert said(server, tmp_path).endswith("over\n")
    assert log.read_text() == "-c exec /bin/sh\n"


@pytest.mark.parametrize(
    ("shell", "words"),
    [
        ("/bin/false", "it said nothing"),
        ("/usr/sbin/nologin", "This account is currently not available."),
        ("rbash", "restricted"),
    ],
)
def test_a_shell_that_starts_nothing_is_told(
    users: Any, sshd_with: Any, shell: str, words: str, tmp_path: Path
) -> None:
    """With its own words, and not as a failed step: nothing was sent."""
    server = sshd_with(user=users(shell).name)

    with pytest.raises(ConnectError) as caught:
        said(server, tmp_path)

    assert "the host ran something else than a shell" in caught.value.message
    assert words in caught.value.message
    assert "the login shell (nologin)" in caught.value.hint
    assert not caught.value.temporary


def test_noisy_and_slow_rc_files_are_borne(users: Any, sshd_with: Any, tmp_path: Path) -> None:
    """What ~/.bashrc prints is no output of any step; what it sets up for people changes no step."""
    user = users("bash")
    (user.home / ".bashrc").write_text(
        "echo welcome; echo warning >&2; alias echo=false; echo() { false; }; sleep 0.5; trap 'echo bye' EXIT; set -u\n"
    )
    server = sshd_with(user=user.name)

    assert said(server, tmp_path).split() == ["C.UTF-8", "0022", "over"]


@pytest.mark.parametrize("line", ["exit 3", "echo no entry; kill -9 $$"])
def test_an_rc_file_that_ends_the_shell_is_told(users: Any, sshd_with: Any, line: str, tmp_path: Path) -> None:
    """The hint leads to rc files."""
    user = users("bash")
    (user.home / ".bashrc").write_text(f"{line}\n")
    server = sshd_with(user=user.name)

    with pytest.raises(ConnectError) as caught:
        said(server, tmp_path)

    assert "rc files" in caught.value.hint or "killed by KILL" in caught.value.message


def test_an_expired_account_is_told(users: Any, sshd_with: Any, tmp_path: Path) -> None:
    """The login is refused, which time does not mend, and the message has what was tried."""
    user = users("sh")
    system("usermod", "--expiredate", "1970-01-02", user.name)
    server = sshd_with(user=user.name)

    with pytest.raises(ConnectError) as caught:
        said(server, tmp_path)

    assert caught.value.cause == "auth"
    assert f'login as "{user.name}" refused (tried: ' in caught.value.message
    assert not caught.value.temporary
