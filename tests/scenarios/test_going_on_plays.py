"""What a run that is gone on with does beside its steps: waves, gates, people, rollback, what comes last, and again."""

from pathlib import Path

from scenario import Ran, scenario, stopping
from scenarios.test_going_on import died, on, sent

from runner.engine.run import roll_back_plan
from runner.engine.stop import Level
from runner.errors import ConnectError
from runner.model.decision import Answer as Said
from runner.model.decision import Question
from runner.model.events import (
    ApprovalGranted,
    ApprovalWaiting,
    Baking,
    Decision,
    GateChecked,
    GatePassed,
    HostEnded,
    RollbackStarted,
    StepEnded,
    StepIntent,
    Warned,
    WaveEnded,
    WaveStarted,
)
from runner.transport import CommandResult, Recalled
from runner.transports.fake import Answer, Connection, Fake, answers

GATED = """
version: 1
hosts: web[01-04]
strategy:
  type: rolling
  waves: 2
  bake: 60s
  approve: each
  gate: [{command: healthy}]
steps: [{id: a, command: a}]
"""


async def ada(_: Question) -> Said:
    """A person who says yes to everything."""
    return Said(yes=True, by="ada", how="terminal")


def test_a_gate_is_asked_for_hosts_that_have_not_passed_it(tmp_path: Path) -> None:
    """Killed while the gate was asked, a run asks it again, of hosts that have nothing else left to do."""
    first = scenario(GATED, tmp_path, ask=ada)
    again = scenario(GATED, tmp_path, ask=ada, before=died(first, on(GateChecked, wave=1)))
    assert sent(again)[:2] == [("web01", "healthy"), ("web02", "healthy")]
    assert [one.hosts for one in again.all(GatePassed)] == [("web01", "web02"), ("web03", "web04")]


def test_what_was_waited_for_and_approved_is_not_again(tmp_path: Path) -> None:
    """A bake that is over and an approval that was given stand."""
    first = scenario(GATED, tmp_path, ask=ada)
    again = scenario(GATED, tmp_path, ask=ada, before=died(first, on(ApprovalGranted)))
    assert sent(again) == [("web03", "a"), ("web04", "a"), ("web03", "healthy"), ("web04", "healthy")]
    assert (again.all(Baking), again.all(ApprovalWaiting)) == ([], [])


def test_a_question_without_an_answer_is_asked_again(tmp_path: Path) -> None:
    """A run that was paused asks the same again, and bakes no second time."""
    first = scenario(GATED, tmp_path)
    again = scenario(GATED, tmp_path, ask=ada, before=first.recorder.events)
    assert [one.wave for one in again.all(ApprovalGranted)] == [1]
    assert again.all(Baking) == []
    assert [one.wave for one in again.all(WaveStarted)] == [2]


def test_a_wave_without_an_end_gets_one(tmp_path: Path) -> None:
    """Killed between a gate and the end of its wave, a run ends the wave without touching a host."""
    playbook = "version: 1\nhosts: web01\nstrategy: rolling\nsteps: [{id: a, command: a}]"
    first = scenario(playbook, tmp_path)
    again = scenario(playbook, tmp_path, before=died(first, on(HostEnded)))
    assert (sent(again), [one.status for one in again.all(WaveEnded)]) == ([], ["ok"])


BACK = """
version: 1
hosts: web[01-03]
strategy: {type: rolling, waves: 1, on_exceed: rollback}
steps: [{id: a, command: a}]
rollback: [{id: undo, command: undo}, {id: look, command: look}]
always: [{id: tidy, command: tidy}]
"""


def test_a_rollback_goes_on_where_it_was(tmp_path: Path) -> None:
    """Hosts that are back are left alone, one that was on its way goes on, and nothing goes forward."""
    bad = answers({("web03", "a"): Answer(rc=1)})
    first = scenario(BACK, tmp_path, bad)
    order = [one for one in sent(first) if one[1] == "undo"]
    assert [host for host, _ in order] == ["web03", "web02", "web01"]
    again = scenario(BACK, tmp_path, bad, before=died(first, on(StepEnded, host="web02", step="undo")))
    assert [text for host, text in sent(again) if host == "web03"] == []
    assert [text for host, text in sent(again) if host == "web02"] == ["look", "tidy"]
    assert [text for host, text in sent(again) if host == "web01"] == ["undo", "look", "tidy"]
    assert again.summary.plays[0].rollback.status == "rolled_back"


