"""What is wrong in a document, as problems with a place: what annotations, widgets and lists of problems show.

They hold texts, and no markup, and say nothing that changes from run to run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from enum import StrEnum

from reconciler.core.action import Action
from reconciler.core.gate.breach import Breach
from reconciler.core.gate.validation import Validation
from reconciler.core.notice import NoticeKind
from reconciler.core.plan.drift import Drift
from reconciler.core.plan.outcome import Result
from reconciler.core.plan.plan import Coverage, Plan
from reconciler.core.plan.report import OutcomeReport
from reconciler.core.plan.status import Status
from reconciler.core.policy import GuardrailName, Hazard, NotRead
from reconciler.dataclass import dataclass
from reconciler.errors import Failure, Place
from reconciler.formats.documents import Value
from reconciler.render.breaches import BREACHES_SHOWN
from reconciler.render.changes import ChangeRow, difference_rows
from reconciler.render.plan import LEFT_BY_DUE, why_withheld
from reconciler.render.text import Line, Role, day, harmless
from reconciler.words import count, listed, spoken


class Severity(StrEnum):
    """How bad a problem is, in GitHub's words."""

    ERROR = "error"
    WARNING = "warning"
    NOTICE = "notice"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something that its author should know, at the place where it can be mended."""

    severity: Severity
    rule: str
    """What was broken, in one word: `max_limit`, `BLOCKS_USERS`, `finding`."""
    subject: str
    """The address that it is about; empty where there is none."""
    message: str
    hint: str
    place: Place | None

    @property
    def is_hazard(self) -> bool:
        """Whether consent would end it."""
        return self.rule in set(Hazard)

    @property
    def is_reason(self) -> bool:
        """Whether a plan is refused for it."""
        return self.is_hazard or (self.rule in set(GuardrailName) and self.severity is Severity.ERROR)


def problems_of(values: Iterable[Value]) -> tuple[Problem, ...]:
    """Return the problems of any documents, in their order."""
    return tuple(problem for value in values for problem in _problems_of(value))


def _problems_of(value: Value) -> tuple[Problem, ...]:
    match value:
        case Failure():
            return problems_of_failure(value)
        case Plan():
            return problems_of_plan(value)
        case Drift():
            problems = (problem for problem in problems_of_plan(value.plan) if not problem.is_hazard)
            return (*problems, *map(_difference, difference_rows(value)))
        case Validation():
            return (*_breaches(value.breaches), *map(_not_read, value.not_read))
        case OutcomeReport(refusal=Failure() as refusal, plan=plan):
            reasons = problems_of_failure(without_reasons_of(plan, refusal))
            return (*reasons, *(problems_of_plan(plan) if plan else ()))
        case OutcomeReport():
            planned = problems_of_plan(value.plan) if value.plan else ()
            undone = (*_results(value), *_not_attempted(value), *not_verified(value))
            return (*undone, *(problem for problem in planned if not problem.is_hazard))
        case Status():
            return tuple(_breaches(value.breaches))
        case _:
            return ()


def problems_of_plan(plan: Plan) -> tuple[Problem, ...]:
    """Return what stands against a plan, errors first, each kind in the plan's own order."""
    problems = [
        *_breaches(plan.verdict.breaches), *_hazards(plan), *_left_out(plan), *_unread(plan), *_withheld(plan),
        *_left_alone(plan), *_notices(plan),
    ]  # fmt: skip
    return tuple(sorted(problems, key=lambda problem: list(Severity).index(problem.severity)))


def folded(problems: Sequence[Problem]) -> list[Problem]:
    """Return problems, but one for all entries that break one guardrail, where they are many and none is an error.

    What stands is told on every page until it is mended. In full it hides what is new.
    """
    counts = Counter(problem.rule for problem in problems if problem.severity is Severity.WARNING)
    many = {str(name) for name in GuardrailName if counts[str(name)] > BREACHES_SHOWN}
    result: list[Problem] = []
    for problem in problems:
        if problem.rule not in many or problem.severity is not Severity.WARNING:
            result.append(problem)
        elif problem.rule in counts:
            message = f"{problem.rule}: {counts.pop(problem.rule):,} entries, first {problem.message}"
            result.append(replace(problem, message=message, hint=f"{problem.hint}; `--json` lists all of them"))
    return result


