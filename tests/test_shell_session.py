"""The session over pipes to sh: what can go wrong between a hello and an end, told with pipes of this machine."""

import asyncio
import contextlib
import os
import resource
import shutil
import stat
import sys
import time

import pytest
from transport_ways import alive, cancelled_after, until

from runner.errors import ConnectError, LostError, StepError
from runner.model.inventory import Become
from runner.shell import Capture, ShellSession
from runner.transport import Command
from runner.transports.local import open_pipe

ROOT = Become("root", password="unused")


def tell(story, opener=open_pipe, **options):
    """Run a story with a session whose pipes ``opener`` makes."""

    async def main():
        session = ShellSession(opener, **{"grace": 0.3, "hello_timeout": 10, **options})
        try:
            return await story(session)
        finally:
            await session.close()

    return asyncio.run(main())


def run(script, opener=open_pipe, become=None, **options):
    """The result of one script in a session of its own."""
    return tell(lambda session: session.run(Command(script=script, become=become)), opener, **options)


def end(pid):
    """KILL a step and, where it has come to lead one already, its group."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, 9)
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, 9)


def after(prefix):
    """An opener whose login shell does something first, as an rc file would."""
    return lambda line, receiver: open_pipe(f"{prefix}\n{line}", receiver)


class Lines:
    """An opener that remembers the command lines, and can have another one run in place of each."""

    def __init__(self, replace=lambda line: line):
        self.lines = []
        self.replace = replace

    async def __call__(self, line, receiver):
        self.lines.append(line)
        return await open_pipe(self.replace(line), receiver)


class Scripted:
    """An opener whose only pipe says what the test wants: ``written`` is what the session wrote to it."""

    def __init__(self):
        self.written = b""
        self.receiver = None
        self.closed = False
        self.eof = False
        self.opened = 0
        self.drains = 0

    async def __call__(self, _, receiver):
        self.receiver = receiver
        self.written = b""
        self.opened += 1
        return self

    def write(self, data):
        self.written += data

    async def drain(self):
        self.drains += 1

    def write_eof(self):
        self.eof = True

    async def close(self):
        self.closed = True

    @property
    def nonce(self):
        first, second = self.written.split(b"_rn='", 1)[1].split(b"'\n", 1)[0].split(b"''")
        return (first + second).decode()

    def say(self, text, *streams):
        for stream in streams or ("stdout", "stderr"):
            self.receiver.data(stream, text.replace("NONCE", self.nonce).encode())

    async def greeted(self, session, command):
        """Start a command on a shell that has said hello; the task that waits for it."""
        task = asyncio.create_task(session.run(command))
        await until(lambda: b"_re()" in self.written)
        self.say("NONCE h setsid /usr/bin/setsid 1\n")
        await until(lambda: command.fate.sent)
        return task


# the hello


def test_noise_before_the_hello_is_no_output():
    """What rc files print, on both streams, is kept apart from every command's output."""

    async def story(session):
        result = await session.run(Command(script="echo out; echo err >&2"))
        return result, session.preamble

    result, preamble = tell(story, after("echo welcome; echo oh >&2"))

    assert (result.stdout.data, result.stderr.data) == (b"out\n", b"err\n")
    assert preamble == b"welcome\n"


@pytest.mark.parametrize(
    ("login", "said"),
    [
        ("echo 'This account is currently not available.'; exit 1", '"This account is currently not available."'),
        ("printf '\\033]0;x\\007\\r\\377' >&2; exit 0", r'"\x1b]0;x\x07\r\xff"'),
        ("exit 0", "it said nothing"),
        ("exec cat", "no shell answered within 0.4 s"),
        ("head -c 1000 /dev/zero | tr '\\0' x; exit", "xxx" + '"…'),
    ],
)
def test_something_else_than_a_shell_is_told_with_its_first_words(login, said):
    """ForceCommand, nologin, an rc file that ends: a clear error with what the host said, made visible."""
    command = Command(script="true")

    async def story(session):
        with pytest.raises(ConnectError) as caught:
            await session.run(command)
        return caught.value

    error = tell(story, after(login), hello_timeout=0.4)

    assert error.cause == "protocol"
    assert said in error.message
    assert "nologin" in error.hint
    assert not error.temporary
    assert not command.fate.sent


