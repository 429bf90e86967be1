"""`reconciler plan`: show what would change."""

from __future__ import annotations

import click

from reconciler.cli import exits, files, options
from reconciler.cli.planning import load_policies, plan_of
from reconciler.cli.screen import Screen
from reconciler.cli.server import ServerOptions
from reconciler.core.gate.verdict import Grant
from reconciler.core.moment import Moment
from reconciler.core.plan.plan import Plan
from reconciler.core.scope import Scope
from reconciler.formats.plan import NAME, dump_plan
from reconciler.render.effects import Detail
from reconciler.render.plan import plan_report


@click.command("plan")
@options.paths
@click.option("-o", "--output", "output", type=click.Path(), metavar="FILE", help="Save the plan, for `apply FILE`.")
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 2 when there are changes.")
@options.consents
@options.effects
@options.plan_scope
@options.server
@options.screen
def command(
    paths: tuple[str, ...],
    output: str | None,
    detailed_exitcode: bool,
    grants: tuple[Grant, ...],
    detail: Detail,
    moment: Moment,
    scope: Scope,
    server: ServerOptions,
    screen: Screen,
) -> int:
    """Show what would change, and change nothing. Only GET requests are sent.

    \b
    reconciler plan                       policies/ against what CODER_URL names
    reconciler plan -o saved.plan         save it for `apply saved.plan`
    reconciler plan --only 'group/acme/*' a part of it
    reconciler plan --at 2027-01-01       what will be due on that day

    PATH is a file or a folder (*.yaml and *.yml below it); `policies` when none is given.
    """

    if output is not None:
        files.require_replaceable(output, NAME)
    loaded = load_policies(paths)
    with server.reader() as reader:
        plan, cost = plan_of(loaded, reader, moment=moment, scope=scope, grants=grants)
    if output is not None:
        files.write_private(output, dump_plan(plan))
    screen.text_or_document(lambda: plan_report(plan, cost, detail=detail), lambda: dump_plan(plan))
    if plan.verdict.is_refused:
        return exits.REFUSED
    return exit_code_of(plan, differences=exits.DIFFERENCES if detailed_exitcode else exits.DONE)


def exit_code_of(plan: Plan, *, differences: int) -> int:
    """1 when something could not be read: such a plan says nothing about it, so it must not pass for a clean one."""
    if not plan.is_complete:
        return exits.ERROR
    return differences if plan.has_changes else exits.DONE
