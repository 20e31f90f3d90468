"""One step on one host: conditions, loops, verdicts, retries, limits and what is registered."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from scenario import Ran, Recorder, StepEnded, StepIntent, StepRetry, scenario

from runner.engine.stop import Level
from runner.errors import ConnectError
from runner.model.events import StepNote, StepOutput
from runner.transports.fake import Answer, Connection, Fake, answers


def on_one_host(folder: Path, steps: str, table: dict[tuple[str, str], Any] | None = None, **more: Any) -> Ran:
    text = f"version: 1\nhosts: all\nvars: {{colour: red}}\nsteps:\n{steps}"
    return scenario(text, folder, answers(table or {}), hosts="web01", **more)


def last(run: Ran, step: str) -> StepEnded:
    [ended] = run.all(StepEnded, step=step, item=None)
    return ended


def test_a_step_whose_condition_is_false_is_skipped_and_sends_nothing(tmp_path: Path) -> None:
    """It is recorded as skipped; nothing reaches the host."""
    run = on_one_host(tmp_path, "  - {id: a, command: work, when: colour == 'blue'}\n")

    assert last(run, "a").status == "skipped"
    assert run.fake.sent == []
    assert run.fake.connects == []
    assert run.statuses() == {"web01": "ok"}


def test_a_registered_result_is_there_for_later_steps(tmp_path: Path) -> None:
    """Status, text, lines and JSON of a step are seen by the next one."""
    steps = """
  - {id: a, command: ask, register: answer}
  - {id: b, command: "use {{ answer.json.size }} {{ answer.rc }} {{ answer.lines | length }} {{ answer.changed }}"}
"""
    run = on_one_host(tmp_path, steps, {("*", "ask"): Answer(stdout=b'{"size": 3}\n')})

    assert run.commands()[1] == "use 3 0 1 true"


def test_the_result_of_a_skipped_step_says_so(tmp_path: Path) -> None:
    """A later step can ask whether it was skipped; its output is undefined, which fails before anything is sent."""
    steps = """
  - {id: a, command: ask, register: answer, when: colour == 'blue'}
  - {id: b, command: "say {{ answer.skipped }} {{ answer.status }}"}
  - {id: c, command: "say {{ answer.stdout }}"}
"""
    run = on_one_host(tmp_path, steps)

    assert run.commands() == ["say true skipped"]
    assert last(run, "c").status == "failed"
    assert "site.yaml:8" in last(run, "c").reason


def test_another_hosts_result_is_found_under_hosts(tmp_path: Path) -> None:
    """What web01 printed is used on web02, exactly."""
    text = """
version: 1
hosts: all
strategy: {type: parallel, sync: lockstep}
steps:
  - {id: a, command: ask, register: answer}
  - {id: b, command: ["say", "{{ hosts.web01.results.answer.stdout }}"], when: host.name == 'web02'}
"""
    run = scenario(text, tmp_path, answers({("web01", "ask"): Answer(stdout=b"it's $HOME")}), hosts="web[01-02]")

    assert run.fake.sent[-1].command.argv == ("say", "it's $HOME")


def test_what_a_host_prints_is_never_rendered(tmp_path: Path) -> None:
    """A template that a host printed stays text, through register, set and loop."""
    steps = """
  - {id: a, command: ask, register: answer}
  - {id: b, set: {copied: "{{ answer.stdout }}"}}
  - {id: c, command: ["say", "{{ item }}"], loop: ["{{ copied }}"]}
"""
    run = on_one_host(tmp_path, steps, {("*", "ask"): Answer(stdout=b"{{ colour }}")})

    assert run.fake.sent[-1].command.argv == ("say", "{{ colour }}")


def test_a_loop_runs_once_for_each_item_in_order(tmp_path: Path) -> None:
    """Three items are three commands; the whole is one result with one entry an item."""
    steps = """
  - {id: a, command: "add {{ item }} {{ loop.index }}", loop: [x, y, z], register: added}
  - {id: b, command: "say {{ added.results | length }} {{ added.changed }}"}
