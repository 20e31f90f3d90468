"""``runner runs``: what was run, how it ended, and what is left of it. All of it offline."""

import json
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import click

from runner.cli.once import option
from runner.cli.printing import say_json, say_lines
from runner.model import history

F = TypeVar("F", bound=Callable[..., Any])

EPILOG = """\b
Examples:
  runner runs list --status failed --status died
  runner runs show last --steps
  runner runs compare 20261120-0945 last
  runner runs list --format json | jq -r '.[] | .run + " " + .status'
  runner runs verify last
  runner runs prune --keep 100 --older-than 30d --dry-run
"""


@click.group(epilog=EPILOG)
def command() -> None:
    """The history of runs: what ran, how it ended, what is left of it. Contacts nothing."""


def runs_dir_option(function: F) -> F:
    """``--runs-dir``."""
    return option(
        "--runs-dir", envvar="RUNNER_RUNS_DIR", type=click.Path(path_type=Path), help="Where run folders are kept."
    )(function)


def format_option(function: F) -> F:
    """``--format``."""
    formats = click.Choice(("text", "json"))
    return option("--format", "form", type=formats, default="text", envvar="RUNNER_FORMAT", show_default=True)(function)


@command.command("list", short_help="A line for each run, the newest first.")
@option("-n", "--limit", type=click.IntRange(1), metavar="N", help="At most so many.")
@option("--status", "statuses", multiple=True, type=click.Choice(history.STATUSES), help="Only such; may be repeated.")
@option(
    "--playbook", default="", metavar="PATTERN", help="Only of this playbook: its path, the end of it, or its name."
)
@format_option
@runs_dir_option
def list_runs(*, limit: int | None, statuses: tuple[str, ...], playbook: str, form: str, runs_dir: Path | None) -> None:
    """List runs, the newest first.

    Beside what a run ended with, its status is "running"; "died" where it ended without saying so, with the command
    that goes on with it; "came to nothing" where it ended before it began; or "damaged" where its journal can't be
    used: of each the beginning and the end are looked at.
    """
    from runner.app.finding import root_of  # noqa: PLC0415 - heavy, and wanted only now
    from runner.app.history import entries  # noqa: PLC0415
    from runner.reporting.history import listed  # noqa: PLC0415

    root = root_of(runs_dir)
    found = list(islice(entries(root, statuses=statuses, playbook=playbook), limit))
    if form == "json":
        say_json(json.dumps(history.as_data(found), indent=2))
    elif found:
        say_lines(listed(found))
    else:
        say_lines([f'no such run in "{root}"'], err=True)


@command.command("show", short_help="What a run came to, from its journal.")
@click.argument("run")
@option("--steps", "with_steps", is_flag=True, help="Every step on every host, too.")
@format_option
@runs_dir_option
def show_run(run: str, *, with_steps: bool, form: str, runs_dir: Path | None) -> None:
    """Show RUN as at its end, from its journal: who ran what, the summary, and what to type to go on.

    RUN is an id, its beginning, or "last". One that is at work is shown as it is now. Of one that was killed each host
    has ended, is unknown, or did not run. A damaged journal is refused with 11.
    """
    from runner.app.finding import find, root_of  # noqa: PLC0415 - heavy, and wanted only now
    from runner.app.story import as_data, read, text  # noqa: PLC0415

    story = read(find(root_of(runs_dir), run))
    if form == "json":
        say_json(json.dumps(as_data(story, with_steps=with_steps), indent=2))
    else:
        say_lines(text(story, with_steps=with_steps))


@command.command("compare", short_help="In what two runs differ.")
@click.argument("old", metavar="A")
@click.argument("new", metavar="B")
@format_option
@runs_dir_option
def compare_runs(old: str, new: str, *, form: str, runs_dir: Path | None) -> None:
    """Say in what run B differs from run A: files, commit, plan, hosts that ended otherwise, steps slower or faster.

    A and B are ids, their beginnings, or "last". A step is slower or faster from a fifth, and half a second, on.
    """
    from runner.app.finding import find, root_of  # noqa: PLC0415 - heavy, and wanted only now
    from runner.app.story import compare, comparison_text, read  # noqa: PLC0415
    from runner.model.run_comparison import as_data  # noqa: PLC0415

    before, after = (read(find(root_of(runs_dir), run)) for run in (old, new))
    if form == "json":
        say_json(json.dumps(as_data(compare(before, after)), indent=2))
    else:
        say_lines(comparison_text(before, after))


@command.command("prune", short_help="Remove the folders of old runs.")
@option("--keep", type=click.IntRange(0), metavar="N", help="Not the N newest.")
@option("--older-than", metavar="DURATION", help="Only what began so long ago: 30d, 12h.")
@option("--unfinished", is_flag=True, help="Those that can be gone on with, too.")
@option("--dry-run", is_flag=True, help="Only say what would be removed.")
@runs_dir_option
def prune_runs(
    *, keep: int | None, older_than: str | None, unfinished: bool, dry_run: bool, runs_dir: Path | None
) -> None:
    """Remove the folders of old runs, journal and outputs with them.

    With both --keep and --older-than, a run goes where both say so. A run that is at work stays in any case, and one
    that can be gone on with (all but those that ended well, were rolled back or came to nothing) unless --unfinished is
    given.
    """
    from runner.app.finding import root_of  # noqa: PLC0415 - heavy, and wanted only now
    from runner.app.plans import duration_option  # noqa: PLC0415
    from runner.app.pruning import prune  # noqa: PLC0415
    from runner.reporting.history import pruned  # noqa: PLC0415

    if keep is None and older_than is None:
        raise click.UsageError("say which runs may go: --keep N, --older-than DURATION, or both")
    age = duration_option("--older-than", older_than)
    found = prune(root_of(runs_dir), keep=keep, older_than=age, unfinished=unfinished, dry_run=dry_run)
    say_lines(pruned(((one.entry, one.kept) for one in found), dry_run=dry_run))


@command.command("verify", short_help="Whether the records of a run are as they were written.")
@click.argument("run")
@runs_dir_option
def verify_run(run: str, *, runs_dir: Path | None) -> None:
    """Check every record of RUN: its sum, its number, what it says. Exits with 11 where one is damaged, and names it.

    Nothing is changed. A last record that was not written to its end is no damage; it is told.
    """
    from runner.app.finding import find, root_of  # noqa: PLC0415 - heavy, and wanted only now
    from runner.app.salvage import verified  # noqa: PLC0415

    say_lines([verified(find(root_of(runs_dir), run))])


@command.command("salvage", short_help="Keep what is certain of a damaged journal.")
@click.argument("run")
@option("-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="Where, in place of RUN's folder.")
@option("--replace", is_flag=True, help="Put it in the journal's place, which is kept as events.jsonl.damaged.")
@runs_dir_option
def salvage_run(run: str, *, output: Path | None, replace: bool, runs_dir: Path | None) -> None:
    """Write what is certain of the damaged journal of RUN into a new file; the old one is never written to.

    What may have begun in the records that are lost is unknown from then on: it runs again only where its own "verify",
    "idempotent" or "on_unknown" says so, or "runner resolve".
    """
    from runner.app.finding import find, root_of  # noqa: PLC0415 - heavy, and wanted only now
    from runner.app.salvage import salvage  # noqa: PLC0415

    if output is not None and replace:
        raise click.UsageError("say either where to write it, -o FILE, or --replace")
    say_lines(salvage(find(root_of(runs_dir), run), output, replace=replace))
