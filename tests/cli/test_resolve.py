"""Saying what came of a step whose end nobody heard."""

from pathlib import Path

import pytest
from commandline import runner

from runner.app.journals import new_journal
from runner.model.events import HostStarted, PlanReady, RunStarted, StepEnded, StepIntent, WaveStarted
from runner.run_folder import create


def started() -> RunStarted:
    """A first record."""
    return RunStarted(schema="1.0", tool="0", mode="run", playbook="p", name="p", user="ada", controller="c", pid=1)


def intent(host: str, step: str, play: str = "web", **more) -> StepIntent:
    """A step begins."""
    return StepIntent(play=play, wave=1, host=host, step=step, attempt=1, kind="command", **more)


def ended(host: str, step: str, status: str = "changed", play: str = "web", **more) -> StepEnded:
    """A step ends."""
    return StepEnded(play=play, wave=1, host=host, step=step, attempt=1, kind="command", status=status, **more)


@pytest.fixture
def died(tmp_path: Path) -> Path:
    """A run whose process is gone: ``migrate`` is unknown on two hosts, and two items of ``each`` on one of them."""
    plays = tuple({"id": name, "name": name, "hosts": 3, "steps": 3, "waves": [3]} for name in ("web", "db"))
    hosts = ("web1", "web2", "web3")
    folder = create(tmp_path / "runs", "20301121-094501-k3f9")
    kept = new_journal(folder, durability="relaxed")
    for event in (
        started(),
        PlanReady(plays=plays, hosts=3, total=18),
        WaveStarted(play="web", wave=1, of=1, hosts=hosts),
        WaveStarted(play="db", wave=1, of=1, hosts=hosts),
        *(HostStarted(play="web", wave=1, host=host) for host in hosts),
        HostStarted(play="db", wave=1, host="web3"),
        *(event for host in hosts for event in (intent(host, "upload"), ended(host, "upload"))),
        intent("web1", "migrate"),
        intent("web2", "each", item=1),
        ended("web2", "each", item=1),
        intent("web2", "each", item=2),
        intent("web3", "migrate"),
        intent("web3", "migrate", play="db"),
    ):
        kept.journal.append(event)
    kept.close()
    return tmp_path


def resolve(folder: Path, *words: str):
    """Run the command."""
    return runner("resolve", "last", *words, cwd=folder)


def test_what_a_person_says_is_recorded_with_their_name_and_reason(died):
    """On disk; and they are told what to type next."""
    done = resolve(died, "web1", "migrate", "--ok", "--reason", "the log says so")

    ((record),) = done.events("decision")
    assert done.code == 0, done.err
    assert (record["host"], record["step"], record["what"], record["how"]) == ("web1", "migrate", "ok", "resolve")
    assert (record["reason"], record["attempt"], record["by"]) == ("the log says so", 1, record["by"])
    assert done.out.splitlines() == [
        f'"migrate" on web1 is taken as done, says {record["by"]}',
        "unknown too: each on web2 in play web",
        "unknown too: migrate on web3 in play web",
        "unknown too: migrate on web3 in play db",
        f"to go on: runner resume 20301121-094501-k3f9 --runs-dir {done.runs}",
    ]


@pytest.mark.parametrize(("way", "words"), [("--failed", "failed"), ("--rerun", "not done: it runs again")])
def test_the_other_ways(died, way, words):
    """What it is taken as."""
    done = resolve(died, "web1", "migrate", way)

    assert f'"migrate" on web1 is taken as {words}' in done.out
    assert done.events("decision")[0]["what"] == way.removeprefix("--")


def test_the_item_of_a_loop_that_is_unknown_is_meant(died):
    """Where only one is; it may be named."""
    done = resolve(died, "web2", "each", "--rerun")

    assert done.events("decision")[0]["item"] == 2
    assert done.out.startswith('"each" (item 2) on web2 is taken as not done')


def test_the_play_is_named_where_several_have_the_step(died):
    """Else it is asked for."""
    asked = resolve(died, "web3", "migrate", "--ok")
    done = resolve(died, "web3", "migrate", "--ok", "--play", "db")

    assert (asked.code, done.code) == (2, 0)
    assert '"migrate" is unknown on web3 in 2 plays' in asked.err
    assert "say which: --play web" in asked.err
    assert done.events("decision")[0]["play"] == "db"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("web1", "upload", "--ok"), '"upload" on web1 is not unknown: it ended changed'),
        (("web2", "each", "--ok", "--item", "1"), 'item 1 of "each" is not unknown: it ended changed'),
        (("web2", "each", "--ok", "--item", "7"), '"each" has no item 7 yet'),
        (("web1", "migrate", "--ok", "--item", "1"), "it has no loop"),
        (("web1", "migrat", "--ok"), 'did you mean "migrate"?'),
        (("wev1", "migrate", "--ok"), 'did you mean "web1"?'),
        (("web1", "migrate", "--ok", "--play", "wep"), 'did you mean "web"?'),
        (("web1", "migrate"), "say what came of it: --ok, --failed or --rerun"),
    ],
)
def test_what_is_not_there_or_not_unknown_is_refused(died, words, said):
    """Nothing is recorded, and what is known is told."""
    done = resolve(died, *words)

    assert done.code == 2
    assert said in done.err
    assert done.events("decision") == []


def test_what_is_settled_is_not_settled_again(died):
    """Two people may look at the same time."""
    resolve(died, "web1", "migrate", "--ok")

    again = resolve(died, "web1", "migrate", "--rerun")

    assert again.code == 2
    assert '"migrate" on web1 is not unknown: it was settled: ok' in again.err
    assert "to have it run again say why: --rerun --reason TEXT" in again.err


def test_what_has_ended_may_run_again(died):
    """Where somebody says so: what it printed may be lost, and needed. Nothing else is said of it."""
    over = resolve(died, "web1", "upload", "--rerun")
    resolve(died, "web1", "migrate", "--ok")
    settled = resolve(died, "web1", "migrate", "--rerun", "--reason", "its output is needed")

    assert (over.code, settled.code) == (0, 0), over.err + settled.err
    assert '"upload" on web1 is taken as to be done again' in over.out
    assert [record["step"] for record in settled.events("decision")] == ["upload", "migrate", "migrate"]


def test_that_its_end_was_heard_is_recorded(died):
    """So that nobody says of a step that runs again by request that its end was not heard."""
    resolve(died, "web1", "upload", "--rerun")
    heard = resolve(died, "web2", "each", "--rerun")

    assert [one.get("was") for one in heard.events("decision")] == ["changed", None]
