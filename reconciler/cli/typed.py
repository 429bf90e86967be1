"""What people type for an option: one dash instead of two, and nothing where a value belongs."""

from __future__ import annotations

import re

import click

_OUT = re.compile(r"\A-out(?:=|\Z)")
"""`-out=FILE` becomes `-oFILE`, and `-out` becomes `-o`."""


def with_two_dashes(arguments: list[str], command: click.Command) -> list[str]:
    """Return the arguments with `-auto-approve` written as `--auto-approve`, as fingers used to Terraform type it.

    So is `-out FILE` as `-o FILE`, which would else be the file `ut`. Only options that the command has are rewritten,
    and nothing after `--`.
    """
    known = {name for parameter in command.params for name in parameter.opts if name.startswith("--")}
    end = arguments.index("--") if "--" in arguments else len(arguments)
    rewritten = [f"-{word}" if f"-{word}".partition("=")[0] in known else word for word in arguments[:end]]
    if any("-o" in parameter.opts for parameter in command.params):
        rewritten = [_OUT.sub("-o", word) for word in rewritten]
    return rewritten + arguments[end:]


def require_values(arguments: list[str], command: click.Command, ctx: click.Context) -> None:
    """Raise BadOptionUsage for an option that would take the next option for its value, as `-o --json` would."""
    options = {name: option for option in command.get_params(ctx) for name in (*option.opts, *option.secondary_opts)}
    words = iter(arguments)
    for word in words:
        if word == "--":
            return
        if not _takes_value(options.get(word)):
            continue
        value = next(words, "")
        if value.startswith("-") and value.partition("=")[0] in options:
            message = f"Option {word!r} requires an argument; {value!r} is an option itself."
            raise click.BadOptionUsage(word, message, click.Context(command, parent=ctx, info_name=command.name))


def _takes_value(option: click.Parameter | None) -> bool:
    """Whether the next word is the option's value. That of `--accept [ADDRESS]` may be missing, and click knows."""
    if not isinstance(option, click.Option) or getattr(option, "_flag_needs_value", False):
        return False
    return not (option.is_flag or option.count)
