"""Going on with a run: what runs again and what does not, and what is in the way before anything is contacted."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from commandline import RUNNER, Done, environment, project, runner

from runner.app.resolve import resolve
from runner.app.resume import Changes, look
from runner.app.settings import Settings
from runner.errors import LockError

HOSTS = "connection: local\nhosts: {h1: , h2: , h3: }\n"
PLAYBOOK = """
version: 1
name: site
inventory: hosts.yaml
hosts: all
strategy: {type: rolling, waves: [1, rest]}
inputs: {release: {type: string, default: "1"}}
vars: {log: "{{ host.name }}.log", folder: %s}
steps:
- {id: one, cwd: "{{ folder }}", shell: "echo one >> {{ log }}"}
- {id: two, cwd: "{{ folder }}", shell: "echo two-{{ release }} >> {{ log }}; test -e go"}
- {id: three, cwd: "{{ folder }}", shell: "echo three >> {{ log }}"}
"""


@pytest.fixture
def stopped(tmp_path: Path) -> Path:
    """A run that the budget has ended: the first host failed at its second step, and waves behind it never began."""
    project(tmp_path, PLAYBOOK % tmp_path, HOSTS)
    done = runner("run", "site.yaml", cwd=tmp_path)
    assert (done.code, done.statuses()) == (5, {"h1": "failed", "h2": "not_run", "h3": "not_run"}), done.err
    return tmp_path


def lines(folder: Path, host: str) -> list[str]:
    """What steps have written on a host."""
    return (folder / f"{host}.log").read_text().split()


def folder_of(folder: Path) -> Path:
    """That of the latest run."""
    return max((folder / "runs").glob("2*"))


def edit(path: Path, old: str, new: str) -> None:
    """Replace text in a file."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def journal(done: Done) -> bytes:
    """All records."""
    return (done.folder / "events.jsonl").read_bytes()


def test_a_run_goes_on_at_the_step_that_failed(stopped):
    """What ended well is not run again; one folder, one journal, one summary."""
    (stopped / "go").touch()

    done = runner("resume", "last", cwd=stopped)

    assert done.code == 0, done.err
    assert done.out.splitlines()[0].endswith(": site: 3 hosts, 1 play, 1 of 9 steps were done")
    assert lines(stopped, "h1") == ["one", "two-1", "two-1", "three"]
    assert lines(stopped, "h3") == ["one", "two-1", "three"]
    first, second = done.events("run.started")
    assert (second["resume"], second["plan"], second["salt"], second["token"]) == (
        True,
        first["plan"],
        first["salt"],
        first["token"],
    )
    assert [record["seq"] for record in done.events()] == list(range(len(done.events())))
    assert (done.summary()["done"], done.summary()["counts"]) == (9, {"changed": 3})
    assert sorted(path.name for path in (done.folder / "hosts").iterdir()) == ["changed"]


def test_a_run_that_has_come_to_its_end_has_nothing_to_do(stopped):
    """It says so, and writes nothing."""
    (stopped / "go").touch()
    before = runner("resume", "last", cwd=stopped)
    records = journal(before)

    done = runner("resume", "last", cwd=stopped)

    assert (done.code, done.out) == (0, "nothing to do: the run has come to its end\n")
    assert journal(done) == records


def test_what_is_left_is_shown_and_nothing_done(stopped):
    """By wave, step and host; the journal stays as it is."""
    before = runner("resume", "last", "--plan", cwd=stopped)
    records = journal(before)

    done = runner("resume", "last", "--plan", "--format", "json", cwd=stopped)

    assert before.out.splitlines()[1:] == [
        "play site, wave 1 of 2",
        "  two  h1",
        "  three  h1",
        "play site, wave 2 of 2",
        "  one  h[2-3]",
        "  two  h[2-3]",
        "  three  h[2-3]",
    ]
    left = [(one["wave"], one["host"], one["step"]) for one in json.loads(done.out)["left"]]
    assert left == [
        (1, "h1", "two"),
        (1, "h1", "three"),
        *((2, host, step) for host in ("h2", "h3") for step in ("one", "two", "three")),
    ]
    assert journal(done) == records


def test_it_goes_on_from_any_folder_with_the_options_of_then(stopped, tmp_path_factory):
    """Paths start where they did, the limit and the exit policy are those of the run."""
    (stopped / "site.yaml").write_text(PLAYBOOK % stopped)
    first = runner("run", "site.yaml", "-l", "h1", "-e", "release=7", "--exit-policy", "main=h1", cwd=stopped)
    elsewhere = tmp_path_factory.mktemp("elsewhere")

    done = runner("resume", first.folder.name, "--runs-dir", first.runs, cwd=elsewhere)

    assert (first.code, done.code) == (5, 5)
    (stopped / "go").touch()
    again = runner("resume", first.folder.name, "--runs-dir", first.runs, cwd=elsewhere)
    assert again.code == 0, again.err
    assert lines(stopped, "h1")[-4:] == ["two-7", "two-7", "two-7", "three"]
    assert not (stopped / "h2.log").exists()


