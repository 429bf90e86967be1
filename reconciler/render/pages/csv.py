"""Documents as CSV for a spreadsheet: a row a person for a plan, a row a change or a finding for other documents.

Amounts are decimals of US dollars; `unlimited` means without a limit, an empty cell means not known. A text that
a spreadsheet would take for a formula begins with an apostrophe.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
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
PERSON = (
    "deployment", "organization", "username", "limit_before_usd", "limit_after_usd", "group_before", "group_after",
    "by_override_after", "spent_before_usd", "spent_after_usd", "standing_before", "standing_after", "cause", "why",
    "remark",
)  # fmt: skip
STATUS = (
    "deployment", "organization", "group", "username", "account", "limit_usd", "by_override", "spent_usd",
    "used_percent", "standing", "per_day_usd", "reaches_on", "remark",
)  # fmt: skip
RESULT = (
    "deployment", "address", "kind", "before_usd", "after_usd", "result", "detail", "why", "file", "line",
    "run_at", "run_by", "account", "revision",
)  # fmt: skip
FINDING = ("file", "line", "column", "message", "hint")


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


def _header(value: Value) -> tuple[str, ...]:
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
