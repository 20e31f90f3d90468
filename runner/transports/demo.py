"""``connection: demo``: hosts inside this process, for trying playbooks without a single real host.

**Why a real SSH server.** The demo goes the way of every other host: login, strict host keys, the persistent shell,
process groups. What works here works there; and nothing is installed, opened to the network or left behind.
"""

import asyncio
import dataclasses
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

import asyncssh

from runner.home import made_up_account
from runner.model.inventory import Host
from runner.transport import Session, Transport, TransportContext, TransportKind
from runner.transports import ssh
from runner.transports.demo_server import Fleet, listen
from runner.transports.options import DEMO_SCHEMA

LOOPBACK = "127.0.0.1"


class DemoTransport:
    """Hosts of one server, reached through the ssh transport."""

    def __init__(self, fleet: Fleet, inner: Transport, options: dict[str, object]) -> None:
        self._fleet = fleet
        self._inner = inner
        self._options = options

    async def prepare(self, hosts: Iterable[Host]) -> None:
        """There is nothing to ask."""

    async def connect(self, host: Host) -> Session:
        """Open a session. Raises ConnectError."""
        self._fleet.add(host.name)
        options = {**self._options, "user": host.name}
        return await self._inner.connect(
            Host(host.name, host.index, LOOPBACK, host.location, options=options, become=host.become)
        )


@asynccontextmanager
async def start(context: TransportContext) -> AsyncIterator[Transport]:
    """The fleet for the length of a run: keys, homes and server are made now and gone afterwards."""
    with made_up_account():  # the library's server asks for it at each login
        async with _fleet(context) as transport:
            yield transport


@asynccontextmanager
async def _fleet(context: TransportContext) -> AsyncIterator[Transport]:
    folder = Path(tempfile.mkdtemp(prefix="demo-", dir=context.folder))
    user_key, host_key = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))
    fleet = Fleet(folder, user_key, os.environ if not context.environ else context.environ)
    server = await listen(fleet, host_key)
    fleet.port = server.get_port()
    options = write_keys(folder, user_key, host_key, fleet.port)
    try:
        async with ssh.start(dataclasses.replace(context, environ={})) as inner:
            yield DemoTransport(fleet, inner, options)
    finally:
        server.close()
        await server.wait_closed()
        await fleet.end()
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


def write_keys(folder: Path, user_key: asyncssh.SSHKey, host_key: asyncssh.SSHKey, port: int) -> dict[str, object]:
    """Put the keys where the ssh transport reads them; the options that point to them."""
    identity, known_hosts = folder / "id", folder / "known_hosts"
    identity.touch(mode=0o600)
    identity.write_bytes(user_key.export_private_key())
    known_hosts.write_text(f"[{LOOPBACK}]:{port} {host_key.export_public_key().decode()}")
    return {"port": port, "identity": str(identity), "known_hosts": str(known_hosts)}


TRANSPORT = TransportKind("demo", DEMO_SCHEMA, start)
