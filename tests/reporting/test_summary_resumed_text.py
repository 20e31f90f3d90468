from events_builder import (
    a_plan,
    ended,
    folded,
    host_started,
    intent,
    plan_ready,
    play,
    run_started,
    turn,
    wave_started,
)

from runner.model import summary
from runner.model.events import Decision
from runner.model.go_on import Commands
from runner.model.gone import died
from runner.reporting.summary import render

OPENING = [run_started(), plan_ready(play(hosts=3, steps=1)), wave_started("web1", "web2", "web3")]
NAMES = {("web", "upload"): "upload the release"}


def text_of(*events):
    return render(summary.of(folded(*events), run="r1"), NAMES).splitlines()


def test_what_nobody_knows_comes_last_with_the_commands_that_settle_it():
    """The step by its name, where and since when; one host's commands stand for those of the others.

    Why they are not known is told with the failures.
    """
    lost = {"status": "unknown", "reason": "lost\x1b", "delegate": "lb1"}

    lines = text_of(*OPENING, *turn("web1", "upload", **lost), *turn("web2", "upload", **lost))

    at = lines.index("to decide, as nobody knows how they ended")
    assert lines[at + 1 :] == [
        "  web[1-2]  upload the release on lb1  began 2026-11-21T10:00:04Z",
        "      runner resolve r1 web1 upload --ok",
        "      runner resolve r1 web1 upload --failed",
        "      runner resolve r1 web1 upload --rerun",
        "      likewise for 1 other host: web2",
        "to go on",
        "  runner resume r1",
    ]


def test_a_resumed_run_says_so_and_what_was_settled():
    """How often it was gone on with; what ran again though nobody knew its end, and which ends were read later."""
    place = {"play": "web", "wave": 1, "step": "upload"}
    settled = [
        Decision(**place, host="web1", what="rerun", by="runner", how="idempotent", reason="it may run twice"),
        intent("web1", attempt=2),
        ended("web1", "changed"),
        ended("web2", "changed", late=True),
        Decision(**place, host="web3", what="ok", by="ada", how="resolve"),
    ]
    begun = [event for host in ("web1", "web2", "web3") for event in (host_started(host), intent(host))]
    again = [run_started(resume=True), wave_started("web1", "web2", "web3"), host_started("web1"), host_started("web2")]

    lines = text_of(*OPENING, *begun, *again, *settled)

    assert lines[1].endswith("  resumed 1 time")
    at = lines.index("settled")
    assert lines[at + 1 : at + 4] == [
        "  web1  upload the release  runs again though its end was not heard: it may run twice",
        "  web3  upload the release  taken as done, says ada",
        "  web2  upload the release  its end was read from the host's record",
    ]


def test_a_run_that_died_is_told_as_such():
    """Nobody said how it ended."""
    progress = folded(*OPENING, *turn("web1", "upload"), host_started("web2"), intent("web2"))

    lines = render(died(progress, a_plan("web1", "web2", "web3"), commands=Commands("r1"))).splitlines()

    assert lines[1:3] == [
        "summary  r1  died (it ended without saying so)  8.0s",
        "  hosts  ok 1  unknown 1  not_run 1",
    ]


def test_an_average_over_hosts_that_ran_twice_is_one_over_ends():
    """Two hosts, one of them again in a second process: three ends are not three hosts."""
    first = [*turn("web1", "upload", duration=1.0), *turn("web2", "upload", status="failed", duration=1.0)]
    again = [run_started(resume=True), wave_started("web2"), *turn("web2", "upload", duration=1.0)]

    def slowest(*events):
        lines = text_of(*OPENING, *events)
        return lines[lines.index("slowest steps") + 1]

    assert slowest(*first).endswith(" on average over 2 hosts")
    assert slowest(*first, *again).endswith(" on average over 3 ends")


def test_what_runs_again_though_its_end_was_heard_is_not_said_to_be_unheard():
    """Somebody wants it done again, that is all."""
    said = {"play": "web", "wave": 1, "step": "upload", "what": "rerun", "by": "ada", "how": "resolve"}

    lines = text_of(
        *OPENING,
        *turn("web1", "upload"),
        Decision(**said, host="web1", was="changed", reason="its output is lost"),
        Decision(**said, host="web1"),
    )

    at = lines.index("settled")
    assert lines[at + 1 : at + 3] == [
        "  web1  upload the release  runs again, says ada: its output is lost",
        "  web1  upload the release  runs again though its end was not heard, says ada",
    ]
