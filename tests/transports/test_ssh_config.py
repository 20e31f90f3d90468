"""The user's ssh_config: read only where a host asks for it, below the inventory, and never able to weaken a login."""

import asyncio
import getpass

import pytest
from ssh_support import context, host

from runner.errors import ConnectError
from runner.transports import ssh
from runner.transports.ssh_config import with_user_config
from runner.transports.ssh_options import settings_of


def write(home, text):
    """The user's ssh_config."""
    (home / ".ssh").mkdir(exist_ok=True)
    (home / ".ssh" / "config").write_text(text)


async def connect(folder, one, *others):
    """Connect and close again."""
    async with ssh.start(context(folder, one, *others)) as transport:
        session = await transport.connect(one)
        await session.close()


def test_settings_by_our_names(tmp_path):
    """Each setting that is read comes out as the option it means."""
    (tmp_path / ".ssh").mkdir()
    (tmp_path / "key").touch()
    write(
        tmp_path,
        f"""
        Host web*
          HostName 10.0.0.7
          Port 2222
          User deploy
          IdentityFile {tmp_path}/key
          IdentityFile {tmp_path}/missing
          IdentityAgent none
          HostKeyAlias web.internal
          UserKnownHostsFile {tmp_path}/kh
          ConnectTimeout 7
          ServerAliveInterval 4
          ServerAliveCountMax 5
          ProxyJump gate,ops@inner:2200
        """,
    )

    found = with_user_config(host("web1", config=True), tmp_path)
    settings = settings_of(found.options, None, "/agent")

    assert found.address == "10.0.0.7"
    assert (settings.user, settings.port, settings.identity) == ("deploy", 2222, (f"{tmp_path}/key",))
    assert settings.known_hosts == (f"{tmp_path}/kh", "/etc/ssh/ssh_known_hosts")
    assert (settings.agent, settings.alias, settings.connect_timeout) == ("", "web.internal", 7)
    assert (settings.keepalive, settings.keepalive_count) == (4, 5)
    assert found.options["jump"] == ["gate", "ops@inner:2200"]


def test_inventory_comes_first(tmp_path):
    """What the inventory says is not changed by the file."""
    write(tmp_path, "Host *\n  User deploy\n  Port 2222\n")

    found = with_user_config(host("web1", "10.0.0.9", config=True, port=22), tmp_path)

    assert (found.address, found.options["port"], found.options["user"]) == ("10.0.0.9", 22, "deploy")


def test_file_is_not_read_unasked(tmp_path):
    """Without config: true the file has no say, not even a damaged one."""
    write(tmp_path, "Port much\n")
    one = host("web1")

    assert with_user_config(one, tmp_path) is one


def test_missing_file_says_nothing(tmp_path):
    """A user without the file gets the defaults."""
    found = with_user_config(host("web1", config=True), tmp_path)

    assert settings_of(found.options, None, "").user == getpass.getuser()


def test_none_never_turns_checking_off(tmp_path):
    """UserKnownHostsFile none is no file; it is not: accept everything."""
    write(tmp_path, "Host *\n  UserKnownHostsFile none\n  StrictHostKeyChecking no\n")

    found = with_user_config(host("web1", config=True), tmp_path)

    assert settings_of(found.options, None, "").known_hosts == ()
    assert settings_of(found.options, None, "").policy == "strict"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Host *\n  ProxyCommand nc %h %p\n", "ProxyCommand"),
        ("Port much\n", "cannot read"),
        ("Match exec\n", "Match exec"),
    ],
)
def test_what_cannot_be_followed_is_an_error(text, words, tmp_path):
    """A command to connect through, and a damaged file, stop this host instead of being passed over."""
    write(tmp_path, text)

    with pytest.raises(ConnectError, match=words):
        with_user_config(host("web1", config=True), tmp_path)


def test_no_command_in_it_is_run(tmp_path):
    """Not even to find out whether a part of it is about this host."""
    write(tmp_path, f'Host *\n  User ada\nMatch exec "touch {tmp_path}/ran"\n  Port 2222\n')

    with pytest.raises(ConnectError, match="Match exec"):
        with_user_config(host("web1", config=True), tmp_path)
    assert not (tmp_path / "ran").exists()


def test_what_would_weaken_a_login_has_no_effect(tmp_path):
    """Forwarding, other algorithms, unchecked keys: the options are those of a host that nothing is said about."""
    write(
        tmp_path,
        """
        Host *
          ForwardAgent yes
          ForwardX11 yes
          RemoteForward 9 127.0.0.1:9
          StrictHostKeyChecking no
          KexAlgorithms +diffie-hellman-group1-sha1
          HostKeyAlgorithms +ssh-rsa
          Ciphers +3des-cbc
          MACs +hmac-md5
          Compression yes
          PasswordAuthentication yes
          HostbasedAuthentication yes
          GSSAPIDelegateCredentials yes
          SendEnv *
          SetEnv A=b
          RequestTTY force
          RemoteCommand reboot
          PermitLocalCommand yes
          LocalCommand reboot
        """,
    )

    found = with_user_config(host("web1", config=True), tmp_path)

    assert found.options == {"config": True}
    assert settings_of(found.options, None, "") == settings_of({}, None, "")


@pytest.mark.sshd
def test_connects_by_an_alias_through_a_jump(sshd, sshd_with, tmp_path):
    """A host known to ssh_config alone is reached as ssh would, gateway and all."""
    gate = sshd_with()
    known = tmp_path / "kh"
    known.write_text(f"target {sshd.host_key}\n[127.0.0.9]:{gate.port} {gate.host_key}\n")
    write(
        tmp_path,
        f"""
        Host short
          HostName 127.0.0.2
          Port {sshd.port}
          HostKeyAlias target
          ProxyJump {gate.user}@127.0.0.9:{gate.port}
        Host 127.0.0.9
          IdentityFile {gate.identity}
        Host *
          IdentityFile {sshd.identity}
          UserKnownHostsFile {known}
        """,
    )

    asyncio.run(connect(tmp_path, host("short", config=True)))

    assert gate.authentications() == 1
