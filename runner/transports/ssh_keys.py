"""The user's keys: each file parsed once in a run, off the loop, and shared by all connections.

Parsing an RSA key costs a quarter of a second, more than a hundred logins do. A passphrase is asked for once, before a
place among the connecting ones is taken, so that nobody's timer runs while a person types. The agent too is asked once,
over one connection: it answers one question at a time anyway.
"""

import asyncio
import copy
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import asyncssh

from runner.errors import ConnectError
from runner.transports.ssh_once import Once
from runner.transports.ssh_trust import expanded

USUAL = ("id_ed25519", "id_ecdsa", "id_ed25519_sk", "id_ecdsa_sk", "id_rsa")
"""Names in ``~/.ssh`` that are tried where no identity is named."""

AGENT_TIMEOUT = 10.0
"""Seconds an agent may take to list its keys."""

Pairs = Sequence[asyncssh.SSHKeyPair]


def for_one_login(pairs: Pairs) -> list[asyncssh.SSHKeyPair]:
    """Copies for one connection: the library notes on a pair which kind of signature its server takes."""
    return [copy.copy(pair) for pair in pairs]


class KeyRing:
    """All keys of a run. ``ask`` asks the person for a passphrase, and blocks meanwhile."""

    def __init__(self, home: Path, ask: Callable[[str], str]) -> None:
        self._home = home
        self._ask = ask
        self._offers: Once[tuple[tuple[str, ...], str], Pairs] = Once(keep=True)
        self._files: Once[Path, Pairs] = Once(keep=True)
        self._held: Once[str, Pairs] = Once(keep=True)
        self._agents: list[asyncssh.SSHAgentClient] = []

    async def offer(self, identity: tuple[str, ...], agent: str) -> Pairs:
        """The keys to offer, in order, where these identities are named, or none; ``agent`` is its socket or ``""``.

        A named identity alone is offered; else what the agent holds, then the usual files. Raises ConnectError (auth)
        for a named identity that can't be used.
        """
        make = (lambda: self._named(identity, agent)) if identity else (lambda: self._unnamed(agent))
        return await self._offers.get((identity, agent), make)

    async def _named(self, identity: tuple[str, ...], agent: str) -> Pairs:
        pairs: list[asyncssh.SSHKeyPair] = []
        for name in identity:
            file = expanded(name, self._home)
            pairs += await self._held_for(file, agent) or await self._file(file)
        return pairs

    async def _held_for(self, file: Path, agent: str) -> Pairs:
        """What the agent holds for an identity whose file is locked (or whose public half alone is here)."""
        if not agent or not await asyncio.to_thread(is_locked, file):
            return []
        public = await asyncio.to_thread(public_data, file)
        return [pair for pair in await self._of_agent(agent) if pair.public_data == public]

    async def _unnamed(self, agent: str) -> Pairs:
        pairs = list(await self._of_agent(agent)) if agent else []
        has_agent = bool(pairs)
        for name in USUAL:
            file = self._home / ".ssh" / name
            if await asyncio.to_thread(is_usable, file, has_agent):
                pairs += await self._file(file)
        return pairs

    async def _file(self, file: Path) -> Pairs:
        return await self._files.get(file, lambda: self._opened(file))

    async def _opened(self, file: Path) -> Pairs:
        # A person is asked on the loop itself: nothing else happens then, and Ctrl-C reaches who is asked.
        if await asyncio.to_thread(is_locked, file):
            return self._load(file)
        return await asyncio.to_thread(self._load, file)

    def _load(self, file: Path) -> Pairs:
        check_mode(file)
        phrase = self._ask(f'passphrase of the key "{file}": ') if is_locked(file) else None
        try:
            return tuple(asyncssh.load_keypairs(str(file), phrase))
        except asyncssh.KeyEncryptionError:
            raise ConnectError("auth", f'the passphrase of the key "{file}" is wrong') from None
        except (OSError, ValueError) as error:
            raise ConnectError("auth", f'cannot use the key "{file}": {error}') from None

    async def _of_agent(self, path: str) -> Pairs:
        return await self._held.get(path, lambda: self._ask_agent(path))

    async def _ask_agent(self, path: str) -> Pairs:
        """What an agent holds; nothing where there is none or it does not answer."""
        try:
            async with asyncio.timeout(AGENT_TIMEOUT):
                agent = await asyncssh.connect_agent(path)
                self._agents.append(agent)
                return await agent.get_keys()
        except (OSError, ValueError, TimeoutError):
            return ()

    async def close(self) -> None:
        """Hang up on the agents."""
        for agent in self._agents:
            agent.close()
            await agent.wait_closed()


def check_mode(file: Path) -> None:
    """Raise ConnectError for a private key that is missing, or that other people may read."""
    try:
        found = file.stat()
    except OSError as error:
        raise ConnectError("auth", f'cannot use the key "{file}": {error.strerror}') from None
    if found.st_mode & 0o077 and found.st_uid == os.getuid():
        words = f'the key "{file}" can be read by others (mode {found.st_mode & 0o777:04o})'
        raise ConnectError("auth", words, hint=f"chmod 600 {file}")


def is_usable(file: Path, has_agent: bool) -> bool:  # noqa: FBT001 - called through a thread, by position
    """Whether a key that nobody named is worth offering: well formed, and not locked where an agent has keys."""
    try:
        check_mode(file)
        asyncssh.read_private_key(str(file), unsafe_skip_rsa_key_validation=True)
    except ConnectError:
        return False
    except (OSError, ValueError):
        return is_locked(file) and not has_agent
    return True


def is_locked(file: Path) -> bool:
    """Whether a private key needs a passphrase."""
    try:
        asyncssh.read_private_key(str(file), unsafe_skip_rsa_key_validation=True)
    except asyncssh.KeyEncryptionError:
        return True
    except asyncssh.KeyImportError as error:
        return "assphrase" in str(error)
    except (OSError, ValueError):
        return False
    return False


def public_data(file: Path) -> bytes:
    """The public half of an identity, from ``FILE.pub`` or from the private file itself; empty where neither has it."""
    for name in (file.with_name(file.name + ".pub"), file):
        try:
            return bytes(asyncssh.read_public_key(str(name)).public_data)
        except (OSError, ValueError):
            continue
    return b""