def test_connection_lost_before_the_hello_may_be_tried_again():
    """A pipe that breaks before the hello is a lost connection, not another program."""
    pipe = Scripted()

    async def story(session):
        task = asyncio.create_task(session.run(Command(script="true")))
        await until(lambda: pipe.written)
        pipe.receiver.ended("Connection reset by peer")
        pipe.receiver.ended("again")
        with pytest.raises(ConnectError, match="Connection reset by peer") as caught:
            await task
        return caught.value

    error = tell(story, pipe)

    assert (error.cause, error.temporary) == ("closed_midway", True)
    assert pipe.closed


def test_host_that_refuses_a_pipe_is_heard():
    """What opening a pipe raises comes out of run, with nothing sent."""

    async def refuses(line, _):
        raise ConnectError("protocol", f"no session for {line}")

    with pytest.raises(ConnectError, match="no session for exec /bin/sh"):
        run("true", refuses)


def test_cancelled_hello_leaves_nothing_open():
    """Who is cancelled while waiting for the hello closes the pipe and has sent nothing."""
    pipe = Scripted()
    command = Command(script="true")

    async def story(session):
        await cancelled_after(asyncio.create_task(session.run(command)), lambda: pipe.written)

    tell(story, pipe)

    assert pipe.closed
    assert not command.fate.sent
    assert command.fate.killed is None


# frames and streams


def test_frames_of_others_are_ignored():
    """The first valid end of this step wins: another index, a second end and another nonce count for nothing."""
    pipe = Scripted()

    async def story(session):
        task = await pipe.greeted(session, Command(script="x"))
        pipe.say("NONCE e 7 9\nNONCE b 1 4711\nout" + "f" * 32 + " e 1 8\n", "stdout")
        pipe.say("NONCE e 1 3\nNONCE e 1 4\nlate", "stdout")
        pipe.say("NONCE b 1 4712\nNONCE e 1 3\nlate", "stderr")
        return await task

    result = tell(story, pipe)

    assert result.rc == 3
    assert result.stdout.data == b"out" + b"f" * 32 + b" e 1 8\n"
    assert result.stderr.data == b""


def test_both_streams_must_have_ended():
    """An end on one stream alone is no end: output of the other may still come."""
    pipe = Scripted()

    async def story(session):
        task = await pipe.greeted(session, Command(script="x"))
        pipe.say("NONCE b 1 5\nNONCE e 1 0\n", "stdout")
        await asyncio.sleep(0)
        assert not task.done()
        pipe.say("last wordsNONCE e 1 0\n", "stderr")
        return await task

    assert tell(story, pipe).stderr.data == b"last words"


def test_stray_output_is_not_the_next_steps():
    """What a background child writes between two steps, or before the second has begun, is nobody's."""
    pipe = Scripted()

    async def story(session):
        task = await pipe.greeted(session, Command(script="x"))
        pipe.say("NONCE b 1 5\nNONCE e 1 0\n")
        await task
        pipe.say("stray")
        second = Command(script="y")
        task = asyncio.create_task(session.run(second))
        await until(lambda: second.fate.sent)
        pipe.say("stray", "stdout")
        pipe.say("NONCE b 2 6\nmineNONCE e 2 0\n", "stdout")
        pipe.say("NONCE e 2 0\n", "stderr")
        return await task

    result = tell(story, pipe)

    assert (result.stdout.data, result.stderr.data) == (b"mine", b"")


def test_lost_pipe_is_an_unknown_end_with_its_reason():
    """A pipe that ends after a step was sent gives LostError, whatever was heard before; then the session is over."""
    pipe = Scripted()

    async def story(session):
        task = await pipe.greeted(session, Command(script="x"))
        pipe.say("NONCE b 1 5\nNONCE e 1 0\n", "stdout")
        pipe.receiver.ended("keepalive failed")
        with pytest.raises(LostError, match="keepalive failed"):
            await task
        assert session.closed
        with pytest.raises(ConnectError, match="keepalive failed"):
            await session.run(Command(script="y"))

    tell(story, pipe)


