"""Documents as CSV for a spreadsheet: a row a person for a plan, a row a change or a finding for other documents.

Amounts are decimals of US dollars; `unlimited` means without a limit, an empty cell means not known. A text that
a spreadsheet would take for a formula begins with an apostrophe. The columns of each table stand here with what they
are, and in docs/reference/formats.md.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from typing import assert_never

from reconciler.core.action import Action
from reconciler.core.budget import Budget, State, Unknown
from reconciler.core.describe import names_for
from reconciler.core.directory import User
from reconciler.core.gate.validation import Validation
from reconciler.core.people.effects import PersonEffect, Unclear
from reconciler.core.people.explanation import Explanation
from reconciler.core.people.standing import Spend
from reconciler.core.plan.drift import Drift
from reconciler.core.plan.plan import Plan
from reconciler.core.plan.report import OutcomeReport
from reconciler.core.plan.status import Status
from reconciler.core.recording import Recording
from reconciler.core.snapshot import Effective, Unlimited
from reconciler.errors import Failure
from reconciler.formats.documents import Value
from reconciler.money import format_usd
from reconciler.render.changes import action_why
from reconciler.render.formats import Facts
from reconciler.render.text import harmless
from reconciler.words import NO_OVERRIDE

UNLIMITED = "unlimited"
PERSON = {
    "deployment": "the address of the Coder",
    "organization": "the organization of the change that does it",
    "username": "the person; a row each, of those whose limit, group or override changes, or may change",
    "limit_before_usd": "what the person may spend in a month now",
    "limit_after_usd": "what the person may spend in a month after the plan",
    "group_before": "the group that the person's spend is booked on now",
    "group_after": "the group that it is booked on after the plan",
    "by_override_after": "`yes` where the limit after the plan is the person's own, `no` where it is the group's",
    "spent_before_usd": "what was spent this period and counts against the limit of now",
    "spent_after_usd": "what of it counts against the limit after the plan: who moves to another group starts anew",
    "standing_before": "`free`, `blocked` (spent is at or over the limit) or `unknown`",
    "standing_after": "the same after the plan",
    "cause": "the address of the change that does it",
    "why": "the reason of that change in the policy",
    "remark": "why the rest of the row is not known",
}
STATUS = {
    "deployment": "the address of the Coder",
    "organization": "the organization of the group",
    "group": "the group that limits the person, or that the person's override is booked on",
    "username": "the person; a row each, of everybody",
    "account": "`active`, `dormant` or `suspended`",
    "limit_usd": "what the person may spend in a month",
    "by_override": "`yes` where the limit is the person's own, `no` where it is the group's",
    "spent_usd": "what was spent this period and counts against the limit",
    "used_percent": "spent of limit in percent, rounded down",
    "standing": "`free`, `blocked` (spent is at or over the limit) or `unknown`",
    "per_day_usd": "the pace: spent a day in the days that the other formats name",
    "reaches_on": "the day when the limit is reached at that pace; empty if not before the period ends",
    "remark": "why the rest of the row is not known",
}
RESULT = {
    "deployment": "the address of the Coder",
    "address": "whose limit: `group/ORGANIZATION/NAME` or `user/NAME`; a row each change",
    "kind": "`create`, `update` or `delete`",
    "before_usd": "the limit before the run",
    "after_usd": "the limit that the run was to set",
    "result": "`done`, `already-done`, `conflict`, `failed`, `in-doubt` or `not-attempted`",
    "detail": "why, where it is not done; why nothing was written, in a row without an address",
    "why": "the reason of the change in the policy",
    "file": "the policy file that asks for it",
    "line": "the line in that file",
    "run_at": "when the run began (UTC)",
    "run_by": "who started it: user and machine, or the link to the run of a pipeline",
    "account": "whose token it used",
    "revision": "the Git commit of the policy",
}
FINDING = {
    "file": "the policy file",
    "line": "the line in that file",
    "column": "the column in that line",
    "message": "what is wrong",
    "hint": "what to do",
}


class _Text(list[str]):
    """What csv.writer writes to."""

    def write(self, text: str) -> None:
        self.append(text)


def render(values: Sequence[Value], facts: Facts) -> str:
    """Render documents of one kind as one table with a header."""
    text = _Text()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_header(values[0]))
    writer.writerows(row for value in values for row in _rows(value))
    return "".join(text)


def _header(value: Value) -> Mapping[str, str]:
    match value:
        case Plan() | Drift():
            return PERSON
        case OutcomeReport():
            return RESULT
        case Status():
            return STATUS
        case Failure():
            return FINDING
        case Explanation() | Recording() | Validation():
            raise AssertionError("the table of formats has no such row")
        case _:
            assert_never(value)


def _rows(value: Value) -> Iterator[tuple[str, ...]]:
    match value:
        case Plan():
            yield from _people(value)
        case Drift():
            yield from _people(value.plan)
        case OutcomeReport():
            yield from _results(value)
        case Status():
            yield from _everybody(value)
        case Failure():
            yield from _findings(value)
        case _:
            return


def _people(plan: Plan) -> Iterator[tuple[str, ...]]:
    where = inert(plan.deployment.url)
    reasons = {action.address: action_why(action) for action in plan.actions}
    everybody: list[PersonEffect | Unclear] = sorted(
        [*plan.effects.people, *plan.effects.unclear], key=lambda person: person.username
    )
    names = names_for(side.group for person in plan.effects.people for side in (person.before, person.after))
    for person in everybody:
        name = inert(person.username)
        if isinstance(person, Unclear):
            remark = inert(f"not known: {person.reason}")
            yield (where, inert(str(person.organization)), name, *[""] * (len(PERSON) - 4), remark)
            continue
        yield (
            where,
            inert(str(person.organization)),
            name,
            _limit(person.before),
            _limit(person.after),
            inert(names(person.before.group)),
            inert(names(person.after.group)),
            "yes" if person.after.by_override else "no",
            _spend(person.spend_before_micros),
            _spend(person.spend_after_micros),
            str(person.standing_before),
            str(person.standing_after),
            inert(person.causes[0]),
            inert(reasons.get(person.causes[0], "")),
            "",
        )


def _everybody(status: Status) -> Iterator[tuple[str, ...]]:
    where = inert(status.deployment.url)
    for person in status.people:
        effective = person.effective
        account = inert(person.username), inert(person.account)
        if isinstance(effective, Unknown):
            yield (where, "", "", *account, *[""] * (len(STATUS) - 6), inert(f"not known: {effective.reason}"))
            continue
        yield (
            where,
            inert(effective.group.organization),
            inert(effective.group.label),
            *account,
            _limit(effective),
            "yes" if effective.by_override else "no",
            _spend(person.spend_micros),
            "" if person.used_percent is None else str(person.used_percent),
            str(person.standing),
            "" if person.per_day_micros is None else _usd(person.per_day_micros),
            "" if person.reaches_at is None else f"{person.reaches_at:%Y-%m-%d}",
            "",
        )


def _results(report: OutcomeReport) -> Iterator[tuple[str, ...]]:
    deployment = report.deployment
    run = (
        f"{report.at:%Y-%m-%dT%H:%M:%SZ}", inert(report.who), inert(deployment.user), inert(report.revision)
    )  # fmt: skip
    for outcome in report.results:
        action = outcome.action
        place = (inert(action.place.file), str(action.place.line)) if action.place else ("", "")
        yield (
            inert(report.deployment.url),
            inert(action.address),
            str(action.kind),
            _state(action, action.before),
            _state(action, action.after),
            str(outcome.result),
            inert(outcome.detail),
            inert(action_why(action)),
            *place,
            *run,
        )
    if report.refusal is not None:
        for detail in report.refusal.details:
            yield inert(report.deployment.url), "", "", "", "", "", inert(detail), "", "", "", *run


def _findings(failure: Failure) -> Iterator[tuple[str, ...]]:
    for finding in failure.findings:
        place = finding.place
        yield inert(place.file), str(place.line), str(place.column), inert(finding.message), inert(finding.hint)
    if not failure.findings:
        yield "", "", "", inert(failure.message), inert(failure.hint)
        yield from (("", "", "", inert(detail), "") for detail in failure.details)


def inert(text: str) -> str:
    """Return a text that no spreadsheet computes."""
    text = harmless(text)
    return f"'{text}" if text.lstrip().startswith(("=", "+", "-", "@", "|", "%")) else text


def _limit(effective: Effective) -> str:
    return UNLIMITED if isinstance(effective.limit_micros, Unlimited) else _usd(effective.limit_micros)


def _state(action: Action, state: State) -> str:
    """Say a limit; a person without an override is not without a limit: their groups may have a budget."""
    if isinstance(state, Budget):
        return _usd(state.limit_micros)
    return NO_OVERRIDE if isinstance(action.subject, User) else UNLIMITED


def _spend(spend: Spend) -> str:
    return "" if isinstance(spend, Unknown) else _usd(spend)


def _usd(micros: int) -> str:
    return format_usd(micros).replace("$", "").replace(",", "")
