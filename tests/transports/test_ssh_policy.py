"""What is agreed on with a server: the policy of algorithms, what is never asked for, limits on logins in flight."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncssh
import jsonschema
import pytest
from asyncssh import kex_dh
from commandline import project, runner
from greetings import after_version, kexinit, packet
from logins import rekeys
from peers import HOST_KEY, Behaviour, Peer, Server, Shell, serving
from ssh_support import context, host
from sshd import Sshd

from runner.engine.limits import PER_ADDRESS, TOTAL, Connecting
from runner.errors import ConnectError, LostError
from runner.known_hosts import Keys
from runner.model.inventory import Host
from runner.model.playbook import DEFAULT_TIMEOUT
from runner.transport import Agreed, Command
from runner.transports import ssh, ssh_channels, ssh_dial, ssh_options
from runner.transports.options import SSH_KEYS
from runner.transports.ssh_options import Settings, settings_of
from runner.transports.ssh_trust import Store, Verdict

KEX = [
    "mlkem768x25519-sha256",
    "curve25519-sha256",
    "curve25519-sha256@libssh.org",
    "ecdh-sha2-nistp256",
    "ecdh-sha2-nistp384",
    "ecdh-sha2-nistp521",
    "diffie-hellman-group16-sha512",
    "diffie-hellman-group18-sha512",
    "diffie-hellman-group-exchange-sha256",
]
CIPHERS = [
    "aes128-gcm@openssh.com",
    "aes256-gcm@openssh.com",
    "aes128-ctr",
    "aes192-ctr",
    "aes256-ctr",
    "chacha20-poly1305@openssh.com",
]
MACS = ["hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com", "umac-128-etm@openssh.com"]
KEYS = [
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
    "rsa-sha2-512",
    "rsa-sha2-256",
]


def names(found: Any) -> list[str]:
    """Names as the library has them, as text."""
    return [name if isinstance(name, str) else name.decode() for name in found]


def test_the_options_are_those_of_the_policy() -> None:
    """Exactly these algorithms, in this order; nothing forwarded, nothing looked up, nothing compressed."""
    options = ssh_options.prepare(settings_of({"user": "u"}, None, "/run/agent"))

    known = {name.decode() for kind in ssh_options.ALLOWED for name in ssh_options.possible(kind)}
    assert names(options.kex_algs) == [name for name in KEX if name in known]
    assert names(options.encryption_algs) == CIPHERS
    assert names(options.mac_algs) == [name for name in MACS if name in known]
    assert names(options.server_host_key_algs) == [name for name in KEYS if name in known]
    assert names(options.signature_algs) == [name for name in KEYS if name in known]
    assert names(options.compression_algs) == ["none"]
    assert set(KEX) - known <= {"mlkem768x25519-sha256"}
    assert set(MACS) - known <= {"umac-128-etm@openssh.com"}
    assert (options.agent_path, options.agent_forward_path) == (None, None)
    assert (options.x11_forwarding, options.tunnel, options.proxy_command) == (False, None, None)
    assert (options.gss_host, options.gss_kex, options.gss_auth, options.gss_delegate_creds) == (
        None,
        False,
        False,
        False,
    )
    assert (options.host_based_auth, options.password_auth, options.kbdint_auth) == (False, False, False)
    assert (options.client_keys, options.client_host_keysign, options.pkcs11_provider) == (None, None, None)
    assert options.known_hosts == ((), (), ())
    assert (options.env, options.send_env, options.request_pty, options.command) == (None, None, False, None)
    assert (options.encoding, options.utf8_decode_errors) == (None, "replace")
    assert (options.rekey_bytes, options.rekey_seconds) == (1 << 30, 3600)
    assert (options.keepalive_interval, options.keepalive_count_max, options.tcp_keepalive) == (15, 3, True)


def test_older_algorithms_come_by_a_host_s_own_key_alone() -> None:
    """Another host's options are not touched by them."""
    own = ssh_options.prepare(settings_of({"user": "u", "algorithms": {"macs": ["+hmac-sha1"]}}, None, ""))
    other = ssh_options.prepare(Settings("u"))

    assert names(own.mac_algs)[-1] == "hmac-sha1"
    assert "hmac-sha1" not in names(other.mac_algs)