def test_job_control_takes_output_before_the_begin_frame():
    """Under job control the main shell says the begin, so a quick child may be there first: its output counts."""
    pipe = Scripted()

    async def story(session):
        task = asyncio.create_task(session.run(Command(script="x")))
        await until(lambda: pipe.written)
        pipe.say("NONCE h jobs - 1\n")
        await until(lambda: b"_rj 1" in pipe.written)
        pipe.say("earlyNONCE b 1 5\nNONCE e 1 0\n", "stdout")
        pipe.say("NONCE e 1 0\n", "stderr")
        return await task

    assert tell(story, pipe).stdout.data == b"early"


def test_bulk_input_waits_for_the_begin_frame():
    """A shell reads ahead: not a byte follows the step's text before the step has begun; then all of it."""
    pipe = Scripted()
    data = b"x" * 1_000_000

    async def story(session):
        task = asyncio.create_task(session.run(Command(script="cat", stdin=data)))
        for number in (1, 2):
            await until(lambda number=number: pipe.opened == number and b"_re()" in pipe.written)
            pipe.say("NONCE h setsid /usr/bin/setsid 1\n")
        await until(lambda: b"_rb 1" in pipe.written)
        await asyncio.sleep(0.02)
        before = pipe.written
        pipe.say("NONCE b 1 5\n", "stdout")
        await until(lambda: pipe.eof)
        pipe.say("NONCE e 1 0\n")
        await task
        return before, pipe.written

    before, after_it = tell(story, pipe)

    assert before.endswith(b"; _re 1 $?; exit\n")
    assert after_it == before + data
    assert pipe.drains == 4  # one for each chunk of 256 KiB


@pytest.mark.parametrize(
    ("rc", "signal"), [(0, None), (128, None), (129, "HUP"), (137, "KILL"), (143, "TERM"), (255, None), (200, None)]
)
def test_signal_by_status(rc, signal):
    """Only statuses that stand for a signal have a name."""
    result = run(f"exit {rc}")

    assert (result.rc, result.signal) == (rc, signal)


# cancelling


def test_cancelled_before_the_begin_frame_waits_for_it():
    """Without a group there is nothing to kill: after a moment the shell is given up, and the end is unknown."""
    pipe = Scripted()
    command = Command(script="x")

    async def story(session):
        task = await pipe.greeted(session, command)
        await cancelled_after(task, lambda: True)

    tell(story, pipe, patience=0.05)

    assert (command.fate.killed, command.fate.group) == ("unknown", None)
    assert pipe.eof


def test_cancelled_just_before_the_begin_frame_still_kills():
    """A begin frame that comes after the cancellation is used."""
    command = Command(script="sleep 61")

    async def story(session):
        await session.run(Command(script="true"))
        task = asyncio.create_task(session.run(command))
        await cancelled_after(task, lambda: command.fate.sent)

    tell(story)

    assert command.fate.killed == "yes"
    assert not alive(command.fate.group)


@pytest.mark.parametrize("comes", ["with the output", "later"])
def test_step_that_has_ended_is_not_killed(comes):
    """An end that is there already, or comes before the begin frame: its group's number may be another's by now."""
    pipe = Scripted()

    def sink(_stream, _chunk):
        raise ValueError("full")

    command = Command(script="true", sink=sink)
    ends = "NONCE e 1 0\n"

    async def story(session):
        task = await pipe.greeted(session, command)
        begin = "NONCE b 1 999999\n" if comes == "with the output" else ""
        pipe.say(begin + (ends if begin else ""), "stdout")
        pipe.say("boom" + (ends if begin else ""), "stderr")
        if not begin:
            await until(lambda: command.fate.killed == "unknown")
            pipe.say(ends)
        with pytest.raises(ValueError, match="full"):
            await task
        return pipe.opened

    assert tell(story, pipe) == 1
    assert command.fate.killed is None
    assert command.fate.result is not None
    assert command.fate.result.rc == 0
    assert not pipe.eof


