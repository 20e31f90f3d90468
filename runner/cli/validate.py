"""``runner validate``: check playbooks, with all that they name, and contact nothing."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from runner.cli import exit_codes
from runner.cli.once import option
from runner.cli.options import tag_options
from runner.cli.printing import say, say_json, say_lines
from runner.errors import InputError
from runner.loading.project import Loaded, load
from runner.location import Problem
from runner.model.playbook import leaves
from runner.planning.compile import compile_plan
from runner.planning.settings import PlanSettings
from runner.planning.waits import held_up
from runner.reporting import problems as shown

EPILOG = """\b
Examples:
  runner validate playbooks/*.yaml
  runner validate site.yaml -i inventory/staging.yaml -e release=1.4.3
  runner validate playbooks/*.yaml --format github
"""


@dataclass(slots=True)
class Findings:
    """What was found in all playbooks: a line for each good one; problems, each once; the lines they stand in."""

    good: list[str] = field(default_factory=list)
    problems: dict[Problem, None] = field(default_factory=dict)
    sources: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def has_errors(self) -> bool:
        """Whether there is more than warnings."""
        return any(problem.severity == "error" for problem in self.problems)


@click.command(epilog=EPILOG)
@click.argument("playbooks", metavar="PLAYBOOK...", nargs=-1, required=True)
@option(
    "-i",
    "--inventory",
    "inventories",
    metavar="FILE",
    multiple=True,
    help="Use this inventory, not the playbook's own.",
)
@option(
    "-e",
    "--set",
    "sets",
    metavar="NAME=VALUE",
    multiple=True,
    help="Give an input, set a variable, or both from @FILE.",
)
@option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "github"]),
    default="text",
    show_default=True,
    help="How problems are shown.",
)
@tag_options
def command(
    playbooks: tuple[str, ...], inventories: tuple[str, ...], sets: tuple[str, ...], form: str, **chosen: Any
) -> None:
    """Check playbooks: every problem of every file at once. PLAYBOOK may be - for standard input.

    Nothing is contacted and no command is run. Exits with 2 when anything is wrong; warnings alone change nothing.
    Inputs need no value here: what depends on one that has none is not checked.
    As text, problems go to standard error; json and github go to standard output.
    """
    found = examine(playbooks, inventories, sets, cwd=Path.cwd(), **chosen)
    if form == "text":
        _as_text(found)
        return
    if form == "json":
        say_json(shown.as_json(found.problems))
    else:
        say(shown.github(found.problems))
    if found.has_errors:
        raise click.exceptions.Exit(exit_codes.USAGE)


def examine(
    playbooks: Sequence[str], inventories: Sequence[str], sets: Sequence[str], *, cwd: Path, **chosen: Any
) -> Findings:
    """Load each playbook, plan it, and keep what is said about it. ``chosen`` are the settings that choose steps."""
    found = Findings()
    for playbook in playbooks:
        try:
            loaded = load(Path(playbook), inventories=inventories, sets=sets, cwd=cwd, may_miss=True)
        except InputError as error:
            found.problems.update(dict.fromkeys(error.problems))
            found.sources.update(error.sources)
            continue
        problems = _planned(loaded, **chosen)
        found.problems.update(dict.fromkeys((*problems, *loaded.warnings)))
        found.sources.update(loaded.sources)
        if not any(problem.severity == "error" for problem in problems):
            found.good.append(f"{playbook}: ok ({', '.join(_counts(loaded))}){_unchecked(loaded)}")
    return found


def _planned(loaded: Loaded, **chosen: Any) -> tuple[Problem, ...]:
    """What is to be said of a plan of it, but for what an input without a value would decide."""
    settings = PlanSettings(extra=loaded.extra, given=loaded.given, **chosen)
    try:
        plan = compile_plan(loaded.playbook, loaded.inventory, settings=settings, templates=loaded.templates)
    except InputError as error:
        return tuple(
            problem for problem in error.problems if not any(f'"{name}"' in problem.message for name in loaded.missing)
        )
    return tuple(problem for play in plan.plays for problem in held_up(play))


def _unchecked(loaded: Loaded) -> str:
    names = ", ".join(loaded.missing)
    return f"; not checked: what depends on the input{'' if len(loaded.missing) == 1 else 's'} {names}" if names else ""


def _counts(loaded: Loaded) -> Iterator[str]:
    plays = loaded.playbook.plays
    for count, word in (
        (len(plays), "play"),
        (sum(1 for play in plays for _ in leaves(play.steps, everything=True)), "step"),
        (len(loaded.inventory.hosts), "host"),
    ):
        yield f"{count} {word}{'' if count == 1 else 's'}"


def _as_text(found: Findings) -> None:
    """A line for each good playbook. Raises InputError with all problems where there is an error."""
    say_lines(found.good)
    if found.has_errors:
        raise InputError(found.problems, found.sources)
    say(shown.text(found.problems, found.sources), err=True)