"""
    run = on_one_host(tmp_path, steps)

    assert run.commands() == ["add x 1", "add y 2", "add z 3", "say 3 true"]
    assert [event.label for event in run.all(StepEnded, step="a") if event.item] == ["x", "y", "z"]


def test_a_mapping_of_lists_gives_every_combination(tmp_path: Path) -> None:
    """The last name varies fastest."""
    steps = '  - {id: a, command: "make {{ item.size }} {{ item.kind }}", loop: {size: [1, 2], kind: [a, b]}}\n'

    run = on_one_host(tmp_path, steps)

    assert run.commands() == ["make 1 a", "make 1 b", "make 2 a", "make 2 b"]


def test_a_loop_ends_at_its_first_failure(tmp_path: Path) -> None:
    """The items after it are not run, and the host failed."""
    run = on_one_host(
        tmp_path, '  - {id: a, command: "add {{ item }}", loop: [x, y, z]}\n', {("*", "add y"): Answer(rc=3)}
    )

    assert run.commands() == ["add x", "add y"]
    assert (last(run, "a").status, last(run, "a").rc) == ("failed", 3)
    assert run.statuses() == {"web01": "failed"}


def test_a_loop_that_ignores_failures_goes_to_its_end(tmp_path: Path) -> None:
    """All items run, and the host goes on."""
    steps = '  - {id: a, command: "add {{ item }}", loop: [x, y, z], on_failure: ignore}\n  - {id: b, command: next}\n'

    run = on_one_host(tmp_path, steps, {("*", "add y"): Answer(rc=3)})

    assert run.commands() == ["add x", "add y", "add z", "next"]
    assert run.statuses() == {"web01": "changed"}


def test_the_condition_of_a_loop_is_asked_for_each_item(tmp_path: Path) -> None:
    """Only the items for which it holds are run."""
    run = on_one_host(tmp_path, '  - {id: a, command: "add {{ item }}", loop: [1, 2, 3], when: item is odd}\n')

    assert run.commands() == ["add 1", "add 3"]
    assert last(run, "a").status == "changed"


def test_an_empty_loop_is_skipped(tmp_path: Path) -> None:
    """A list without items runs nothing and says why."""
    run = on_one_host(tmp_path, '  - {id: a, command: "add {{ item }}", loop: []}\n')

    assert (last(run, "a").status, last(run, "a").reason) == ("skipped", "its list is empty")


def test_changed_when_decides_what_counts_as_a_change(tmp_path: Path) -> None:
    """A command that says so in its answer is changed or ok by that."""
    steps = """
  - {id: a, command: one, changed_when: result.json.applied > 0}
  - {id: b, command: two, changed_when: false}
"""
    run = on_one_host(tmp_path, steps, {("*", "one"): Answer(stdout=b'{"applied": 2}')})

    assert (last(run, "a").status, last(run, "b").status) == ("changed", "ok")


def test_failed_when_decides_what_counts_as_a_failure(tmp_path: Path) -> None:
    """A bad word in the output fails a step that ended with 0, and a good one saves a step that did not."""
    steps = """
  - {id: a, command: one, failed_when: "'error' in result.stdout", on_failure: ignore}
  - {id: b, command: two, failed_when: "result.rc not in [0, 5]"}
"""
    table = {("*", "one"): Answer(stdout=b"an error\n"), ("*", "two"): Answer(rc=5)}

    run = on_one_host(tmp_path, steps, table)

    assert (last(run, "a").status, last(run, "b").status) == ("failed", "changed")


@pytest.mark.parametrize(
    ("rc", "signal", "status"), [(4, None, "changed"), (143, "TERM", "changed"), (5, None, "failed")]
)
def test_ok_codes_name_exit_statuses_and_signals(tmp_path: Path, rc: int, signal: str | None, status: str) -> None:
    """``[0, 4, TERM]`` takes 4 and a death by SIGTERM as fine, and 5 as failed."""
    steps = "  - {id: a, command: one, ok_codes: [0, 4, TERM]}\n"

    run = on_one_host(tmp_path, steps, {("*", "one"): Answer(rc=rc, signal=signal)})

    assert last(run, "a").status == status


def test_a_read_only_step_is_never_changed(tmp_path: Path) -> None:
    """A command that only looks is ok."""
    assert last(on_one_host(tmp_path, "  - {id: a, command: look, read_only: true}\n"), "a").status == "ok"


def test_a_step_is_tried_again_until_it_is_well(tmp_path: Path) -> None:
    """Two failures with status 7 and then a success: three attempts, two retries with their delay, two seconds."""
    steps = """
  - {id: a, command: one, retry: {attempts: 3, delay: 1s}, register: r}
  - {id: b, command: "say {{ r.attempts }}"}
