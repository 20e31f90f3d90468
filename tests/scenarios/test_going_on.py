"""A run that died is gone on with: what ended well stands, and nothing else is taken for done."""

from collections.abc import Callable
from pathlib import Path

from scenario import Ran, scenario, stopping

from runner.engine.stop import Level
from runner.model.events import (
    Decision,
    Event,
    HostEnded,
    StepEnded,
    StepIntent,
    WaveStarted,
)
from runner.model.outcome import Captured
from runner.transport import CommandResult, Recalled
from runner.transports.fake import Answer, Fake, answers

THREE = """
version: 1
hosts: web[01-03]
strategy: {type: rolling, waves: 1}
steps:
  - {id: a, command: a}
  - {id: b, command: b}
"""


def died(ran: Ran, at: Callable[[Event], bool]) -> list[Event]:
    """The events up to and with the first that fits: the process was killed behind it."""
    for index, event in enumerate(ran.recorder.events):
        if at(event):
            return ran.recorder.events[: index + 1]
    raise AssertionError("there is no such event")


def on(kind: type[Event], **fields: object) -> Callable[[Event], bool]:
    """Whether an event is of this type and has these values."""
    return lambda event: isinstance(event, kind) and all(getattr(event, key) == fields[key] for key in fields)


def sent(ran: Ran) -> list[tuple[str, str]]:
    """What was sent where, in order."""
    return [(one.host, one.text) for one in ran.fake.sent]


def test_what_ended_well_is_not_run_again(tmp_path: Path) -> None:
    """Killed behind a good end in the second wave, a run goes on at the very next step."""
    first = scenario(THREE, tmp_path)
    again = scenario(THREE, tmp_path, before=died(first, on(StepEnded, host="web02", step="a")))
    assert sent(again) == [("web02", "b"), ("web03", "a"), ("web03", "b")]
    assert again.summary.status == "ok"
    assert again.summary.done == again.summary.total == 6


def test_a_finished_run_has_nothing_left(tmp_path: Path) -> None:
    """Going on with a run that ended well contacts nobody."""
    first = scenario(THREE, tmp_path)
    again = scenario(THREE, tmp_path, before=first.recorder.events)
    assert again.fake.connects == []
    assert again.summary.status == "ok"


def test_failed_hosts_alone_run_again_from_the_failed_step(tmp_path: Path) -> None:
    """Of hosts that failed at a later step, only that step and those behind it run, on them only."""
    playbook = """
    version: 1
    hosts: web[01-04]
    steps:
      - {id: a, command: a}
      - {id: b, command: b}
      - {id: c, command: c}
    """
    first = scenario(playbook, tmp_path, answers({("web0[23]", "b"): Answer(rc=1)}))
    again = scenario(playbook, tmp_path, before=first.recorder.events)
    assert sorted(sent(again)) == [("web02", "b"), ("web02", "c"), ("web03", "b"), ("web03", "c")]
    assert again.summary.counts == {"changed": 4}
    assert again.all(StepIntent, host="web02", step="b")[0].attempt == 2


def test_an_end_that_nobody_heard_is_never_guessed(tmp_path: Path) -> None:
    """A command that was begun, without a record on its host, holds the host: it is not sent again."""
    first = scenario(THREE, tmp_path)
    again = scenario(THREE, tmp_path, before=died(first, on(StepIntent, host="web01", step="b")))
    assert sent(again) == []
    assert again.statuses()["web01"] == "unknown"
    assert again.summary.flags.unknown


def test_the_record_on_the_host_tells_the_end(tmp_path: Path) -> None:
    """Where the host's record has the end, that is the end: registered, judged, and not run again."""
    playbook = """
    version: 1
    hosts: web01
    steps:
      - {id: a, command: a, register: r, failed_when: "r.rc > 1"}
      - {id: b, command: [b, "{{ r.stdout }}"]}
    """
    first = scenario(playbook, tmp_path)
    found = Recalled("done", CommandResult(1, stdout=Captured(b"kept\n", size=5)))
    again = scenario(
        playbook, tmp_path, fake=Fake(recall=lambda _, __: found), before=died(first, on(StepIntent, step="a"))
    )
    assert sent(again) == [("web01", "b kept")]
    assert [(end.status, end.rc, end.late) for end in again.all(StepEnded, step="a")] == [("changed", 1, True)]


