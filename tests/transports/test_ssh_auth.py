"""Logging in to a real OpenSSH server: keys, agents, passphrases, passwords, and what is said when it fails."""

import asyncio
import contextlib
import os
import shutil
import subprocess
import time

import asyncssh
import pytest
from ssh_support import context, host

from runner.errors import ConnectError
from runner.transports import ssh, ssh_keys

pytestmark = pytest.mark.sshd


async def connect(folder, *hosts, **more):
    """Connect to all hosts at once and close again. Raises what the first that fails raised."""
    async with ssh.start(context(folder, **more)) as transport:

        async def one(host):
            session = await transport.connect(host)
            await session.close()

        await asyncio.gather(*map(one, hosts))


def refusal(folder, *hosts, **more):
    """The ConnectError that connecting ends with."""
    with pytest.raises(ConnectError) as caught:
        asyncio.run(connect(folder, *hosts, **more))
    return caught.value


def let_in(server, key):
    """Make the server take one more key; taken back by the test's end is not needed, keys are random."""
    with (server.folder / "authorized_keys").open("a") as file:
        file.write(key.export_public_key().decode())


def write(key, path, passphrase=None):
    """Write a private key as ssh-keygen does."""
    path.parent.mkdir(exist_ok=True)
    path.touch(mode=0o600)
    key.write_private_key(str(path), passphrase=passphrase, rounds=50)
    path.chmod(0o600)
    return path


@contextlib.contextmanager
def agent(folder, *keys):
    """An ssh-agent that holds some keys; its socket."""
    path = folder / "agent"
    process = subprocess.Popen(["ssh-agent", "-D", "-a", path], stdout=subprocess.DEVNULL)
    try:
        while not path.exists():
            time.sleep(0.01)  # asks again until the socket is there
        for key in keys:
            subprocess.run(["ssh-add", "-q", key], check=True, env={**os.environ, "SSH_AUTH_SOCK": str(path)})
        yield {"SSH_AUTH_SOCK": str(path)}
    finally:
        process.terminate()
        process.wait()


needs_agent = pytest.mark.skipif(not shutil.which("ssh-agent"), reason="no ssh-agent here: install openssh-client")


def test_refused_login_says_what_was_tried(sshd, tmp_path):
    """A wrong key is one try; the message has the user, what was tried, and what the host would take."""
    key = write(asyncssh.generate_private_key("ssh-ed25519"), tmp_path / "k")
    before = sshd.connections()

    error = refusal(tmp_path, host("web1", "127.0.0.2", **sshd.options(identity=str(key), connect_attempts=3)))

    assert (error.cause, error.temporary) == ("auth", False)
    assert f'login as "{sshd.user}" refused (tried: publickey (1 key); the host allows: publickey)' in error.message
    assert sshd.connections() - before == 1


def test_no_key_at_all_says_so(sshd, tmp_path):
    """Where there is nothing to offer the hint says what to do."""
    options = sshd.options()
    del options["identity"]

    error = refusal(tmp_path, host("web1", "127.0.0.2", **options))

    assert error.cause == "auth"
    assert "tried: nothing" in error.message
    assert "identity" in error.hint


def test_usual_keys_are_offered(sshd, tmp_path):
    """Without identity the home's id_* files are offered; one that is damaged or open to others is passed over."""
    key = asyncssh.generate_private_key("ecdsa-sha2-nistp256")
    write(key, tmp_path / ".ssh" / "id_ecdsa")
    (tmp_path / ".ssh" / "id_ed25519").write_text("damaged")
    shutil.copy(tmp_path / ".ssh" / "id_ecdsa", tmp_path / ".ssh" / "id_rsa")
    (tmp_path / ".ssh" / "id_rsa").chmod(0o644)
    let_in(sshd, key)
    options = sshd.options()
    del options["identity"]

    asyncio.run(connect(tmp_path, host("web1", "127.0.0.2", **options)))


def test_a_key_file_is_parsed_once(sshd, tmp_path, monkeypatch):
    """An RSA key that twenty hosts use is read and checked once, and lets all of them in."""
    key = asyncssh.generate_private_key("ssh-rsa", key_size=2048)
    let_in(sshd, key)
    options = sshd.options(identity=str(write(key, tmp_path / "rsa")))
    loads = []
    load = asyncssh.load_keypairs
    monkeypatch.setattr(ssh_keys.asyncssh, "load_keypairs", lambda *args: loads.append(args) or load(*args))

    asyncio.run(connect(tmp_path, *(host(f"web{i}", f"127.0.0.{i % 16 + 1}", **options) for i in range(20))))

    assert len(loads) == 1


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda _: None, "No such file"),
        (lambda path: (path.write_text("x"), path.chmod(0o600)), "cannot use the key"),
        (lambda path: (write(asyncssh.generate_private_key("ssh-ed25519"), path), path.chmod(0o640)), "mode 0640"),
    ],
)
def test_identity_that_cannot_be_used(make, words, sshd, tmp_path):
    """A named identity that is missing, damaged or open to others is an error that names it; no host is contacted."""
    make(tmp_path / "k")
    before = sshd.connections()

    error = refusal(tmp_path, host("web1", "127.0.0.2", **sshd.options(identity=str(tmp_path / "k"))))

    assert error.cause == "auth"
    assert words in error.message
    assert str(tmp_path / "k") in error.message
    assert sshd.connections() == before