"""

    run = on_one_host(tmp_path, steps, {("*", "one"): [Answer(rc=7), Answer(rc=7), Answer()]})

    assert [(event.rc, event.delay, event.attempt) for event in run.all(StepRetry)] == [(7, 1.0, 1), (7, 1.0, 2)]
    assert last(run, "a").status == "changed"
    assert run.seconds == 2
    assert run.commands()[-1] == "say 3"


def test_a_step_that_never_succeeds_is_tried_as_often_as_it_says(tmp_path: Path) -> None:
    """Three attempts, and then the host is failed."""
    run = on_one_host(tmp_path, "  - {id: a, command: one, retry: {attempts: 3}}\n", {("*", "one"): Answer(rc=1)})

    assert run.commands() == ["one"] * 3
    assert len(run.all(StepIntent)) == 3
    assert run.statuses() == {"web01": "failed"}


def test_until_waits_for_an_answer(tmp_path: Path) -> None:
    """No JSON yet is not there yet; the third poll is ready."""
    steps = "  - {id: a, command: poll, retry: {attempts: 5, delay: 1s, until: result.json.ready}}\n"
    table = {("*", "poll"): [Answer(), Answer(stdout=b"not yet"), Answer(stdout=b'{"ready": true}')]}

    run = on_one_host(tmp_path, steps, table)

    assert (last(run, "a").status, last(run, "a").attempt) == ("changed", 3)


def test_until_that_never_holds_fails_the_step(tmp_path: Path) -> None:
    """After the last attempt the step failed, and says what it waited for."""
    steps = "  - {id: a, command: poll, retry: {attempts: 2, until: result.rc == 1}}\n"

    run = on_one_host(tmp_path, steps)

    assert (last(run, "a").status, last(run, "a").reason) == ("failed", "until is not true yet")


def test_a_host_that_comes_up_is_reached_by_a_retry(tmp_path: Path) -> None:
    """A refused connection is tried again as the step's retry says."""
    refuse = ConnectError("refused", "refused", temporary=True)
    fake = Fake(connecting=lambda _, attempt: Connection(error=refuse if attempt < 3 else None))

    run = scenario(
        "version: 1\nhosts: all\nsteps: [{command: one, retry: {attempts: 3}}]\n", tmp_path, fake=fake, hosts="web01"
    )

    assert run.statuses() == {"web01": "changed"}
    assert [event.status for event in run.all(StepRetry)] == ["unreachable"] * 2


def test_a_refused_login_is_not_tried_again(tmp_path: Path) -> None:
    """Wrong keys stay wrong, and servers punish those who insist."""
    fake = Fake(connecting=lambda *_: Connection(error=ConnectError("auth", "no key was accepted")))

    run = scenario(
        "version: 1\nhosts: all\nsteps: [{command: one, retry: {attempts: 3}}]\n", tmp_path, fake=fake, hosts="web01"
    )

    assert len(run.fake.connects) == 1
    assert run.statuses() == {"web01": "unreachable"}


def test_a_timeout_ends_an_attempt_and_says_whether_it_is_gone(tmp_path: Path) -> None:
    """A step of a minute ends at its two seconds; ``killed`` tells that its process group is gone."""
    steps = "  - {id: a, command: one, timeout: 2s}\n"

    run = on_one_host(tmp_path, steps, {("*", "one"): Answer(duration=60, stdout=b"half\n")})

    ended = last(run, "a")
    assert (ended.status, ended.killed, ended.stdout, ended.tail) == ("timed_out", "yes", 5, "half")
    assert run.seconds == 2


def test_an_end_that_comes_just_before_its_kill_counts(tmp_path: Path) -> None:
    """The time is over and the host tells an end after all: that is the result, and nothing is tried again."""
    steps = "  - {id: a, command: one, timeout: 2s, retry: {attempts: 2}, register: r}\n"

    run = on_one_host(tmp_path, steps, {("*", "one"): Answer(duration=60, stdout=b"all\n", killed=None)})

    ended = last(run, "a")
    assert (ended.status, ended.rc, ended.register["stdout"]) == ("changed", 0, "all")
    assert run.commands() == ["one"]


def test_an_end_that_no_kind_can_read_is_unknown(tmp_path: Path) -> None:
    """A request that ended as its time did may have done what it was to do: it is not sent again."""
    steps = "  - {id: a, http: {url: http://x/, method: POST}, timeout: 2s, retry: {attempts: 2}}\n"

    run = on_one_host(tmp_path, steps, {("*", "*"): Answer(duration=60, killed=None)})

    assert last(run, "a").status == "unknown"
    assert len(run.commands()) == 1


def test_waiting_for_the_host_is_no_time_of_the_step(tmp_path: Path) -> None:
    """Two plays share a host's session: the second's step waits for the first's, and has its own two seconds then."""
    text = """
version: 1
plays:
  - {name: one, hosts: all, steps: [{command: long}]}
  - {name: two, hosts: all, needs: [], steps: [{id: a, command: short, timeout: 2s}]}
"""

    run = scenario(text, tmp_path, answers({("*", "long"): Answer(duration=9), ("*", "short"): Answer(duration=1)}))

    assert {event.status for event in run.all(StepEnded)} == {"changed"}