def test_end_that_comes_before_the_kill_is_an_end():
    """Nothing was there to be killed when the second shell looked: the step ended by itself, and how is known."""
    command = Command(script="sleep 0.3; echo done")
    opened = []

    async def opener(line, receiver):
        opened.append(line)
        if len(opened) == 2:
            await until(lambda: not alive(command.fate.group))
        return await open_pipe(line, receiver)

    async def story(session):
        task = asyncio.create_task(session.run(command))
        await cancelled_after(task, lambda: command.fate.group is not None)

    tell(story, opener)

    assert len(opened) == 2
    assert command.fate.killed is None
    assert (command.fate.result.rc, command.fate.result.stdout.data) == (0, b"done\n")


def test_step_that_was_given_up_is_not_heard():
    """What comes after the step has ended for runner is no output of it: its sink is told nothing more."""
    pipe = Scripted()
    heard = []
    command = Command(script="sleep 61", sink=lambda _, chunk: heard.append(chunk))

    async def story(session):
        task = await pipe.greeted(session, command)
        pipe.say("heard so far", "stderr")
        await cancelled_after(task, lambda: True)
        pipe.say("late", "stderr")
        pipe.say("NONCE b 1 999999\nlate", "stdout")

    tell(story, pipe, patience=0.05)

    assert heard == [b"heard so far"]  # its end is no digit, as a nonce begins with
    assert command.fate.killed == "unknown"


def test_second_cancellation_gives_up_at_once():
    """Whoever cancels again while the group is being ended does not wait: the end is unknown, the shell given up."""
    command = Command(script="trap '' TERM; while :; do sleep 1; done")

    async def story(session):
        task = asyncio.create_task(session.run(command))
        await until(lambda: command.fate.group is not None)
        task.cancel()
        await until(lambda: command.fate.killed is not None)
        begun = time.monotonic()
        await cancelled_after(task, lambda: True)
        took = time.monotonic() - begun
        again = await session.run(Command(script="echo again"))
        end(command.fate.group)
        return took, again

    took, again = tell(story, grace=60)

    assert took < 5
    assert command.fate.killed == "unknown"
    assert again.stdout.data == b"again\n"


def test_no_second_shell_means_unknown():
    """Where the second shell is refused nothing can be ended: unknown, and the next step gets a new shell."""
    opened = []

    async def opener(line, receiver):
        opened.append(line)
        if len(opened) == 2:
            raise ConnectError("protocol", "open failed")
        return await open_pipe(line, receiver)

    command = Command(script="sleep 61")

    async def story(session):
        task = asyncio.create_task(session.run(command))
        await cancelled_after(task, lambda: command.fate.group is not None)
        end(command.fate.group)
        return await session.run(Command(script="echo next"))

    assert tell(story, opener).stdout.data == b"next\n"
    assert command.fate.killed == "unknown"
    assert len(opened) == 3


@pytest.mark.skipif(os.getuid() != 0 or not shutil.which("setpriv"), reason="needs root and setpriv")
def test_what_cannot_be_killed_is_said_to_be_there():
    """A group of another user, as under sudo, is ``no``: there is no permission, and its shell is not waited for."""
    opened = []

    async def opener(line, receiver):
        opened.append(line)
        if len(opened) == 2:
            line = "HOME=/; exec setpriv --reuid=65534 --clear-groups /bin/sh"
        return await open_pipe(line, receiver)

    command = Command(script="sleep 61")

    async def story(session):
        task = asyncio.create_task(session.run(command))
        await cancelled_after(task, lambda: command.fate.group is not None)
        was_there = alive(command.fate.group)
        end(command.fate.group)
        return was_there, await session.run(Command(script="echo next"))

    was_there, after_it = tell(story, opener, grace=0.05, patience=0.05)

    assert was_there
    assert command.fate.killed == "no"
    assert after_it.stdout.data == b"next\n"


def test_zombies_are_gone():
    """A member that nobody reaps does not count as left over."""
    command = Command(script='sleep 61 & exec "$1" -c "import time; time.sleep(61)"', args=(sys.executable,))

    async def story(session):
        task = asyncio.create_task(session.run(command))
        await cancelled_after(task, lambda: command.fate.group is not None)

    tell(story)

    assert command.fate.killed == "yes"