def test_no_key_turns_checking_off_or_forwarding_on() -> None:
    """These are all the keys of a connection; of the policies, whatever is not ``accept-new`` is strict."""
    assert set(SSH_KEYS) == {
        *("user", "port", "identity", "password", "jump", "known_hosts", "host_key_policy", "connect_timeout"),
        *("connect_attempts", "keepalive", "config", "algorithms"),
    }
    policy = jsonschema.Draft202012Validator(SSH_KEYS["host_key_policy"])
    assert [word for word in ("strict", "accept-new") if not policy.is_valid(word)] == []
    assert [
        word for word in ("off", "no", "none", "ask", "accept", "", True, False, None, 0) if policy.is_valid(word)
    ] == []
    for word in ("off", "no", "none", "accept"):
        verdict = Verdict(Store((Path("kh"),)), Keys(), "web1", 22, word)
        with pytest.raises(ConnectError, match="is not known"):
            verdict.accept(HOST_KEY)


def test_the_floor_of_the_library_is_asserted_when_the_transport_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before any host is contacted."""
    monkeypatch.setattr(ssh, "LEAST_VERSION", (99, 0, 0))

    async def work() -> None:
        async with ssh.start(context(tmp_path)):
            pass

    monkeypatch.setattr(ssh.check_version, "__defaults__", ("2.24.0",))
    with pytest.raises(ConnectError, match=r"asyncssh 2\.24\.0 is too old"):
        asyncio.run(work())


def test_limits_in_time_have_their_values() -> None:
    """An address has 15 s, a login 30, the system a minute for what was sent, a step half an hour unless it says so."""
    with socket.socket() as plain:
        ssh_dial.set_options(plain)
        confirmed = plain.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)

    assert 45_000 <= confirmed <= 60_000
    assert (ssh_options.TCP_TIMEOUT, ssh_options.LOGIN_TIMEOUT, DEFAULT_TIMEOUT) == (15, 30, 1800)
    assert (ssh_options.KEEPALIVE, ssh_options.KEEPALIVE_COUNT, ssh_channels.MOST) == (15, 3, 8)


# servers of this process, with algorithms of their own


def identity(folder: Path) -> str:
    """A user's key."""
    file = folder / "user"
    file.touch(mode=0o600)
    file.write_bytes(asyncssh.generate_private_key("ssh-ed25519").export_private_key())
    return str(file)


@contextlib.asynccontextmanager
async def connecting(
    folder: Path, behaviour: Behaviour, **more: Any
) -> AsyncIterator[tuple[ssh.SshTransport, Host, Server]]:
    """A transport, a host, and its server."""
    async with serving({"one": behaviour}) as servers:
        server = servers["one"]
        (folder / "kh").write_text(f"127.* {HOST_KEY.export_public_key().decode()}")
        options = {"user": "u", "known_hosts": str(folder / "kh"), "identity": identity(folder), **more}
        one = host("web1", server.address, port=server.port, **options)
        async with ssh.start(context(folder)) as transport:
            yield transport, one, server


def agreed(folder: Path, behaviour: Behaviour, **more: Any) -> Agreed:
    """What a connection to such a server comes to. Raises ConnectError."""

    async def work() -> Agreed:
        async with connecting(folder, behaviour, **more) as (transport, one, _):
            session = await transport.connect(one)
            await session.close()
            return session.agreed

    return asyncio.run(work())


OLD = {
    "kex": ({"kex_algs": ["diffie-hellman-group1-sha1", "diffie-hellman-group14-sha1"]}, "key exchange", "group1-sha1"),
    "cipher": ({"encryption_algs": ["aes128-cbc", "3des-cbc"]}, "encryption", "aes128-cbc,3des-cbc"),
    "mac": ({"encryption_algs": ["aes128-ctr"], "mac_algs": ["hmac-sha1", "hmac-md5"]}, "MAC", "hmac-sha1,hmac-md5"),
}


