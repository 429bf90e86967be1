"""The command line as a whole: which commands there are, and what becomes of an error.

Commands are imported when they are called, and a command imports what it needs when it runs: `plan --help` needs none
of it. Every error of ours ends here, as one clear message and one exit code; only a bug passes through, with its
traceback.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import cast

import click

from reconciler import __version__
from reconciler.cli import exits
from reconciler.cli.screen import output_of, report_error
from reconciler.cli.typed import require_values, with_two_dashes
from reconciler.errors import MissingPartError, ReconcilerError, StoppedError

COMMANDS = (
    "validate", "plan", "apply", "drift", "show", "revert", "export", "explain", "status", "snapshot",
    "init", "doctor",
    "sandbox", "demo", "schema", "completion",
)  # fmt: skip


class LazyGroup(click.Group):
    """Finds `plan` in reconciler/cli/commands/plan.py when it is called, and imports nothing before."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        return cast(click.Command, import_module(f"reconciler.cli.commands.{cmd_name}").command)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in COMMANDS and not args[0].startswith("-") and not ctx.resilient_parsing:
            from reconciler.cli.usage import NoSuchCommand

            raise NoSuchCommand(args[0], COMMANDS, ctx)
        name, command, arguments = super().resolve_command(ctx, args)
        if command is not None:
            arguments = with_two_dashes(arguments, command)
            require_values(arguments, command, ctx)
        return name, command, arguments


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "terminal_width": 80})
@click.version_option(__version__, "-V", "--version", message="reconciler %(version)s")
def reconciler() -> None:
    """Keep AI budgets on Coder as a policy in Git.

    A YAML policy lists group budgets and user overrides. `plan` shows what would change and what that does to people
    and money, `apply` makes it so, `drift` tells what somebody changed by hand.

    The deployment is named by CODER_URL and CODER_SESSION_TOKEN (and CODER_HEADER), else by the Coder CLI's login.

    \b
    Exit codes:
      0  done, or nothing to do          3  refused, nothing was written
      1  error                           4  incomplete; see the journal
      2  differences (`drift`,           130 interrupted
         `plan --detailed-exitcode`)
    """


def run(arguments: list[str]) -> int:
    """Run one command; return its exit code."""
    if isinstance(sys.stdout, io.TextIOWrapper):  # a name that the terminal cannot show must not end in a traceback
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        result = reconciler.main(args=arguments, prog_name="reconciler", standalone_mode=False)
        return result if isinstance(result, int) else exits.DONE
    except (ReconcilerError, click.ClickException, click.Abort, KeyboardInterrupt, OSError, MemoryError) as error:
        ours, code = _ours(error, arguments)
        if not isinstance(error, BrokenPipeError):
            report_error(ours, code, output_of(arguments), command=next(iter(arguments), ""))
        return code


def _is_in_a_folder() -> bool:
    try:
        os.getcwd()
    except FileNotFoundError:
        return False
    return True


def _ours(error: BaseException, arguments: Sequence[str]) -> tuple[ReconcilerError, int]:
    """Return an error of ours and the exit code for anything that may end a command."""
    match error:
        case MissingPartError():
            from reconciler.cli.installed import command_to_add

            hint = f"install the optional part `{error.part}`:\n{command_to_add(error.part)}"
            return ReconcilerError(error.message, hint=hint), exits.of_error(error)
        case ReconcilerError():
            return error, exits.of_error(error)
        case click.UsageError():
            from reconciler.cli.usage import wrong_usage

            return wrong_usage(error, arguments), exits.ERROR
        case click.ClickException():
            return ReconcilerError(error.format_message()), exits.ERROR
        case KeyboardInterrupt() | click.Abort():
            return StoppedError(), exits.INTERRUPTED
        case MemoryError():
            return ReconcilerError("There is not enough memory", hint="allow this command more of it"), exits.ERROR
        case FileNotFoundError() if not _is_in_a_folder():
            hint = "change to a folder that exists (cd), and run the command again"
            return ReconcilerError("The folder in which this command runs was removed", hint=hint), exits.ERROR
        case _:
            return ReconcilerError(f"The operating system refused: {error}"), exits.ERROR