def test_a_rollback_that_was_due_is_done(tmp_path: Path) -> None:
    """Killed between the failure that was one too many and the rollback, a run goes back, not forward."""
    bad = answers({("web01", "a"): Answer(rc=1)})
    first = scenario(BACK, tmp_path, bad)
    again = scenario(BACK, tmp_path, bad, before=died(first, on(WaveEnded)))
    assert {text for _, text in sent(again)} == {"undo", "look", "tidy"}
    assert [one.hosts for one in again.all(RollbackStarted)] == [("web01",)]


def test_what_is_back_stays_back(tmp_path: Path) -> None:
    """A run that was rolled back has nothing left."""
    first = scenario(BACK, tmp_path, answers({("web01", "a"): Answer(rc=1)}))
    assert sent(scenario(BACK, tmp_path, before=first.recorder.events)) == []


def test_a_person_may_ask_for_the_way_back(tmp_path: Path) -> None:
    """A rollback that somebody asks for goes over every host that was touched, the latest wave first."""
    first = scenario(BACK, tmp_path)
    again = scenario(
        BACK, tmp_path, before=first.recorder.events, work=lambda run: roll_back_plan(run, "ada asked for it")
    )
    assert [host for host, text in sent(again) if text == "undo"] == ["web03", "web02", "web01"]
    assert again.summary.counts == {"rolled_back": 3}


def test_what_still_runs_is_waited_for_before_it_is_taken_back(tmp_path: Path) -> None:
    """A step that outlived its runner would else change its host behind the back of its own rollback."""
    first = scenario(BACK, tmp_path)
    looks = iter([Recalled("running", group=7)] * 3 + [Recalled("done", CommandResult(0))])
    fake = Fake(recall=lambda _, __: next(looks))
    again = scenario(
        BACK,
        tmp_path,
        fake=fake,
        before=died(first, on(StepIntent, step="a")),
        work=lambda run: roll_back_plan(run, "ada asked for it"),
    )

    assert [(said.host, said.message) for said in again.all(Warned)] == [
        ("web01", 'step "a" still runs on the host (process group 7); waiting for it before it is taken back')
    ]
    (begun,) = again.all(StepIntent, step="undo")
    assert again.at(begun) - again.at(again.all(RollbackStarted)[0]) == 3
    assert again.summary.counts == {"rolled_back": 1, "not_run": 2}


def test_a_host_that_says_that_it_runs_for_ever_is_taken_back_all_the_same(tmp_path: Path) -> None:
    """Its step had a limit, which the host itself keeps to: a while after it nothing is believed any more."""
    first = scenario(BACK, tmp_path)
    again = scenario(
        BACK,
        tmp_path,
        fake=Fake(recall=lambda _, __: Recalled("running", group=7)),
        before=died(first, on(StepIntent, step="a")),
        work=lambda run: roll_back_plan(run, "ada asked for it"),
    )

    (begun,) = again.all(StepIntent, step="undo")
    assert again.at(begun) - again.at(again.all(RollbackStarted)[0]) == 1860
    assert again.summary.counts == {"rolled_back": 1, "not_run": 2}


def test_what_this_run_has_lost_sight_of_is_waited_for_too(tmp_path: Path) -> None:
    """Its host went away in the midst of a step, and is there again when the way back begins."""
    looks = iter([Recalled("running", group=7)] * 3 + [Recalled("done", CommandResult(0))])
    away = Connection(error=ConnectError("refused", "gone"))
    fake = Fake(
        answers({("web01", "a"): Answer(lost="reset")}),
        connecting=lambda host, attempt: away if host.name == "web01" and attempt == 2 else Connection(),
        recall=lambda _, __: next(looks),
    )
    ran = scenario(BACK, tmp_path, fake=fake)

    assert [said.message for said in ran.all(Warned)] == [
        'step "a" still runs on the host (process group 7); waiting for it before it is taken back'
    ]
    (begun,) = ran.all(StepIntent, step="undo")
    assert ran.at(begun) - ran.at(ran.all(RollbackStarted)[0]) == 3


