"""``runner plan``: what a run would do. No host is contacted."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import click

from runner.app.plan_file import is_saved
from runner.app.plans import Planned, make_plan
from runner.app.saving import save
from runner.app.settings import Settings
from runner.app.shown_plan import Shown, described, older, stored
from runner.cli import exit_codes
from runner.cli.once import option
from runner.cli.options import helps_inputs, plan_options, read_limit, target_options
from runner.cli.printing import say, say_json, say_lines
from runner.errors import InputError
from runner.location import Problem
from runner.model.plan import Plan
from runner.model.plan_description import document, encode_document
from runner.model.plan_difference import PlanDifference, encode_difference
from runner.patterns import did_you_mean
from runner.planning.difference import difference
from runner.reporting.graph import Graph, graph
from runner.reporting.graph_text import dot, mermaid
from runner.reporting.plan import render
from runner.reporting.plan_difference import difference_lines
from runner.reporting.preview import Preview
from runner.reporting.problems import text
from runner.reporting.saved_plan import saved_lines, standing_lines

EPILOG = """\b
Examples:
  runner plan playbooks/rolling-deploy.yaml
  runner plan site.yaml -i inventory/production.yaml --limit 'web[01-04]' --host web03
  runner plan site.yaml --format json | jq '.plays[].waves[].hosts'
  runner plan site.yaml --format dot | dot -Tsvg > plan.svg
  runner plan site.yaml -o plan.json --expires 2h
  runner plan plan.json
  runner plan site.yaml --against plan.json
  runner plan site.yaml --against last