def problem_lines(values: Iterable[Value]) -> list[Line]:
    """Render errors and warnings for a stream of their own, beside a format that has no room for them."""
    lines: list[Line] = []
    problems = (problem for problem in problems_of(values) if problem.rule != "drift")
    for problem in folded([problem for problem in problems if problem.severity is not Severity.NOTICE]):
        where = f"{problem.place}: " if problem.place else ""
        role = Role.DANGER if problem.severity is Severity.ERROR else Role.UNKNOWN
        lines.append(Line(harmless(f"{problem.severity.capitalize()}: {where}{problem.message}."), role))
        lines += [Line(harmless(f"  {problem.hint}"))] if problem.hint else []
    return lines


def without_reasons_of(plan: Plan | None, failure: Failure) -> Failure:
    """Leave out the details of a failure that only repeat why the plan is refused, where the plan is shown, too."""
    return replace(failure, details=()) if plan and plan.verdict.is_refused else failure


def problems_of_failure(failure: Failure) -> tuple[Problem, ...]:
    """Return the findings of an error, or the error itself where it has none."""
    if failure.findings:
        return tuple(
            Problem(
                severity=Severity.ERROR,
                rule="finding",
                subject="",
                message=finding.message,
                hint=finding.hint,
                place=finding.place,
            )
            for finding in failure.findings
        )
    message = "; ".join((failure.message, *failure.details))
    return (Problem(severity=Severity.ERROR, rule="error", subject="", message=message, hint=failure.hint, place=None),)


def _difference(row: ChangeRow) -> Problem:
    message = f"{spoken(row.address)}: the policy says {row.after}, and live is {row.live}"
    hint = "run `reconciler apply` for what the policy says, or `reconciler drift --accept` to keep what is live"
    return Problem(
        severity=Severity.WARNING, rule="drift", subject=row.address, message=message, hint=hint, place=row.place
    )


def _results(report: OutcomeReport) -> Iterator[Problem]:
    """Yield what a run tried and did not do, at the lines of the entries."""
    for row in report.results:
        if row.result not in (Result.DONE, Result.ALREADY, Result.NOT_ATTEMPTED):
            yield Problem(
                severity=Severity.ERROR,
                rule=str(row.result),
                subject=row.action.address,
                message=f"{spoken(row.action.address)}: {str(row.result).replace('-', ' ')}: {row.detail}",
                hint="",
                place=row.action.place,
            )


def _not_attempted(report: OutcomeReport) -> Iterator[Problem]:
    """Yield what a run did not try, once for each reason."""
    left: dict[str, list[Action]] = {}
    for row in report.results:
        if row.result is Result.NOT_ATTEMPTED:
            left.setdefault(row.detail, []).append(row.action)
    for why, actions in left.items():
        names = listed([spoken(action.address) for action in actions])
        yield _failing("not-attempted", f"{names}: not attempted{why and f': {why}'}", place=actions[0].place)


def not_verified(report: OutcomeReport) -> Iterator[Problem]:
    """Yield what the read at the end of a run did not show."""
    for difference in report.ended.differences if report.ended else ():
        yield _failing("not-verified", f"not verified: {difference}", place=None)


def _failing(rule: str, message: str, *, place: Place | None) -> Problem:
    return Problem(severity=Severity.ERROR, rule=rule, subject="", message=message, hint="", place=place)


def _not_read(missed: NotRead) -> Problem:
    return _failing("not-read", f"{spoken(missed.path)} was not read: {missed.reason}", place=Place(missed.path, 1, 1))


def _breaches(breaches: Iterable[Breach]) -> Iterator[Problem]:
    for breach in breaches:
        yield Problem(
            severity=Severity.WARNING if breach.is_standing else Severity.ERROR,
            rule=str(breach.guardrail),
            subject=breach.address or "",
            message=breach.message,
            hint=breach.hint,
            place=breach.place,
        )


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
    yield from (replace(_not_read(missed), severity=severity) for missed in plan.not_read)
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
