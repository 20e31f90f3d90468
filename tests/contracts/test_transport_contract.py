"""What every transport promises, told once and tried with each of them."""

import asyncio
import hashlib
import importlib.util

import pytest
from sshd import Sshd, need
from transport_ways import Way, alive, cancelled_after, command_lines, context_in, host_named, until

from runner.errors import ConnectError, LostError, StepError
from runner.transport import Command
from runner.transports import load
from runner.transports.fake import Answer, Fake, answers

LONG = "sleep 61"
SPEAKING = "printf out; printf err >&2; exit 3"
VANISHING = "kill -9 $PPID; sleep 2"
TALKATIVE = "printf 0123456789"

SCRIPTED = {
    ("*", SPEAKING): Answer(rc=3, stdout=b"out", stderr=b"err"),
    ("*", LONG): Answer(duration=61),
    ("*", VANISHING): Answer(lost="gone"),
    ("*", TALKATIVE): Answer(stdout=b"0123456789"),
    ("*", "kill -9 $$"): Answer(rc=137, signal="KILL"),
}


def local_way(folder, _):
    return Way(load("local"), host_named(), context_in(folder))


def fake_way(folder, _):
    return Way(Fake(answers(SCRIPTED)).kind(), host_named(), context_in(folder))


def demo_way(folder, _):
    need(importlib.util.find_spec("runner.transports.demo"), "there is no demo transport")
    return Way(load("demo"), host_named(connection="demo"), context_in(folder))


def sshd_way(folder, request):
    need(importlib.util.find_spec("runner.transports.ssh"), "there is no ssh transport")
    server = request.getfixturevalue("quick_sshd")
    host = host_named(connection="ssh", **server.options())
    return Way(load("ssh"), host, context_in(folder))


@pytest.fixture(scope="module")
def quick_sshd():
    """A real server; a login bash takes itself for an inner one and reads no rc files, which only cost time here."""
    with Sshd("SetEnv SHLVL=9") as server:
        yield server


REAL = [
    pytest.param(local_way, id="local"),
    pytest.param(demo_way, id="demo"),
    pytest.param(sshd_way, id="sshd", marks=pytest.mark.sshd),
]


@pytest.fixture(params=[pytest.param(fake_way, id="fake"), *REAL])
def every(request, tmp_path):
    return request.param(tmp_path, request)


@pytest.fixture(params=REAL)
def real(request, tmp_path):
    return request.param(tmp_path, request)


def sh(script, **more):
    return Command(script=script, **more)


# what all keep, the scripted one too


def test_end_is_what_the_host_reported(every):
    """Status and both streams come back apart, as bytes."""
    result = every.tell(lambda session: session.run(sh(SPEAKING)))

    assert (result.rc, result.signal, result.stdout.data, result.stderr.data) == (3, None, b"out", b"err")


def test_signal_is_named(every):
    """A command killed by a signal has 128 + its number, and the name."""
    result = every.tell(lambda session: session.run(sh("kill -9 $$")))

    assert (result.rc, result.signal) == (137, "KILL")


def test_fate_says_sent_and_group(every):
    """Once a request is on its way its fate says so, and names the process group."""
    command = sh(SPEAKING)

    every.tell(lambda session: session.run(command))

    assert command.fate.sent
    assert command.fate.group > 1
    assert command.fate.killed is None


def test_output_is_kept_up_to_the_limit(every):
    """Of each stream the head and the tail are kept, and the whole is counted."""
    result = every.tell(lambda session: session.run(sh(TALKATIVE, limit=3)))

    assert (result.stdout.head, result.stdout.tail, result.stdout.size) == (b"012", b"789", 10)
    assert result.stdout.truncated


def test_sink_sees_output_as_it_comes(every):
    """A sink gets every byte; standard output may be left to it alone."""
    heard = {"stdout": b"", "stderr": b""}

    def sink(stream, chunk):
        heard[stream] += chunk

    result = every.tell(lambda session: session.run(sh(SPEAKING, sink=sink, keep_stdout=False)))

    assert heard == {"stdout": b"out", "stderr": b"err"}
    assert (result.stdout.data, result.stdout.size, result.stderr.data) == (b"", 3, b"err")


