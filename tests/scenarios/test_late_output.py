"""What a step printed behind the loss of its host or its runner, where the host has kept it: files, sizes, times."""

from pathlib import Path

from scenario import Ran, scenario

from runner.model.events import StepEnded, StepIntent
from runner.model.outcome import Captured
from runner.redaction import Redactor
from runner.transport import CommandResult, Recalled
from runner.transports.fake import Answer, Fake, answers

PLAYBOOK = "{version: 1, hosts: web01, steps: [{id: a, command: a}, {id: b, command: b}]}"
HEARD = Fake(answers({("*", "a"): Answer(stdout=b"heard\n", duration=3), ("*", "b"): Answer(duration=2)}))


def left(stdout: bytes = b"", stderr: bytes = b"", rc: int = 0) -> Recalled:
    """An end in the host's record, with the end of each stream."""
    out, err = (Captured(tail=data, size=len(data), is_rest=True) for data in (stdout, stderr))
    return Recalled("done", CommandResult(rc, stdout=out, stderr=err))


def resumed(folder: Path, found: Recalled, playbook: str = PLAYBOOK, redactor: Redactor | None = None) -> Ran:
    """A process that went on behind one that died while the first step was at work."""
    events = scenario(playbook, folder, fake=HEARD, redactor=redactor).recorder.events
    start = next(at for at, event in enumerate(events) if isinstance(event, StepIntent) and event.step == "a")
    fake = Fake(HEARD.script, recall=lambda _, __: found)
    return scenario(playbook, folder, fake=fake, redactor=redactor, before=events[: start + 1])


def test_what_the_host_has_kept_is_put_behind_what_was_heard(tmp_path: Path) -> None:
    """The file of a stream is gone on with, or made; the sizes are those of what came now, and more may be missing."""
    again = resumed(tmp_path, left(b"rest\n", b"oops\n"))

    [ended] = again.all(StepEnded, step="a")
    assert ended.output == {"stdout": "output/web01/a.1.out", "stderr": "output/web01/a.1.err"}
    assert (tmp_path / ended.output["stdout"]).read_bytes() == b"heard\nrest\n"
    assert (tmp_path / ended.output["stderr"]).read_bytes() == b"oops\n"
    assert (ended.stdout, ended.stderr, ended.truncated, ended.late) == (5, 5, True, True)


def test_nothing_kept_is_no_byte(tmp_path: Path) -> None:
    """Where nothing came behind the loss, nothing is counted, and the file of what was heard is named."""
    [ended] = resumed(tmp_path, left()).all(StepEnded, step="a")

    assert (ended.stdout, ended.stderr, ended.truncated) == (0, 0, True)
    assert ended.output == {"stdout": "output/web01/a.1.out"}


def test_a_time_that_nobody_knows_is_none_of_the_slowest(tmp_path: Path) -> None:
    """The process that began the step is gone: how long it took there is left out of the mean, too."""
    again = resumed(tmp_path, left(), PLAYBOOK.replace("web01", '"web01,web02"'))

    assert [ended.duration for ended in again.all(StepEnded, step="a")] == [0, 3]
    assert [(slow.step, slow.count, slow.mean) for slow in again.summary.slowest_steps] == [("a", 1, 3), ("b", 2, 2)]


def test_a_loss_in_the_same_process_is_bridged(tmp_path: Path) -> None:
    """Size and time are those of the whole, from the start of the step until its end was noticed."""
    lost = Answer(stdout=b"heard\n", duration=3, lost="reset")
    looks = iter([Recalled("running", group=7)] * 4 + [left(b"rest\n", b"oops\n", rc=1)])
    fake = Fake(answers({("*", "a"): lost}), recall=lambda _, __: next(looks))

    ran = scenario(PLAYBOOK, tmp_path, fake=fake)

    [ended] = ran.all(StepEnded, step="a")
    assert (ended.status, ended.tail, ended.duration) == ("failed", "oops", 7.0)
    assert (ended.stdout, ended.stderr, ended.truncated, ended.late) == (11, 5, True, True)
    assert (tmp_path / ended.output["stdout"]).read_bytes() == b"heard\nrest\n"


def test_the_rest_is_masked(tmp_path: Path) -> None:
    """Secrets in it, and what is left of one that its beginning was cut out of."""
    again = resumed(tmp_path, left(b"er22 end\nof hunter22\n"), redactor=Redactor(["hunter22"]))

    [ended] = again.all(StepEnded, step="a")
    assert (tmp_path / ended.output["stdout"]).read_bytes() == b"heard\n*** end\nof ***\n"


def test_the_rest_of_a_sensitive_step_is_kept_nowhere(tmp_path: Path) -> None:
    """Nor is what was heard of it."""
    again = resumed(tmp_path, left(b"rest\n"), PLAYBOOK.replace("command: a}", "command: a, sensitive: true}"))

    [ended] = again.all(StepEnded, step="a")
    assert ended.output == {}
    assert not list(tmp_path.glob("output/*/a.*"))
