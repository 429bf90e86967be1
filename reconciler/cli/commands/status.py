"""`reconciler status`: how things stand."""

from __future__ import annotations

import os
from datetime import UTC, datetime

import click

from reconciler.cli import exits, options
from reconciler.cli.planning import load_policies
from reconciler.cli.screen import Screen
from reconciler.cli.sections import Sections
from reconciler.cli.server import ServerOptions
from reconciler.core.policy import Policy
from reconciler.operations.status import find_status


@click.command("status", cls=Sections)
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option(
    "--policies", multiple=True, type=click.Path(), metavar="PATH",
    help="Policy files or folders that say when overrides end; `policies` if it is there.",
)  # fmt: skip
@options.server
@options.screen("status")
def command(names: tuple[str, ...], policies: tuple[str, ...], server: ServerOptions, screen: Screen) -> int:
    """Say who is near the limit, who is blocked, what overrides do, and which budgets do not bind.

    \b
    reconciler status                       everybody, by group
    reconciler status acme platform ana     an organization, a group, a person
    reconciler status --save csv=people.csv --save html=status.html

    NAME is an organization, a group (platform, group/acme/platform) or a person (ana, user/ana, an e-mail address).
    The pace is that of the last 7 days by Coder's spend export, or of this period where the export may not be read.
    Only GET requests are sent; an Auditor's token is enough.
    """
    loaded = load_named_policies(policies)
    with server.reader() as reader:
        status = find_status(names, reader, loaded, at=datetime.now(UTC))
    screen.finish((status,), exit_code=exits.DONE)
    return exits.DONE


def load_named_policies(paths: tuple[str, ...]) -> tuple[Policy, ...]:
    """Read the policies that are named; those in the default folder only if it exists."""
    return load_policies(paths).policies if paths or os.path.isdir(options.DEFAULT_PATH) else ()