@pytest.mark.parametrize(
    ("wanted", "said"),
    [("20300101-000000-zzzz", "there is no run"), ("", "there is no run"), ("last", "there are no runs")],
)
def test_a_run_that_is_not_there(tmp_path, wanted, said):
    """Input that is wrong: nothing was contacted."""
    if wanted != "last":
        (tmp_path / "runs" / "20290101-000000-aaaa").mkdir(parents=True)

    done = runner("resume", wanted, cwd=tmp_path)

    assert done.code == 2
    assert said in done.err


def test_a_run_without_its_stored_plan_can_not_go_on(stopped):
    """Nor one whose plan can't be read, or is another one."""
    plan = folder_of(stopped) / "plan.json"
    data = plan.read_bytes()
    plan.unlink()
    missing = runner("resume", "last", cwd=stopped)
    plan.write_bytes(data.replace(b"echo one", b"echo ONE"))
    other = runner("resume", "last", cwd=stopped)

    assert (missing.code, other.code) == (2, 12)
    assert "has no stored plan" in missing.err
    assert "is not the one that it was carrying out" in other.err


def test_a_run_that_is_at_work_can_not_be_gone_on_with(tmp_path):
    """Whoever tries learns who is at it; nothing is written."""
    project(tmp_path, "version: 1\ninventory: hosts.yaml\nhosts: h1\nsteps: [{pause: 60s}]\n", HOSTS)
    runs = tmp_path / "runs"
    first = subprocess.Popen(
        [*RUNNER, "run", "site.yaml", "--runs-dir", str(runs)],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.DEVNULL,
    )
    try:
        until(
            lambda: (
                any(runs.glob("*/events.jsonl")) and b"step.intent" in next(runs.glob("*/events.jsonl")).read_bytes()
            )
        )
        done = runner("resume", "last", cwd=tmp_path)
        with pytest.raises(LockError):
            look("last", Settings(playbook=Path(), runs_dir=runs), Changes())
        with pytest.raises(LockError):
            resolve(runs, "last", "h1", "pause", what="ok", play="", item=None, reason="")
    finally:
        first.kill()
        first.wait()

    assert done.code == 10
    assert f"by process {first.pid}" in done.err


def test_a_damaged_journal_is_refused(stopped):
    """Before anything is contacted."""
    path = folder_of(stopped) / "events.jsonl"
    data = bytearray(path.read_bytes())
    data[300] ^= 1
    path.write_bytes(data)

    assert runner("resume", "last", cwd=stopped).code == 11


def test_a_step_that_ended_well_and_has_changed_is_in_the_way(stopped):
    """Nothing is contacted; accepted, it runs again, and a later resume knows that."""
    edit(stopped / "site.yaml", "echo one", "echo uno")
    refused = runner("resume", "last", cwd=stopped)
    records = journal(refused)
    accepted = runner("resume", "last", "--accept-changes", cwd=stopped)
    (stopped / "go").touch()
    done = runner("resume", "last", cwd=stopped)

    assert refused.code == 12
    assert 'site.yaml:10:3: error: step "one" has changed since it ended well on h1 (params) [E645]' in refused.err
    assert b'"resume":true' not in records
    assert (accepted.code, done.code) == (5, 0), done.err
    assert lines(stopped, "h1") == ["one", "two-1", "uno", "two-1", "two-1", "three"]
    assert [record["how"] for record in done.events("decision")] == ["accept"]
    assert sorted(path.name for path in done.folder.glob("plan*.json")) == ["plan.2.json", "plan.json"]


def test_another_input_is_in_the_way(stopped):
    """It is named; accepted, what is left runs with it."""
    (stopped / "go").touch()
    refused = runner("resume", "last", "-e", "release=2", cwd=stopped)
    done = runner("resume", "last", "-e", "release=2", "--accept-changes", cwd=stopped)

    assert refused.code == 12
    assert '"release" has another value than when the run was last at work' in refused.err
    assert done.code == 0, done.err
    assert lines(stopped, "h1") == ["one", "two-1", "two-2", "three"]


def test_another_secret_is_only_told(tmp_path):
    """It may be one that does not live long."""
    playbook = (PLAYBOOK % tmp_path).replace("steps:", "secrets: {key: {env: KEY}}\nsteps:")
    project(tmp_path, playbook, HOSTS)
    runner("run", "site.yaml", cwd=tmp_path, KEY="first-value")
    (tmp_path / "go").touch()

    done = runner("resume", "last", cwd=tmp_path, KEY="other-value")

    assert done.code == 0, done.err
    assert [record["message"] for record in done.events("warning")] == [
        '"secrets.key" has another value than when the run was last at work'
    ]


