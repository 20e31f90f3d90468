"""README says nothing that is not so."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from commandline import runner

from runner.cli.main import COMMANDS
from runner.loading.language import STRATEGY_MAPPING
from runner.steps import kinds

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
SHIPPED = sorted((ROOT / "playbooks").glob("*.yaml"))


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


def parts_of(data: Any) -> Iterator[Any]:
    """All that is in a document, itself first."""
    yield data
    for part in data.values() if isinstance(data, dict) else data if isinstance(data, list) else ():
        yield from parts_of(part)


def holds(whole: Any, part: Any) -> bool:
    """Whether a part stands in the whole: keys with the same values, items in the same order, perhaps among others."""
    if isinstance(part, dict) and isinstance(whole, dict):
        return all(key in whole and holds(whole[key], value) for key, value in part.items())
    if isinstance(part, list) and isinstance(whole, list):
        rest = iter(whole)
        return all(any(holds(item, wanted) for item in rest) for wanted in part)
    return bool(whole == part)


def excerpts() -> list[tuple[str, str]]:
    """The examples that are said to be from a playbook, with its name."""
    return re.findall(r"\(`(?:playbooks/)?([a-z-]+\.yaml)`\):\n\n```yaml\n(.*?)```", README, re.DOTALL)


@pytest.mark.parametrize(("name", "example"), excerpts())
def test_examples_stand_in_the_playbooks_they_are_from(name: str, example: str) -> None:
    """These are run by tests of their own, so what README shows of them works."""
    wanted = yaml.safe_load(example)
    found = yaml.safe_load((ROOT / "playbooks" / name).read_text())

    assert any(holds(part, wanted) for part in parts_of(found))


def test_inputs_and_secrets_are_as_it_says(tmp_path: Path) -> None:
    """The example is valid at the top of a playbook, and its values come to the steps that name them."""
    [example] = [block for block in blocks("yaml") if block.startswith("inputs:")]
    steps = """
version: 1
inventory: {connection: local, hosts: {h1: {}}}
hosts: all
steps:
  - command: [printenv, TOKEN]
    env: {TOKEN: "{{ secrets.api_token }}"}
    failed_when: (result.stdout | length) != 7
  - log: "{{ release }} {{ inputs.size }} {{ drain }}"
"""
    (tmp_path / "site.yaml").write_text(example + steps)

    checked = runner("validate", "site.yaml", "-e", "release=1.4.3", cwd=tmp_path)
    done = runner("run", "site.yaml", "-e", "release=1.4.3", "-e", "drain=1m", cwd=tmp_path, DEPLOY_API_TOKEN="hunter2")

    assert (checked.code, checked.err, done.code) == (0, "", 0), done.out
    assert "1.4.3 small 60" in done.out
    assert "hunter2" not in done.out


def test_every_yaml_example_is_tried() -> None:
    """Site and hosts, inputs, faults, and excerpts of playbooks: there is no other."""
    assert len(blocks("yaml")) == 2 + 1 + 1 + len(excerpts())


def test_every_playbook_is_in_its_list() -> None:
    """And nothing else."""
    listed = re.findall(r"^\| `([a-z-]+\.yaml)` \|", README, re.MULTILINE)

    assert sorted(listed) == [path.name for path in SHIPPED]


def test_every_key_of_a_strategy_is_in_its_table() -> None:
    """A newcomer finds all that a strategy can say in one place."""
    [table] = re.findall(r"^\| key \| meaning \| default \|\n(.*?)\n\n", README, re.MULTILINE | re.DOTALL)

    named = {name for row in table.splitlines() for name in re.findall(r"`([a-z_]+)`", row.split("|")[1])}
    assert named == set(STRATEGY_MAPPING["properties"])