"""

GRAPHS: Mapping[str, Callable[[Graph], Iterator[str]]] = {"mermaid": mermaid, "dot": dot}

LINES = 1000
"""Lines written at once: a plan with every host may have many thousands."""


@click.command(epilog=EPILOG)
@click.argument("playbook", type=click.Path(path_type=Path))
@target_options
@plan_options
@option(
    "--format",
    "form",
    type=click.Choice(("text", "json", *GRAPHS)),
    default="text",
    envvar="RUNNER_FORMAT",
    show_default=True,
    help="For people, for programs, or as a graph that Mermaid or Graphviz draws.",
)
@option(
    "--host",
    "only",
    multiple=True,
    envvar="RUNNER_HOST",
    metavar="NAME",
    help="Render the steps for this host; may be repeated. By default for the first of each wave.",
)
@option("--all-hosts", is_flag=True, envvar="RUNNER_ALL_HOSTS", help="List every step on every host.")
@option(
    "-o",
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Save the plan, in place of what is there: runner run FILE runs exactly it, once.",
)
@option("--expires", metavar="DURATION", help="How long a saved plan can be run: 7d by default.")
@option(
    "--against",
    metavar="OLD",
    help="Show only what is other than in this plan: a saved one, or that of a run (its plan.json, or its id).",
)
@option("--sha256", metavar="SUM", help="The sum of a saved plan from another machine or user, to show it.")
@option(
    "--runs-dir",
    envvar="RUNNER_RUNS_DIR",
    type=click.Path(path_type=Path),
    help="Where run folders are kept, and which saved plans were used.",
)
@helps_inputs
def command(playbook: Path, *, form: str, only: tuple[str, ...], all_hosts: bool, **options: Any) -> int:
    """Show what running PLAYBOOK would do: plays, waves with their hosts, steps, the longest time.

    Steps are rendered as far as no answer of a host is needed; the rest is shown as it is written. PLAYBOOK may be a
    saved plan: it is shown as it was made, with what has changed since. With --against the exit status is 0 whether the
    plans differ or not.
    """
    against = options.pop("against")
    if form in GRAPHS and (only or all_hosts or against):
        words = "--host, --all-hosts and --against have no place in it"
        raise click.UsageError(f"--format {form} draws waves and steps; {words}")
    if against and only:
        raise click.UsageError("--against compares what is written; --host has no place in it")
    saving = Saving(options.pop("out"), options.pop("expires"))
    options["limit"] = read_limit(options["limit"], Path.cwd())
    options["exclude"] = read_limit(options["exclude"], Path.cwd())
    settings = Settings(playbook=playbook, **options)
    old = older(against, runs_dir=settings.runs_dir) if against else None  # before -o replaces it, perhaps
    shown = (_stored if is_saved(playbook) else _made)(settings, saving, only)
    if old is not None:
        _show_difference(difference(old, shown.plan, called=(against, str(playbook))), form, all_hosts=all_hosts)
    elif form in GRAPHS:
        _write(GRAPHS[form](graph(shown.plan)))
    else:
        _show(shown, form, only, None if saving.out else playbook, all_hosts=all_hosts)
    if shown.saved and saving.out:
        say_lines(saved_lines(shown.saved, saving.out), err=form != "text")
    return exit_codes.OK


def _show(shown: Shown, form: str, only: tuple[str, ...], path: Path | None, *, all_hosts: bool) -> None:
    """A plan; before it, if it comes from a saved one at ``path``, what is said about that."""
    preview = Preview(shown.plan, shown.templates)
    if form == "json":
        tasks = preview.tasks(only or None) if only or all_hosts else None
        say_json(encode_document(document(shown.plan, items=preview.items, tasks=tasks, saved=shown.saved)))
        return
    if shown.saved and path:
        _write(standing_lines(shown.saved, path))
    _write(render(shown.plan, preview, only=only, all_hosts=all_hosts))


def _show_difference(found: PlanDifference, form: str, *, all_hosts: bool) -> None:
    if form == "json":
        say_json(encode_difference(found))
    else:
        _write(difference_lines(found, all_hosts=all_hosts))


@dataclass(frozen=True, slots=True)
class Saving:
    """Where a plan is saved, if it is, and for how long."""

    out: Path | None
    expires: str | None


def _made(settings: Settings, saving: Saving, only: tuple[str, ...]) -> Shown:
    """The plan of a playbook, saved where that is asked for."""
    if settings.sha256 is not None:
        raise click.UsageError(f"--sha256 is for a saved plan; {settings.playbook} is none")
    if saving.expires is not None and saving.out is None:
        raise click.UsageError("--expires is for a plan that is saved; add -o FILE")
    if saving.out is not None and settings.playbook == Path("-"):
        raise click.UsageError("a plan of standard input can't be saved: it is made again when it is run")
    planned = make_plan(settings)
    _check_hosts(only, planned.plan)
    _warn(planned)
    saved = None
    if saving.out is not None:
        made = save(planned, settings, saving.out, expires=saving.expires, now=datetime.now(UTC))
        saved = described(made.head, made.sha256, is_sealed=made.is_sealed)
        for play, step in planned.unhashed:
            words = f'only the run can tell which files step "{step}" of play "{play}" sends: they may change'
            say_lines([f"note: {words}"], err=True)
    return Shown(planned.plan, planned.loaded.templates, saved)


def _stored(settings: Settings, saving: Saving, only: tuple[str, ...]) -> Shown:
    if saving.out is not None or saving.expires is not None:
        raise click.UsageError(f"-o saves the plan of a playbook; {settings.playbook} is a saved plan already")
    shown = stored(settings, now=datetime.now(UTC))
    _check_hosts(only, shown.plan)
    return shown


def _check_hosts(names: Iterable[str], plan: Plan) -> None:
    known = dict.fromkeys(name for play in plan.plays for name in play.hosts)
    unknown = [name for name in names if name not in known]
    if unknown:
        raise InputError(
            Problem("E405", f'--host: "{name}" is not in the plan', None, did_you_mean(name, known)) for name in unknown
        )


def _warn(planned: Planned) -> None:
    if planned.loaded.warnings:
        say(text(planned.loaded.warnings, planned.loaded.sources), err=True)


def _write(lines: Iterable[str]) -> None:
    left = iter(lines)
    while some := list(islice(left, LINES)):
        say_lines(some)
