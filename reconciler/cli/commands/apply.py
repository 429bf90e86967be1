"""`reconciler apply`: show the plan, ask, carry it out, say what happened."""

from __future__ import annotations

import re

import click

from reconciler.cli import completing
from reconciler.cli.options.connection import server
from reconciler.cli.options.output import screen
from reconciler.cli.options.run import consents, effects, journal, plan_scope
from reconciler.cli.screen import Screen
from reconciler.cli.sections import Sections
from reconciler.cli.server import ServerOptions, dates_at
from reconciler.cli.signals import Interruption
from reconciler.cli.to_apply import plan_to_apply
from reconciler.core.gate.verdict import Grant
from reconciler.core.moment import Moment
from reconciler.core.scope import Scope
from reconciler.render.detail import Detail

_DIGEST = re.compile(r"[0-9a-f]{12,64}")
"""As `plan` shows it (DIGEST_SHOWN characters), or whole."""


def _digest(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """Return it in small letters. Checked before anything is read, so an empty variable of a pipeline is named so."""
    if value is None:
        return None
    digest = value.strip().lower()
    if not _DIGEST.fullmatch(digest):
        raise click.BadParameter(
            f"{value!r} is not a digest; give the 12 characters that `plan` shows, such as 9f8e12ab34cd, or all 64"
        )
    return digest


@click.command("apply", cls=Sections)
@click.argument("paths", nargs=-1, metavar="[PATH]... | PLAN", type=click.Path(), shell_complete=completing.saved_plans)
@click.option("--auto-approve", is_flag=True, help="Do not ask. Skips the question, never a refusal.")
@click.option(
    "--expect-digest",
    metavar="DIGEST",
    callback=_digest,
    help="Refuse unless the plan has this digest (12 characters or more), as a pull request showed it.",
)
@journal
@consents
@effects
@click.option("--due", is_flag=True, help="Only what a date asks for: overrides that ended or begin. For cron, hourly.")
@click.option("--strict", is_flag=True, help="Exit with 4 when entries were left out or removals withheld.")
@plan_scope
@server
@screen("outcome")
def command(
    paths: tuple[str, ...],
    auto_approve: bool,
    expect_digest: str | None,
    journal_path: str | None,
    grants: tuple[Grant, ...],
    detail: Detail,
    due: bool,
    strict: bool,
    moment: Moment,
    scope: Scope,
    server: ServerOptions,
    screen: Screen,
) -> int:
    """Make live budgets match the policy. Sends the fewest PUT and DELETE calls.

    \b
    reconciler apply                       plan policies/, show it, ask, write
    reconciler apply saved.plan            exactly this plan, or nothing
    reconciler apply --auto-approve --expect-digest 9f8e12ab34cd
                                           in CI: what the pull request showed
    reconciler apply --due --auto-approve  hourly: only what a date asks for

    Every object is read right before it is written; one that somebody else changed is left alone. What is about to be
    written is put on disk first, in a journal under .reconciler/ (or --journal FILE); without a journal nothing is
    written. Afterwards everything is read again, and the outcome says whether it is so.
    """
    from reconciler.cli.applying import Terms, approve_and_apply

    terms = Terms(auto_approve=auto_approve, journal_path=journal_path, expect_digest=expect_digest, is_strict=strict)
    stop = Interruption()
    with server.reader(sleep=stop.sleep, dates=dates_at(moment)) as reader:
        to_apply = plan_to_apply(paths, reader, moment=moment, scope=scope, grants=grants, detail=detail, only_due=due)
        return approve_and_apply(to_apply, reader, terms=terms, server=server, screen=screen, stop=stop)