@pytest.mark.parametrize(("options", "kind", "theirs"), OLD.values(), ids=OLD)
def test_a_server_with_old_algorithms_only_is_refused_with_both_lists(
    options: dict[str, Any], kind: str, theirs: str, tmp_path: Path
) -> None:
    """What we sent and what the host has, whole, and the key of the inventory that would allow it."""
    with pytest.raises(
        ConnectError, match=rf"no common algorithm for {kind}: sent .*,.* and received .*{theirs}"
    ) as caught:
        agreed(tmp_path, Behaviour(options=options))

    assert caught.value.cause == "kex"
    assert "algorithms" in caught.value.hint


def test_a_server_that_signs_with_sha_1_alone_is_refused(tmp_path: Path) -> None:
    """Both lists are named: ours has no ssh-rsa."""
    lists = [[b"curve25519-sha256"], [b"ssh-rsa"]]

    async def work() -> None:
        async with connecting(tmp_path, Behaviour(raw=after_version(packet(kexinit(*lists))))) as (transport, one, _):
            await transport.connect(one)

    with pytest.raises(
        ConnectError, match=r"no common algorithm for host key: sent .* and received ssh-rsa$"
    ) as caught:
        asyncio.run(work())
    assert "ssh-rsa," not in caught.value.message


def test_older_algorithms_that_a_host_is_allowed_are_recorded(tmp_path: Path) -> None:
    """Whoever reads the journal sees that this connection was weaker than others, and why."""
    behaviour = Behaviour(options={"encryption_algs": ["aes128-cbc"], "mac_algs": ["hmac-sha2-256"]})

    found = agreed(tmp_path, behaviour, algorithms={"ciphers": ["+aes128-cbc"], "macs": ["+hmac-sha2-256"]})

    assert found == Agreed(strict_kex=True, older=("aes128-cbc", "hmac-sha2-256"))
    assert agreed(tmp_path, Behaviour()) == Agreed(strict_kex=True)


