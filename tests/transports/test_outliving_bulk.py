"""Commands that read much, and lose their connection before or after they have all of it."""

import asyncio
import secrets

import pytest
from losing import WAITS, Remote, end, found_by, noted
from transport_ways import alive, until

from runner.errors import LostError, StepError

pytestmark = pytest.mark.sshd

MUCH = b"x" * 8_000_000


@pytest.fixture
def remote(sshd_with, tmp_path):
    return Remote(sshd_with(), tmp_path, secrets.token_hex(16))


def lost_when_read(remote, folder, script):
    """What the record says of a script that was given much, and lost its connection when it had read what it wants."""

    async def story(connect):
        session = await connect()
        task = asyncio.create_task(session.run(noted("step", script, args=(str(folder),), stdin=MUCH)))
        await until((folder / "read").exists)
        end(remote.daemons())
        with pytest.raises(LostError):
            await task
        (folder / "go").touch()
        return await found_by(connect, "step")

    return remote.tell(story)


def test_command_that_has_all_its_input_goes_on(remote, tmp_path):
    """After the last byte a loss harms it no more than any other."""
    script = f'wc -c >"$1/size"; touch "$1/read"; {WAITS} echo over; exit 3'

    found = lost_when_read(remote, tmp_path, script)

    assert (found.state, found.result.rc, found.result.stdout.tail) == ("done", 3, b"over\n")
    assert int((tmp_path / "size").read_text()) == len(MUCH)


def test_command_whose_input_is_cut_off_is_ended(remote, tmp_path):
    """It must not take a part for the whole: it is ended before it could see an end of its input."""
    command = noted("step", f'{WAITS} cat >"$1/part"; touch "$1/finished"', args=(str(tmp_path),), stdin=MUCH)

    async def story(connect):
        session = await connect()
        task = asyncio.create_task(session.run(command))
        await until(lambda: command.fate.group is not None)
        await asyncio.sleep(0.1)  # some of it is on its way; how much does not matter
        end(remote.daemons())
        with pytest.raises(LostError):
            await task
        (tmp_path / "go").touch()
        return await found_by(connect, "step")

    found = remote.tell(story)

    assert (found.state, found.ended) == ("gone", True)
    assert not alive(command.fate.group)
    assert not (tmp_path / "finished").exists()


def test_command_that_reads_only_a_little_goes_on(remote, tmp_path):
    """What it does not want to read is passed over, before and after the loss."""
    script = f'head -c 2 >/dev/null; exec <&-; touch "$1/read"; {WAITS} exit 4'

    assert lost_when_read(remote, tmp_path, script).result.rc == 4


def test_file_that_becomes_shorter_is_no_whole_input(remote, tmp_path):
    """A file that is cut while it is read ends the command with an error, not with a part of the file."""
    source = tmp_path / "source"
    source.write_bytes(MUCH)
    command = noted("step", f'{WAITS} cat >/dev/null; touch "$1/finished"', args=(str(tmp_path),), stdin=source)

    async def story(connect):
        session = await connect()
        task = asyncio.create_task(session.run(command))
        await until(lambda: command.fate.group is not None)
        source.write_bytes(b"")
        (tmp_path / "go").touch()
        with pytest.raises(StepError, match="shorter"):
            await task
        await session.close()

    remote.tell(story)

    assert command.fate.killed == "yes"
    assert not (tmp_path / "finished").exists()
