"""Options that several commands share, each with its environment variable ``RUNNER_…``."""

import os
import stat
from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import Any, Literal, TypeVar

import click

from runner.cli.once import option
from runner.cli.printing import say_lines
from runner.errors import InputError
from runner.location import Problem
from runner.planning.targets import pattern_lines

F = TypeVar("F", bound=Callable[..., Any])

MOST_HOSTS = 1_000_000
"""Hosts that an inventory may have."""

MOST_BYTES = 100 * 1024 * 1024
"""Of a file with patterns of hosts: as much as an inventory may have."""

OUTPUTS = ("live", "plain", "stream", "json", "quiet")


def concurrency(ctx: click.Context, param: click.Parameter, value: str | None) -> int | Literal["auto"] | None:
    """A count of at least 1, or ``auto``; None where the option is not given."""
    if value is None or value == "auto":
        return "auto" if value else None
    if not (value.isascii() and value.isdecimal()) or not 1 <= int(value[:9]) <= MOST_HOSTS or len(value) > 9:
        message = f'"{value}" is no number of hosts; write a count from 1 to {MOST_HOSTS}, or auto'
        raise click.BadParameter(message, ctx, param)
    return int(value)


def again_options(function: F) -> F:
    """``-e``, ``-j`` beside the options of an older run.

    No environment variable stands for them: what it says of every new run must not win over what was typed then.
    """
    return _with(
        function,
        option(
            "-e",
            "--set",
            "sets",
            multiple=True,
            metavar="NAME=VALUE",
            help="Give an input, or set a variable, otherwise than then; may be repeated. @FILE is YAML.",
        ),
        option(
            "-j",
            "--concurrency",
            callback=concurrency,
            metavar="N|auto",
            help="Hosts at work at once, otherwise than then.",
        ),
    )


def target_options(function: F) -> F:
    """``-i``, ``-l``, ``-x``, ``-e``: on which hosts, and with which variables."""
    return _with(
        function,
        option(
            "-i",
            "--inventory",
            multiple=True,
            envvar="RUNNER_INVENTORY",
            metavar="PATH",
            help="Inventory file or folder, in place of the playbook's; may be repeated.",
        ),
        option(
            "-l",
            "--limit",
            multiple=True,
            envvar="RUNNER_LIMIT",
            metavar="PATTERN",
            help="Only these hosts; may be repeated. @FILE has a pattern a line.",
        ),
        option(
            "-x",
            "--exclude",
            multiple=True,
            envvar="RUNNER_EXCLUDE",
            metavar="PATTERN",
            help="Not these hosts; may be repeated, and wins over --limit. @FILE has a pattern a line.",
        ),
        option(
            "-e",
            "--set",
            "sets",
            multiple=True,
            envvar="RUNNER_SET",
            metavar="NAME=VALUE",
            help="Give an input, or set a variable above all others; may be repeated. @FILE is YAML.",
        ),
    )


def helps_inputs(function: Callable[..., int]) -> Callable[..., int]:
    """``--help-inputs``: list the inputs of PLAYBOOK in place of what the command does."""

    @option("--help-inputs", is_flag=True, help="List the inputs of PLAYBOOK, contact nothing, and end.")
    @wraps(function)
    def command(playbook: Path, *, help_inputs: bool, **options: Any) -> int:
        if not help_inputs:
            return function(playbook, **options)
        from runner.loading.project import declared_inputs  # noqa: PLC0415 - heavy, and wanted only now
        from runner.reporting.inputs import listed  # noqa: PLC0415

        say_lines(listed(str(playbook), declared_inputs(playbook, cwd=Path.cwd())))
        return 0

    return command


class Expression(click.types.StringParamType):
    """An expression of tags, read where the tags are known. In an environment variable each line is one."""

    name = "expression"
    envvar_list_splitter = "\n"


def tag_options(function: F) -> F:
    """``-t``, ``--skip-tags``, ``--start-at``: which steps."""
    return _with(
        function,
        option(
            "-t",
            "--tags",
            multiple=True,
            type=Expression(),
            envvar="RUNNER_TAGS",
            metavar="TAGS",
            help="Only steps with these tags: web, 'web and not slow', 'db*'; may be repeated.",
        ),
        option(
            "--skip-tags",
            multiple=True,
            type=Expression(),
            envvar="RUNNER_SKIP_TAGS",
            metavar="TAGS",
            help="Not the steps with these tags; may be repeated, and wins over --tags.",
        ),
        option(
            "--start-at",
            envvar="RUNNER_START_AT",
            metavar="STEP",
            help="Leave out what stands before this step: its id, or PLAY.ID where plays share it.",
        ),
    )


def plan_options(function: F) -> F:
    """Which steps, and ``-j``, ``--timeout``, ``--seed``, ``-k``: what the command line says about a plan."""
    return tag_options(_rest_of_plan(function))


