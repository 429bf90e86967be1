"""`reconciler drift`: does live still match the policy?"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import click

from reconciler.cli import exits, options
from reconciler.cli.screen import Screen

if TYPE_CHECKING:
    from reconciler.cli.options import Scope
    from reconciler.cli.server import Server
    from reconciler.render.effects import Detail


@click.command("drift")
@options.paths
@options.effects
@options.plan_scope
@options.server
@options.screen
def command(
    paths: tuple[str, ...],
    detail: Detail,
    at: datetime,
    includes: Scope,
    server: Server,
    screen: Screen,
) -> int:
    """Tell whether live budgets still match the policy. Exits with 2 when they do not.

    Made for cron: it only reads, prints what differs, and never asks.

    PATH is a file or a folder (*.yaml and *.yml below it); `policies` when none is given.
    """
    from reconciler.cli.plan import exit_code_of
    from reconciler.cli.planning import load_policies, plan_of
    from reconciler.formats.plan import dump_plan
    from reconciler.render.plan import drift_report

    loaded = load_policies(paths)
    with server.reader() as reader:
        plan, cost = plan_of(loaded, reader, at=at, includes=includes)
    screen.text_or_document(lambda: drift_report(plan, cost, detail=detail), lambda: dump_plan(plan))
    return exit_code_of(plan, differences=exits.DIFFERENCES)
