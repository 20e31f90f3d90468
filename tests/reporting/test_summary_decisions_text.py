"""The summary's words for gates, rescue, handlers, questions and rollback."""

from events_builder import (
    a_plan,
    asked,
    budget_changed,
    budget_exceeded,
    denied,
    ended,
    folded,
    gate_checked,
    gate_failed,
    host_ended,
    host_started,
    intent,
    notified,
    plan_ready,
    play,
    rollback_ended,
    rollback_started,
    run_started,
    turn,
    wave_ended,
    wave_started,
)

from runner.model import summary
from runner.reporting.summary import render
from runner.reporting.wording import step_names

PLAN = a_plan("web1", handlers={"restart": "restart app"}, rollback={"previous": "previous release"})


def text_of(*events):
    """The lines of the summary."""
    result = summary.of(folded(run_started(), *events, seconds=2.0), run="r1", folder="runs/r1")
    return render(result, step_names(PLAN)).splitlines()


def test_a_rollback_after_a_bad_gate():
    """The gate's check and reason, the budget it exceeded, what came of the rollback, with its own failures apart."""
    lines = text_of(
        plan_ready(play(hosts=3, steps=1, waves=2), play("db", hosts=1)),
        wave_started("web1", "web2", of=2),
        *turn("web1", "upload", status="changed"),
        *turn("web2", "upload", status="changed"),
        gate_checked("web1", "unhealthy"),
        gate_failed("web1", "web2"),
        host_ended("web1", "gate_failed"),
        budget_changed("web1", 1, 0),
        budget_exceeded(by_gate=True, action="rollback"),
        host_ended("web2", "gate_failed"),
        wave_ended(status="failed", gate_failed=2),
        host_ended("web3", "not_run", wave=2, reason="the failure budget is exceeded"),
        rollback_started("web2", "web1"),
        *turn("web2", "previous", section="rollback", end="rolled_back"),
        *turn("web1", "previous", section="rollback", status="failed", end="rollback_failed", reason="exit status 1"),
        rollback_ended("rollback_failed", rolled_back=1, rollback_failed=1, duration=65.0),
        host_ended("db1", "not_run", play="db", reason="dependency failed: web"),
    )

    budget = "budget: 1 failure of 0 allowed, exceeded by a gate: rollback"
    assert lines[1:] == [
        "summary  r1  rollback_failed  58s",
        "  hosts  rolled_back 1  rollback_failed 1  not_run 2",
        "  steps  2 of 5  changed 2  rollback 2",
        f"  play web  rolled_back 1  rollback_failed 1  not_run 1  {budget}",
        "    wave 1/2  failed  rolled_back 1  rollback_failed 1  1.0s",
        "    rollback  rollback_failed  rolled_back 1  rollback_failed 1  1m 5s: the failure budget is exceeded",
        "  play db  not_run 1: dependency failed: web",
        "  records in runs/r1",
        "gate failures",
        "  web[1-2]  healthz  unhealthy: status 503, not 200 (deploy.yaml:5)",
        "rollback failures",
        "  web1  rollback previous release  failed: exit status 1 (deploy.yaml:9)",
        "not finished",
        "  web3  not_run in play web: the failure budget is exceeded",
        "  db1  not_run in play db: dependency failed: web",
        "to go on",
        "  runner resume r1",
        "  runner rerun r1 --only rolled_back,not_run",
    ]


def test_rescued_failures_delegates_and_handlers():
    """Each under its own title, with where it ran and why a handler did not."""
    lines = text_of(
        plan_ready(play(hosts=1)),
        wave_started("web1"),
        host_started("web1"),
        intent("web1"),
        ended("web1", "failed", rescued=True, delegate="lb1", reason="exit status 1"),
        intent("web1", "reload"),
        ended("web1", "changed", "reload"),
        notified("web1"),
        host_ended("web1", "failed", reason="a fault"),
    )

    at = lines.index("rescued failures")
    assert lines[at + 1] == "  web1  upload on lb1  failed: exit status 1 (deploy.yaml:9)"
    at = lines.index("handlers that did not run, kept for a resume")
    assert lines[at + 1] == "  web1  handler restart app: the host ended failed"


def test_a_paused_run_ends_with_the_question():
    """What was waited for, and behind it the command that answers and the one that then goes on."""
    lines = text_of(
        plan_ready(play(hosts=2, waves=2)), wave_started("web1", of=2), asked(question="go on with\x1b wave 2?")
    )

    assert lines[1].startswith("summary  r1  paused")
    assert lines[-5:] == [
        "waiting for a person",
        "  web  wave 1  go on with\\e wave 2?",
        "to go on",
        "  runner approve r1",
        "  runner resume r1",
    ]


def test_who_said_no_is_told():
    """To which step, on which host."""
    where = {"host": "web1", "step": "restart"}
    lines = text_of(plan_ready(play(hosts=1)), asked("step", **where), denied("step", by="ada", how="command", **where))

    assert lines[lines.index("denied") + 1] == "  web  wave 1  handler restart app  web1  by ada (command)"


def test_a_rollback_that_was_cut_short():
    """It has no status of its own."""
    lines = text_of(
        plan_ready(play(hosts=1)), wave_started("web1"), *turn("web1"), wave_ended(), rollback_started("web1")
    )

    assert "    rollback  not finished  1 host  0.0s: the failure budget is exceeded" in lines