def test_process_that_left_its_group_escapes_and_is_told(tmp_path):
    """A daemon that made a session of its own is not ended: documented, not claimed, and named where it is seen."""
    pid_file = tmp_path / "pid"
    command = Command(script='setsid sh -c "echo \\$\\$ >$1; exec sleep 61" & wait', args=(str(pid_file),))

    async def story(session):
        task = asyncio.create_task(session.run(command))
        await cancelled_after(task, lambda: pid_file.exists() and pid_file.read_text().endswith("\n"))

    tell(story)
    escaped = int(pid_file.read_text())

    assert command.fate.killed == "yes"
    assert alive(escaped)
    assert command.fate.survivors == (escaped,)
    os.kill(escaped, 9)


# memory


def test_much_output_needs_little_memory():
    """Endless output is counted, its ends kept; the memory of the controller stays where it was."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    result = run("head -c 200000000 /dev/zero; printf end")

    assert result.stdout.size == 200_000_003
    assert result.stdout.tail.endswith(b"\0end")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 40 * 1024  # KiB


@pytest.mark.parametrize("chunks", [[b"0123456789"], [b"0", b"1", b"2", b"3", b"4", b"5", b"6", b"7", b"8", b"9"]])
@pytest.mark.parametrize(
    ("limit", "head", "tail"),
    [(0, b"", b""), (1, b"0", b"9"), (4, b"0123", b"6789"), (5, b"01234", b"56789"), (20, b"0123456789", b"")],
)
def test_capture_keeps_both_ends(chunks, limit, head, tail):
    """Head and tail never overlap, and never exceed the limit, however the bytes come."""
    capture = Capture(limit)
    for chunk in chunks:
        capture.add(chunk)

    assert (capture.captured.head, capture.captured.tail, capture.captured.size) == (head, tail, 10)


# sudo


@pytest.fixture
def fake_sudo(tmp_path):
    """Make a ``sudo`` of a few lines of sh, and an opener that finds it first; ``$*`` are its arguments."""

    def make(script):
        program = tmp_path / "sudo"
        program.write_text(f'#!/bin/sh\necho "$*" >>{tmp_path}/calls\n{script}\n')
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        return Lines(lambda line: f"PATH={tmp_path}:$PATH; export PATH; {line}")

    make.calls = lambda: (tmp_path / "calls").read_text().splitlines()
    return make


ASKING = """
case "$*" in *" -n "*) echo "sudo: a password is required" >&2; exit 1;; esac
while [ "$1" != -p ]; do shift; done
echo "We trust you have received the usual lecture: password" >&2
printf %s "$2" >&2
IFS= read -r given
while [ "$1" != -- ]; do shift; done; shift
if [ "$given" = "it's right" ]; then exec "$@"; fi
sleep 0.1; echo "Mot de passe incorrect" >&2; printf %s "again $asked" >&2
"""


def refused(opener, password=None):
    command = Command(script="true", become=Become("app"))

    async def story(session):
        with pytest.raises(StepError) as caught:
            await session.run(command)
        with pytest.raises(StepError, match=caught.value.message[:20]):
            await session.run(command)
        return caught.value

    error = tell(story, opener, password=lambda _: password)
    assert not command.fate.sent
    return error


def test_sudo_without_a_password_comes_first(fake_sudo):
    """``sudo -n`` is tried first; where it works no password is looked at, and one shell serves all steps."""
    opener = fake_sudo('while [ "$1" != -- ]; do shift; done; shift; exec "$@"')

    async def story(session):
        become = Become("app")
        await session.run(Command(script="true", become=become))
        return await session.run(Command(script="echo $0", become=become))

    result = tell(story, opener, password=lambda _: "secret")

    assert result.stdout.data == b"sh\n"
    assert fake_sudo.calls() == ["-H -n -u app -- /bin/sh"]


def test_password_is_given_after_the_prompt(fake_sudo):
    """A lecture, even one that says "password", is not the prompt; the password is in no argument list."""
    opener = fake_sudo(ASKING)

    result = run("echo hi", opener, ROOT, password=lambda _: "it's right")

    assert result.stdout.data == b"hi\n"
    assert len(fake_sudo.calls()) == 2
    assert fake_sudo.calls()[1].startswith("-H -S -k -p runner-")
    assert "right" not in str(fake_sudo.calls()) + str(opener.lines)


@pytest.mark.parametrize(
    "last_words",
    ['sleep 0.1; printf %s "$2" >&2; sleep 61', 'echo "sudo: 1 incorrect password attempt" >&2; exit 1'],
)
def test_wrong_password_is_said_quickly_and_tried_once(fake_sudo, last_words):
    """A second prompt, or sudo's own words: rejected, within seconds, and never tried again."""
    asking = ASKING.replace(
        'while [ "$1" != -- ]', f'if [ "$given" != x ]; then {last_words}; fi; while [ "$1" != -- ]'
    )
    begun = time.monotonic()

    error = refused(fake_sudo(asking), "wrong")

    assert error.message == "sudo password rejected"
    assert time.monotonic() - begun < 10
    assert len(fake_sudo.calls()) == 2


