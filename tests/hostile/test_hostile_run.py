"""A real run of the command line over hundreds of hosts that misbehave, each in its own way."""

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import asyncssh
import pytest
import yaml
from cases import Case
from commandline import environment, peak_of
from frames import FRAMES
from greetings import GREETINGS, PACKETS
from logins import LOGINS, SERVICES
from peers import HOST_KEY, Behaviour, Server, Shell, serving
from sessions import MID_STEP, OPENINGS, REQUESTS

pytestmark = pytest.mark.filterwarnings("ignore:Diffie-Hellman")  # of the servers, which are in this process

HARMFUL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
MEGA = 1 << 20
PLAYBOOK = """
version: 1
inventory: hosts.yaml
hosts: all
strategy: {type: parallel, concurrency: 400, max_failures: 1000}
steps:
  - {id: work, shell: "true", timeout: 20s}
"""


def quick(cases: Sequence[Case]) -> list[Case]:
    """Those that end by themselves, and some that end by the limit of a login."""
    found = [case for case in cases if not case.password]
    slow = [case for case in found if case.hangs and case.outcome == "timeout"]
    return [*slow[:AT_ONCE], *(case for case in found if not case.hangs)]


PATH = "/tmp/.runner-token-abcd1234-0123456789abcdef"
FIRST = f"|b 0e2f-6c\n|r1 4242 fedcba9876543210 1 {PATH}\n"


def loses(*lines: str) -> Behaviour:
    """Loses the connection in the midst of the step, and has a record of it that says so when it is asked."""
    key = b""

    async def story(shell: Shell) -> None:
        nonlocal key
        await shell.started()
        await shell.bootstrapped()
        shell.hello(f"h setsid /usr/bin/setsid 1 {PATH} 3 4242")
        await shell.asked()
        if not key:
            key = re.search(rb"_kg (\w+) \d+ f", shell.heard)[1]  # type: ignore[index]
            shell.out(shell.frame("b 1 4711"))
            shell.peer.abort()
            return
        text = f"b 0e2f-6c\nf -rw------- 300 {PATH}\nx\nm\n" + FIRST + "".join(f"{line}\n" for line in lines)
        shell.out(shell.frame("b 1 4711") + text.encode().replace(b"KEY", key))
        shell.told(0)

    return Behaviour(story=story)


RECORDS = [
    Case("the truth", loses("|s KEY 4711 20 f", "|e KEY 0"), "rc 0"),
    Case("a true failure", loses("|s KEY 4711 20 f", "|e KEY 3"), "rc 3"),
    Case("two ends", loses("|s KEY 4711 20 f", "|e KEY 1", "|e KEY 0"), "lost"),
    Case("an end without a start", loses("|e KEY 0"), "lost"),
    Case("a status that there is not", loses("|s KEY 4711 20 f", "|e KEY 999"), "lost"),
    Case("escapes", loses("|s KEY 4711 20 f", "|e KEY 0", "|\x1b]0;owned\x07"), "lost"),
]

AT_ONCE = 12
"""Logins under way at the same time: few, so that none is slow because of the others on a busy machine."""

CASES = [*quick([*GREETINGS, *PACKETS, *SERVICES, *LOGINS, *OPENINGS, *REQUESTS, *MID_STEP, *FRAMES]), *RECORDS]


def project(folder: Path, servers: dict[str, Server]) -> dict[str, Case]:
    """The files of a run over all of them; gives the cases by the names of their hosts."""
    identity = folder / "identity"
    identity.touch(mode=0o600)
    identity.write_bytes(asyncssh.generate_private_key("ssh-ed25519").export_private_key())
    (folder / "kh").write_text(f"127.* {HOST_KEY.export_public_key().decode()}")
    (folder / "site.yaml").write_text(PLAYBOOK)
    named = {f"h{index:03}": case for index, case in enumerate(CASES)}
    places = {name: (servers[case.name].address, servers[case.name].port) for name, case in named.items()}
    hosts = {name: {"address": address, "ssh": {"port": port}} for name, (address, port) in places.items()}
    ssh = {"user": "u", "identity": "identity", "known_hosts": "kh", "connect_timeout": "3s"}
    inventory = {"ssh": {**ssh, "connecting": {"total": AT_ONCE}}, "hosts": hosts}
    (folder / "hosts.yaml").write_text(yaml.safe_dump(inventory))
    return named