def test_a_host_that_says_that_it_runs_for_ever_is_not_waited_for_for_ever(tmp_path: Path) -> None:
    """A minute after the step's own limit, to which the host holds it, nobody believes that: its end is unknown."""
    playbook = "{version: 1, hosts: web01, steps: [{id: a, command: a, timeout: 5m}, {id: b, command: b}]}"
    first = scenario(playbook, tmp_path)

    for lie in (Recalled("running", group=7), Recalled("running")):
        fake = Fake(recall=lambda _, __, lie=lie: lie)
        again = scenario(playbook, tmp_path, fake=fake, before=died(first, on(StepIntent, step="a")))

        assert sent(again) == []
        assert again.statuses() == {"web01": "unknown"}
        assert "though it should have ended it by now" in again.all(HostEnded)[0].reason
        assert 360 <= again.seconds < 400

    lost = Fake(answers({("web01", "a"): Answer(lost="reset")}), recall=lambda _, __: Recalled("running", group=7))
    ran = scenario(playbook, tmp_path, fake=lost)
    assert ran.statuses() == {"web01": "unknown"}
    assert 360 <= ran.seconds < 400


def test_what_nobody_heard_of_its_output_is_not_made_up(tmp_path: Path) -> None:
    """Its end is known and is taken; who needs what it printed fails, and is told how to have it run again."""
    playbook = """
    version: 1
    hosts: web01
    steps:
      - {id: a, command: a, register: r}
      - {id: b, command: b, when: "r.rc == 0"}
      - {id: c, command: [c, "{{ r.stdout }}"]}
    """
    first = scenario(playbook, tmp_path)
    found = Recalled("done", CommandResult(0, stdout=Captured(b"", b"end\n", size=5)))
    again = scenario(
        playbook, tmp_path, fake=Fake(recall=lambda _, __: found), before=died(first, on(StepIntent, step="a"))
    )
    assert sent(again) == [("web01", "b")]
    [ended] = [event for event in again.all(StepEnded) if event.step == "c"]
    assert ended.status == "failed"
    assert 'what step "a" printed on "web01" is not known, only how it ended' in ended.reason
    assert "runner resolve r1 web01 a --rerun" in ended.reason

    later = scenario(playbook, tmp_path, before=[*died(first, on(StepIntent, step="a")), *again.recorder.events])
    assert [event.status for event in later.all(StepEnded)] == ["failed"]


def test_what_nobody_heard_is_no_ground_for_a_verdict(tmp_path: Path) -> None:
    """Conditions of the step that need its output can't tell how it ended: a person decides."""
    playbook = """
    version: 1
    hosts: web01
    steps: [{id: a, command: a, failed_when: "'bad' in result.stdout"}]
    """
    first = scenario(playbook, tmp_path)
    found = Recalled("done", CommandResult(0, stdout=Captured(b"", b"", size=1)))
    again = scenario(
        playbook, tmp_path, fake=Fake(recall=lambda _, __: found), before=died(first, on(StepIntent, step="a"))
    )
    assert again.statuses() == {"web01": "unknown"}


def test_what_only_reads_is_read_again_where_its_output_was_not_heard(tmp_path: Path) -> None:
    """Nothing is done twice by that, and what it printed is known."""
    playbook = """
    version: 1
    hosts: web01
    steps:
      - {id: a, command: a, register: r, read_only: true}
      - {id: b, command: [b, "{{ r.stdout }}"]}
    """
    first = scenario(playbook, tmp_path)
    found = Recalled("done", CommandResult(0, stdout=Captured(b"", b"", size=1)))
    fake = Fake(answers({("*", "a"): Answer(stdout=b"new\n")}), recall=lambda _, __: found)
    again = scenario(playbook, tmp_path, fake=fake, before=died(first, on(StepIntent, step="a")))
    assert sent(again) == [("web01", "a"), ("web01", "b new")]
    assert again.summary.status == "ok"


def test_what_never_began_runs(tmp_path: Path) -> None:
    """Where the host's record says that it never began, it runs, and the decision is recorded before."""
    first = scenario(THREE, tmp_path)
    fake = Fake(recall=lambda _, __: Recalled("never"))
    again = scenario(THREE, tmp_path, fake=fake, before=died(first, on(StepIntent, host="web03", step="b")))
    assert sent(again) == [("web03", "b")]
    assert [(one.what, one.how) for one in again.all(Decision)] == [("rerun", "record")]


def test_what_still_runs_is_waited_for(tmp_path: Path) -> None:
    """A command that outlived its runner is waited for, and its end is the step's."""
    first = scenario(THREE, tmp_path)
    looks = iter([Recalled("running", group=7), Recalled("running", group=7), Recalled("done", CommandResult(0))])
    fake = Fake(recall=lambda _, __: next(looks))
    again = scenario(THREE, tmp_path, fake=fake, before=died(first, on(StepIntent, host="web03", step="b")))
    assert sent(again) == []
    assert again.summary.status == "ok"
    assert again.seconds == 2.0


