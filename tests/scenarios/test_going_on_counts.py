"""Random playbooks whose process dies anywhere, up to three times: what is counted adds up, whatever came."""

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from random_plans import Case, cases
from test_going_on_properties import BOUNDED, DONE, NEVER, NO_RECORD, died

from runner.model.ends import STATUSES, end_at
from runner.model.progress import Progress
from runner.model.state import PlayProgress


def ends_of(play: PlayProgress) -> list[str]:
    """How the steps of a play have ended, over all its hosts."""
    codes = [end_at(host.ends, stats.index) for host in play.hosts.values() for stats in play.steps.values()]
    return [STATUSES[code] for code in codes if code]


def check_steps(progress: Progress) -> None:
    """Every number of steps is that of the ends that hosts have, and every step left has a host to do it."""
    ends = [end for play in progress.plays.values() for end in ends_of(play)]
    hosts = [(play, host) for play in progress.plays.values() for host in play.hosts.values()]
    assert progress.done == len(ends) == sum(host.over for _, host in hosts)
    assert +progress.steps == {status: ends.count(status) for status in set(ends)}
    assert progress.dropped == sum(host.dropped for _, host in hosts)
    assert all(host.dropped in {0, play.of_steps - host.over} for play, host in hosts)
    for play in progress.plays.values():
        for stats in play.steps.values():
            gone = [host for host in play.hosts.values() if host.dropped or end_at(host.ends, stats.index)]
            assert stats.gone == len(gone)


def check_hosts(progress: Progress) -> None:
    """Every number of hosts is that of the hosts, in plays and in waves."""
    for play in progress.plays.values():
        over = {name for name, host in play.hosts.items() if host.status}
        assert play.counts.total() == len(over)
        assert play.early == sum(bool(host.dropped) for host in play.hosts.values())
        assert play.stale == sum(bool(host.dropped) and host.is_stale for host in play.hosts.values())
        assert all(wave.ended == len(over & {*wave.hosts}) for wave in play.waves.values())
    assert min(progress.stale, progress.stale_done) >= 0


@settings(BOUNDED, max_examples=40)
@given(
    case=cases(),
    deaths=st.lists(st.floats(0, 1), min_size=1, max_size=3),
    record=st.sampled_from([DONE, NEVER, NO_RECORD]),
)
def test_what_is_counted_adds_up_over_all_processes(case: Case, deaths: list[float], record, tmp_path: Path) -> None:
    """After each of them, whatever failed, was lost, interrupted, settled or taken up again."""
    _, before = died(case, tmp_path, deaths[0])

    for at in [*deaths[1:], 1.0]:
        again = case.run(tmp_path, before=before, record=record)

        progress = again.recorder.progress
        check_steps(progress)
        check_hosts(progress)
        if all(play.counts.total() == play.of_hosts for play in progress.plays.values()):
            assert progress.done + progress.dropped == progress.total
        before = [*before, *again.recorder.events[: max(1, int(at * len(again.recorder.events)))]]
