"""The reference of step kinds comes out of the kinds."""

import pytest
from click.testing import CliRunner

from runner.cli.steps import command
from runner.steps import kinds


def test_all_kinds_are_listed_with_their_summaries():
    """One line a kind."""
    lines = CliRunner().invoke(command, []).output.splitlines()

    for kind in kinds().values():
        assert any(line.split()[0] == kind.name and line.endswith(kind.summary) for line in lines if line)


@pytest.mark.parametrize("name", kinds())
def test_a_kind_shows_its_documentation(name):
    """What the module says is what a person reads, with an example."""
    output = CliRunner().invoke(command, [name]).output

    assert output.startswith(f"{name}: ")
    assert "```yaml" in output


def test_an_unknown_kind_is_an_error_with_a_suggestion():
    """Exit status 2, and the nearest name."""
    result = CliRunner().invoke(command, ["comand"])

    assert result.exit_code == 2
    assert 'did you mean "command"?' in result.output
    assert "lists them" in CliRunner().invoke(command, ["zzzzzz"]).output