@pytest.fixture
def not_strict(monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers from before strict key exchange."""
    plain = asyncssh.SSHServerConnection._get_extra_kex_algs
    monkeypatch.setattr(
        asyncssh.connection.SSHConnection,
        "_get_extra_kex_algs",
        lambda self: [b"ext-info-s"] if self.is_server() else plain(self),
    )
    monkeypatch.setattr(Peer, "_strict_kex", property(lambda _: False, lambda *_: None), raising=False)


@pytest.mark.usefixtures("not_strict")
def test_chacha20_needs_strict_key_exchange(tmp_path: Path) -> None:
    """A server that does not know it gets another cipher, or none; that it does not is in the record."""
    mixed = Behaviour(options={"encryption_algs": ["chacha20-poly1305@openssh.com", "aes256-ctr"]})
    alone = Behaviour(options={"encryption_algs": ["chacha20-poly1305@openssh.com"]})

    assert agreed(tmp_path, mixed) == Agreed(strict_kex=False)
    with pytest.raises(ConnectError, match="safe with strict key exchange only") as caught:
        agreed(tmp_path, alone)
    assert caught.value.cause == "kex"


def test_chacha20_is_fine_with_strict_key_exchange(tmp_path: Path) -> None:
    """Where nothing can be cut out, it is as good as the others."""
    assert agreed(tmp_path, Behaviour(options={"encryption_algs": ["chacha20-poly1305@openssh.com"]})).strict_kex


@pytest.mark.parametrize("bits", [1024, 4096])
def test_a_group_of_the_host_s_choice_has_its_limits(
    bits: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever was asked for, the host chooses: 1024 bits are too few, and 4096 would hold up all hosts."""
    groups = {1024: kex_dh._group1_p, 2048: kex_dh._group14_p, 4096: kex_dh._group16_p}
    behaviour = Behaviour(options={"kex_algs": ["diffie-hellman-group-exchange-sha256"]})

    monkeypatch.setattr(kex_dh, "_dh_gex_groups", [(2048, 2, groups[bits])])
    with pytest.raises(ConnectError, match=f"the host chose a group of {bits} bits; 2048 to 3072 are taken") as caught:
        agreed(tmp_path, behaviour)
    assert caught.value.cause == "kex"

    monkeypatch.setattr(kex_dh, "_dh_gex_groups", [(2048, 2, groups[2048])])
    assert agreed(tmp_path, behaviour) == Agreed(strict_kex=True)


# what is asked of a server


async def working(shell: Shell) -> None:
    """A shell whose step ends well."""
    await shell.greeted()
    await shell.asked()
    shell.out(shell.frame("b 1 4711"))
    shell.told(0)


def test_no_forwarding_of_anything_is_ever_asked_for(tmp_path: Path) -> None:
    """With an agent at hand, in a whole session: one channel and one command, and nothing else."""

    async def work() -> list[str]:
        async with connecting(tmp_path, Behaviour(story=working)) as (transport, one, server):
            session = await transport.connect(one)
            result = await session.run(Command(script="true"))
            await session.close()
            assert result.rc == 0
            return server.seen

    assert asyncio.run(work()) == ["session", "exec"]


@pytest.mark.parametrize("policy", ["strict", "accept-new"])
def test_another_key_in_the_middle_of_a_connection_is_refused(policy: str, tmp_path: Path) -> None:
    """Whoever shows another host key with new keys is not the host that was let in: the end of the step is unknown."""
    other = asyncssh.SSHServerConnectionOptions(server_host_keys=[asyncssh.generate_private_key("ssh-ed25519")])

    async def story(shell: Shell) -> None:
        await shell.at_work()
        shell.peer._server_host_keys = other.server_host_keys
        rekeys(shell.peer)

    async def work() -> None:
        more = {"known_hosts": str(tmp_path / "new"), "host_key_policy": policy} if policy == "accept-new" else {}
        async with connecting(tmp_path, Behaviour(story=story), **more) as (transport, one, _):
            session = await transport.connect(one)
            try:
                async with asyncio.timeout(10):
                    await session.run(Command(script="true"))
            finally:
                await session.close()

    with pytest.raises(LostError, match="Host key is not trusted"):
        asyncio.run(work())


def test_a_refused_login_is_tried_once(tmp_path: Path) -> None:
    """Though ``connect_attempts`` says more: newer servers lock out an address for it."""

    async def work() -> int:
        async with connecting(tmp_path, Behaviour(auth=True), connect_attempts=5) as (transport, one, server):
            with pytest.raises(ConnectError) as caught:
                await transport.connect(one)
            assert (caught.value.cause, caught.value.temporary) == ("auth", False)
            return server.connections

    assert asyncio.run(work()) == 1


def test_the_deadline_holds_for_the_whole_of_a_connect(tmp_path: Path) -> None:
    """A server that answers each part just in time is given up all the same, however many attempts its parts make."""

    def slow(peer: Peer, _: Any) -> Any:
        asyncio.get_running_loop().call_later(0.2, peer.send_packet, 51, b"\0\0\0\x09publickey\0")

    async def work() -> float:
        async with connecting(tmp_path, Behaviour(auth=True, answers={50: slow}), connect_timeout="300ms") as found:
            transport, one, _ = found
            begun = asyncio.get_running_loop().time()
            with pytest.raises(ConnectError, match=r"no login within 0\.3 s"):
                await transport.connect(one)
            return asyncio.get_running_loop().time() - begun

    assert asyncio.run(work()) < 2


def test_logins_in_flight_are_limited(tmp_path: Path) -> None:
    """At most 32 in all, and 8 to one address, whatever the run wants; all have their turn."""
    assert (TOTAL, PER_ADDRESS) == (32, 8)

    def slow(peer: Peer, _: Any) -> Any:
        asyncio.get_running_loop().call_later(0.02, peer.send_packet, 6, b"\0\0\0\x0cssh-userauth")

    behaviour = Behaviour(answers={5: slow, 50: lambda *_: ...})
    most: dict[str, int] = {"all": 0}

    async def work() -> None:
        places = Connecting({})
        now: dict[str, int] = {"all": 0}

        @contextlib.asynccontextmanager
        async def counted(address: str) -> AsyncIterator[None]:
            async with places.limit(address):
                for name in ("all", address):
                    now[name] = now.get(name, 0) + 1
                    most[name] = max(most.get(name, 0), now[name])
                yield
                for name in ("all", address):
                    now[name] -= 1

        async with serving({str(index): behaviour for index in range(5)}) as servers:
            (tmp_path / "kh").write_text(f"127.* {HOST_KEY.export_public_key().decode()}")
            options = {"user": "u", "known_hosts": str(tmp_path / "kh"), "identity": identity(tmp_path)}
            hosts = [
                host(f"h{index}", server.address, port=server.port, **options)
                for server in servers.values()
                for index in range(15)
            ]
            async with ssh.start(context(tmp_path, limit=counted)) as transport:
                for session in await asyncio.gather(*map(transport.connect, hosts)):
                    await session.close()

    asyncio.run(work())

    assert most.pop("all") == 32
    assert set(most.values()) <= set(range(1, 9))


# a real server


@pytest.mark.sshd
def test_a_key_that_was_taken_at_first_contact_is_known_when_keys_are_renewed(sshd_with: Any, tmp_path: Path) -> None:
    """The server asks for new keys after some output, shows the same host key, and the step goes on."""
    server = sshd_with("RekeyLimit 256K")
    file = tmp_path / "kh"
    one = host("web1", "127.0.0.2", **server.options(known_hosts=str(file), host_key_policy="accept-new"))

    async def work() -> int:
        async with ssh.start(context(tmp_path)) as transport:
            session = await transport.connect(one)
            result = await session.run(Command(script="head -c 3000000 /dev/zero"))
            await session.close()
            return result.stdout.size

    assert asyncio.run(work()) == 3_000_000
    assert len(file.read_text().splitlines()) == 1


@pytest.mark.sshd
def test_the_journal_says_what_was_agreed_on(sshd: Sshd, tmp_path: Path) -> None:
    """Strict key exchange, and each algorithm that runner takes only where the inventory says so."""
    inventory = sshd.inventory_text(1, algorithms={"macs": ["hmac-sha2-256"], "ciphers": ["aes128-ctr"]})
    project(tmp_path, "version: 1\ninventory: hosts.yaml\nhosts: all\nsteps: [{shell: 'true'}]\n", inventory)

    done = runner("run", "site.yaml", cwd=tmp_path)

    [event] = done.events("host.connected")
    assert done.code == 0, done.err
    assert event["strict_kex"] in {True, False}  # OpenSSH before 9.6 does not know it
    assert event["older"] == ["hmac-sha2-256"]


@pytest.mark.sshd
@pytest.mark.parametrize(
    ("line", "kind", "theirs", "allowed"),
    [
        ("KexAlgorithms diffie-hellman-group14-sha1", "key exchange", "diffie-hellman-group14-sha1", "kex"),
        ("HostKeyAlgorithms ssh-rsa", "host key", "ssh-rsa", "host_keys"),
        ("Ciphers aes128-cbc", "encryption", "aes128-cbc", "ciphers"),
    ],
)
def test_an_old_openssh_server_needs_the_inventory_s_word(
    line: str, kind: str, theirs: str, allowed: str, sshd_with: Any, tmp_path: Path
) -> None:
    """Refused with both lists; let in, and recorded, where the host's own key names what it has."""
    key = asyncssh.generate_private_key("ssh-rsa", key_size=2048)
    file = tmp_path / "host_rsa"
    file.touch(mode=0o600)
    file.write_bytes(key.export_private_key())
    server = sshd_with(line, f"HostKey {file}")
    (tmp_path / "kh").write_text(f"127.* {key.export_public_key().decode()}127.* {server.host_key}\n")
    options = server.options(known_hosts=str(tmp_path / "kh"))

    async def work(**more: Any) -> Agreed:
        async with ssh.start(context(tmp_path)) as transport:
            session = await transport.connect(host("web1", "127.0.0.2", **options, **more))
            await session.close()
            return session.agreed

    with pytest.raises(ConnectError, match=rf"no common algorithm for {kind}: sent .*,.* and received .*{theirs}"):
        asyncio.run(work())
    assert asyncio.run(work(algorithms={allowed: [f"+{theirs}"]})).older == (theirs,)