def test_failing_sink_is_the_callers_error(every):
    """What a sink raises comes out of run; the command is ended, unless it has ended by itself; the session goes on."""
    command = sh(SPEAKING, sink=lambda *_: (_ for _ in ()).throw(OSError("disk full")))

    async def story(session):
        with pytest.raises(OSError, match="disk full"):
            await session.run(command)
        return await session.run(sh(TALKATIVE))

    assert every.tell(story).stdout.data == b"0123456789"
    assert command.fate.killed in {None, "yes"}


def test_cancelling_ends_the_group_first(every):
    """A cancelled command is gone before the cancellation goes on, and the session serves the next one."""
    command = sh(LONG)

    async def story(session):
        task = asyncio.create_task(session.run(command))
        await cancelled_after(task, lambda: command.fate.group is not None)
        return await session.run(sh(TALKATIVE))

    result = every.tell(story)

    assert command.fate.killed == "yes"
    assert result.stdout.data == b"0123456789"


def test_lost_midway_is_an_error_of_its_own(every):
    """Where no end came back, there is no result: LostError, and the session is closed."""
    command = sh(VANISHING)

    async def story(session):
        with pytest.raises(LostError):
            await session.run(command)
        return session.closed

    assert every.tell(story)
    assert command.fate.sent


def test_closed_session_sends_nothing(every):
    """After close a command is refused before anything is sent."""
    command = sh(SPEAKING)

    async def story(session):
        await session.close()
        await session.close()
        with pytest.raises(ConnectError):
            await session.run(command)

    every.tell(story)
    assert not command.fate.sent


def test_commands_run_one_after_another(every):
    """Two tasks may use a session: the second command waits for the first."""

    async def story(session):
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(session.run(sh(SPEAKING))) for _ in range(5)]
        return [task.result().stdout.data for task in tasks]

    assert every.tell(story) == [b"out"] * 5


def test_session_beside_works_at_the_same_time(real, tmp_path):
    """Each waits for what the other does: one alone would never end. Closing the one leaves the other open."""

    async def story(session):
        other = session.beside()
        one = sh(f"touch {tmp_path}/one; until [ -e {tmp_path}/two ]; do sleep 0.02; done; echo one")
        two = sh(f"touch {tmp_path}/two; until [ -e {tmp_path}/one ]; do sleep 0.02; done; echo two")
        async with asyncio.timeout(10):
            both = await asyncio.gather(session.run(one), other.run(two))
        await other.close()
        return [result.stdout.text for result in both], (await session.run(sh("echo still"))).stdout.text

    assert real.tell(story) == (["one", "two"], "still")


def test_waiting_command_is_cancelled_without_a_trace(every):
    """A command that waits for its turn is not sent when it is cancelled."""
    first, second = sh(LONG), sh(LONG)

    async def story(session):
        running = asyncio.create_task(session.run(first))
        waiting = asyncio.create_task(session.run(second))
        await cancelled_after(waiting, lambda: first.fate.group is not None)
        await cancelled_after(running, lambda: True)

    every.tell(story)
    assert not second.fate.sent
    assert second.fate.killed is None


# what only a real host can show


def test_arguments_arrive_as_they_are(real):
    """No argument passes a shell's eyes unquoted."""
    words = ("it's", "$HOME", "`id`", '"', "a\nb", "", "*", "-n", "é\udcff", "!!", "\\")

    result = real.tell(lambda session: session.run(Command(argv=("printf", "%s\\0", *words))))

    assert result.stdout.data == b"".join(word.encode("utf-8", "surrogateescape") + b"\0" for word in words)


def test_script_gets_its_arguments(real):
    """Arguments of a script are ``$1`` and on."""
    result = real.tell(lambda session: session.run(sh('printf "%s|" "$0" "$@"', args=("a b", "$c"))))

    assert result.stdout.data == b"sh|a b|$c|"


def test_folder_environment_and_umask_do_not_leak(real):
    """What one command sets is gone for the next; the folder to start in is the home."""

    async def story(session):
        await session.run(sh("cd /; umask 077; X=1; trap '' TERM; exit 0", env={"A_B": "x"}, cwd="/usr"))
        inside = await session.run(sh('echo "$PWD $A_B"', cwd="/usr", env={"A_B": "it's"}))
        after = await session.run(sh('cd; home=$PWD; cd "$OLDPWD"; [ "$PWD" = "$home" ] && echo "${A_B-unset}"; umask'))
        return inside.stdout.text, after.stdout.text

    inside, after = real.tell(story)

    assert inside == "/usr it's"
    assert after.startswith("unset\n")
    assert not after.endswith("77")


