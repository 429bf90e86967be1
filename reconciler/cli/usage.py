"""What click finds wrong with the arguments, as an error of ours; read only when something is."""

from __future__ import annotations

import re
from collections.abc import Sequence

import click

from reconciler.cli import terraform
from reconciler.errors import ReconcilerError
from reconciler.words import did_you_mean

_NUMBERS = {"integer": "a whole number", "float": "a number"}
_TYPE = re.compile(r"a valid (integer|float) range")
"""What click wants of `--max-wait abc`: it names the type of the option."""
_RANGE = re.compile(r"is not in the range (?:(\S+)<=)?x(?:([<>])=(\S+))?\.")
"""What click says of `--max-requests 0`."""


class NoSuchCommand(click.UsageError):
    """A first word that is not the name of a command."""

    def __init__(self, name: str, commands: Sequence[str], ctx: click.Context) -> None:
        near = "" if name in terraform.COMMANDS else did_you_mean(name, commands)
        super().__init__(f"There is no command {name!r}" + (f"; {near}" if near else "."), ctx)
        self.name = name


def wrong_usage(error: click.UsageError, arguments: Sequence[str]) -> ReconcilerError:
    """Return what is wrong with the arguments, what to type instead where that is known, and how to use the command."""
    usage = f"{error.ctx.get_usage()}\n" if error.ctx else ""
    path = error.ctx.command_path if error.ctx else "reconciler COMMAND"
    match error:
        case NoSuchCommand():
            message, instead = error.message, terraform.COMMANDS.get(error.name, "")
        case click.NoSuchOption():
            message, instead = _no_such_option(error, arguments)
        case _:
            message, instead = error.format_message(), ""
    message = " ".join(message.split())  # click lists choices on lines of their own
    message = _RANGE.sub(_range, _TYPE.sub(lambda found: _NUMBERS[found[1]], message))
    instead = f"{instead}\n" if instead else ""
    return ReconcilerError(message, hint=f"{instead}{usage}`{path} --help` says more")


def _no_such_option(error: click.NoSuchOption, arguments: Sequence[str]) -> tuple[str, str]:
    """Return what is wrong with an option, and what to type instead.

    With one dash click reads `-target` as the options `-t`, `-a` and so on, and names the first that there is not. With
    two it names what was typed, with which an option that there is may begin.
    """
    typed = error.option_name
    if not typed.startswith("--"):
        words = (word.partition("=")[0] for word in arguments)
        typed = next((word for word in words if word.startswith(typed)), typed)
    instead = terraform.OPTIONS.get(typed.lstrip("-"), "")
    if instead:
        return f"There is no option {typed!r}.", instead
    if error.ctx is None or error.ctx.command_path == "reconciler":
        return f"There is no option {typed!r}.", "write options after the command: `reconciler plan --debug`"
    near = "" if len(typed) == len("-z") else _near(typed if typed.startswith("--") else f"-{typed}", error.ctx)
    return f"There is no option {typed!r}" + (f"; {near}" if near else "."), ""


def _near(typed: str, ctx: click.Context) -> str:
    """Ask for the option of a command that was meant, in words that are the same with every click."""
    known = [name for option in ctx.command.get_params(ctx) for name in option.opts]
    begun = [name for name in known if name.startswith(typed)]
    return f"did you mean {begun[0]!r}?" if len(begun) == 1 else did_you_mean(typed, known)


def _range(found: re.Match[str]) -> str:
    lowest, direction, end = found.groups()
    if lowest is not None:
        return f"must be from {lowest} to {end}."
    return f"must be at {'least' if direction == '>' else 'most'} {end}."