@pytest.mark.parametrize(
    ("says", "message"),
    [
        ("sudo: a password is required", "sudo asks for a password and none is given"),
        ("sudo: sorry, you must have a tty to run sudo", "sudo on the host wants a terminal (requiretty)"),
        ("me is not in the sudoers file.", 'sudo does not let the login user run /bin/sh as "app"'),
        (
            "Sorry, user me is not allowed to execute '/bin/sh' as app",
            'sudo does not let the login user run /bin/sh as "app"',
        ),
        ("sudo: unknown user: app", 'the host has no user "app"'),
        ("sudo: etwas ging schief \033[2J", r'sudo failed: "sudo: etwas ging schief \x1b[2J"'),
    ],
)
def test_each_refusal_of_sudo_has_its_text(fake_sudo, says, message):
    """Whatever sudo does not allow is a definite failure in plain words."""
    assert refused(fake_sudo(f'printf "%s\\n" "{says}" >&2; exit 1')).message == message


def test_missing_sudo_is_said(tmp_path):
    """A host without sudo says so."""
    (tmp_path / "env").symlink_to(shutil.which("env"))

    error = refused(Lines(lambda line: f"PATH={tmp_path}; export PATH; {line}"))

    assert error.message == "sudo is not installed on the host"


def test_sudo_that_never_answers_is_given_up(fake_sudo):
    """A sudo that hangs fails the step in time."""
    opener = fake_sudo("sleep 61")

    with pytest.raises(StepError, match="gave no shell"):
        run("true", opener, ROOT, hello_timeout=0.3)


@pytest.mark.parametrize("user", ["", "-x", "a b", "a;id", "a'b", "$x", "a\n"])
def test_odd_user_names_never_reach_a_shell(user):
    """A name that is none is refused before anything is opened."""
    opener = Lines()

    with pytest.raises(StepError, match="no name of a user"):
        run("true", opener, Become(user))
    assert opener.lines == []


def test_password_with_a_line_end_is_refused(fake_sudo):
    """What cannot be one line cannot be a password."""
    assert "line end" in refused(fake_sudo(ASKING), "a\nb").message


def test_lost_connection_while_sudo_asks():
    """A pipe that breaks meanwhile is a lost connection, not a refusal."""
    pipe = Scripted()

    async def story(session):
        task = asyncio.create_task(session.run(Command(script="true", become=ROOT)))
        await until(lambda: pipe.written)
        pipe.receiver.ended("broken pipe")
        with pytest.raises(ConnectError, match="broken pipe"):
            await task

    tell(story, pipe)


@pytest.mark.sudo
@pytest.mark.skipif(os.getuid() != 0 or not shutil.which("sudo"), reason="needs root and sudo")
def test_real_sudo_runs_and_kills_as_another_user():
    """Through the real sudo a step runs as the other user, starts in that user's home, and can be ended."""
    become = Become("nobody")
    command = Command(script="trap '' TERM; sleep 61; sleep 61", become=become)

    async def story(session):
        who = await session.run(Command(script="id -un", become=become))
        task = asyncio.create_task(session.run(command))
        await cancelled_after(task, lambda: command.fate.group is not None)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(command.fate.group, 0)
        return who, alive(command.fate.group)

    who, still_there = tell(story)

    assert who.stdout.data == b"nobody\n"
    assert command.fate.killed == "yes"
    assert not still_there