def test_a_host_that_is_gone_is_left_out_by_name(stopped):
    """It has not run, and the others go on."""
    (stopped / "go").touch()
    edit(stopped / "hosts.yaml", ", h2: ", "")
    refused = runner("resume", "last", cwd=stopped)
    done = runner("resume", "last", "--drop-hosts", "h2", cwd=stopped)
    again = runner("resume", "last", cwd=stopped)

    assert (refused.code, done.code, again.code) == (12, 0, 0), done.err
    assert "h2 is no longer in the inventory" in refused.err
    assert done.statuses() == {"h1": "changed", "h2": "not_run", "h3": "changed"}
    assert done.events("host.ended", host="h2")[-1]["reason"].startswith("left out with --drop-hosts by ")
    assert "nothing to do" in again.out


def test_what_the_environment_says_of_new_runs_counts_for_none_that_goes_on(stopped):
    """The options of then stand."""
    (stopped / "go").touch()

    done = runner("resume", "last", cwd=stopped, RUNNER_SET="release=9", RUNNER_CONCURRENCY="1", RUNNER_LIMIT="h2")

    assert done.code == 0, done.err
    assert lines(stopped, "h3") == ["one", "two-1", "three"]
    assert done.events("run.started")[1]["options"].get("concurrency") is None


def test_a_renamed_step_runs_once_more_where_that_is_accepted(stopped):
    """On the host that was done, too; the summary has more steps than were planned at first."""
    (stopped / "go").touch()
    runner("resume", "last", cwd=stopped)
    edit(stopped / "site.yaml", "id: three", "id: drei")

    done = runner("resume", "last", "--accept-changes", cwd=stopped)

    assert done.code == 0, done.err
    assert [lines(stopped, host)[-2:] for host in ("h1", "h2", "h3")] == [["three", "three"]] * 3
    assert (done.summary()["done"], done.summary()["total"]) == (12, 12)
    assert [record["message"] for record in done.events("warning")] == [
        'step "three", which ended well on h[1-3], is no longer there: it stays done',
        'step "drei" is new: it runs on h[1-3], too',
    ]


def test_a_whole_wave_may_be_left_out(stopped):
    """The run goes on with the next."""
    (stopped / "go").touch()

    done = runner("resume", "last", "--drop-hosts", "h1", cwd=stopped)

    assert done.code == 0, done.err
    assert done.statuses() == {"h1": "not_run", "h2": "changed", "h3": "changed"}
    assert lines(stopped, "h1") == ["one", "two-1"]


def test_a_run_that_was_stopped_before_its_first_step_runs_it_all(tmp_path):
    """There is nothing that stands."""
    project(tmp_path, PLAYBOOK % tmp_path, HOSTS)
    (tmp_path / "go").touch()
    first = runner("run", "site.yaml", cwd=tmp_path, RUNNER_CRASHPOINT="after_append_before_sync")

    done = runner("resume", "last", cwd=tmp_path)

    assert first.code == -signal.SIGKILL
    assert done.code == 0, done.err
    assert [lines(tmp_path, host) for host in ("h1", "h2", "h3")] == [["one", "two-1", "three"]] * 3


def test_an_answer_that_was_given_while_nobody_was_there_is_taken(tmp_path):
    """Nobody is asked twice; what waited behind the question runs."""
    steps = f"steps: [{{approve: 'go on?'}}, {{id: s, cwd: {tmp_path}, shell: 'echo s >> h1.log'}}]\n"
    project(tmp_path, f"version: 1\ninventory: hosts.yaml\nhosts: h1\n{steps}", HOSTS)
    paused = runner("run", "site.yaml", cwd=tmp_path)
    approved = runner("approve", "last", cwd=tmp_path)

    done = runner("resume", "last", cwd=tmp_path)

    assert (paused.code, approved.code, done.code) == (20, 0, 0), done.err
    assert lines(tmp_path, "h1") == ["s"]
    assert len(done.events("approval.granted")) == 1


