"""The playbooks that come with runner: each one works on the demo fleet as its comments say, and so do its troubles."""

import shutil
from collections import Counter
from pathlib import Path

import pytest
from commandline import Done, runner

ROOT = Path(__file__).parent.parent.parent
PLAYBOOKS = sorted(f"playbooks/{path.name}" for path in (ROOT / "playbooks").glob("*.yaml"))
FOUR = ("--limit", "web[01-04]")
ALL_FOUR = "web01 web02 web03 web04"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of what is shipped, for some playbooks bring files here."""
    for name in ("playbooks", "inventory"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("dist"))
    return tmp_path


def run(project: Path, name: str, *words: str) -> Done:
    """A run of one of them, with what its programs did on the hosts in the file ``trace``."""
    return runner("run", f"playbooks/{name}.yaml", *words, "-e", f"trace={project}/trace", cwd=project)


def traced(project: Path) -> list[str]:
    """What the programs did, in order."""
    return (project / "trace").read_text().splitlines()


def together(lines: list[str], begins: str, ends: str) -> list[set[str]]:
    """The hosts that were between two words of their own, after each of these."""
    now: set[str] = set()
    found = []
    for line in lines:
        host, _, word = line.partition(" ")
        if word in {begins, ends}:
            now ^= {host}
            found.append(set(now))
    return found


def test_all_are_valid_without_a_warning(project: Path) -> None:
    """Nothing is said of any of them but that it is fine."""
    done = runner("validate", *PLAYBOOKS, cwd=project)

    assert (done.code, done.err) == (0, "")


@pytest.mark.parametrize("name", PLAYBOOKS)
def test_each_can_be_planned_and_simulated(project: Path, name: str) -> None:
    """Nothing is contacted, and a simulation in which nothing goes wrong ends well."""
    planned = runner("plan", name, cwd=project)
    simulated = runner("simulate", name, cwd=project)

    assert (planned.code, simulated.code) == (0, 0), planned.err + simulated.out


def test_a_canary_deploy_goes_through_the_balancer_in_waves(project: Path) -> None:
    """One host, then a quarter, then the rest; each is out of the balancer while its release changes."""
    done = run(project, "canary-deploy", *FOUR, "-e", "bake=100ms", "-e", "release=2.1.0")

    assert done.code == 0, done.out
    assert [event["hosts"] for event in done.events("wave.started", play="web")] == [
        ["web01"],
        ["web02"],
        ["web03", "web04"],
    ]
    assert len(done.events("gate.passed")) == 3
    lines = traced(project)
    assert lines[:3] == ["drain web01: web02 web03 web04", "web01 serves 2.1.0", f"undrain web01: {ALL_FOUR}"]
    assert sorted(line for line in lines if "serves" in line) == [f"web0{n} serves 2.1.0" for n in range(1, 5)]
    assert lines[-1].endswith(f": {ALL_FOUR}")


def test_a_gate_that_fails_takes_the_canaries_back(project: Path) -> None:
    """The second wave is worse than it looks: both touched hosts get the old release, and the balancer is as before."""
    done = run(project, "canary-deploy", *FOUR, "-e", "bake=0s", "-e", "sick=web02")

    assert done.code == 8, done.out
    assert [event["hosts"] for event in done.events("gate.failed")] == [["web02"]]
    assert done.statuses() == dict.fromkeys(["web01", "web02"], "rolled_back") | dict.fromkeys(
        ["web03", "web04"], "not_run"
    )
    assert [line for line in traced(project) if "serves" in line] == [
        "web01 serves 2.0.0",
        "web02 serves 2.0.0",
        "web02 serves 1.0.0",
        "web01 serves 1.0.0",
    ]
    assert traced(project)[-1] == f"undrain web01: {ALL_FOUR}"


def test_a_canary_deploy_asks_a_person_if_told_to(project: Path) -> None:
    """Where nobody is there it is paused behind the first wave, and says what the question was."""
    done = run(project, "canary-deploy", *FOUR, "-e", "bake=0s", "-e", "approve=after-first")

    assert done.code == 20, done.out
    assert [line for line in traced(project) if "serves" in line] == ["web01 serves 2.0.0"]
    assert "asks: go on with wave 2 of 3: web02?" in done.out


def test_a_rolling_restart_takes_down_one_member_of_a_rack(project: Path) -> None:
    """All nine are restarted, and no two of one rack are down at any moment, though racks go side by side."""
    done = run(project, "rolling-restart")

    assert done.code == 0, done.out
    down = together(traced(project), "down", "up")
    assert set().union(*down) == {f"kv{n}" for n in range(1, 10)}
    assert max(map(len, down)) > 1
    assert all(len({int(host[2:]) % 3 for host in hosts}) == len(hosts) for hosts in down)


def test_a_member_that_does_not_come_back_ends_the_restart(project: Path) -> None:
    """Nobody of its rack is taken down after it."""
    done = run(project, "rolling-restart", "-e", "sick=kv2")

    assert done.code == 5, done.out
    assert done.statuses()["kv2"] == "failed"
    touched = {line.split()[0] for line in traced(project)}
    assert not touched & {"kv5", "kv8"}


def test_a_patch_run_is_a_window_of_five(project: Path) -> None:
    """After the first host up to five are at work at once, never more; all get their patches, and some a restart."""
    done = run(project, "patch")

    assert done.code == 0, done.out
    at_work = [len(hosts) for hosts in together(traced(project), "begins", "ends")]
    assert at_work[:2] == [1, 0]
    assert 1 < max(at_work) <= 5
    counted = Counter(line.split()[1] for line in traced(project))
    assert (counted["begins"], counted["restarts"]) == (21, 13)


def test_a_patch_run_has_its_hosts_to_itself(project: Path) -> None:
    """Each has a lock from before the first step to the end of the run."""
    done = run(project, "patch")

    (taken,) = done.events("lock.taken", scope="hosts")
    (released,) = done.events("lock.released", scope="hosts")
    begun = [record["seq"] for record in done.events("step.intent")]
    assert len(taken["hosts"]) == 21
    assert released["hosts"] == taken["hosts"]
    assert taken["seq"] < begun[0] < begun[-1] < released["seq"]


@pytest.mark.parametrize(
    ("sick", "code", "failed"),
    [("[kv2,web03]", 1, {"kv2", "web03"}), ("[web01,web02,web03,web04,web05]", 5, {f"web0{n}" for n in range(1, 6)})],
)
def test_a_patch_run_bears_a_fifth_of_failures(project: Path, sick: str, code: int, failed: set[str]) -> None:
    """Two of 21 hosts don't end it; the fifth does, and nobody begins after those at work."""
    done = run(project, "patch", "-e", f"sick={sick}")

    statuses = done.statuses()
    assert done.code == code, done.out
    assert {host for host, status in statuses.items() if status == "failed"} == failed
    assert ("not_run" in statuses.values()) == (code == 5)