def test_the_step_says_what_may_be_done(tmp_path: Path) -> None:
    """Without a record ``verify`` is asked first, then ``idempotent`` and ``on_unknown`` decide."""
    playbook = """
    version: 1
    hosts: web01
    steps:
      - {id: done, command: one, verify: [check, one]}
      - {id: undone, command: two, verify: [check, two]}
      - {id: twice, command: three, idempotent: true}
      - {id: over, command: four, on_unknown: skip}
      - {id: held, command: five}
    """
    found = []
    for step in ("done", "undone", "twice", "over", "held"):
        first = scenario(playbook, tmp_path)
        script = answers({("*", "check one"): Answer(rc=0), ("*", "check two"): Answer(rc=1)})
        again = scenario(playbook, tmp_path, script, before=died(first, on(StepIntent, step=step)))
        found.append((again.commands("web01")[:2], again.steps("web01")[step]))
    assert found == [
        (["check one", "two"], "changed"),
        (["check two", "two"], "changed"),
        (["three", "four"], "changed"),
        (["five"], "skipped"),
        ([], "unknown"),
    ]


def test_names_are_there_again(tmp_path: Path) -> None:
    """What was registered, set and gathered in a loop before is there for the steps behind."""
    playbook = """
    version: 1
    hosts: web[01-02]
    steps:
      - {id: a, command: a, register: one}
      - {id: s, set: {two: "{{ one.stdout | upper }}"}}
      - {id: l, command: "l {{ item }}", loop: [x, y], register: three}
      - {id: b, command: [b, "{{ one.stdout }}", "{{ two }}", "{{ three.results[1].stdout }}"]}
      - {id: c, command: [c, "{{ hosts.web01.results.one.stdout }}"]}
    """
    script = answers({("*", "a"): Answer(stdout=b"hello\n"), ("*", "l y"): Answer(stdout=b"last\n")})
    first = scenario(playbook, tmp_path, script)
    again = scenario(playbook, tmp_path, script, before=died(first, on(StepEnded, host="web01", step="l", item=None)))
    assert again.commands("web01") == ["b hello HELLO last", "c hello"]


def test_a_loop_goes_on_at_its_item(tmp_path: Path) -> None:
    """Items that ended well are not run again, and their results are there beside the new ones."""
    playbook = """
    version: 1
    hosts: web01
    steps:
      - {id: l, command: "l {{ item }}", loop: [x, y, z], register: all}
      - {id: b, command: [b, "{{ all.results | map(attribute='stdout') | join(',') }}"]}
    """
    script = answers(
        {("*", "l x"): Answer(stdout=b"1"), ("*", "l y"): Answer(stdout=b"2"), ("*", "l z"): Answer(stdout=b"3")}
    )
    first = scenario(playbook, tmp_path, script)
    again = scenario(playbook, tmp_path, script, before=died(first, on(StepEnded, item=2)))
    assert again.commands() == ["l z", "b 1,2,3"]


def test_handlers_that_were_notified_still_run(tmp_path: Path) -> None:
    """A handler notified before the end of the process runs, once, though its step does not run again."""
    playbook = """
    version: 1
    hosts: web01
    steps:
      - {id: a, command: a, notify: restart}
      - {id: b, command: b}
    handlers:
      - {id: restart, name: restart, command: restart}
    """
    first = scenario(playbook, tmp_path)
    again = scenario(playbook, tmp_path, before=died(first, on(StepEnded, step="b")))
    assert again.commands() == ["restart"]


def test_what_ran_once_does_not_run_again_elsewhere(tmp_path: Path) -> None:
    """A step that ran once for all, in the run or in the wave, stays run, and all have its answer."""
    playbook = """
    version: 1
    hosts: web[01-04]
    strategy: {type: rolling, waves: 2}
    steps:
      - {id: migrate, command: migrate, once: run, register: m}
      - {id: drain, command: drain, once: wave}
      - {id: a, command: [a, "{{ m.stdout }}"]}
    """
    script = answers({("*", "migrate"): Answer(stdout=b"v2")})
    first = scenario(playbook, tmp_path, script)
    again = scenario(playbook, tmp_path, script, before=died(first, on(StepEnded, host="web03", step="drain")))
    assert sorted(sent(again)) == [("web03", "a v2"), ("web04", "a v2")]


def test_the_budget_counts_a_host_by_its_new_end(tmp_path: Path) -> None:
    """A host that failed before runs again: well now, it is no failure any more; else it is one, not two."""
    playbook = """
    version: 1
    hosts: web[01-03]
    strategy: {type: rolling, waves: 1, max_failures: 1}
    steps: [{id: a, command: a}]
    """
    bad = answers({("web01", "a"): Answer(rc=1)})
    first = scenario(playbook, tmp_path, bad)
    cut = died(first, on(WaveStarted, wave=3))
    well, ill = scenario(playbook, tmp_path, before=cut), scenario(playbook, tmp_path, bad, before=cut)
    assert (well.statuses(), ill.statuses()["web03"]) == ({"web01": "changed", "web03": "changed"}, "changed")
    assert (well.summary.plays[0].failures, ill.summary.plays[0].failures) == (0, 1)