@pytest.mark.parametrize(("words", "code", "ran"), [((), 0, ["h1", "h2", "h3"]), (("--deny",), 7, ["h1"])])
def test_a_wave_that_waited_for_a_person_goes_on_as_they_said(tmp_path, words, code, ran):
    """Only what is behind the question runs; where they said no the rest has not run."""
    play = "strategy: {type: rolling, waves: [1, rest], approve: after-first}\n"
    steps = f"steps: [{{id: s, cwd: {tmp_path}, shell: 'echo s >> {{{{ host.name }}}}.log'}}]\n"
    project(tmp_path, f"version: 1\ninventory: hosts.yaml\nhosts: all\n{play}{steps}", HOSTS)
    runner("run", "site.yaml", cwd=tmp_path)
    runner("approve", "last", *words, cwd=tmp_path)

    done = runner("resume", "last", cwd=tmp_path)

    assert done.code == code, done.err
    assert sorted(path.stem for path in tmp_path.glob("*.log")) == ran
    assert lines(tmp_path, "h1") == ["s"]
    ((said),) = [record for record in done.events() if record["event"] in {"approval.granted", "approval.denied"}]
    assert (said["how"], bool(said["by"])) == ("command", True)


def test_the_many_steps_of_an_include_go_on_at_the_one_that_was_cut(tmp_path):
    """Killed behind the end of the 50th of 108; each of them has run once."""
    (tmp_path / "more.yaml").write_text(
        "inputs: {word: {type: string}}\nsteps:\n"
        + "".join(f"- shell: 'echo {name}-{{{{ word }}}} >> {tmp_path}/h1.log'\n" for name in "abcd")
    )
    loop = "loop: {pool: [x, y, z], size: [1, 2, 3, 4, 5, 6, 7, 8, 9]}"
    include = "include: {file: more.yaml, vars: {word: '{{ item.pool }}-{{ item.size }}'}}"
    project(tmp_path, f"version: 1\ninventory: hosts.yaml\nhosts: h1\nsteps:\n- {include}\n  {loop}\n", HOSTS)
    killed = runner("run", "site.yaml", "-q", cwd=tmp_path, RUNNER_CRASHPOINT="after_step_ended:50")
    written = len(lines(tmp_path, "h1"))
    # Its end was recorded, and not yet on disk.
    runner("resolve", "last", "h1", unknown(killed), "--ok", cwd=tmp_path)

    done = runner("resume", "last", "-q", cwd=tmp_path)

    assert (written, done.code) == (50, 0), done.err
    found = lines(tmp_path, "h1")
    assert (len(found), len(set(found))) == (108, 108)


def unknown(done: Done) -> str:
    """The last step that began."""
    return str(done.events("step.intent")[-1]["step"])


def test_a_folder_that_is_gone_and_hosts_that_are_none_are_refused(stopped):
    """Before anything is contacted."""
    nobody = runner("resume", "last", "--drop-hosts", "h7", cwd=stopped)
    stopped.rename(stopped.with_name("moved"))
    gone = runner("resume", "last", "--runs-dir", stopped.with_name("moved") / "runs", cwd=stopped.parent)

    assert (nobody.code, gone.code) == (2, 2)
    assert '--drop-hosts: no host or group is called "h7"' in nobody.err
    assert "can't be gone to: No such file or directory" in gone.err


def test_killed_in_the_middle_nothing_is_lost_and_nothing_done_twice(tmp_path):
    """Steps that may run twice do; of the others a person says what came of them."""
    hosts = "connection: local\nhosts: {'h[1-6]': }\n"
    step = "{id: %s, cwd: '{{ folder }}', shell: 'echo %s >> {{ host.name }}.log; sleep 0.2'}"
    steps = "".join(f"- {step % (name, name)}\n" for name in ("a", "b", "c", "d"))
    play = f"version: 1\ninventory: hosts.yaml\nhosts: all\nvars: {{folder: {tmp_path}}}\nsteps:\n{steps}"
    project(tmp_path, play, hosts)
    runs = tmp_path / "runs"
    first = subprocess.Popen(
        [*RUNNER, "run", "site.yaml", "-q", "--runs-dir", str(runs)],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.DEVNULL,
    )
    until(lambda: (tmp_path / "h6.log").exists() and "b" in lines(tmp_path, "h6"))
    os.kill(first.pid, signal.SIGKILL)
    first.wait()

    codes = [runner("resume", "last", "-q", cwd=tmp_path).code]
    while codes[-1] == 6 and len(codes) < 4:
        for record in json.loads((folder_of(tmp_path) / "summary.json").read_text())["unknown"]:
            for host in record["hosts"]:
                name = "--ok" if record["step"] in lines(tmp_path, host) else "--rerun"
                assert runner("resolve", "last", host, record["step"], name, cwd=tmp_path).code == 0
        codes.append(runner("resume", "last", "-q", cwd=tmp_path).code)

    assert codes[-1] == 0, codes
    for number in range(1, 7):
        assert lines(tmp_path, f"h{number}") == ["a", "b", "c", "d"]


def until(holds, seconds: float = 20.0) -> None:
    """Wait for what another process does."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)
