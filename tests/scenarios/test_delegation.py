"""Steps that run on another host for this one, and how many may be in a step at once."""

from pathlib import Path

from scenario import most_at_once, scenario

from runner.errors import ConnectError
from runner.model.events import BudgetChanged, HostEnded, StepEnded, StepIntent
from runner.transports.fake import Answer, Connection, Fake, answers

DRAIN = """
version: 1
hosts: web*
strategy: {type: parallel, max_failures: 5}
steps:
  - {command: "drain {{ host.name }}", delegate_to: lb1, register: drained}
  - command: "work {{ drained.stdout }}"
"""
HOSTS = "web[01-03] lb1"


def gone(name: str) -> Fake:
    """Hosts of which one can't be reached."""

    def connecting(host: object, _: int) -> Connection:
        is_gone = getattr(host, "name", "") == name
        return Connection(error=ConnectError("refused", "nobody listens") if is_gone else None)

    return Fake(connecting=connecting)


def test_a_step_runs_on_another_host_for_this_one(tmp_path: Path) -> None:
    """The names it sees and its result are this host's; the records say where it ran."""
    run = scenario(DRAIN, tmp_path, answers({("lb1", "*"): Answer(stdout=b"ok")}), hosts=HOSTS)

    assert sorted(run.commands("lb1")) == ["drain web01", "drain web02", "drain web03"]
    assert run.commands("web02") == ["work ok"]
    assert {event.delegate for event in run.all(StepIntent, step="command")} == {"lb1"}
    assert {event.host for event in run.all(StepEnded, step="command")} == {"web01", "web02", "web03"}


def test_a_delegate_is_asked_by_one_host_at_a_time(tmp_path: Path) -> None:
    """Unless a throttle says how many; three steps of ten seconds take thirty."""
    table = {("lb1", "*"): Answer(duration=10)}
    assert scenario(DRAIN, tmp_path, answers(table), hosts=HOSTS).seconds == 30


def test_the_controller_is_asked_by_all_at_once(tmp_path: Path) -> None:
    """It has no limit of its own."""
    text = DRAIN.replace("delegate_to: lb1", "delegate_to: controller")
    run = scenario(text, tmp_path, answers({("controller", "*"): Answer(duration=10)}), hosts=HOSTS)

    assert run.seconds == 10
    assert len(run.commands("controller")) == 3


def test_a_delegate_out_of_reach_fails_the_step_here(tmp_path: Path) -> None:
    """The hosts are failed, not unreachable, each counts, and the delegate is named."""
    run = scenario(DRAIN, tmp_path, fake=gone("lb1"), hosts=HOSTS)

    assert run.statuses() == {"web01": "failed", "web02": "failed", "web03": "failed"}
    assert "delegate lb1 unreachable" in run.all(StepEnded, host="web01")[0].reason
    assert [event.failures for event in run.all(BudgetChanged)] == [1, 2, 3]


def test_a_host_out_of_reach_can_still_be_delegated_for(tmp_path: Path) -> None:
    """What runs elsewhere asks nothing of the host itself."""
    text = DRAIN.replace('  - command: "work {{ drained.stdout }}"\n', "")
    run = scenario(text, tmp_path, fake=gone("web02"), hosts=HOSTS)

    assert run.statuses()["web02"] == "changed"


def test_a_delegate_that_is_lost_leaves_the_step_unknown(tmp_path: Path) -> None:
    """Whether it ran there nobody heard."""
    run = scenario(DRAIN, tmp_path, answers({("lb1", "drain web01"): Answer(lost="reset by peer")}), hosts=HOSTS)

    assert run.statuses()["web01"] == "unknown"


def test_a_delegate_that_is_lost_is_not_the_host_itself(tmp_path: Path) -> None:
    """What the host has to do in any case is still sent to it."""
    text = DRAIN + "always: [{command: tidy}]\n"
    run = scenario(text, tmp_path, answers({("lb1", "drain web01"): Answer(lost="reset by peer")}), hosts=HOSTS)

    assert run.commands("web01") == ["tidy"]
    assert run.statuses()["web01"] == "unknown"


def test_a_throttle_limits_hosts_in_a_step(tmp_path: Path) -> None:
    """Two at that step, six at work."""
    text = """
version: 1
hosts: all
strategy: {type: parallel, concurrency: 6}
steps:
  - {command: slow, throttle: 2}
  - command: fast
"""
    run = scenario(text, tmp_path, lambda _: Answer(duration=1), hosts="web[01-12]")

    starts = {event.host: run.at(event) for event in run.all(StepIntent, step="command")}
    spans = [(starts[event.host], run.at(event)) for event in run.all(StepEnded, step="command")]
    assert most_at_once(spans) == 2
    assert most_at_once([(sent.time, sent.time + 1) for sent in run.fake.sent]) <= 6
    assert run.summary.status == "ok"


def test_a_host_that_is_named_by_an_answer(tmp_path: Path) -> None:
    """Which one only the run can tell."""
    text = """
version: 1
hosts: web01
steps:
  - {command: who, register: leader}
  - {command: promote, delegate_to: "{{ leader.stdout }}"}
"""
    run = scenario(text, tmp_path, answers({("web01", "who"): Answer(stdout=b"lb1\n")}), hosts=HOSTS)

    assert run.commands("lb1") == ["promote"]


def test_an_answer_that_names_no_host_fails_the_step(tmp_path: Path) -> None:
    """Nothing is sent anywhere."""
    text = """
version: 1
hosts: web01
steps:
  - {command: who, register: leader}
  - {command: promote, delegate_to: "{{ leader.stdout }}"}
"""
    run = scenario(text, tmp_path, answers({("web01", "who"): Answer(stdout=b"nobody\n")}), hosts=HOSTS)

    assert run.commands() == ["who"]
    assert 'no host "nobody"' in run.all(StepEnded, status="failed")[0].reason


def test_a_host_that_is_done_stays_open_for_a_step_of_another(tmp_path: Path) -> None:
    """A delegate that only an answer named: it has ended its own turn, and its connection is closed behind the step."""
    text = """
version: 1
hosts: web01 lb1
steps:
  - {command: who, register: leader, when: host.name == "web01"}
  - {command: promote, delegate_to: "{{ leader.stdout }}", when: host.name == "web01"}
"""
    table = {("*", "who"): Answer(stdout=b"lb1\n"), ("*", "promote"): Answer(duration=10)}
    run = scenario(text.replace("web01 lb1", "web01:lb1"), tmp_path, answers(table), hosts=HOSTS)

    assert run.statuses() == {"web01": "changed", "lb1": "ok"}
    assert [time for time, name in run.fake.closes if name == "lb1"] == [10]


def test_a_stop_ends_the_wait_for_a_delegate_that_another_play_holds(tmp_path: Path) -> None:
    """The play whose budget is exceeded ends there and then; the other one finishes."""
    text = """
version: 1
plays:
  - {name: long, hosts: web01, needs: [], steps: [{command: long, delegate_to: lb1}]}
  - name: short
    hosts: web[02-03]
    needs: []
    strategy: {type: parallel, max_failures: 0}
    steps:
      - {command: fail, when: host.name == "web02"}
      - {command: wait, delegate_to: lb1}
"""
    table = {("lb1", "long"): Answer(duration=1000), ("web02", "fail"): Answer(rc=1, duration=5)}
    run = scenario(text, tmp_path, answers(table), hosts=HOSTS)

    [end] = run.all(HostEnded, host="web03")
    assert (end.status, run.at(end)) == ("cancelled", 5)
    assert run.statuses()["web01"] == "changed"
