"""`reconciler revert`: take back what a run did."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime

import click

from reconciler.cli import completing, files, options
from reconciler.cli.outcomes import read_outcome
from reconciler.cli.planning import ToApply, cost_text
from reconciler.cli.screen import Screen
from reconciler.cli.sections import Sections
from reconciler.cli.server import ServerOptions
from reconciler.cli.signals import Interruption
from reconciler.core.gate.verdict import Grant
from reconciler.core.plan.outcome import Outcome
from reconciler.core.plan.plan import Plan
from reconciler.operations.ports import Reader
from reconciler.operations.revert import make_revert
from reconciler.render.effects import Detail
from reconciler.render.outcome import policy_still_says
from reconciler.render.plan import plan_report
from reconciler.render.text import harmless, lines_of


@click.command("revert", cls=Sections)
@click.argument("journal", type=click.Path(), shell_complete=completing.journals)
@click.option("--auto-approve", is_flag=True, help="Do not ask. Skips the question, never a refusal.")
@options.journal
@options.consents
@options.effects
@options.server
@options.screen("outcome")
def command(
    journal: str,
    auto_approve: bool,
    journal_path: str | None,
    grants: tuple[Grant, ...],
    detail: Detail,
    server: ServerOptions,
    screen: Screen,
) -> int:
    """Take back what the run of JOURNAL really did.

    Plans the inverse of its results, leaves alone what somebody has changed since, shows the plan, asks, and applies it
    like any other: through the same gate, with a journal of its own, which can be reverted too.
    """
    from reconciler.cli.applying import approve_and_apply

    started = time.monotonic()
    outcome = read_outcome(files.read_text(journal), source=journal)
    stop = Interruption()
    with server.reader(sleep=stop.sleep) as reader:
        plan, skipped = _taken_back(outcome, reader, datetime.now(UTC), grants)
        for sentence in skipped:
            screen.note(f"Left alone: {harmless(sentence)}.")
        cost = cost_text(reader.requests, time.monotonic() - started)
        is_empty = plan.is_complete and not plan.has_changes
        to_apply = ToApply(
            plan=plan,
            report=lines_of(["Nothing to take back."]) if is_empty else plan_report(plan, cost, detail=detail),
            renew=lambda reader, now: _taken_back(outcome, reader, now, grants)[0],
        )
        code = approve_and_apply(
            to_apply,
            reader,
            server,
            screen,
            stop,
            auto_approve=auto_approve,
            journal_path=journal_path,
        )
    taken_back = {action.subject.id: action for action in plan.actions}
    actions = [
        replace(row.action, subject=live.subject, after=live.before)
        for row in outcome.results
        if (live := taken_back.get(row.action.subject.id)) is not None
    ]
    if sentence := policy_still_says(actions, outcome.started.revision):
        screen.note(sentence)
    return code


def _taken_back(
    outcome: Outcome, reader: Reader, now: datetime, grants: tuple[Grant, ...]
) -> tuple[Plan, tuple[str, ...]]:
    revert = make_revert(outcome, reader, at=now)
    return revert.plan.with_grants(grants), revert.skipped