def tree(folder: Path) -> dict[str, tuple[int, ...]]:
    """All that is in a folder, but for the runs and what runner keeps for itself."""
    paths = (
        path for path in folder.rglob("*") if path.relative_to(folder).parts[0] not in {"runs", "out", "err", "state"}
    )
    return {str(path): (path.lstat().st_mode, path.lstat().st_size, path.lstat().st_mtime_ns) for path in paths}


def started(folder: Path, out: BinaryIO, err: BinaryIO, *argv: str) -> "subprocess.Popen[bytes]":
    """The command line at work."""
    return subprocess.Popen(
        [sys.executable, "-W", "always::ResourceWarning", "-m", "runner", "run", "site.yaml", *argv],
        cwd=folder,
        env=environment(RUNNER_RUNS_DIR=str(folder / "runs"), HOME=str(folder), XDG_STATE_HOME=str(folder / "state")),
        stdin=subprocess.DEVNULL,
        stdout=out,
        stderr=err,
    )


async def run(folder: Path, *argv: str) -> tuple[int, str, dict[str, Case]]:
    """Run it against all servers: the exit status, all that was printed, the cases."""
    async with serving({case.name: case.behaviour for case in CASES}) as servers:
        named = project(folder, servers)
        before = tree(folder)
        with (folder / "out").open("wb") as out, (folder / "err").open("wb") as err:
            process = started(folder, out, err, *argv)
            async with asyncio.timeout(120):
                most = await asyncio.to_thread(peak_of, process)
        assert tree(folder) == before
        assert [error for server in servers.values() for error in server.errors] == []
        assert most < 250 * MEGA
    return (
        process.returncode,
        (folder / "out").read_text(errors="surrogateescape") + (folder / "err").read_text(),
        named,
    )


def expected(case: Case) -> set[str]:
    """The statuses that a host may end with."""
    status = {"lost": "unknown", "rc 0": "changed"}
    return {
        status.get(part) or ("failed" if part.startswith("rc") else "unreachable") for part in case.outcome.split("|")
    }


def ended(folder: Path) -> tuple[Path, list[bytes], dict[str, str]]:
    """The folder of the run, the lines of its journal, and how each host ended."""
    [found] = [path for path in (folder / "runs").iterdir() if not path.name.startswith(".")]
    lines = (found / "events.jsonl").read_bytes().splitlines()
    records = [json.loads(line) for line in lines]
    return found, lines, {record["host"]: record["status"] for record in records if record["event"] == "host.ended"}


def test_a_run_over_hostile_hosts_tells_the_truth(tmp_path: Path) -> None:
    """Every host ends as it should, none is ok by a lie; no escape is printed, and nothing is written elsewhere."""
    assert len(CASES) > 200

    code, printed, named = asyncio.run(run(tmp_path, "--output", "plain"))

    folder, lines, found = ended(tmp_path)
    wrong = [
        f"{name} ({case.name}): {found.get(name)}"
        for name, case in named.items()
        if found.get(name) not in expected(case)
    ]
    assert "\n".join(wrong) == ""
    assert code not in {0, 70}, printed[-2000:]
    assert all(byte < 0x7F for line in lines for byte in line)
    assert not HARMFUL.search(printed), ascii(HARMFUL.search(printed))
    for word in ("Traceback", "fault in runner", "ResourceWarning", "never retrieved", "never awaited"):
        assert word not in printed
    assert sum(path.stat().st_size for path in folder.rglob("*")) < 30 * MEGA
