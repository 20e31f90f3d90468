"""What a person at a real terminal sees: a pseudo-terminal, the live view, and Ctrl-C."""

import getpass
import re
import signal
import subprocess
from pathlib import Path

import pytest
from commandline import RUNNER, environment, project, runner
from terminals import Terminal, wait_for

LOCAL = "connection: local\nhosts: {one: {}, two: {}}\n"


def test_a_terminal_gets_the_live_view_and_keeps_the_summary(tmp_path: Path) -> None:
    """It redraws in place, and the last thing on the screen is the summary."""
    project(tmp_path, "version: 1\ninventory: hosts.yaml\nhosts: all\nsteps: [{command: sleep 1}]\n", LOCAL)
    terminal = Terminal("run", "site.yaml", cwd=tmp_path)

    code = terminal.end()

    shown = terminal.seen.decode()
    assert code == 0
    assert re.search(r"\x1b\[\d+A", shown)
    assert "summary" in shown.rpartition("\x1b[J")[2]


def test_no_escape_of_a_host_reaches_the_terminal(tmp_path: Path) -> None:
    """What a host prints is shown with its control characters made visible, in every view."""
    step = r"""printf '\033]52;c;aGk=\007\033[2Jbad\n'; exit 3"""
    project(
        tmp_path,
        f'version: 1\ninventory: hosts.yaml\nhosts: one\nsteps: [{{shell: "{step}"}}]\n'.replace("\\", "\\\\"),
        LOCAL,
    )
    for output in ("live", "plain", "stream"):
        terminal = Terminal("run", "site.yaml", "--output", output, cwd=tmp_path)

        assert terminal.end() == 1
        assert b"\x1b]52" not in terminal.seen
        assert b"\x1b[2J" not in terminal.seen
        assert b"bad" in terminal.seen


def test_one_interrupt_lets_the_running_step_finish(tmp_path: Path) -> None:
    """Ctrl-C once: it says what runs, the step finishes, the next does not start, and the exit status is 130."""
    steps = f"[{{shell: 'sleep 2; touch {tmp_path}/first'}}, {{shell: 'touch {tmp_path}/second'}}]"
    project(
        tmp_path, f"version: 1\ninventory: hosts.yaml\nhosts: one\nsteps: {steps.replace(chr(39), chr(34))}\n", LOCAL
    )
    terminal = Terminal("run", "site.yaml", cwd=tmp_path)
    wait_for(lambda: "step.intent" in records(tmp_path))

    terminal.type(b"\x03")

    assert terminal.end() == 130
    assert (tmp_path / "first").exists()
    assert not (tmp_path / "second").exists()
    assert "interrupted" in terminal.seen.decode()


def test_two_interrupts_end_the_running_step(tmp_path: Path) -> None:
    """Ctrl-C twice: the step's process group is ended, and the run says how it stands."""
    step = f'"echo $$ > {tmp_path}/pid; sleep 985; touch {tmp_path}/first"'
    project(tmp_path, f"version: 1\ninventory: hosts.yaml\nhosts: one\nsteps: [{{shell: {step}}}]\n", LOCAL)
    terminal = Terminal("run", "site.yaml", cwd=tmp_path)
    wait_for((tmp_path / "pid").exists)

    terminal.type(b"\x03")
    wait_for(lambda: '"action":"stop"' in records(tmp_path))
    terminal.type(b"\x03")

    assert terminal.end() == 130
    assert not (tmp_path / "first").exists()
    assert '"status":"cancelled"' in records(tmp_path)
    assert not Path(f"/proc/{(tmp_path / 'pid').read_text().strip()}").exists() or is_zombie(tmp_path / "pid")


def test_without_a_terminal_one_interrupt_ends_steps(tmp_path: Path) -> None:
    """A pipeline's SIGINT ends the running step, and the exit status is 130."""
    code = signalled(tmp_path, signal.SIGINT)

    assert code == 130
    assert '"status":"cancelled"' in records(tmp_path)


def test_a_termination_ends_steps_and_the_run_with_143(tmp_path: Path) -> None:
    """SIGTERM acts as the second Ctrl-C."""
    assert signalled(tmp_path, signal.SIGTERM) == 143