def test_nothing_to_read_is_the_end_of_input(real):
    """Without input a command sees its end at once, and does not hang."""
    result = real.tell(lambda session: session.run(sh("read line; echo $?; wc -c")))

    assert result.stdout.data.split() == [b"1", b"0"]


@pytest.mark.parametrize("size", [1, 5000, 64 * 1024, 64 * 1024 + 1, 3_000_000])
def test_input_arrives_whole(real, size):
    """Bytes of any size are what the command reads."""
    data = (bytes(range(256)) * (size // 256 + 1))[:size]

    result = real.tell(lambda session: session.run(Command(argv=("sha256sum",), stdin=data)))

    assert result.stdout.text.split()[0] == hashlib.sha256(data).hexdigest()


def test_file_is_read_from_here(real, tmp_path):
    """A local file is what the command reads; one that is not there is a clear error, with nothing sent."""
    source = tmp_path / "source"
    source.write_bytes(b"\0from here\n" * 100_000)
    missing = sh("cat", stdin=tmp_path / "missing")

    async def story(session):
        with pytest.raises(StepError, match="missing"):
            await session.run(missing)
        return await session.run(Command(argv=("sha256sum",), stdin=source))

    result = real.tell(story)

    assert not missing.fate.sent
    assert result.stdout.text.split()[0] == hashlib.sha256(source.read_bytes()).hexdigest()


def test_command_need_not_read_its_input(real, tmp_path):
    """A command that ends early is not held up by what it did not read, and nothing of that is run as a command."""
    trap = tmp_path / "trap"
    rest = f"touch {trap}\n".encode()

    async def story(session):
        bulk = await session.run(sh("head -c 2; exit 4", stdin=rest * 100_000))
        small = await session.run(sh("exit 5", stdin=rest * 100))
        return bulk, small

    bulk, small = real.tell(story)

    assert (bulk.rc, bulk.stdout.data, bulk.stderr.data) == (4, b"to", b"")
    assert (small.rc, small.stdout.data) == (5, b"")
    assert not trap.exists()


@pytest.mark.parametrize("rc", [0, 1, 127, 255])
def test_status_255_is_the_commands_own(real, rc):
    """No status is mistaken for a lost connection."""
    assert real.tell(lambda session: session.run(sh(f"exit {rc}"))).rc == rc


def test_bytes_are_bytes(real):
    """Output that is no text, and does not end in a newline, is kept byte for byte."""
    script = "printf '\\377\\000\\015x'; printf '\\200' >&2"

    result = real.tell(lambda session: session.run(sh(script)))

    assert (result.stdout.data, result.stderr.data) == (b"\xff\0\rx", b"\x80")


def test_much_output_is_counted_and_passed_on_exactly(real):
    """Ten megabytes of noise: the sink has each byte, memory has the two ends."""
    digest = hashlib.sha256()
    size = 10_000_000

    def sink(stream, chunk):
        if stream == "stdout":
            digest.update(chunk)

    script = f"(head -c {size} /dev/urandom; printf x) | {{ tee /proc/self/fd/3 | sha256sum >&2; }} 3>&1"
    result = real.tell(lambda session: session.run(sh(script, sink=sink, limit=1000)))

    assert result.stdout.size == size + 1
    assert (len(result.stdout.head), len(result.stdout.tail)) == (1000, 1000)
    assert result.stderr.text.split()[0] == digest.hexdigest()


def test_command_may_close_its_streams(real):
    """A command without output streams still has an end, and so has the next one."""

    async def story(session):
        first = await session.run(sh("exec >&- 2>&-; exit 7"))
        return first.rc, (await session.run(sh("echo next"))).stdout.data

    assert real.tell(story) == (7, b"next\n")


def test_there_is_no_terminal(real):
    """Asking the terminal fails, and does not hang."""
    result = real.tell(lambda session: session.run(sh("exec </dev/tty; read x")))

    assert result.rc != 0
    assert b"/dev/tty" in result.stderr.data


def test_missing_program_and_missing_folder_fail_in_words(real):
    """Both are ends that the host reported, with its own words."""

    async def story(session):
        return (
            await session.run(Command(argv=("no-such-program",))),
            await session.run(Command(argv=("true",), cwd="/no/such/folder")),
        )

    program, folder = real.tell(story)

    assert (program.rc, folder.rc) == (127, 125)
    assert b"no-such-program" in program.stderr.data
    assert b"/no/such/folder" in folder.stderr.data


def test_what_cannot_be_sent_is_refused(real):
    """A NUL, or an odd name of a variable, is an error before anything is sent; the session goes on."""
    bad = [Command(argv=("echo", "a\0b")), sh("true", env={"A B": "x"}), sh("true", cwd="a\0b")]

    async def story(session):
        for command in bad:
            with pytest.raises(StepError):
                await session.run(command)
        return await session.run(sh("echo fine"))

    assert real.tell(story).stdout.data == b"fine\n"
    assert not any(command.fate.sent for command in bad)


def test_background_child_does_not_hold_up_the_end(real):
    """The end of the command is the end of its first process, whoever still holds its output open."""

    async def story(session):
        async with asyncio.timeout(20):
            first = await session.run(sh("sleep 61 & echo $!"))
            second = await session.run(sh("echo second"))
        await session.run(sh("kill $1", args=(first.stdout.text,)))
        return second

    assert real.tell(story).stdout.data == b"second\n"


def test_whole_group_dies(real, tmp_path):
    """Children and grandchildren of a cancelled command are gone when the cancellation goes on."""
    pids = tmp_path / "pids"
    pids.touch()
    command = sh('echo $$ >>"$1"; sh -c "echo \\$\\$ >>$1; sleep 61 & echo \\$! >>$1; wait"; wait', args=(str(pids),))

    async def story(session):
        task = asyncio.create_task(session.run(command))
        await cancelled_after(task, lambda: len(pids.read_text().split()) == 3)
        return [alive(int(pid)) for pid in pids.read_text().split()]

    assert real.tell(story) == [False, False, False]
    assert command.fate.killed == "yes"


def test_who_ignores_term_is_killed(real, tmp_path):
    """After the grace the group is killed for good, and the shell serves the next command."""
    ready = tmp_path / "ready"
    command = sh('trap "" TERM; echo $$ >"$1"; while :; do sleep 1; done', args=(str(ready),))

    async def story(session):
        task = asyncio.create_task(session.run(command))
        await cancelled_after(task, lambda: ready.exists() and ready.read_text() != "")
        return alive(int(ready.read_text())), await session.run(sh("echo next"))

    still_there, after = real.tell(story)

    assert not still_there
    assert command.fate.killed == "yes"
    assert after.stdout.data == b"next\n"


def test_bulk_reader_is_ended_too(real):
    """A command that is fed through its own pipe is ended by the same rules."""
    command = sh("sleep 61", stdin=b"x" * 3_000_000)

    async def story(session):
        task = asyncio.create_task(session.run(command))
        await cancelled_after(task, lambda: command.fate.group is not None)
        return alive(command.fate.group)

    assert real.tell(story) is False
    assert command.fate.killed == "yes"


@pytest.mark.parametrize("bulk", [b"", b"x" * 100_000])
def test_secrets_are_in_no_argument_list(real, tmp_path, bulk):
    """Input and environment are seen in the argument list of no process, on either side."""
    go, ready = tmp_path / "go", tmp_path / "ready"
    secret = f"s3cret-{id(go)}"
    script = 'touch "$2"; cat >/dev/null; while [ ! -e "$1" ]; do sleep 0.05; done; printf %s "$S"'
    command = sh(script, args=(str(go), str(ready)), env={"S": secret}, stdin=secret.encode() + bulk)

    async def story(session):
        task = asyncio.create_task(session.run(command))
        await until(ready.exists)
        seen = command_lines()
        go.touch()
        return seen, await task

    seen, result = real.tell(story)

    assert str(ready).encode() in seen  # the command itself is seen
    assert secret.encode() not in seen
    assert result.stdout.data == secret.encode()
