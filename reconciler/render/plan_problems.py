"""What stands against a plan: guardrails, hazards, and what is left out, unread, withheld or left alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from reconciler.core.notice import NoticeKind
from reconciler.core.plan.plan import Coverage, Plan
from reconciler.core.policy import Hazard
from reconciler.errors import Place
from reconciler.render.plan import LEFT_BY_DUE, why_withheld
from reconciler.render.problem import Problem, Severity, breach_problems, not_read
from reconciler.render.text import day
from reconciler.words import count, listed, spoken


def problems_of_plan(plan: Plan) -> tuple[Problem, ...]:
    """Return what stands against a plan, errors first, each kind in the plan's own order."""
    problems = [
        *breach_problems(plan.verdict.breaches), *_hazards(plan), *_left_out(plan), *_unread(plan), *_withheld(plan),
        *_left_alone(plan), *_notices(plan),
    ]  # fmt: skip
    return tuple(sorted(problems, key=lambda problem: list(Severity).index(problem.severity)))


def _hazards(plan: Plan) -> Iterator[Problem]:
    for hazard in plan.verdict.refused_hazards:
        refusal = plan.verdict.refusal_of(hazard)
        yield Problem(
            severity=Severity.ERROR,
            rule=str(hazard),
            subject="",
            message=refusal.message,
            hint=refusal.hint,
            place=_place_of(hazard, plan),
        )


def _place_of(hazard: Hazard, plan: Plan) -> Place | None:
    """Return the entry that concerns the first person counted, so that the author sees it at a line of the change."""
    names = {name for danger in plan.verdict.uncovered if danger.hazard is hazard for name in danger.counted}
    causes = {cause for person in plan.effects.people if person.username in names for cause in person.causes}
    places = (action.place for action in plan.actions if action.address in causes)
    return next(filter(None, places), None)


def _left_out(plan: Plan) -> Iterator[Problem]:
    """Entries that cannot be applied, and due actions that are held back; a standing orphan is a warning."""
    for orphan in plan.orphans:
        yield Problem(
            severity=Severity.WARNING if orphan.is_standing else Severity.ERROR,
            rule="orphan",
            subject=orphan.address,
            message=f"{spoken(orphan.address)} cannot be applied: {orphan.message}",
            hint=orphan.hint,
            place=orphan.place,
        )
    for held in plan.held_back:
        yield Problem(
            severity=Severity.WARNING,
            rule="held-back",
            subject=held.action.address,
            message=f"{spoken(held.action.address)} is held back: {held.message}",
            hint=held.hint,
            place=held.action.place,
        )


def _unread(plan: Plan) -> Iterator[Problem]:
    for row in plan.unreadable:
        address = row.subject.address
        message = f"{spoken(address)} could not be read: {row.reading.reason}"
        hint = "nothing is planned for it; run again, or use a token that may read it"
        yield Problem(
            severity=Severity.ERROR, rule="unreadable", subject=address, message=message, hint=hint, place=None
        )


def _withheld(plan: Plan) -> Iterator[Problem]:
    """Yield what was not read, an error where it withholds removals, and these removals together."""
    severity = Severity.ERROR if plan.withheld else Severity.WARNING
    yield from (replace(not_read(missed), severity=severity) for missed in plan.not_read)
    if plan.withheld:
        addresses = listed([spoken(action.address) for action in plan.withheld])
        message = f"{count(len(plan.withheld), 'removal')} withheld, because {why_withheld(plan)}: {addresses}"
        yield Problem(severity=Severity.WARNING, rule="withheld", subject="", message=message, hint="", place=None)


def _left_alone(plan: Plan) -> Iterator[Problem]:
    for sentence in plan.left_alone:
        message, hint = f"Left alone: {sentence}", LEFT_BY_DUE if plan.covers is Coverage.DUE else ""
        yield Problem(severity=Severity.WARNING, rule="left-alone", subject="", message=message, hint=hint, place=None)


def _notices(plan: Plan) -> Iterator[Problem]:
    for notice in plan.effects.notices:
        word = _DATED.get(notice.kind)
        date = f"{word} {day(notice.at)}; " if word else ""
        yield Problem(
            severity=Severity.WARNING if notice.kind is NoticeKind.CHECK_AMOUNT else Severity.NOTICE,
            rule=str(notice.kind),
            subject=notice.address,
            message=f"{spoken(notice.address)}: {date}{notice.text}",
            hint=_HINTS.get(notice.kind, ""),
            place=notice.place,
        )


_DATED = {
    NoticeKind.EXPIRES_SOON: "expires",
    NoticeKind.AWAITED: "starts",
    NoticeKind.STARTS_LATER: "starts",
}
_HINTS = {
    NoticeKind.REMOVABLE: "the entry may be removed from the policy",
    NoticeKind.RENAMED: "write today's name in the entry",
    NoticeKind.NAMESAKE: "if another person is meant, remove the entry, or write their UUID",
    NoticeKind.CHECK_AMOUNT: "check the amount",
    NoticeKind.STRAY: "no policy manages it; an entry with `limit: none` removes it",
}
"""What to do, as the titles of the text say it."""