def test_a_timeout_of_0_is_none(tmp_path: Path) -> None:
    """A step may take a day; without a word it is ended after half an hour."""
    steps = "  - {id: a, command: one, timeout: 0}\n  - {id: b, command: two, on_failure: ignore}\n"

    run = on_one_host(tmp_path, steps, {("*", "*"): Answer(duration=86400)})

    assert (last(run, "a").status, last(run, "b").status) == ("changed", "timed_out")
    assert run.seconds == 86400 + 1800


def test_a_timeout_is_of_one_attempt(tmp_path: Path) -> None:
    """Two attempts of three seconds each stay within a timeout of four."""
    steps = "  - {id: a, command: one, timeout: 4s, retry: {attempts: 2}}\n"

    run = on_one_host(tmp_path, steps, {("*", "one"): [Answer(rc=1, duration=3), Answer(duration=3)]})

    assert last(run, "a").status == "changed"


def test_a_name_that_is_undefined_at_run_time_sends_nothing(tmp_path: Path) -> None:
    """The step fails with the position of the template."""
    steps = "  - {id: a, command: ask, register: r}\n  - {id: b, command: 'say {{ r.json.nope }}'}\n"

    run = on_one_host(tmp_path, steps, {("*", "ask"): Answer(stdout=b"{}")})

    assert run.commands() == ["ask"]
    assert "site.yaml:6:" in last(run, "b").reason
    assert [event.step for event in run.all(StepIntent)] == ["a"]


def test_env_cwd_and_stdin_reach_the_command(tmp_path: Path) -> None:
    """The step's words win over the play's; true is written as YAML writes it."""
    text = """
version: 1
hosts: all
env: {COLOUR: blue, SIZE: 3}
cwd: /srv
vars: {yes_: true}
steps:
  - {id: a, command: one, env: {COLOUR: red, ON: "{{ yes_ }}"}, stdin: "{{ host.name }}"}
  - {id: b, command: two, cwd: /tmp}
"""
    run = scenario(text, tmp_path, hosts="web01")

    first, second = (sent.command for sent in run.fake.sent)
    assert (first.env, first.cwd, first.stdin) == ({"COLOUR": "red", "SIZE": "3", "ON": "true"}, "/srv", b"web01")
    assert (second.cwd, second.stdin) == ("/tmp", None)


@pytest.mark.parametrize(
    ("play", "step", "user"),
    [
        ("", "", None),
        ("become: true", "", "root"),
        ("become: true", ", become: false", None),
        ("become: {user: app}", "", "app"),
        ("", ", become: {user: db}", "db"),
    ],
)
def test_the_nearest_become_wins(tmp_path: Path, play: str, step: str, user: str | None) -> None:
    """The step's word, else the play's, else the host's."""
    run = scenario(f"version: 1\nhosts: all\n{play}\nsteps: [{{command: one{step}}}]\n", tmp_path, hosts="web01")

    become = run.fake.sent[0].command.become
    assert (become.user if become else None) == user


def test_a_sensitive_step_leaves_no_trace_of_its_output(tmp_path: Path) -> None:
    """Not in records, not in files, not in the reason of its failure."""
    steps = "  - {id: a, command: one, sensitive: true, register: r, on_failure: ignore}\n"
    recorder = Recorder(wants_output=True)

    run = on_one_host(
        tmp_path, steps, {("*", "one"): Answer(rc=3, stdout=b"hunter2", stderr=b"hunter2")}, recorder=recorder
    )

    assert b"hunter2" not in b"".join(recorder.lines)
    assert not list((tmp_path / "output").rglob("*.*"))
    assert last(run, "a").rc == 3


def test_output_is_kept_in_files_and_told_as_it_comes(tmp_path: Path) -> None:
    """Each stream has its file; the record names them; views get the chunks."""
    steps = "  - {id: a, command: one}\n"

    run = on_one_host(
        tmp_path,
        steps,
        {("*", "one"): Answer(stdout=b"out\xff\n", stderr=b"err\n")},
        recorder=Recorder(wants_output=True),
    )

    assert (tmp_path / "output/web01/a.1.out").read_bytes() == b"out\xff\n"
    assert (tmp_path / "output/web01/a.1.err").read_bytes() == b"err\n"
    assert last(run, "a").output == {"stdout": "output/web01/a.1.out", "stderr": "output/web01/a.1.err"}
    assert [(event.stream, event.text, event.encoding) for event in run.all(StepOutput)] == [
        ("stdout", "b3V0/wo=", "base64"),
        ("stderr", "err\n", None),
    ]