def test_a_kill_ends_what_is_waited_for_on_the_way_back(tmp_path: Path) -> None:
    """Its process group is ended on the host."""
    first = scenario(BACK, tmp_path)
    fake = Fake(recall=lambda _, __: Recalled("running", group=7))
    again = scenario(
        BACK,
        tmp_path,
        fake=fake,
        before=died(first, on(StepIntent, step="a")),
        work=lambda run: roll_back_plan(run, "ada asked for it"),
        during=stopping((30.0, Level.KILL)),
    )

    assert fake.ended == [("web01", 7)]
    assert again.seconds < 120


def drained(ran: Ran) -> list[str]:
    """What was said to the balancer, and what was uploaded between."""
    return [text for _, text in sent(ran) if text != "b"]


def test_what_does_not_last_is_done_again_before_its_host_goes_on(tmp_path: Path) -> None:
    """A drain that ``always`` took back is done again, before the step that failed, and taken back again."""
    playbook = """
    version: 1
    hosts: web01
    steps:
      - {id: drain, command: drain, on_resume: again}
      - {id: b, command: b}
      - {id: upload, command: upload}
    always: [{id: undrain, command: undrain}]
    """
    first = scenario(playbook, tmp_path, answers({("*", "upload"): Answer(rc=1)}))
    again = scenario(playbook, tmp_path, before=first.recorder.events)
    assert drained(first) == ["drain", "upload", "undrain"]
    assert sent(again) == [("web01", "drain"), ("web01", "upload"), ("web01", "undrain")]
    assert again.summary.done == again.summary.total == 3


def test_what_a_block_took_back_is_not_done_again(tmp_path: Path) -> None:
    """A block that is over, its ``always`` too, is left alone, whatever in it says ``again``."""
    playbook = """
    version: 1
    hosts: web01
    steps:
      - id: upload
        block: [{id: drain, command: drain, on_resume: again}, {id: u, command: u}]
        always: [{id: undrain, command: undrain}]
      - {id: c, command: c}
    """
    first = scenario(playbook, tmp_path, answers({("*", "c"): Answer(rc=1)}))
    assert sent(scenario(playbook, tmp_path, before=first.recorder.events)) == [("web01", "c")]


def test_a_tunnel_for_all_is_there_before_anybody_goes_on(tmp_path: Path) -> None:
    """A step that runs once and again is done, once, before any host goes on behind it."""
    playbook = """
    version: 1
    hosts: web[01-03]
    steps:
      - {id: tunnel, command: tunnel, once: run, on_resume: again}
      - {id: a, command: a}
    """
    first = scenario(playbook, tmp_path, answers({("web0[23]", "a"): Answer(rc=1)}))
    again = scenario(playbook, tmp_path, answers({("*", "tunnel"): Answer(duration=5)}), before=first.recorder.events)
    assert [text for _, text in sent(again)] == ["tunnel", "a", "a"]


def test_steps_that_all_need_are_not_waited_for_twice(tmp_path: Path) -> None:
    """``needs`` and lockstep look at what was done before, too."""
    playbook = """
    version: 1
    hosts: web[01-03]
    strategy: {type: parallel, sync: lockstep}
    steps:
      - {id: a, command: a}
      - {id: b, command: b, needs: [a]}
      - {id: c, command: c}
    """
    first = scenario(playbook, tmp_path)
    again = scenario(playbook, tmp_path, before=died(first, on(StepEnded, host="web03", step="a")))
    assert [text for _, text in sent(again)] == ["b", "b", "b", "c", "c", "c"]


