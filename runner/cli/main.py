"""The command line: a lazy group of commands, and the one place where an error becomes an exit status.

**Why lazy.** ``runner --help`` and a mistyped option must answer at once, so a command's module, and with it YAML, SSH
and templates, is imported when that command is called.
"""

import gc
import importlib
import os
import sys
import tempfile
import traceback
from collections.abc import Mapping
from typing import NoReturn

import click

from runner import __version__, crashpoints, umask
from runner.app import stray
from runner.cli import exit_codes
from runner.errors import InputError, MismatchError, RunnerError

COMMANDS: Mapping[str, str] = {
    "validate": "Check playbooks: every problem of every file at once.",
    "plan": "Show what a run would do: waves, hosts, steps. Contacts nothing.",
    "simulate": "Show what a run would come to, with chosen faults, on a virtual clock. Contacts nothing.",
    "run": "Run a playbook.",
    "resume": "Go on with a run where it was.",
    "resolve": "Say what came of a step whose end nobody heard.",
    "rerun": "Run a playbook again on hosts that failed, with the options of then.",
    "rollback": "Take back what a run has done.",
    "approve": "Answer a run that waits for a person.",
    "runs": "The history of runs: what ran, how it ended, what is left of it.",
    "lock": "Who has a playbook and its inventory; keep all runs out.",
    "inventory": "Show hosts, groups and where a variable has its value.",
    "steps": "The reference of the step kinds.",
    "schema": "Print or write the JSON Schemas.",
}
"""Each command with its line in ``--help``; its module is ``runner.cli.NAME`` and has the click object ``command``."""

EPILOG = """\b
Examples:
  runner validate playbooks/*.yaml
  runner plan playbooks/rolling-deploy.yaml
  runner run playbooks/rolling-deploy.yaml --limit 'web*' -e release=1.4.3

\b
Shell completion, for bash (zsh and fish alike):
  eval "$(_RUNNER_COMPLETE=bash_source runner)"
"""


class LazyGroup(click.Group):
    """Knows the commands by name and imports one when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, in the order of ``COMMANDS``."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, imported now."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"runner.cli.{cmd_name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with the nearest name as a hint for one that is unknown."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from runner.words import suggest  # noqa: PLC0415 - only when something is wrong

            hint = suggest(args[0], list(COMMANDS))
            raise click.UsageError(f'no such command: "{args[0]}"{f"; {hint}" if hint else ""}', ctx) from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list in ``--help``, without importing a single command."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    cls=LazyGroup,
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "RUNNER"},
)
@click.version_option(__version__, prog_name="runner")
def cli() -> None:
    """Roll changes out over SSH: check a playbook, plan it into waves of hosts, and run them."""


def main() -> NoReturn:
    """Run the command that the arguments name, and leave with its exit status."""
    # Imports, files and plans are made once and live on: looking for garbage among them is a tenth of a short command.
    gc.disable()
    stray.watch()
    if crashpoints.TEXT:
        _explain_crash()
    try:
        with umask.closed():
            code = cli.main(prog_name="runner", standalone_mode=False)
    except click.exceptions.Exit as leaving:
        code = leaving.exit_code
    except click.Abort:
        code = exit_codes.INTERRUPTED
    except click.ClickException as error:
        _show(error)
        code = exit_codes.USAGE
    except RunnerError as error:
        code = _explain(error)
    except KeyboardInterrupt:
        code = exit_codes.INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has gone; that is no fault of the run, and Python must not complain at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = exit_codes.OK
    except Exception:  # noqa: BLE001 - the last place that can say something useful
        code = _report_bug()
    gc.freeze()  # the interpreter looks for garbage once more on its way out
    sys.exit(code if isinstance(code, int) else exit_codes.OK)


def _explain_crash() -> None:
    """Say that a test's variable is set, before it surprises somebody; leave where it is wrong."""
    from runner.cli.printing import say  # noqa: PLC0415 - only when there is something to say

    if crashpoints.CHOSEN is None:
        text = f"error: {crashpoints.VARIABLE}={crashpoints.TEXT!a}: no POINT or POINT:COUNT"
        say(f"{text}\nhint: POINT is one of: {', '.join(crashpoints.POINTS)}", err=True)
        sys.exit(exit_codes.USAGE)
    point, count = crashpoints.CHOSEN
    name = f"{crashpoints.VARIABLE}={crashpoints.TEXT}"
    say(f"warning: {name}: this process kills itself when it passes {point} for the {count}. time", err=True)


def _show(error: click.ClickException) -> None:
    """What click has to say, which may repeat what was typed, or the name of a file."""
    from runner.cli.printing import say_lines  # noqa: PLC0415 - only when there is something to say

    context = getattr(error, "ctx", None)
    command = context.command_path if context else "runner"
    words = " ".join(error.format_message().split()).rstrip(".")
    words = words if words[1:2].isupper() else words[:1].lower() + words[1:]
    say_lines([f"error: {words} [E619]", f"hint: {command} --help shows how it is used"], err=True)


def _explain(error: RunnerError) -> int:
    """Say what is wrong on standard error."""
    from runner.cli.printing import say, say_lines  # noqa: PLC0415 - only when something is wrong
    from runner.reporting.problems import text  # noqa: PLC0415

    if isinstance(error, InputError):
        say(text(error.problems, error.sources), err=True)
        return exit_codes.of_error(error)
    code = f" [{error.code}]" if error.code else ""
    say_lines([f"error: {error.message}{code}"], err=True)
    if isinstance(error, MismatchError):
        say(text(error.problems, {}), err=True)
    if error.hint:
        say_lines([f"hint: {error.hint}"], err=True)
    return exit_codes.of_error(error)


def _report_bug() -> int:
    """Keep the trace in a private file and name it."""
    from runner.cli.printing import say  # noqa: PLC0415 - only when there is something to say
    from runner.reporting.escape import tame  # noqa: PLC0415

    handle, name = tempfile.mkstemp(prefix="runner-fault-", suffix=".txt")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(tame(traceback.format_exc()))  # people look at it in a terminal
    say(f"error: a fault in runner itself; its trace is in {name}", err=True)
    return exit_codes.INTERNAL