def test_shops_are_restarted_one_by_one(project: Path) -> None:
    """Each one is up again before the next is stopped; one that needs a second chance gets it and counts as well."""
    done = run(project, "restart-one-by-one", "--limit", "web[01-03]", "-e", "stale=web02")

    assert done.code == 0, done.out
    assert [line for line in traced(project) if line != "web02 serves 1.0.0"] == [
        "web01 stops",
        "web01 serves 1.0.0",
        "web02 stops",
        "web03 stops",
        "web03 serves 1.0.0",
    ]
    assert traced(project).count("web02 serves 1.0.0") == 2
    assert [event["host"] for event in done.events("step.ended", rescued=True)] == ["web02"]


def test_a_shop_that_does_not_come_up_leaves_the_next_alone(project: Path) -> None:
    """Its health check times out, and so does that of its second chance; the run ends there."""
    done = run(project, "restart-one-by-one", "--limit", "web[01-03]", "-e", "broken=web02")

    assert done.code == 5, done.out
    assert [done.statuses()[host] for host in ("web01", "web02", "web03")] == ["changed", "failed", "not_run"]
    assert not [line for line in traced(project) if line.startswith("web03")]


def test_a_release_is_built_once_and_served_everywhere(project: Path) -> None:
    """One build, brought here; one migration, when all have the release; then all restart and serve that very build."""
    done = run(project, "build-once", *FOUR)

    assert done.code == 0, done.out
    assert traced(project)[:2] == ["build1 built 3.0.0", "db1 migrated to 3.0.0"]
    assert sorted(traced(project)[2:]) == [f"web0{n} serves 3.0.0" for n in range(1, 5)]
    [built] = project.glob("playbooks/dist/*/shop-3.0.0.txt")
    assert built.read_text().startswith("3.0.0-")
    assert len(done.events("step.ended", step="the-very-same-build-answers", status="ok")) == 4


def test_without_a_build_no_server_is_touched(project: Path) -> None:
    """The build fails for all that wait for it."""
    done = run(project, "build-once", *FOUR, "-e", "build_works=false")

    assert done.code == 1, done.out
    assert set(done.statuses().values()) == {"failed"}
    assert not (project / "trace").exists()


def test_a_saved_deploy_is_that_deploy_and_no_other(project: Path) -> None:
    """Reviewed and saved for four hosts, it is run once on these; then other waves make another plan."""

    def call(*words: str) -> Done:
        return runner(*words, cwd=project, XDG_STATE_HOME=f"{project}/state")

    site = "playbooks/canary-deploy.yaml"
    saved = call("plan", site, *FOUR, "-e", "bake=0s", "-e", f"trace={project}/trace", "-o", "plan.json")
    first, again = call("run", "plan.json"), call("run", "plan.json")
    text = (project / site).read_text()
    (project / site).write_text(text.replace("waves: [1, 25%, rest]", "waves: [2, rest]"))
    other = call("plan", site, *FOUR, "--against", "plan.json")

    assert (saved.code, first.code, again.code, other.code) == (0, 0, 12, 0), first.err
    assert sorted(first.statuses()) == ALL_FOUR.split()
    assert 'strategy.waves: [1, "25%", rest] -> [2, rest]' in other.out
    assert "web02: wave 2 -> 1" in other.out