def test_what_comes_last_comes_after_a_crash_too(tmp_path: Path) -> None:
    """A flag that is taken away once, behind all waves, is taken away by whoever goes on."""
    playbook = """
    version: 1
    hosts: web[01-02]
    strategy: rolling
    steps: [{id: flag, command: flag, once: run}, {id: a, command: a}]
    always: [{id: unflag, command: unflag, once: run}]
    """
    first = scenario(playbook, tmp_path)
    again = scenario(playbook, tmp_path, before=died(first, on(WaveEnded, wave=2)))
    assert [text for _, text in sent(again)] == ["unflag"]
    assert sent(scenario(playbook, tmp_path, before=first.recorder.events)) == []


def test_a_later_play_goes_on_with_what_an_earlier_one_learnt(tmp_path: Path) -> None:
    """A play that is over is left alone; those behind it know what it registered."""
    playbook = """
    version: 1
    plays:
      - {name: one, hosts: web01, steps: [{id: a, command: a, register: r}]}
      - name: two
        hosts: web[01-02]
        steps: [{id: b, command: [b, "{{ hosts.web01.results.r.stdout }}"]}]
    """
    script = answers({("*", "a"): Answer(stdout=b"x")})
    first = scenario(playbook, tmp_path, script)
    again = scenario(playbook, tmp_path, script, before=died(first, on(WaveStarted, play="two")))
    assert sorted(sent(again)) == [("web01", "b x"), ("web02", "b x")]


def test_copies_of_an_included_step_are_told_apart(tmp_path: Path) -> None:
    """Killed in the midst of a looped include, a run goes on at that very copy."""
    (tmp_path / "four.yaml").write_text("- {id: s, command: 's {{ item }}'}\n- {id: t, command: 't {{ item }}'}\n")
    playbook = """
    version: 1
    hosts: web01
    steps: [{id: i, include: four.yaml, loop: [1, 2, 3]}]
    """
    first = scenario(playbook, tmp_path)
    again = scenario(playbook, tmp_path, before=died(first, on(StepEnded, step="i.2/s")))
    assert again.commands() == ["t 2", "s 3", "t 3"]


def test_a_lost_connection_is_opened_again_once_in_the_run(tmp_path: Path) -> None:
    """A step whose connection went away is asked for at once: its record says that it is done, and the host goes on."""
    playbook = "version: 1\nhosts: web01\nsteps: [{id: a, command: a}, {id: b, command: b}]"
    fake = Fake(answers({("*", "a"): Answer(lost="cut")}), recall=lambda _, __: Recalled("done", CommandResult(0)))
    ran = scenario(playbook, tmp_path, fake=fake)
    assert (ran.commands(), ran.statuses()) == (["a", "b"], {"web01": "changed"})
    assert len(fake.connects) == 2


def test_a_host_that_stays_away_is_not_guessed_about(tmp_path: Path) -> None:
    """Where the new connection can't be opened, nobody knows; the other hosts go on."""

    def connecting(_: object, attempt: int) -> Connection:
        return Connection(error=ConnectError("refused", "gone") if attempt > 1 else None)

    playbook = "version: 1\nhosts: web01\nsteps: [{id: a, command: a, retry: {attempts: 5}}]"
    fake = Fake(answers({("*", "a"): Answer(lost="cut")}), connecting)
    ran = scenario(playbook, tmp_path, fake=fake)
    assert (ran.commands(), ran.statuses()) == (["a"], {"web01": "unknown"})
    assert "cut" in ran.all(StepEnded)[0].reason


def test_an_idempotent_step_is_sent_again_in_the_run(tmp_path: Path) -> None:
    """What may run twice is tried again behind a lost connection, and the decision is on record before it is sent."""
    playbook = "version: 1\nhosts: web01\nsteps: [{id: a, command: a, idempotent: true}]"
    fake = Fake(answers({("*", "a"): [Answer(lost="cut"), Answer()]}))
    ran = scenario(playbook, tmp_path, fake=fake)
    assert (ran.commands(), ran.statuses()) == (["a", "a"], {"web01": "changed"})
    kinds = [type(event) for event in ran.recorder.events if isinstance(event, Decision | StepIntent)]
    assert kinds == [StepIntent, Decision, StepIntent]
