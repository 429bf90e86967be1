"""`reconciler drift`: does live still match the policy?"""

from __future__ import annotations

import click

from reconciler.cli import exits, options
from reconciler.cli.planning import load_policies, plan_of
from reconciler.cli.screen import Screen
from reconciler.cli.sections import Sections
from reconciler.cli.server import ServerOptions
from reconciler.core.moment import Moment
from reconciler.core.plan.drift import Drift
from reconciler.core.scope import Scope
from reconciler.operations.attribution import find_last_changes
from reconciler.render.effects import Detail


@click.command("drift", cls=Sections)
@options.paths
@options.effects
@options.plan_scope
@options.server
@options.screen("drift")
def command(
    paths: tuple[str, ...],
    detail: Detail,
    moment: Moment,
    scope: Scope,
    server: ServerOptions,
    screen: Screen,
) -> int:
    """Tell whether live budgets still match the policy. Exits with 2 when they do not.

    Made for cron: it only reads, prints what differs, and never asks. Who changed it is told by Coder's audit log,
    which an Auditor or an Owner may read; an Auditor can write nothing, so theirs is the best token for it.

    PATH is a file, a folder (*.yaml and *.yml below it), or - for standard input; `policies` when none is given.
    """

    loaded = load_policies(paths)
    with server.reader() as reader:
        plan, cost = plan_of(loaded, reader, moment=moment, scope=scope)
        drift = Drift(plan=plan, last_changes=find_last_changes(plan, reader, now=moment.now))
    code = exits.of_drift(plan)
    screen.finish((drift,), exit_code=code, cost=cost, detail=detail)
    return code
