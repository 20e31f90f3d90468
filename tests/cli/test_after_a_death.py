"""What a process that died leaves on hosts and in the journal, and what becomes of a run without a part of it."""

import json
import time
from pathlib import Path

from commandline import project, runner

from runner.host_record import prefix_of

PLAYBOOK = """\
version: 1
hosts: all
steps:
  - {{id: first, shell: "echo first >> {folder}/done"}}
  - {{id: second, shell: "echo second >> {folder}/done"}}
"""


def wipe(token: str, hosts: list[str]) -> int:
    """Remove the records of a run on this machine; gives how many files they were."""
    found = [file for host in hosts for file in Path("/tmp").glob(f"{prefix_of(token, host)}*")]
    for file in found:
        file.unlink()
    return len(found)


def test_a_step_without_its_record_is_held(tmp_path: Path) -> None:
    """The controller died behind the step's end, and the record of that is gone: it does not run again."""
    project(tmp_path, PLAYBOOK.format(folder=tmp_path), "connection: local\nhosts: {here: {}}\n")
    words = ("run", "site.yaml", "-i", "hosts.yaml")
    died = runner(*words, cwd=tmp_path, RUNNER_CRASHPOINT="before_step_ended:2")
    token = json.loads((died.folder / "events.jsonl").read_bytes().splitlines()[0])["token"]
    end = time.monotonic() + 10
    while not wipe(token, ["here"]) and time.monotonic() < end:
        time.sleep(0.02)  # the shell writes it when it notices the loss

    again = runner("resume", "last", cwd=tmp_path)

    assert again.code == 6
    assert "second --rerun" in again.out
    assert f'named ".runner-{token}-*"' in again.out
    assert (tmp_path / "done").read_text() == "first\nsecond\n"
    wipe(token, ["here"])


def test_a_journal_that_has_the_start_alone_is_gone_on_with(tmp_path: Path) -> None:
    """The process died between its first record and its second: whoever goes on says what is planned."""
    project(tmp_path, PLAYBOOK.format(folder=tmp_path), "connection: local\nhosts: {here: {}}\n")
    died = runner("run", "site.yaml", "-i", "hosts.yaml", cwd=tmp_path, RUNNER_CRASHPOINT="after_sync_before_send")
    journal = died.folder / "events.jsonl"
    journal.write_bytes(journal.read_bytes().splitlines(keepends=True)[0])

    again = runner("resume", "last", cwd=tmp_path)

    assert again.code == 0, again.err
    assert len(again.events("plan.ready")) == 1
    assert again.summary()["hosts"] == {"changed": ["here"]}


def test_output_that_nobody_heard_is_not_made_up(tmp_path: Path) -> None:
    """The step's end is read from the host, what it printed is lost: who needs that fails, and is told the way out."""
    playbook = f"""
    version: 1
    hosts: all
    steps:
      - {{id: make, shell: "echo made >> {tmp_path}/done; echo 17", register: made}}
      - {{id: use, shell: "echo {{{{ made.stdout | quote }}}} >> {tmp_path}/done"}}
    """
    project(tmp_path, playbook, "connection: local\nhosts: {here: {}}\n")
    runner("run", "site.yaml", "-i", "hosts.yaml", cwd=tmp_path, RUNNER_CRASHPOINT="before_step_ended")

    lost = runner("resume", "last", cwd=tmp_path)
    assert lost.code == 1
    assert 'what step "make" printed on "here" is not known, only how it ended' in lost.out
    assert f"runner resolve {lost.folder.name} here make --rerun" in lost.out
    assert (tmp_path / "done").read_text().split() == ["made"]

    runner("resolve", "last", "here", "make", "--rerun", cwd=tmp_path)
    again = runner("resume", "last", cwd=tmp_path)
    assert again.code == 0, again.out + again.err
    assert (tmp_path / "done").read_text().split() == ["made", "made", "17"]
    assert "steps  2 of 2  changed 2" in again.out


def test_what_it_printed_behind_the_death_is_in_its_files(tmp_path: Path) -> None:
    """The process dies as soon as the step is sent: what it prints then is kept, and put into its files."""
    playbook = f"""
    version: 1
    hosts: all
    steps:
      - {{id: make, shell: "until [ -e {tmp_path}/go ]; do sleep 0.02; done; echo rest; echo oops >&2; exit 3"}}
    """
    project(tmp_path, playbook, "connection: local\nhosts: {here: {}}\n")
    died = runner("run", "site.yaml", "-i", "hosts.yaml", cwd=tmp_path, RUNNER_CRASHPOINT="after_send")
    token = json.loads((died.folder / "events.jsonl").read_bytes().splitlines()[0])["token"]
    end = time.monotonic() + 10
    while not list(Path("/tmp").glob(f"{prefix_of(token, 'here')}-*.o")) and time.monotonic() < end:
        time.sleep(0.02)  # whoever stays with the step has noticed the loss
    (tmp_path / "go").touch()

    again = runner("resume", "last", cwd=tmp_path)

    assert again.code == 1, again.err
    [ended] = again.events("step.ended")
    assert [(died.folder / path).read_text() for path in ended["output"].values()] == ["rest\n", "oops\n"]
    assert (ended["stdout"], ended["stderr"], ended["truncated"], ended["tail"]) == (5, 5, True, "oops")
    assert ended["duration"] == 0
    assert again.summary()["slowest_steps"] == [], again.out
