"""Documents as a JUnit report, for the CI systems that show one: a test case an entry, a failure a problem.

A change of a plan passes, a difference of a drift fails, and so does an entry with a problem. A problem without an
entry is a case of its own, and so are all entries together that need no change. A report without cases would read as
"no tests were run", so a document without any has one case.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import assert_never
from xml.sax.saxutils import escape, quoteattr

from reconciler.core.gate.validation import Validation
from reconciler.core.people.explanation import Explanation
from reconciler.core.plan.drift import Drift
from reconciler.core.plan.outcome import Result
from reconciler.core.plan.plan import Plan
from reconciler.core.plan.report import OutcomeReport
from reconciler.core.plan.status import Status
from reconciler.core.recording import Recording
from reconciler.errors import Failure, Place
from reconciler.formats.documents import Value, document_of
from reconciler.money import format_usd
from reconciler.render.changes import ChangeRow, Level, Problem, change_rows, difference_rows, problems_of
from reconciler.render.formats import Facts
from reconciler.render.text import harmless
from reconciler.words import NO_LIMIT, count


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    suite: str
    name: str
    place: Place | None = None
    failure: str = ""
    detail: str = ""
    is_skipped: bool = False
    output: str = ""


def render(values: Sequence[Value], facts: Facts) -> str:
    """Render documents as one test suite."""
    name = f"reconciler {document_of(values[0]).name}"
    cases = [case for value in values for case in _cases(value)] or [
        _Case(suite="reconciler", name="nothing to report")
    ]
    failures, skipped = sum(bool(case.failure) for case in cases), sum(case.is_skipped for case in cases)
    numbers = f'tests="{len(cases)}" failures="{failures}" errors="0" skipped="{skipped}"'
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f"<testsuites name={quoteattr(name)} {numbers}>",
        f"  <testsuite name={quoteattr(name)} {numbers}>",
        *(line for case in cases for line in _lines(case)),
        "  </testsuite>",
        "</testsuites>",
    ]
    return "\n".join(lines) + "\n"


def _cases(value: Value) -> Iterator[_Case]:
    problems = [problem for problem in problems_of((value,)) if problem.level is Level.ERROR]
    entries = {case.name: case for case in _entries(value)}
    for problem in problems:
        if problem.subject in entries:
            entries[problem.subject] = _failed(entries[problem.subject], problem)
    yield from entries.values()
    yield from (_problem(problem) for problem in problems if problem.subject not in entries)


def _entries(value: Value) -> Iterator[_Case]:
    """Yield a case an entry; no two have the same name."""
    match value:
        case Plan():
            yield from (_case(row, failure="") for row in change_rows(value))
            yield from _unchanged(value)
        case Drift():
            yield from (_case(row, failure="differs from the policy") for row in difference_rows(value))
            yield from _unchanged(value.plan)
        case OutcomeReport():
            yield from _results(value)
        case Validation():
            yield from (_Case(suite="policy files", name=source.path) for source in value.files)
        case Failure() | Explanation() | Status() | Recording():
            pass
        case _:
            assert_never(value)


def _unchanged(plan: Plan) -> Iterator[_Case]:
    if plan.unchanged:
        yield _Case(suite="unchanged", name=f"{count(plan.unchanged, 'entry', 'entries')} as the policy wants")


def _failed(case: _Case, problem: Problem) -> _Case:
    failure = "; ".join(filter(None, (case.failure, problem.message)))
    return replace(case, failure=failure, detail="; ".join(filter(None, (case.detail, problem.hint))))


def _case(row: ChangeRow, *, failure: str) -> _Case:
    amounts = " -> ".join(
        NO_LIMIT if micros is None else format_usd(micros) for micros in (row.before_micros, row.after_micros)
    )
    return _Case(
        suite=f"to {row.kind}",
        name=row.address,
        place=row.place,
        failure=failure and f"{failure}: {amounts}",
        detail=row.note,
        output="; ".join(filter(None, (f"{row.kind}: {amounts}", row.why))),
    )


def _results(report: OutcomeReport) -> Iterator[_Case]:
    for outcome in report.results:
        is_settled = outcome.result in (Result.DONE, Result.ALREADY)
        is_skipped = outcome.result is Result.NOT_ATTEMPTED
        yield _Case(
            suite=f"to {outcome.action.kind}",
            name=outcome.action.address,
            place=outcome.action.place,
            failure="" if is_settled or is_skipped else str(outcome.result),
            detail=outcome.detail,
            is_skipped=is_skipped,
            output=str(outcome.result),
        )


def _problem(problem: Problem) -> _Case:
    is_placed = problem.place is not None and not problem.is_hazard
    name = problem.subject or (str(problem.place) if is_placed else problem.rule)
    return _Case(suite=problem.rule, name=name, place=problem.place, failure=problem.message, detail=problem.hint)


def _lines(case: _Case) -> Iterator[str]:
    place = f' file={_attribute(case.place.file)} line="{case.place.line}"' if case.place else ""
    start = f"    <testcase classname={_attribute(case.suite)} name={_attribute(case.name)}{place}>"
    yield start
    if case.failure:
        yield f"      <failure message={_attribute(case.failure)}>{escape(harmless(case.detail))}</failure>"
    elif case.is_skipped:
        yield f"      <skipped message={_attribute(case.detail)}/>"
    if case.output:
        yield f"      <system-out>{escape(harmless(case.output))}</system-out>"
    yield "    </testcase>"


def _attribute(text: str) -> str:
    return quoteattr(harmless(text))