def _rest_of_plan(function: F) -> F:
    return _with(
        function,
        option(
            "-j",
            "--concurrency",
            callback=concurrency,
            metavar="N|auto",
            envvar="RUNNER_CONCURRENCY",
            help="Hosts at work at once, in place of what plays say.",
        ),
        option(
            "--timeout",
            envvar="RUNNER_TIMEOUT",
            metavar="DURATION",
            help="Time for one try of a step that names none: 90s, 5m; 0 is no limit. By default 30m.",
        ),
        option(
            "--seed",
            type=int,
            envvar="RUNNER_SEED",
            help="Where chance starts: the order of a shuffle, the jitter of retries.",
        ),
        option(
            "-k",
            "--fail-fast",
            is_flag=True,
            envvar="RUNNER_FAIL_FAST",
            help="The first host that fails ends the play and what runs: max_failures 0, on_exceed kill.",
        ),
    )


def policy_option(function: F) -> F:
    """``--exit-policy``: what the exit status says of several hosts."""
    return _with(
        function,
        option(
            "--exit-policy",
            envvar="RUNNER_EXIT_POLICY",
            default="any",
            metavar="POLICY",
            help="any (default), all, worst, main=HOST, main-any=HOST.",
        ),
    )


def person_options(function: F) -> F:
    """``-b``, ``-y``: whether somebody is there."""
    return _with(
        function,
        option(
            "-b",
            "--batch",
            envvar="RUNNER_BATCH",
            is_flag=True,
            help="Nobody is there: ask nothing, and the first Ctrl-C ends steps.",
        ),
        option(
            "-y", "--yes", envvar="RUNNER_YES", is_flag=True, help="Answer yes to our questions, and let pauses go on."
        ),
    )


def view_options(function: F) -> F:
    """``--output`` and what goes with it: who looks on, and how."""
    return _with(
        function,
        option(
            "--output",
            envvar="RUNNER_OUTPUT",
            type=click.Choice(OUTPUTS),
            help="What to show; live on a terminal, else plain.",
        ),
        option(
            "--line",
            envvar="RUNNER_LINE",
            metavar="TEMPLATE",
            help="Form of a line under --output stream: '{time} {host} {line}'.",
        ),
        option("-q", "--quiet", envvar="RUNNER_QUIET", is_flag=True, help="The summary alone: --output quiet."),
        option(
            "--log-format",
            envvar="RUNNER_LOG_FORMAT",
            type=click.Choice(("console", "json", "logfmt")),
            help="Write the events as a log, too.",
        ),
        option(
            "--log-file",
            envvar="RUNNER_LOG_FILE",
            type=click.Path(path_type=Path),
            help="Where the log goes; standard error by default.",
        ),
        option(
            "--log-output",
            envvar="RUNNER_LOG_OUTPUT",
            is_flag=True,
            help="Keep chunks of output in the events as they come.",
        ),
        option(
            "--no-color", envvar="RUNNER_NO_COLOR", is_flag=True, help="No colours, as NO_COLOR=1 in the environment."
        ),
    )


def records_options(function: F) -> F:
    """``--runs-dir``, ``--durability``: where the records are, and how safe."""
    return _with(
        function,
        option(
            "--runs-dir", envvar="RUNNER_RUNS_DIR", type=click.Path(path_type=Path), help="Where run folders are kept."
        ),
        option(
            "--durability",
            envvar="RUNNER_DURABILITY",
            type=click.Choice(("full", "relaxed")),
            default="full",
            show_default=True,
            help="relaxed: no syncs; the records survive the end of runner, but not of the machine.",
        ),
    )


def looking_on(options: dict[str, Any]) -> dict[str, Any]:
    """The options with ``-q`` as the output that it means."""
    quiet = options.pop("quiet")
    return options | ({"output": "quiet"} if quiet else {})


def read_limit(words: Sequence[str], cwd: Path) -> tuple[str, ...]:
    """The patterns of ``--limit`` or ``--exclude``, with each ``@FILE``, which starts at ``cwd``, read.

    Raises InputError for a file that can't be read, and for one without a pattern: as a limit it would silently mean
    all hosts.
    """
    found: list[str] = []
    problems: list[Problem] = []
    for word in words:
        try:
            found += _patterns(word[1:], cwd) if word.startswith("@") else [word]
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            problems.append(Problem("E509", f'can\'t take hosts from "{word[1:]}": {reason}'))
    if problems:
        raise InputError(problems)
    return tuple(found)


def _patterns(name: str, cwd: Path) -> list[str]:
    try:
        patterns = pattern_lines(_bytes(cwd / name).decode("utf-8"))
    except UnicodeDecodeError:
        raise ValueError("it is no text in UTF-8") from None
    if not patterns:
        raise ValueError("it names no host")
    return patterns


def _bytes(path: Path) -> bytes:
    """What a regular file of bounded size holds; nothing else is opened, so nothing else can keep us waiting."""
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise ValueError("it is no regular file")
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise ValueError(f"it has more than {MOST_BYTES} bytes, the limit")
    return data


def _with(function: F, *options: Callable[[F], F]) -> F:
    """The function with options, in the order in which ``--help`` lists them."""
    for one in reversed(options):
        function = one(function)
    return function
