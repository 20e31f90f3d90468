"""Hosts behind gateways, on real OpenSSH servers: one gateway connection shared, and which hop failed."""

import asyncio

import pytest
from ssh_support import context, host

from runner.errors import ConnectError
from runner.transport import Command
from runner.transports import ssh

pytestmark = pytest.mark.sshd


async def ask_all(folder, hosts, gateways):
    """Run a command on all hosts at the same time; what each printed."""
    async with ssh.start(context(folder, *hosts, *gateways)) as transport:

        async def one(host):
            session = await transport.connect(host)
            result = await session.run(Command(script="echo $SSH_CONNECTION"))
            await session.close()
            return result.stdout.text

        return await asyncio.gather(*map(one, hosts))


def refusal(folder, one, *gateways):
    """The ConnectError that connecting to a host ends with."""
    with pytest.raises(ConnectError) as caught:
        asyncio.run(ask_all(folder, [one], gateways))
    return caught.value


def test_twenty_hosts_share_a_gateway(sshd, sshd_with, tmp_path):
    """Twenty hosts that are opened at once behind a gateway make one connection to it."""
    gate = sshd_with("MaxSessions 2")
    gateway = host("gate", "127.0.0.1", **gate.options())
    hosts = [host(f"web{i}", f"127.0.0.{i % 16 + 1}", **sshd.options(jump="gate")) for i in range(20)]

    seen = asyncio.run(ask_all(tmp_path, hosts, [gateway]))

    assert len(seen) == 20
    assert all(line.startswith("127.0.0.1 ") for line in seen)
    assert gate.connections() == gate.authentications() == 1


def test_chain_of_gateways(sshd, sshd_with, tmp_path):
    """A list is a chain; so is a gateway that has a gateway. Each hop is logged in to with its own options."""
    first, second = sshd_with(), sshd_with()
    outer = host("outer", "127.0.0.1", **first.options())
    inner = host("inner", "127.0.0.2", **second.options())
    nested = host("nested", "127.0.0.3", **second.options(jump="outer"))
    hosts = [
        host("a", "127.0.0.4", **sshd.options(jump=["outer", "inner"])),
        host("b", "127.0.0.5", **sshd.options(jump=["outer", "inner"])),
        host("c", "127.0.0.6", **sshd.options(jump="nested")),
    ]

    assert len(asyncio.run(ask_all(tmp_path, hosts, [outer, inner, nested]))) == 3
    assert first.connections() == 1
    assert second.connections() == 2


def test_none_disables_an_inherited_gateway(sshd, tmp_path):
    """``jump: none`` goes straight to the host."""
    assert asyncio.run(ask_all(tmp_path, [host("web1", "127.0.0.2", **sshd.options(jump="none"))], []))


def test_message_names_the_gateway_that_failed(sshd, tmp_path):
    """A gateway that can't be reached is named, with its own reason; the host itself is not blamed."""
    gate = host("gate", "127.0.0.1", **sshd.options(port=9))

    error = refusal(tmp_path, host("web1", "127.0.0.2", **sshd.options(jump="gate")), gate)

    assert (error.cause, error.temporary) == ("refused", True)
    assert error.message.startswith('jump host "gate": 127.0.0.1 port 9: connection refused')


def test_message_names_the_host_behind_the_gateway(sshd, tmp_path):
    """A host that the gateway can't reach is named as what lies behind it."""
    gate = host("gate", "127.0.0.1", **sshd.options())

    error = refusal(tmp_path, host("web1", "127.0.0.2", **sshd.options(jump="gate", port=9)), gate)

    assert error.cause == "refused"
    assert error.message.startswith('127.0.0.2 port 9 (through "gate")')


def test_gateway_that_forbids_forwarding(sshd, sshd_with, tmp_path):
    """A gateway whose policy forbids it says so; no further try is made."""
    gate = sshd_with("AllowTcpForwarding no")

    error = refusal(
        tmp_path,
        host("web1", "127.0.0.2", **sshd.options(jump="gate")),
        host("gate", "127.0.0.1", **gate.options()),
    )

    assert not error.temporary
    assert "prohibited" in error.message


def test_host_keys_are_checked_behind_a_gateway(sshd, tmp_path):
    """A gateway is no reason to trust what lies behind it."""
    gate = host("gate", "127.0.0.1", **sshd.options())
    one = host("web1", "127.0.0.2", **sshd.options(jump="gate", known_hosts=str(tmp_path / "none")))

    assert refusal(tmp_path, one, gate).cause == "host_key"


def test_missing_gateway_and_circles(sshd, tmp_path):
    """A gateway that is not in the inventory, and gateways that lead to each other, are told before any contact."""
    one = host("web1", "127.0.0.2", **sshd.options(jump="gone"))
    a = host("a", "127.0.0.2", **sshd.options(jump="b"))
    b = host("b", "127.0.0.2", **sshd.options(jump="a"))

    assert 'jump host "gone" of "web1" is not in the inventory' in refusal(tmp_path, one).message
    assert "a -> b -> a" in refusal(tmp_path, a, b).message


def test_gateway_is_opened_again(sshd, sshd_with, tmp_path):
    """After a gateway was lost, the next host opens it anew."""
    gate = sshd_with()
    gateway = host("gate", "127.0.0.1", **gate.options())
    one = host("web1", "127.0.0.2", **sshd.options(jump="gate"))

    async def work():
        async with ssh.start(context(tmp_path, one, gateway)) as transport:
            session = await transport.connect(one)
            await asyncio.to_thread(gate.stop)
            with pytest.raises(ConnectError):
                await session.run(Command(argv=("true",)))
            await session.close()
            await asyncio.to_thread(gate.start)
            session = await transport.connect(one)
            result = await session.run(Command(argv=("true",)))
            await session.close()
            return result.rc

    assert asyncio.run(work()) == 0
    assert gate.authentications() == 2