def test_plays_that_share_a_step_id_have_files_of_their_own(tmp_path: Path) -> None:
    """The play's id stands before the step's."""
    text = """
version: 1
plays:
  - {name: one, hosts: all, steps: [{id: a, command: x}]}
  - {name: two, hosts: all, steps: [{id: a, command: x}]}
"""
    scenario(text, tmp_path, answers({("*", "x"): Answer(stdout=b"x")}), hosts="web01")

    assert sorted(path.name for path in (tmp_path / "output/web01").iterdir()) == ["one.a.1.out", "two.a.1.out"]


def test_a_log_step_opens_no_connection(tmp_path: Path) -> None:
    """It is said and recorded, and the host is not contacted."""
    run = on_one_host(tmp_path, '  - {log: "colour is {{ colour }}"}\n')

    assert [event.message for event in run.all(StepNote)] == ["colour is red"]
    assert run.fake.connects == []


def test_a_host_whose_task_has_a_fault_does_not_end_the_others(tmp_path: Path) -> None:
    """A fault in one task fails that host, is reported, and the other hosts go on."""

    def script(sent: Any) -> Answer:
        if sent.host == "web01":
            raise ZeroDivisionError("a bug")
        return Answer()

    text = "version: 1\nhosts: all\nsteps: [{command: one}]\n"
    run = scenario(text, tmp_path, script, hosts="web[01-02]", is_sound=False)

    assert run.statuses() == {"web01": "failed", "web02": "changed"}
    assert run.run.bugs == ["ZeroDivisionError('a bug')"]


def test_a_step_that_could_not_begin_is_not_judged(tmp_path: Path) -> None:
    """``failed_when: false`` forgives what a command answered, not a template that could not be rendered."""
    steps = """
  - {id: a, command: ask, register: r}
  - {id: b, command: "say {{ r.json.nope }}", failed_when: false}
"""
    run = on_one_host(tmp_path, steps, {("*", "ask"): Answer(stdout=b"{}")})

    assert last(run, "b").status == "failed"
    assert run.statuses() == {"web01": "failed"}


def test_what_a_host_says_can_not_end_the_run(tmp_path: Path) -> None:
    """A lone surrogate in a host's JSON fails the step that would send it, and nothing else."""
    text = """
version: 1
hosts: all
steps:
  - {id: a, command: ask, register: r}
  - {id: b, command: use, stdin: "{{ r.json }}", when: host.name == "web01"}
  - {id: c, set: {kept: "{{ r.json }}"}, register: s}
"""
    run = scenario(text, tmp_path, answers({("*", "ask"): Answer(stdout=b'"\\ud800"')}), hosts="web[01-02]")

    assert run.statuses() == {"web01": "failed", "web02": "changed"}
    assert "lone surrogate" in last_of(run, "web01", "b").reason


def last_of(run: Ran, host: str, step: str) -> StepEnded:
    [ended] = run.all(StepEnded, step=step, host=host, item=None)
    return ended


def test_a_stop_ends_the_waiting_between_two_attempts(tmp_path: Path) -> None:
    """An interrupt at two seconds does not wait for a delay of a minute."""

    def interrupt(run: Any) -> None:
        asyncio.get_running_loop().call_later(2, run.stop.raise_to, Level.STOP, "interrupted")

    steps = "  - {id: a, command: one, retry: {attempts: 3, delay: 1m}}\n"

    run = on_one_host(tmp_path, steps, {("*", "one"): Answer(rc=1)}, during=interrupt)

    assert run.seconds == 2
    assert run.commands() == ["one"]


def test_a_sensitive_failure_says_nothing_of_itself(tmp_path: Path) -> None:
    """Neither the host's reason nor a note tells what the step was about."""
    steps = '  - {id: a, sensitive: true, assert: {that: "1 == 2", message: topsecret}}\n'

    run = on_one_host(tmp_path, steps)

    assert b"topsecret" not in b"".join(run.recorder.lines)


def test_a_forgiven_failure_of_a_kind_that_did_nothing_is_ok(tmp_path: Path) -> None:
    """A condition that fails and is forgiven has changed nothing."""
    assert (
        last(on_one_host(tmp_path, "  - {id: a, assert: {that: '1 == 2'}, failed_when: false}\n"), "a").status == "ok"
    )
