"""What is wrong in a document, as problems with a place: what annotations, widgets and lists of problems show.

They hold texts, and no markup, and say nothing that changes from run to run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from reconciler.core.action import Action
from reconciler.core.gate.validation import Validation
from reconciler.core.plan.drift import Drift
from reconciler.core.plan.outcome import Result
from reconciler.core.plan.plan import Plan
from reconciler.core.plan.report import OutcomeReport
from reconciler.core.plan.status import Status
from reconciler.core.policy import GuardrailName
from reconciler.errors import Failure
from reconciler.formats.documents import Value
from reconciler.render.breaches import BREACHES_SHOWN
from reconciler.render.changes import ChangeRow, difference_rows
from reconciler.render.plan_problems import problems_of_plan
from reconciler.render.problem import Problem, Severity, breach_problems, failing, not_read
from reconciler.render.text import Line, Role, harmless
from reconciler.words import listed, spoken


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
            return (*breach_problems(value.breaches), *map(not_read, value.not_read))
        case OutcomeReport(refusal=Failure() as refusal, plan=plan):
            reasons = problems_of_failure(without_reasons_of(plan, refusal))
            return (*reasons, *(problems_of_plan(plan) if plan else ()))
        case OutcomeReport():
            planned = problems_of_plan(value.plan) if value.plan else ()
            undone = (*_results(value), *_not_attempted(value), *not_verified(value))
            return (*undone, *(problem for problem in planned if not problem.is_hazard))
        case Status():
            return tuple(breach_problems(value.breaches))
        case _:
            return ()


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
        yield failing("not-attempted", f"{names}: not attempted{why and f': {why}'}", place=actions[0].place)


def not_verified(report: OutcomeReport) -> Iterator[Problem]:
    """Yield what the read at the end of a run did not show."""
    for difference in report.ended.differences if report.ended else ():
        yield failing("not-verified", f"not verified: {difference}", place=None)
