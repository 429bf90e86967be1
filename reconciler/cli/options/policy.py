"""The options that say which policy."""

from __future__ import annotations

import click

from reconciler.cli.options import Command

DEFAULT_PATH = "policies"


def paths(function: Command) -> Command:
    """PATH...: policy files and folders."""
    return click.argument("paths", nargs=-1, metavar="[PATH]...", type=click.Path())(function)


def base(function: Command) -> Command:
    """--base; the command gets `base`."""
    return click.option(
        "--base",
        metavar="PATH|REVISION",
        help="The policy before this change: a file, a folder or a Git revision of the same paths.",
    )(function)
