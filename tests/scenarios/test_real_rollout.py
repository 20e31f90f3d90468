"""The main job over a real OpenSSH server: nine hosts, waves of three, and what a failure does to them."""

import json
from pathlib import Path

import pytest
from commandline import Done, project, runner
from sshd import Sshd, free_port

pytestmark = pytest.mark.sshd

WAVES = """
version: 1
inventory: hosts.yaml
hosts: all
strategy: {{type: rolling, waves: 3, max_failures: {budget}}}
steps:
  - name: work
    shell: "sleep 0.{{{{ 9 - host.index }}}}; echo {{{{ host.name }}}}; test {{{{ host.name }}}} != {failing}"
  - name: note
    shell: "echo done >> {folder}/{{{{ host.name }}}}"
"""


def roll(sshd: Sshd, folder: Path, *, budget: int = 0, failing: str = "none", options: tuple[str, ...] = ()) -> Done:
    project(folder, WAVES.format(budget=budget, failing=failing, folder=folder), sshd.inventory_text(9))
    return runner("run", "site.yaml", *options, cwd=folder)


def test_no_host_of_a_wave_starts_before_the_wave_before_it_ended(sshd: Sshd, tmp_path: Path) -> None:
    """The records prove it: every start of a wave comes after every end of the wave before."""
    done = roll(sshd, tmp_path)

    assert done.code == 0, done.err
    for wave in (2, 3):
        last_end = max(record["seq"] for record in done.events("host.ended", wave=wave - 1))
        first_start = min(record["seq"] for record in done.events("host.started", wave=wave))
        assert first_start > last_end
    assert sorted(path.name for path in tmp_path.glob("web*")) == [f"web{number:02}" for number in range(1, 10)]


def test_with_budget_0_a_failing_host_stops_the_later_waves(sshd: Sshd, tmp_path: Path) -> None:
    """Six hosts are not_run and untouched, and the exit status is 5."""
    done = roll(sshd, tmp_path, failing="web02")

    statuses = done.statuses()
    assert done.code == 5
    assert statuses["web02"] == "failed"
    assert [statuses[f"web{number:02}"] for number in range(4, 10)] == ["not_run"] * 6
    assert not any((tmp_path / f"web{number:02}").exists() for number in range(4, 10))
    assert (done.folder / "hosts" / "failed").read_text() == "web02\n"


def test_with_a_budget_of_one_the_later_waves_run(sshd: Sshd, tmp_path: Path) -> None:
    """All nine hosts run, one of them failed, and the exit status is 1."""
    done = roll(sshd, tmp_path, budget=1, failing="web02")

    assert done.code == 1
    assert sorted(done.statuses().values()) == ["changed"] * 8 + ["failed"]


def test_a_failed_host_can_be_run_again_from_the_run_folder(sshd: Sshd, tmp_path: Path) -> None:
    """``--limit @…/hosts/failed`` takes exactly the hosts that failed."""
    first = roll(sshd, tmp_path, budget=1, failing="web02")

    again = runner("run", "site.yaml", "--limit", f"@{first.folder}/hosts/failed", cwd=tmp_path)

    assert list(again.statuses()) == ["web02"]


def test_unreachable_hosts_are_not_failed_ones(sshd: Sshd, tmp_path: Path) -> None:
    """Two closed ports of five under parallel: the other three complete, and the exit status is 4."""
    inventory = sshd.inventory(5)
    for name in ("web02", "web04"):
        inventory["hosts"][name]["ssh"] = {"port": free_port()}
    play = "version: 1\ninventory: hosts.yaml\nhosts: all\nsteps: [{command: 'true'}]\n"
    project(tmp_path, play, json.dumps(inventory))

    done = runner("run", "site.yaml", cwd=tmp_path)

    assert done.code == 4
    assert sorted(done.statuses().values()) == ["changed"] * 3 + ["unreachable"] * 2
    assert {record["cause"] for record in done.events("host.lost")} == {"refused"}


def test_ten_steps_on_a_host_are_one_login(tmp_path: Path, sshd_with) -> None:
    """Each host is logged in to once for a whole run."""
    server = sshd_with()
    play = "version: 1\ninventory: hosts.yaml\nhosts: all\nsteps:\n" + "  - {command: 'true'}\n" * 10
    project(tmp_path, play, server.inventory_text(3))

    done = runner("run", "site.yaml", cwd=tmp_path)

    assert done.code == 0, done.err
    assert server.authentications() == 3


def test_a_timeout_ends_the_process_group_on_the_host(sshd: Sshd, tmp_path: Path) -> None:
    """A step with two children that outlasts its timeout is timed_out, and none of them is left."""
    play = f"""
version: 1
inventory: hosts.yaml
hosts: all
steps:
  - shell: "sleep 987 & sleep 987 & echo $$ > {tmp_path}/pid; wait"
    timeout: 1s
"""
    project(tmp_path, play, sshd.inventory_text(1))

    done = runner("run", "site.yaml", cwd=tmp_path)

    [ended] = done.events("step.ended")
    group = int((tmp_path / "pid").read_text())
    assert done.code == 1
    assert (ended["status"], ended["killed"]) == ("timed_out", "yes")
    assert processes_of(group) == []


def test_silence_beyond_the_idle_timeout_ends_a_step(sshd: Sshd, tmp_path: Path) -> None:
    """Output keeps it alive; then half a second of silence ends it."""
    play = """
version: 1
inventory: hosts.yaml
hosts: all
steps:
  - shell: "for i in 1 2 3 4 5 6; do echo $i; sleep 0.2; done; sleep 60"
    idle_timeout: 700ms
"""
    project(tmp_path, play, sshd.inventory_text(1))

    done = runner("run", "site.yaml", cwd=tmp_path)

    [ended] = done.events("step.ended")
    assert (ended["status"], ended["stdout"]) == ("timed_out", 12)
    assert "no output came for 0.7s" in ended["reason"]


def test_a_budget_that_kills_leaves_no_process_behind(sshd: Sshd, tmp_path: Path) -> None:
    """One host fails, the others' steps of a minute are ended at once, and their process groups are gone."""
    play = f"""
version: 1
inventory: hosts.yaml
hosts: all
strategy: {{type: parallel, max_failures: 0, on_exceed: kill}}
steps:
  - shell: |
      echo $$ > {tmp_path}/pid-{{{{ host.name }}}}
      case {{{{ host.name }}}} in web02) sleep 0.5; exit 1;; esac
      sleep 986
"""
    project(tmp_path, play, sshd.inventory_text(3))

    done = runner("run", "site.yaml", cwd=tmp_path)

    assert done.code == 5
    assert done.statuses() == {"web01": "cancelled", "web02": "failed", "web03": "cancelled"}
    assert [processes_of(int((tmp_path / f"pid-web0{number}").read_text())) for number in (1, 3)] == [[], []]


def processes_of(group: int) -> list[int]:
    """Living processes of a process group; what waits to be collected is not living."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            state, _, its_group = (entry / "stat").read_text().rpartition(")")[2].split()[:3]
        except (OSError, ValueError):
            continue
        if entry.name.isdigit() and int(its_group) == group and state != "Z":
            found.append(int(entry.name))
    return found
