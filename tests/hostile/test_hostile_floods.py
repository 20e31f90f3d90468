"""Output without measure over SSH: counted to the byte, kept to a limit, in bounded memory, in every view."""

import asyncio
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from commandline import Done, environment, peak_of
from peers import HOST_KEY, Behaviour, Shell, Story, serving

MEGA = 1 << 20
SITE = "version: 1\ninventory: hosts.yaml\nhosts: all\nsteps: [{id: work, shell: 'true', timeout: 5m}]\n"


def pours(block: bytes, times: int, *streams: str) -> Story:
    """A step that prints so many blocks on each of those streams, and ends well."""

    async def story(shell: Shell) -> None:
        await shell.at_work()
        sends = [getattr(shell, stream) for stream in streams]
        for _ in range(times):
            await shell.pour(block, *sends)
        shell.told(0)

    return story


def started(folder: Path, view: str) -> subprocess.Popen[bytes]:
    """The command line at work."""
    with (folder / "err").open("wb") as err:
        return subprocess.Popen(
            [sys.executable, "-m", "runner", "run", "site.yaml", "--output", view],
            cwd=folder,
            env=environment(RUNNER_RUNS_DIR=str(folder / "runs"), HOME=str(folder)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=err,
        )


async def run(folder: Path, story: Story, view: str, limit: float) -> tuple[Done, int]:
    """A run of the command line against such a host, and the most memory it had, in bytes."""
    async with serving({"one": Behaviour(story=story)}) as servers:
        server = servers["one"]
        (folder / "kh").write_text(f"127.* {HOST_KEY.export_public_key().decode()}")
        ssh = {"user": "u", "known_hosts": "kh", "port": server.port}
        (folder / "hosts.yaml").write_text(yaml.safe_dump({"ssh": ssh, "hosts": {"h1": {"address": server.address}}}))
        (folder / "site.yaml").write_text(SITE)
        process = started(folder, view)
        async with asyncio.timeout(limit):
            most = await asyncio.to_thread(peak_of, process)
        assert server.errors == []
    return Done(process.returncode, "", (folder / "err").read_text(), folder / "runs"), most


@pytest.mark.long
@pytest.mark.parametrize(
    ("block", "streams", "view"),
    [
        (b"x" * 32768, ("out",), "plain"),
        (b"y\n" * 16384, ("out", "err"), "quiet"),
    ],
    ids=["one line", "half a billion lines on both streams"],
)
def test_a_gigabyte_from_a_hostile_server(block: bytes, streams: tuple[str, ...], view: str, tmp_path: Path) -> None:
    """Under 150 MiB of memory whatever it is made of; the file stops at its cap."""
    times = (1 << 30) // (len(block) * len(streams)) + 1
    try:
        done, most = asyncio.run(run(tmp_path, pours(block, times, *streams), view, 120))

        [ended] = done.events("step.ended")
        assert done.code == 0, done.err
        assert ended.get("stdout", 0) + ended.get("stderr", 0) == times * len(block) * len(streams)
        assert most < 150 * MEGA
        assert {path.stat().st_size for path in done.folder.glob("output/h1/*")} == {256 * MEGA}
        assert (done.folder / "events.jsonl").stat().st_size < 8 * MEGA
    finally:
        shutil.rmtree(tmp_path / "runs", ignore_errors=True)


@pytest.mark.parametrize(
    ("block", "streams", "view"),
    [(b"y\n" * 5000, ("out", "err"), "stream"), (b"\x1b[2J\xff\x00" * 1400, ("err",), "json")],
    ids=["tiny lines", "escapes"],
)
def test_much_in_small_packets(block: bytes, streams: tuple[str, ...], view: str, tmp_path: Path) -> None:
    """A million lines, and as many escapes, shown as they come: each byte is counted, and memory stays where it was."""
    done, most = asyncio.run(run(tmp_path, pours(block, 100, *streams), view, 60))

    [ended] = done.events("step.ended")
    assert done.code == 0, done.err
    assert ended.get("stdout", 0) + ended.get("stderr", 0) == 100 * len(block) * len(streams)
    assert most < 150 * MEGA
