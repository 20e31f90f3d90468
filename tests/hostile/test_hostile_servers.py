"""SSH servers that misbehave at every stage of a connection: each is given up in time, and believed nothing."""

import asyncio
import contextlib
import gc
import hashlib
import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import asyncssh
import pytest
from cases import Case
from frames import FRAMES, HELLOS
from greetings import GREETINGS, PACKETS
from logins import LOGINS, SERVICES
from peers import HOST_KEY, Server, serving
from sessions import GATES, MID_STEP, OPENINGS, REQUESTS
from ssh_support import context, host

from runner.errors import ConnectError, LostError, RunnerError
from runner.model.inventory import Host
from runner.reporting.escape import visible
from runner.shell import ShellSession
from runner.transport import Command, CommandResult, Transport
from runner.transports import ssh

QUICK = 1.0
"""Seconds for what ends by a limit; the others have DEADLINE and must not need it."""

DEADLINE = 10.0
AT_ONCE = 12
ASKED_FOR = {"none", "publickey", "password", "keyboard-interactive", "session", "exec", "keepalive@openssh.com"}
"""All that runner may ever ask a server for: no agent, no X11, no forwarding, no terminal, no environment."""

HARMFUL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


@dataclass
class Came:
    """What came of a case: its outcome in the words of the table, and all that a person would be told."""

    case: Case
    outcome: str
    words: str
    seconds: float
    server: Server
    result: CommandResult | None = None


@pytest.fixture(autouse=True)
def short_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """A shell has little time to say hello, and to end a step."""
    defaults = ShellSession.__init__.__kwdefaults__
    monkeypatch.setitem(defaults, "hello_timeout", QUICK)
    monkeypatch.setitem(defaults, "patience", 0.2)
    monkeypatch.setattr("runner.shell.session.KILL_LIMIT", 0.3)


def all_of(cases: Sequence[Case], folder: Path) -> list[Came]:
    """Meet all of them at the same time."""
    gc.collect()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ResourceWarning)
        found = asyncio.run(meet(cases, folder), debug=False)
        gc.collect()
    assert [str(one.message) for one in caught if issubclass(one.category, ResourceWarning)] == []
    return found


async def meet(cases: Sequence[Case], folder: Path) -> list[Came]:
    """Those that hang all at once, the others some at a time; nothing is left behind."""
    identity = folder / "identity"
    identity.touch(mode=0o600)
    identity.write_bytes(asyncssh.generate_private_key("ssh-ed25519").export_private_key())
    crowd = asyncio.Semaphore(AT_ONCE)
    complaints: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, told: complaints.append(told))
    async with serving({case.name: case.behaviour for case in cases}) as servers:
        (folder / "kh").write_text(f"127.* {HOST_KEY.export_public_key().decode()}")
        gates = {name: gateway(server, folder, identity) for name, server in servers.items()}
        async with ssh.start(context(folder, *gates.values(), grace=0.1)) as transport:

            async def one(case: Case) -> Came:
                server = servers[case.name]
                limit = QUICK if case.hangs else DEADLINE
                password = {"password": "s3cret"} if case.password else {}
                options = {"identity": str(identity), "known_hosts": str(folder / "kh"), "user": "u", **password}
                options |= {"port": server.port, "connect_timeout": f"{limit * 1000:.0f}ms"}
                place = host(case.name, server.address, **options)
                if case.is_gate:
                    place = host(case.name, "10.255.255.1", **{**options, "jump": f"gate {server.address}"})
                async with contextlib.AsyncExitStack() as stack:
                    if not case.hangs:
                        await stack.enter_async_context(crowd)
                    return await asyncio.wait_for(came_of(case, place, transport, server), 3 * DEADLINE)

            slow = [asyncio.create_task(one(case)) for case in cases if case.hangs]
            found = await asyncio.gather(*slow)
            found += await asyncio.gather(*(one(case) for case in cases if not case.hangs))
        await asyncio.sleep(0.05)
    assert [error for server in servers.values() for error in server.errors] == []
    assert "\n".join(map(str, complaints)) == ""
    assert {task.get_name() for task in asyncio.all_tasks()} == {asyncio.current_task().get_name()}
    return found


def gateway(server: Server, folder: Path, identity: Path) -> Host:
    """A server as a gateway, which lets us in at its ease."""
    options = {"identity": str(identity), "known_hosts": str(folder / "kh"), "user": "u", "port": server.port}
    return host(f"gate {server.address}", server.address, **options)


async def came_of(case: Case, place: Host, transport: Transport, server: Server) -> Came:
    """Connect, run a command, and say what came of it."""
    time = asyncio.get_running_loop().time
    begun = time()
    result: CommandResult | None = None
    try:
        session = await transport.connect(place)
        try:
            await session.prepare(None)
            async with asyncio.timeout(QUICK if case.hangs else DEADLINE):
                result = await session.run(Command(script="true", limit=1000))
            outcome, words = f"rc {result.rc}", result.stdout.text + result.stderr.text
        finally:
            await session.close()
    except ConnectError as error:
        outcome, words = error.cause, f"{error.message} {error.hint}"
    except LostError as error:
        outcome, words = "lost", error.message
    except RunnerError as error:
        outcome, words = "failed", error.message
    except TimeoutError as error:
        outcome, words = "late", str(error)
    return Came(case, outcome, words, time() - begun, server, result)


def wrong(came: Came) -> Iterator[str]:
    """What is not as it should be."""
    case = came.case
    if came.outcome not in case.outcome.split("|"):
        yield f"{case.name}: {came.outcome} in place of {case.outcome}: {came.words!r}"
    elif not re.search(case.words, came.words, re.DOTALL):
        yield f"{case.name}: {case.words!r} is not in {came.words!r}"
    if came.result is None and len(came.words) > 2500:
        yield f"{case.name}: {len(came.words)} characters are told"
    if HARMFUL.search(visible(came.words)):
        yield f"{case.name}: raw on the terminal: {came.words!r}"
    if came.seconds > (5 * QUICK if case.hangs else DEADLINE / 2):
        yield f"{case.name}: took {came.seconds:.1f} s"
    if case.refused and not came.server.refusals:
        yield f"{case.name}: was not refused"
    if not set(came.server.seen) <= ASKED_FOR | ({"direct-tcpip"} if case.is_gate else set()):
        yield f"{case.name}: asked for {came.server.seen}"
    if came.outcome == "auth" and came.server.connections != 1:
        yield f"{case.name}: a refused login was tried again"


def tree(folder: Path) -> str:
    """A hash of all that is in a folder."""
    lines = [f"{path} {path.lstat()[:6]} {path.lstat().st_mtime_ns}" for path in sorted(folder.rglob("*"))]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


@pytest.mark.parametrize(
    "cases",
    [GREETINGS + PACKETS, SERVICES + LOGINS, OPENINGS + REQUESTS + MID_STEP, HELLOS + FRAMES, GATES],
    ids=["before the keys", "before the login", "on channels", "as shells", "as gateways"],
)
def test_hostile_servers_are_given_up_in_time(cases: Sequence[Case], tmp_path: Path) -> None:
    """None makes runner hang, believe, or write anything; each is told in short words, and leaves nothing behind."""
    assert len({case.name for case in cases}) == len(cases)

    found = all_of(cases, tmp_path)

    assert "\n".join(fault for came in found for fault in wrong(came)) == ""