def test_nothing_is_escaped_where_output_is_a_pipe(tmp_path: Path) -> None:
    """Standard output holds not one ESC byte when it is no terminal."""
    project(tmp_path, "version: 1\ninventory: hosts.yaml\nhosts: all\nsteps: [{command: 'false'}]\n", LOCAL)

    done = subprocess.run(
        [*RUNNER, "run", "site.yaml"],
        cwd=tmp_path,
        env=environment(RUNNER_RUNS_DIR=str(tmp_path / "runs")),
        capture_output=True,
        check=False,
    )

    assert done.returncode == 1
    assert b"\x1b" not in done.stdout + done.stderr


def test_a_person_says_when_a_pause_ends(tmp_path: Path) -> None:
    """A pause with a message waits for Enter."""
    project(tmp_path, "version: 1\ninventory: hosts.yaml\nhosts: one\nsteps: [{pause: {message: look at it}}]\n", LOCAL)
    terminal = Terminal("run", "site.yaml", "--output", "plain", cwd=tmp_path)

    terminal.until("press Enter to go on")
    terminal.type(b"\r")

    assert terminal.end() == 0


APPROVE = """
version: 1
inventory: hosts.yaml
hosts: one
steps:
  - approve: are the graphs fine?
  - shell: touch {folder}/after
"""


def asking(folder: Path, *words: str, output: str = "plain") -> Terminal:
    """A run at a terminal that has just asked."""
    project(folder, APPROVE.format(folder=folder), LOCAL)
    terminal = Terminal("run", "site.yaml", "--output", output, *words, cwd=folder)
    terminal.until("are the graphs fine? [y/N]")
    return terminal


@pytest.mark.parametrize("output", ["live", "plain"])
def test_a_person_approves_at_the_terminal(tmp_path: Path, output: str) -> None:
    """What is no answer is asked again; a y lets the run go on, and it is recorded who said so, also under --yes."""
    terminal = asking(tmp_path, "--yes", output=output)

    terminal.type(b"perhaps\r")
    terminal.until('"perhaps" is neither y nor n')
    terminal.type(b"y\r")

    assert terminal.end() == 0
    assert (tmp_path / "after").exists()
    assert f'"by":"{getpass.getuser()}","how":"terminal"' in records(tmp_path)


def test_enter_alone_denies(tmp_path: Path) -> None:
    """The step has failed and nothing starts behind it; what was typed before the question is no answer to it."""
    terminal = asking(tmp_path)

    terminal.type(b"\r")

    assert terminal.end() == 7
    assert not (tmp_path / "after").exists()
    assert f"denied by {getpass.getuser()}" in terminal.seen.decode()


@pytest.mark.parametrize(("words", "event", "goes_on"), [((), "granted", True), (("--deny",), "denied", False)])
def test_a_run_is_answered_from_another_process(tmp_path: Path, words: tuple[str], event: str, goes_on: bool) -> None:  # noqa: FBT001
    """The run that waits at its terminal takes the answer, goes on or stops, and records who gave it and how."""
    terminal = asking(tmp_path)
    wait_for(lambda: "approval.waiting" in records(tmp_path))

    done = runner("approve", "last", *words, cwd=tmp_path)

    assert terminal.end() == (0 if goes_on else 7)
    assert (tmp_path / "after").exists() is goes_on
    assert (done.code, done.err) == (0, "")
    assert "are the graphs fine?" in done.out
    answers = [line for line in records(tmp_path).splitlines() if f'"event":"approval.{event}"' in line]
    assert len(answers) == 1
    assert '"how":"command"' in answers[0]


def test_an_interrupt_ends_a_question(tmp_path: Path) -> None:
    """Ctrl-C while a person is asked: the run ends, and nothing was approved or denied."""
    terminal = asking(tmp_path)

    terminal.type(b"\x03")

    assert terminal.end() == 130
    assert not re.search("approval.(granted|denied)", records(tmp_path))


def signalled(folder: Path, number: signal.Signals) -> int:
    project(folder, "version: 1\ninventory: hosts.yaml\nhosts: one\nsteps: [{command: sleep 984}]\n", LOCAL)
    process = subprocess.Popen(
        [*RUNNER, "run", "site.yaml"],
        cwd=folder,
        env=environment(RUNNER_RUNS_DIR=str(folder / "runs")),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_for(lambda: "step.intent" in records(folder))
    process.send_signal(number)
    return process.wait(30)


def records(folder: Path) -> str:
    """The journal of the only run, as far as it is on disk."""
    return "".join(path.read_text() for path in folder.glob("runs/*/events.jsonl"))


def is_zombie(path: Path) -> bool:
    """Whether the process named in a file has ended and waits to be collected."""
    return Path(f"/proc/{path.read_text().strip()}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
