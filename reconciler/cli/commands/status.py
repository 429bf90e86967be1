"""`reconciler status`: how things stand."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import click

from reconciler.cli import exits
from reconciler.cli.live import Live, live_option
from reconciler.cli.options.connection import server
from reconciler.cli.options.output import screen
from reconciler.cli.policies import load_named_policies
from reconciler.cli.screen import Screen
from reconciler.cli.sections import Sections
from reconciler.operations.status import find_status


@click.command("status", cls=Sections)
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option(
    "--policies", multiple=True, type=click.Path(), metavar="PATH",
    help="Policy files or folders that say when overrides end; `policies` if it is there.",
)  # fmt: skip
@server
@live_option
@screen("status")
def command(names: tuple[str, ...], policies: tuple[str, ...], live: Live, screen: Screen) -> int:
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
    with live.reader() as reader:
        status = find_status(names, reader, loaded, at=live.snapshot_at or datetime.now(UTC))
    status = replace(status, snapshot_at=live.snapshot_at)
    screen.finish((status,), exit_code=exits.DONE)
    return exits.DONE
