"""``runner runs compare``: in what two runs differ."""

import json
import subprocess
from pathlib import Path
from typing import Any

from commandline import Done, project, runner

FLEET = 'connection: local\nhosts: {"web[1-3]": {}}\n'
PLAYBOOK = """
version: 1
inventory: hosts.yaml
inputs: {release: {type: string, default: "1"}}
plays:
  - name: web
    hosts: all
    strategy: {type: parallel, max_failures: 3}
    steps:
      - {id: look, command: "true"}
      - {id: change, shell: "echo {{ inputs.release }}; [ {{ host.name }} != web2 ]"}
"""


def runs(folder: Path) -> list[str]:
    """The ids of all runs, the oldest first."""
    listed = json.loads(runner("runs", "list", "--format", "json", cwd=folder).out)
    return [run["run"] for run in reversed(listed)]


def compared(folder: Path, *words: str) -> Done:
    """The comparison of the first two runs."""
    return runner("runs", "compare", *runs(folder)[:2], *words, cwd=folder)


def as_data(folder: Path) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(compared(folder, "--format", "json").out)
    return data


def test_two_equal_runs_are_said_to_be_equal(tmp_path: Path) -> None:
    """They differ in when they ran and how long they took, which says nothing."""
    project(tmp_path, PLAYBOOK, FLEET)
    for _ in range(2):
        runner("run", "site.yaml", cwd=tmp_path)

    done = compared(tmp_path)

    first, second = runs(tmp_path)
    assert done.out == f"from {first} to {second}\n  the runs are equal in all but time\n"
    assert as_data(tmp_path)["is_same"] is True


def test_steps_and_hosts_that_differ_are_named(tmp_path: Path) -> None:
    """A step was added, one was taken away and one changed; hosts that ended otherwise stand together."""
    project(tmp_path, PLAYBOOK, FLEET)
    runner("run", "site.yaml", cwd=tmp_path)
    more = PLAYBOOK.replace('id: look, command: "true"', 'id: see, command: "true"').replace("!= web2", "= web2")
    project(tmp_path, more, FLEET.replace("1-3", "1-4"))
    runner("run", "site.yaml", cwd=tmp_path)

    lines = compared(tmp_path).out.splitlines()

    assert "    - step look" in lines
    assert "    + step see" in lines
    assert "    ~ step change: shell.run" in lines
    assert "    ~ site.yaml" in lines
    assert lines[lines.index("hosts") :] == [
        "hosts",
        "  web[1,3]: changed -> failed",
        "  web2: failed -> changed",
        "  web4: not there -> failed",
    ]


def test_inputs_and_exits_that_differ_are_named(tmp_path: Path) -> None:
    """With what they were, so that a release that went wrong is found."""
    project(tmp_path, PLAYBOOK, FLEET)
    runner("run", "site.yaml", "-e", "release=1.4", "--limit", "web1", cwd=tmp_path)
    runner("run", "site.yaml", "-e", "release=1.5", "--limit", "web2", cwd=tmp_path)

    lines = compared(tmp_path).out.splitlines()

    assert "  ~ status: ok -> failed" in lines
    assert "  ~ exit: 0 -> 1" in lines
    assert '    ~ inputs.release: "1.4" -> "1.5"' in lines


def test_commits_that_differ_are_named(tmp_path: Path) -> None:
    """And whether something was changed and not committed."""
    project(tmp_path, PLAYBOOK, FLEET)
    (tmp_path / ".gitignore").write_text("runs\n")
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", "-C", str(tmp_path)]
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "one"]):
        subprocess.run([*git, *words], check=True)
    runner("run", "site.yaml", cwd=tmp_path)
    (tmp_path / "site.yaml").write_text(PLAYBOOK + "# a remark\n")
    runner("run", "site.yaml", cwd=tmp_path)

    data = as_data(tmp_path)

    assert data["facts"] == [{"key": "git_clean", "old": True, "new": False}]
    assert data["plan"]["files"]["changed"] == ["site.yaml"]


def test_steps_that_took_longer_are_slower(tmp_path: Path) -> None:
    """Chance is passed over: it has to be half a second, and a fifth. All items of a loop count together."""
    playbook = PLAYBOOK.replace('command: "true"', 'command: "sleep {{ item }}", loop: [0, 0]')
    for slow in ("[0, 0]", "[0.3, 0.4]"):
        project(tmp_path, playbook.replace("[0, 0]", slow), FLEET)
        runner("run", "site.yaml", "--limit", "web1", cwd=tmp_path)

    lines = compared(tmp_path).out.splitlines()

    (line,) = [line for line in lines if "slower" in line]
    assert line.split()[-2:] == ["web", "look"]
    assert not any("faster" in line for line in lines)