def test_a_failure_that_was_taken_care_of_stands(tmp_path: Path) -> None:
    """A rescued step is not tried again: the rescue goes on where it was."""
    playbook = """
    version: 1
    hosts: web01
    steps:
      - id: deploy
        block:
          - {id: a, command: a}
          - {id: b, command: b}
        rescue:
          - {id: r1, command: r1}
          - {id: r2, command: r2}
      - {id: c, command: c}
    """
    bad = answers({("*", "a"): Answer(rc=1)})
    first = scenario(playbook, tmp_path, bad)
    again = scenario(playbook, tmp_path, before=died(first, on(StepEnded, step="r1")))
    assert again.commands() == ["r2", "c"]
    assert again.statuses() == {"web01": "changed"}


def test_the_end_of_a_host_says_what_it_did_in_all(tmp_path: Path) -> None:
    """A host that changed something before, and nothing since, has changed."""
    playbook = """
    version: 1
    hosts: web01
    steps:
      - {id: a, command: a}
      - {id: b, command: b, read_only: true}
    """
    first = scenario(playbook, tmp_path)
    again = scenario(playbook, tmp_path, before=died(first, on(StepEnded, step="a")))
    assert [end.status for end in again.all(HostEnded)] == ["changed"]


def test_what_is_waited_for_is_ended_by_a_kill(tmp_path: Path) -> None:
    """A kill ends the process group of a command that outlived its runner, as it ends any other."""
    first = scenario(THREE, tmp_path)
    fake = Fake(recall=lambda _, __: Recalled("running", group=7))
    before = died(first, on(StepIntent, host="web03", step="b"))
    again = scenario(THREE, tmp_path, fake=fake, before=before, during=stopping((3.5, Level.KILL)))
    assert fake.ended == [("web03", 7)]
    assert [(end.status, end.killed) for end in again.all(StepEnded)] == [("cancelled", "yes")]
    assert again.statuses()["web03"] == "cancelled"


def test_a_stop_lets_the_asking_finish(tmp_path: Path) -> None:
    """One host held is one too many; the ends of the others are found out all the same."""
    playbook = "version: 1\nhosts: web[01-03]\nstrategy: {max_failures: 0}\nsteps: [{id: a, command: a}]"
    first = scenario(playbook, tmp_path)
    told = {"web01": Recalled("none")}
    fake = Fake(recall=lambda host, _: told.get(host, Recalled("done", CommandResult(0))))
    again = scenario(playbook, tmp_path, fake=fake, before=died(first, on(StepIntent, host="web03")))
    assert again.statuses() == {"web01": "unknown", "web02": "changed", "web03": "changed"}


def test_what_a_person_takes_as_done_notifies_its_handlers(tmp_path: Path) -> None:
    """A step that was done has changed something, as far as anybody knows: its handler runs."""
    playbook = """
    version: 1
    hosts: web01
    steps: [{id: a, command: a, notify: restart}, {id: b, command: b}]
    handlers: [{id: restart, name: restart, command: restart}]
    """
    first = scenario(playbook, tmp_path)
    said = Decision(play="play", wave=1, host="web01", step="a", what="ok", by="ada", how="resolve")
    again = scenario(playbook, tmp_path, before=[*died(first, on(StepIntent, step="a")), said])
    assert again.commands() == ["b", "restart"]


def test_why_an_end_is_not_known_is_told_as_it_was_recorded(tmp_path: Path) -> None:
    """A lost connection stays one, however often the run is gone on with; only a process that died is told as such."""
    playbook = "version: 1\nhosts: web01\nsteps: [{id: a, command: a}]\n"
    at_work = on(StepIntent, step="a")

    def reason(ran: Ran) -> str:
        return ran.all(HostEnded)[-1].reason

    lost = scenario(playbook, tmp_path, answers({("web01", "a"): Answer(lost="reset by peer")}))
    again = scenario(playbook, tmp_path, before=lost.recorder.events)
    third = scenario(playbook, tmp_path, before=[*lost.recorder.events, *again.recorder.events])
    after_death = scenario(playbook, tmp_path, before=died(lost, at_work))
    rerun = scenario(playbook.replace("{id: a", "{id: a, idempotent: true"), tmp_path, before=lost.recorder.events)
    died_later = scenario(playbook, tmp_path, before=[*lost.recorder.events, *died(rerun, at_work)])

    assert reason(again) == reason(third) == "a: reset by peer; there is no record of it on the host"
    assert reason(after_death).startswith("a: the process that ran it ended before its end was heard; ")
    assert reason(died_later) == reason(after_death)
