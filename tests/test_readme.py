"""README says nothing that is not so."""

import re
import subprocess
from pathlib import Path

from commandline import runner

from runner.cli.main import COMMANDS
from runner.steps import kinds

README = (Path(__file__).parent.parent / "README.md").read_text()


def blocks(language: str) -> list[str]:
    """The fenced blocks of one language, in order."""
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_the_playbook_in_the_readme_is_valid_and_plans_as_it_says(tmp_path: Path) -> None:
    """A newcomer who copies both files gets three waves of three."""
    hosts, site = blocks("yaml")[:2]
    (tmp_path / "hosts.yaml").write_text(hosts)
    (tmp_path / "site.yaml").write_text(site)

    checked = runner("validate", "site.yaml", cwd=tmp_path)
    planned = runner("plan", "site.yaml", cwd=tmp_path)

    assert checked.code == 0, checked.err
    assert all(f"web[{wave}]" in planned.out for wave in ("01-03", "04-06", "07-09"))


def test_every_step_kind_is_named() -> None:
    """The list of kinds is complete."""
    assert all(re.search(rf"\b{name}\b", README) for name in kinds())


def test_every_command_it_shows_exists() -> None:
    """No example calls a command that is not there."""
    shown = {line.split()[1] for block in blocks("sh") for line in block.splitlines() if line.startswith("runner ")}

    assert shown <= set(COMMANDS)


def test_ci_runs_its_test_command_to_the_letter() -> None:
    """The script that checks a change finds the command in README."""
    script = (Path(__file__).parent.parent / ".ci" / "run").read_text()
    pattern = re.search(r"sed -n '([^']+)' README.md", script)
    assert pattern

    found = subprocess.run(
        ["sed", "-n", pattern[1], "README.md"], cwd=Path(__file__).parent.parent, capture_output=True, check=True
    )

    assert found.stdout.decode().strip() in blocks("sh")[1]
    assert found.stdout.strip()


def test_the_faults_in_the_readme_are_those_of_the_playbook_in_it(tmp_path: Path) -> None:
    """Its file of faults names hosts and steps that its playbook has, and the run would end as it must."""
    hosts, site = blocks("yaml")[:2]
    [faults] = [block for block in blocks("yaml") if "\nfaults:" in block]
    (tmp_path / "hosts.yaml").write_text(hosts)
    (tmp_path / "site.yaml").write_text(site)
    (tmp_path / "friday.yaml").write_text(faults)

    done = runner("simulate", "site.yaml", "--faults", "friday.yaml", cwd=tmp_path)

    assert done.code == 5, done.err
    assert "web07  restart: unreachable" in done.out
