"""``runner plan``: what a run would do. No host is contacted."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import click

from runner.app.plans import Planned, make_plan
from runner.app.settings import Settings
from runner.cli import exit_codes
from runner.cli.options import helps_inputs, plan_options, read_limit, target_options
from runner.errors import InputError
from runner.location import Problem
from runner.model.plan import Plan
from runner.model.plan_description import document, encode_document
from runner.patterns import did_you_mean
from runner.reporting.graph import Graph, graph
from runner.reporting.graph_text import dot, mermaid
from runner.reporting.plan import render
from runner.reporting.preview import Preview
from runner.reporting.problems import text

EPILOG = """\b
Examples:
  runner plan playbooks/rolling-deploy.yaml
  runner plan site.yaml -i inventory/production.yaml --limit 'web[01-04]' --host web03
  runner plan site.yaml --format json | jq '.plays[].waves[].hosts'
  runner plan site.yaml --format dot | dot -Tsvg > plan.svg
"""

GRAPHS: Mapping[str, Callable[[Graph], Iterator[str]]] = {"mermaid": mermaid, "dot": dot}

LINES = 1000
"""Lines written at once: a plan with every host may have many thousands."""


@click.command(epilog=EPILOG)
@click.argument("playbook", type=click.Path(path_type=Path))
@target_options
@plan_options
@click.option(
    "--format",
    "form",
    type=click.Choice(("text", "json", *GRAPHS)),
    default="text",
    envvar="RUNNER_FORMAT",
    show_default=True,
    help="For people, for programs, or as a graph that Mermaid or Graphviz draws.",
)
@click.option(
    "--host",
    "only",
    multiple=True,
    envvar="RUNNER_HOST",
    metavar="NAME",
    help="Render the steps for this host; may be repeated. By default for the first of each wave.",
)
@click.option("--all-hosts", is_flag=True, envvar="RUNNER_ALL_HOSTS", help="List every step on every host.")
@helps_inputs
def command(playbook: Path, *, form: str, only: tuple[str, ...], all_hosts: bool, **options: Any) -> int:
    """Show what running PLAYBOOK would do: plays, waves with their hosts, steps, the longest time.

    Steps are rendered as far as no answer of a host is needed; the rest is shown as it is written.
    """
    if form in GRAPHS and (only or all_hosts):
        raise click.UsageError(f"--format {form} draws waves and steps; --host and --all-hosts have no place in it")
    options["limit"] = read_limit(options["limit"], Path.cwd())
    options["exclude"] = read_limit(options["exclude"], Path.cwd())
    planned = make_plan(Settings(playbook=playbook, **options))
    _check_hosts(only, planned.plan)
    _warn(planned)
    if form in GRAPHS:
        _write(GRAPHS[form](graph(planned.plan)))
        return exit_codes.OK
    preview = Preview(planned.plan, planned.loaded.templates)
    if form == "json":
        tasks = preview.tasks(only or None) if only or all_hosts else None
        click.echo(encode_document(document(planned.plan, items=preview.items, tasks=tasks)), nl=False)
    else:
        _write(render(planned.plan, preview, only=only, all_hosts=all_hosts))
    return exit_codes.OK


def _check_hosts(names: Iterable[str], plan: Plan) -> None:
    known = dict.fromkeys(name for play in plan.plays for name in play.hosts)
    unknown = [name for name in names if name not in known]
    if unknown:
        raise InputError(
            Problem("E405", f'--host: "{name}" is not in the plan', None, did_you_mean(name, known)) for name in unknown
        )


def _warn(planned: Planned) -> None:
    if planned.loaded.warnings:
        click.echo(text(planned.loaded.warnings, planned.loaded.sources), err=True, nl=False)


def _write(lines: Iterable[str]) -> None:
    ended = (f"{line}\n" for line in lines)
    while some := "".join(islice(ended, LINES)):
        click.echo(some, nl=False)