def test_passphrase_is_asked_once(sshd, tmp_path):
    """A locked key that several hosts use is asked about once."""
    key = asyncssh.generate_private_key("ssh-ed25519")
    let_in(sshd, key)
    path = write(key, tmp_path / "k", passphrase="open sesame")
    hosts = [host(f"web{i}", "127.0.0.2", **sshd.options(identity=str(path))) for i in range(5)]
    asked = []

    class Answers(dict):
        def __getitem__(self, prompt):
            asked.append(prompt)
            return "open sesame"

        def __contains__(self, _):
            return True

    asyncio.run(connect(tmp_path, *hosts, answers=Answers()))

    assert asked == [f'passphrase of the key "{path}": ']


def test_wrong_passphrase_and_nobody_to_ask(sshd, tmp_path):
    """A wrong passphrase is said so, and not asked again; without a person the key can't be used."""
    path = write(asyncssh.generate_private_key("ssh-ed25519"), tmp_path / "k", passphrase="open sesame")
    one = host("web1", "127.0.0.2", **sshd.options(identity=str(path)))

    assert "is wrong" in refusal(tmp_path, one, answers={f'passphrase of the key "{path}": ': "no"}).message
    assert "nobody is there" in refusal(tmp_path, one).message


@needs_agent
def test_agent_comes_first(sshd, tmp_path):
    """Without identity the agent's key is used, for many hosts at once."""
    key = asyncssh.generate_private_key("ssh-ed25519")
    let_in(sshd, key)
    options = sshd.options()
    del options["identity"]

    with agent(tmp_path, write(key, tmp_path / "held")) as environ:
        hosts = [host(f"web{i}", f"127.0.0.{i + 1}", **options) for i in range(8)]
        asyncio.run(connect(tmp_path, *hosts, environ=environ))


@needs_agent
def test_only_the_named_identity_is_offered(sshd, tmp_path):
    """An agent full of keys does not use up the host's patience (MaxAuthTries 6) where an identity is named."""
    keys = [write(asyncssh.generate_private_key("ssh-ed25519"), tmp_path / f"k{i}") for i in range(8)]

    with agent(tmp_path, *keys) as environ:
        asyncio.run(connect(tmp_path, host("web1", "127.0.0.2", **sshd.options()), environ=environ))


@needs_agent
def test_locked_identity_comes_from_the_agent(sshd, tmp_path):
    """A locked identity that the agent holds is used through it, and nobody is asked."""
    key = asyncssh.generate_private_key("ssh-ed25519")
    let_in(sshd, key)
    locked = write(key, tmp_path / "locked", passphrase="open sesame")

    with agent(tmp_path, write(key, tmp_path / "open")) as environ:
        one = host("web1", "127.0.0.2", **sshd.options(identity=str(locked)))
        asyncio.run(connect(tmp_path, one, environ=environ))


def test_dead_agent_is_no_agent(sshd, tmp_path):
    """A socket nobody listens on is passed over."""
    environ = {"SSH_AUTH_SOCK": str(tmp_path / "gone")}

    asyncio.run(connect(tmp_path, host("web1", "127.0.0.2", **sshd.options()), environ=environ))


@pytest.mark.sudo
def test_password_by_secret_is_one_try(sshd_with, login_user, tmp_path):
    """A password named as a secret lets in; a wrong one is tried once and never shown."""
    server = sshd_with("PasswordAuthentication yes", user=login_user.name)
    options = server.options(password="login")
    del options["identity"]

    asyncio.run(connect(tmp_path, host("web1", "127.0.0.2", **options), secrets={"login": login_user.password}))
    error = refusal(tmp_path, host("web1", "127.0.0.2", **options), secrets={"login": "wrong-word"})

    assert error.cause == "auth"
    assert "tried: password" in error.message
    assert "wrong-word" not in error.message + error.hint
    assert server.log().count("Failed password") == 1


class Asker(asyncssh.SSHServer):
    """A server that asks questions instead of taking a password."""

    tries = 0

    def begin_auth(self, _):
        return True

    def password_auth_supported(self):
        return False

    def kbdint_auth_supported(self):
        return True

    def get_kbdint_challenge(self, *_):
        return "", "", "", [("Password: ", False)]

    def validate_kbdint_response(self, _, responses):
        Asker.tries += 1
        return responses == ["right"]


def test_password_answers_a_question(tmp_path):
    """Where the host asks for the password as a question, it gets the same password, once."""

    async def work(secret):
        key = asyncssh.generate_private_key("ssh-ed25519")
        server = await asyncssh.listen("127.0.0.1", 0, server_factory=Asker, server_host_keys=[key], config=None)
        port = server.get_port()
        (tmp_path / "kh").write_text(f"[127.0.0.1]:{port} {key.export_public_key().decode()}")
        one = host("web1", "127.0.0.1", user="u", port=port, password="p", known_hosts=str(tmp_path / "kh"))
        try:
            await connect(tmp_path, one, secrets={"p": secret})
        finally:
            server.close()
            await server.wait_closed()

    asyncio.run(work("right"))
    Asker.tries = 0
    with pytest.raises(ConnectError, match="password"):
        asyncio.run(work("wrong"))
    assert Asker.tries == 1
