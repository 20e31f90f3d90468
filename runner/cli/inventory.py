"""``runner inventory``: what is where, and why a variable has its value."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from runner.cli.once import option
from runner.cli.options import read_limit
from runner.cli.printing import say, say_json, say_lines
from runner.errors import InputError
from runner.hostlist import fold
from runner.loading.documents import Problems
from runner.loading.inventory import load_inventory
from runner.loading.variables import explain as origins_of
from runner.location import Problem
from runner.model.inventory import Become, Host, Inventory
from runner.model.template import Template, Value
from runner.patterns import did_you_mean
from runner.planning.targets import PatternError, narrow, select
from runner.reporting.escape import visible

F = TypeVar("F", bound=Callable[..., Any])

DEFAULT_PLACES = ("inventory", "inventory.yaml")
"""Where an inventory is looked for, in the current folder, when none is named."""

HIDDEN = "***"

EPILOG = """\b
Examples:
  runner inventory list -i inventory/production.yaml --limit 'web*' --exclude 'web[3-5]'
  runner inventory show web01
  runner inventory explain web01 region
"""


@click.group(epilog=EPILOG)
def command() -> None:
    """Show hosts, groups, and where a variable has its value."""


def inventory_option(function: F) -> F:
    """``-i``, as often as there are inventories."""
    return option(
        "-i",
        "--inventory",
        "sources",
        multiple=True,
        envvar="RUNNER_INVENTORY",
        metavar="PATH",
        help="A file or folder; may be repeated. By default ./inventory or ./inventory.yaml.",
    )(function)


def format_option(function: F) -> F:
    """``--format``."""
    formats = click.Choice(("text", "json"))
    return option("--format", "form", type=formats, default="text", envvar="RUNNER_FORMAT", show_default=True)(function)


@command.command("list", short_help="Print the names of hosts.")
@inventory_option
@option("-l", "--limit", multiple=True, envvar="RUNNER_LIMIT", metavar="PATTERN", help="Only these hosts.")
@option("-x", "--exclude", multiple=True, envvar="RUNNER_EXCLUDE", metavar="PATTERN", help="Not these hosts.")
@option("--fold", "folded", is_flag=True, envvar="RUNNER_FOLD", help="In one line: web[01-07,12].")
@format_option
def list_hosts(
    sources: tuple[str, ...], *, limit: tuple[str, ...], exclude: tuple[str, ...], folded: bool, form: str
) -> None:
    """Print the names of hosts, one a line, in the order of the inventory.

    PATTERN is a name, a glob, a range, a group, or several joined by : (or), :& (and), :! (but not); @FILE has one a
    line. Both options may be repeated.
    """
    limit, exclude = read_limit(limit, Path.cwd()), read_limit(exclude, Path.cwd())
    inventory = load(sources)
    try:
        names = narrow(tuple(inventory.hosts), limit, exclude, inventory)
    except PatternError as error:
        raise InputError(error.problems()) from None
    if form == "json":
        say_json(json.dumps(list(names), indent=2))
    elif names:
        say_lines([fold(names)] if folded else names)


@command.command("show", short_help="Print all that is known of hosts.")
@inventory_option
@format_option
@click.argument("patterns", nargs=-1, required=True, metavar="HOST...")
def show_hosts(sources: tuple[str, ...], form: str, patterns: tuple[str, ...]) -> None:
    """Print all that is known of hosts: address, connection, groups, variables with their values."""
    inventory = load(sources)
    try:
        hosts = [found for name in select(patterns, inventory) if (found := inventory.find(name))]
    except PatternError as error:
        raise InputError(error.problems()) from None
    facts = [facts_of(host) for host in hosts]
    _show(facts, form, "\n\n".join(map(as_text, facts)))


@command.command("explain", short_help="Print where a variable has its value.")
@inventory_option
@format_option
@click.argument("host")
@click.argument("variable")
def explain(sources: tuple[str, ...], form: str, host: str, variable: str) -> None:
    """Print every place that gives VARIABLE a value for HOST, lowest precedence first; the last one wins."""
    inventory = load(sources)
    found = inventory.find(host)
    if found is None:
        raise _refused(f'no host is called "{host}"', did_you_mean(host, inventory.hosts))
    origins = origins_of(found, variable)
    if not origins:
        hint = did_you_mean(variable, found.vars)
        raise _refused(f'variable "{variable}" is set nowhere for host "{host}"', hint)
    rows = [
        {"layer": o.layer, "src": f"{o.location.file}:{o.location.line}", "value": plain(variable, o.value)}
        for o in origins
    ]
    rows = [{**row, "wins": row is rows[-1]} for row in rows]
    _show(rows, form, _aligned(rows))


def _show(data: Sequence[Mapping[str, Any]], form: str, text: str) -> None:
    if form == "json":
        say_json(json.dumps(data, indent=2))
    else:
        say(text)


def load(sources: Sequence[str]) -> Inventory:
    """The inventory that the options name, or the one in the current folder. Raises InputError with all problems."""
    problems = Problems()
    here = Path.cwd()
    inventory = load_inventory(list(sources) or [_default(here)], problems, base=here)
    problems.raise_if_errors()
    return inventory


def facts_of(host: Host) -> dict[str, Any]:
    """A host as plain data, templates as they are written, passwords hidden."""
    become = host.become
    return {
        "name": host.name,
        "index": host.index,
        "address": plain("address", host.address),
        "connection": host.connection,
        "groups": list(host.groups),
        "ssh": plain("ssh", dict(host.options)),
        "become": _become(become) if become else False,
        "vars": plain("vars", dict(host.vars)),
        "src": f"{host.location.file}:{host.location.line}",
    }


def _become(become: Become) -> dict[str, Any]:
    known = {"user": become.user, "method": become.method}
    return known if become.password is None else {**known, "password": HIDDEN}


def plain(name: str, value: Value) -> Any:
    """A value to print. What is called a password is hidden."""
    if "password" in name.lower() and value is not None:
        return HIDDEN
    if isinstance(value, Template):
        return value.source
    if isinstance(value, Mapping):
        return {key: plain(key, part) for key, part in value.items()}
    return [plain(name, part) for part in value] if isinstance(value, list | tuple) else value


def as_text(facts: Mapping[str, Any]) -> str:
    """One host for people: its name, then a line for each thing known; mappings indented below their name."""
    lines = [str(facts["name"])]
    for key, value in facts.items():
        if isinstance(value, dict):
            lines += [f"  {key}:", *(f"    {name}: {_shown(part)}" for name, part in value.items())] if value else []
        elif key != "name" and value not in ([], None):
            lines.append(f"  {key}: {', '.join(value) if isinstance(value, list) else _shown(value)}")
    return "\n".join(lines)


def _shown(value: Any) -> str:
    return visible(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def _aligned(rows: Sequence[Mapping[str, Any]]) -> str:
    """Places in columns; the winner has a star."""
    layers = max(len(row["layer"]) for row in rows)
    places = max(len(row["src"]) for row in rows)
    return "\n".join(
        f"{'*' if row['wins'] else ' '} {row['layer']:<{layers}}  {row['src']:<{places}}  {_shown(row['value'])}"
        for row in rows
    )


def _default(here: Path) -> str:
    for place in DEFAULT_PLACES:
        if (here / place).exists():
            return place
    raise click.UsageError('no inventory is named, and there is no "inventory" here; give one with -i PATH')


def _refused(message: str, hint: str) -> InputError:
    return InputError([Problem("E405", message, None, hint)])
