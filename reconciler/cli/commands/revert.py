"""`reconciler revert`: take back what a run did."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime

import click

from reconciler.cli import completing, files
from reconciler.cli.options.connection import server
from reconciler.cli.options.output import screen
from reconciler.cli.options.run import consents, effects, journal
from reconciler.cli.outcomes import read_outcome
from reconciler.cli.planning import cost_text
from reconciler.cli.policies import load_named_policies
from reconciler.cli.screen import Screen
from reconciler.cli.sections import Sections
from reconciler.cli.server import ServerOptions
from reconciler.cli.signals import Interruption
from reconciler.cli.to_apply import ToApply
from reconciler.core.action import Action
from reconciler.core.gate.verdict import Grant
from reconciler.core.plan.outcome import Outcome, Result
from reconciler.core.plan.plan import Plan
from reconciler.core.policy import Policy
from reconciler.errors import FileError, PolicyError
from reconciler.formats.journal import HINT_JOURNAL
from reconciler.operations.ports import Reader
from reconciler.operations.revert import make_revert
from reconciler.render.detail import Detail
from reconciler.render.outcome import policy_of_run_said
from reconciler.render.plan import left_alone_lines, plan_report, summary
from reconciler.render.text import harmless, lines_of
from reconciler.words import listed, spoken

NO_END = "The journal has no end: if its run is still going on, stop it first; what it writes later is not taken back."

OR_ANOTHER = "Whether it wrote this is not known: somebody else may have set the same."


@click.command("revert", cls=Sections)
@click.argument("journal", type=click.Path(), shell_complete=completing.journals)
@click.option(
    "--policies", "policy_paths", multiple=True, type=click.Path(), metavar="PATH",
    help="Policies whose guardrails are asked; may be repeated. `policies` if it exists.",
)  # fmt: skip
@click.option("--auto-approve", is_flag=True, help="Do not ask. Skips the question, never a refusal.")
@journal
@consents
@effects
@server
@screen("outcome")
def command(
    journal: str,
    policy_paths: tuple[str, ...],
    auto_approve: bool,
    journal_path: str | None,
    grants: tuple[Grant, ...],
    detail: Detail,
    server: ServerOptions,
    screen: Screen,
) -> int:
    """Take back what the run of JOURNAL really did.

    Plans the inverse of its results, leaves alone what somebody has changed since, shows the plan, asks, and applies it
    like any other: through the same gate, with a journal of its own, which can be reverted too. Guardrails that it
    would break are warnings: the way back stays open.
    """
    from reconciler.cli.applying import Terms, approve_and_apply

    started = time.monotonic()
    kind = files.kind_of_document(journal)
    if kind not in ("", "journal"):
        raise FileError(f"{journal} is a {kind}, not a journal", hint=HINT_JOURNAL)
    outcome = read_outcome(files.read_text(journal), source=journal)
    if outcome.ended is None:
        screen.note(NO_END)
    policies = _guardrails_of(policy_paths, screen)
    stop = Interruption()
    with server.reader(sleep=stop.sleep) as reader:
        read_from = datetime.now(UTC)
        plan = _taken_back(outcome, reader, read_from, grants, policies)
        if doubtful := _doubtful(outcome, plan):
            names = listed([harmless(spoken(address)) for address in doubtful])
            screen.note(f"In doubt in that run, and taken back, too: {names}. {OR_ANOTHER}")
        cost = cost_text(reader, since=started)
        is_empty = plan.is_complete and not plan.has_changes
        to_apply = ToApply(
            plan=plan,
            report=lines_of([*left_alone_lines(plan), summary(plan)])
            if is_empty
            else plan_report(plan, cost, detail=detail),
            renew=lambda reader, now: _taken_back(outcome, reader, now, grants, policies),
            read_from=read_from,
        )
        terms = Terms(auto_approve=auto_approve, journal_path=journal_path)
        code = approve_and_apply(to_apply, reader, terms=terms, server=server, screen=screen, stop=stop)
    if sentence := policy_of_run_said(_as_live(outcome, plan), outcome.started.revision):
        screen.note(sentence)
    return code


def _doubtful(outcome: Outcome, plan: Plan) -> list[str]:
    """Return what `plan` takes back although the run may not have written it."""
    doubted = {row.action.subject.id for row in outcome.results if row.result is Result.IN_DOUBT}
    return [action.address for action in plan.actions if action.subject.id in doubted]


def _as_live(outcome: Outcome, plan: Plan) -> list[Action]:
    """Return the actions of a run that `plan` takes back, with the names and values of what was live before that."""
    taken_back = {action.subject.id: action for action in plan.actions}
    return [
        replace(row.action, subject=live.subject, after=live.before)
        for row in outcome.results
        if (live := taken_back.get(row.action.subject.id)) is not None
    ]


def _guardrails_of(paths: tuple[str, ...], screen: Screen) -> tuple[Policy, ...]:
    """Read the policies; one with errors in it does not close the way back, unless it was asked for by name."""
    try:
        return load_named_policies(paths)
    except PolicyError as error:
        if paths:
            raise
        first = harmless(error.findings[0].message)
        screen.note(f"Guardrails are not asked, because the policy has errors: {first}.")
        return ()


def _taken_back(
    outcome: Outcome, reader: Reader, now: datetime, grants: tuple[Grant, ...], policies: tuple[Policy, ...]
) -> Plan:
    return make_revert(outcome, reader, at=now, policies=policies).with_grants(grants)
