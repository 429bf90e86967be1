"""Documents as a JUnit report, for the CI systems that show one: a test case an entry, a failure a problem.

A change of a plan passes, a difference of a drift fails, and so does an entry with a problem. What is left out, held
back or starts later is skipped, with why. A problem without an entry is a case of its own.

The entries that need no change are known while a command runs (`facts.entries`). No saved document has them, so `show`
has one case that counts them. A report without cases would read as "no tests were run", so a document without any has
one case.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import assert_never
from xml.sax.saxutils import escape, quoteattr

from reconciler.core.gate.validation import Validation
from reconciler.core.moment import instant
from reconciler.core.people.explanation import Explanation
from reconciler.core.plan.drift import Drift
from reconciler.core.plan.outcome import Result
from reconciler.core.plan.plan import Plan
from reconciler.core.plan.report import OutcomeReport
from reconciler.core.plan.status import Status
from reconciler.core.recording import Recording
from reconciler.dataclass import dataclass
from reconciler.errors import Failure, ListedEntry, Place
from reconciler.formats.documents import Value, document_of
from reconciler.render.changes import ChangeRow, change_rows, difference_rows
from reconciler.render.formats import Facts
from reconciler.render.plan_problems import problems_of_plan
from reconciler.render.problem import Problem, Severity
from reconciler.render.problems import not_verified, problems_of
from reconciler.render.text import harmless
from reconciler.words import count

UNCHANGED = "unchanged"
LEFT_OUT = ("orphan", "held-back", "withheld", "not-read", "left-alone")
"""Rules of problems for which an entry, or a case of its own, is skipped where they do not fail it."""


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
    cases = [case for value in values for case in _cases(value, facts)] or [
        _Case(suite="reconciler", name="nothing to report")
    ]
    failures, skipped = sum(bool(case.failure) for case in cases), sum(case.is_skipped for case in cases)
    numbers = f'tests="{len(cases)}" failures="{failures}" errors="0" skipped="{skipped}"'
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f"<testsuites name={quoteattr(name)} {numbers}>",
        f"  <testsuite name={quoteattr(name)} {numbers}>",
        *(line for case in cases for line in _lines(case, facts)),
        "  </testsuite>",
        "</testsuites>",
    ]
    return "\n".join(lines) + "\n"


def _cases(value: Value, facts: Facts) -> Iterator[_Case]:
    """Yield a case an entry, those of which something is to be said first; then a case for each other problem."""
    cases = {case.name: case for case in _told(value)}
    places = {case.place: name for name, case in cases.items() if case.place}
    plan = _plan_of(value)
    withheld = frozenset(action.address for action in plan.withheld) if plan else frozenset()
    for entry in facts.entries:
        if entry.place not in places:
            case = _entry(entry, plan, withheld)
            case = replace(case, name=f"{case.name} at {entry.place}") if case.name in cases else case
            cases[case.name] = case
            places[entry.place] = case.name
        places.update((finding.place, places[entry.place]) for finding in entry.findings)
    others = []
    for problem in _problems_in(value):
        name = _name_in(cases, places, problem)
        if name:
            cases[name] = _with_problem(cases[name], problem, value)
        elif _fails(problem, value) or problem.rule in LEFT_OUT:
            others.append(_problem_alone(problem, value))
    yield from (*cases.values(), *_files(value, facts), *others)
    if plan is not None and plan.unchanged and not facts.entries and not isinstance(value, OutcomeReport):
        yield _Case(suite=UNCHANGED, name=f"{count(plan.unchanged, 'entry', 'entries')} as the policy wants")


def _name_in(cases: Mapping[str, _Case], places: Mapping[Place, str], problem: Problem) -> str:
    """Return the name of the case that a problem belongs to; empty where it stands alone."""
    if problem.subject:
        return problem.subject if problem.subject in cases else ""
    return places.get(problem.place, "") if problem.place and not problem.is_hazard else ""


def _plan_of(value: Value) -> Plan | None:
    match value:
        case Plan():
            return value
        case Drift() | OutcomeReport():
            return value.plan
        case _:
            return None


def _problems_in(value: Value) -> Iterable[Problem]:
    """Return the problems of a document; of a run that began, those that its plan had, and what was not verified.

    What became of each action is in the action's own case.
    """
    match value:
        case Drift():
            return [problem for problem in problems_of((value,)) if problem.rule != "drift"]
        case OutcomeReport(refusal=None, plan=plan):
            return (*(problems_of_plan(plan) if plan else ()), *not_verified(value))
        case _:
            return problems_of((value,))


def _told(value: Value) -> Iterator[_Case]:
    """Yield a case for each change, difference or result; no two have the same name."""
    match value:
        case Plan():
            yield from (_case(row, failure="") for row in change_rows(value))
        case Drift():
            yield from (_case(row, failure="differs from the policy") for row in difference_rows(value))
        case OutcomeReport():
            yield from _results(value)
        case Validation() | Failure() | Explanation() | Status() | Recording():
            pass
        case _:
            assert_never(value)


def _files(value: Value, facts: Facts) -> Iterator[_Case]:
    """Yield a case for each valid policy file none of whose entries has a case."""
    if isinstance(value, Validation):
        named = {entry.place.file for entry in facts.entries}
        yield from (_Case(suite="policy files", name=file.path) for file in value.files if file.path not in named)


def _entry(entry: ListedEntry, plan: Plan | None, withheld: Collection[str]) -> _Case:
    """Return the case of an entry that no change, difference or result is about."""
    case = _Case(suite=UNCHANGED, name=entry.address or str(entry.place), place=entry.place)
    if plan is None:
        return replace(case, suite=entry.place.file)
    if entry.starts is not None and plan.at < entry.starts:
        return replace(case, suite="later", is_skipped=True, detail=f"starts {instant(entry.starts)}")
    if entry.address in withheld:
        reason = "its removal is withheld, because not everything is known"
        return replace(case, suite="withheld", is_skipped=True, detail=reason)
    return case


def _fails(problem: Problem, value: Value) -> bool:
    """Whether a problem fails its case: what the exit code of the command counts."""
    match problem.rule:
        case "orphan" if isinstance(value, Drift):
            return True
        case "orphan" if isinstance(value, OutcomeReport):
            return False
        case "held-back" if isinstance(value, OutcomeReport):
            return True
        case _:
            return problem.severity is Severity.ERROR


def _with_problem(case: _Case, problem: Problem, value: Value) -> _Case:
    """Add a problem to the case of its entry: as a failure, as why it was left out, or as a remark."""
    if _fails(problem, value):
        failure = "; ".join(filter(None, (case.failure, problem.message)))
        detail = "; ".join(filter(None, ("" if case.is_skipped else case.detail, problem.hint)))
        suite = problem.rule if case.suite == UNCHANGED else case.suite
        return replace(case, suite=suite, failure=failure, detail=detail, is_skipped=False)
    if problem.rule in LEFT_OUT and not case.failure:
        return replace(case, suite=problem.rule, is_skipped=True, detail=problem.message)
    return replace(case, output="; ".join(filter(None, (case.output, problem.message))))


def _case(row: ChangeRow, *, failure: str) -> _Case:
    amounts = f"{row.before} -> {row.after}"
    return _Case(
        suite=f"to {row.kind}",
        name=row.address,
        place=row.place,
        failure=failure and f"{failure}: {amounts}",
        detail=row.note,
        output="; ".join(filter(None, (f"{row.kind}: {amounts}", "" if failure else row.note, row.why))),
    )


def _results(report: OutcomeReport) -> Iterator[_Case]:
    """Yield a case for each action; one that was not attempted is skipped where another case says what failed."""
    good = (Result.DONE, Result.ALREADY, Result.NOT_ATTEMPTED)
    has_failed = report.refusal is not None or any(outcome.result not in good for outcome in report.results)
    for outcome in report.results:
        is_settled = outcome.result in (Result.DONE, Result.ALREADY)
        is_skipped = outcome.result is Result.NOT_ATTEMPTED and has_failed
        yield _Case(
            suite=f"to {outcome.action.kind}",
            name=outcome.action.address,
            place=outcome.action.place,
            failure="" if is_settled or is_skipped else str(outcome.result),
            detail=outcome.detail,
            is_skipped=is_skipped,
            output=str(outcome.result),
        )


def _problem_alone(problem: Problem, value: Value) -> _Case:
    """Return the case of a problem that no listed entry has: of a file, or of the plan as a whole."""
    is_placed = problem.place is not None and not problem.is_hazard
    name = problem.subject or (str(problem.place) if is_placed else problem.rule)
    case = _Case(suite=problem.rule, name=name, place=problem.place)
    if not _fails(problem, value):
        return replace(case, is_skipped=True, detail=problem.message)
    return replace(case, failure=problem.message, detail=problem.hint)


def _lines(case: _Case, facts: Facts) -> Iterator[str]:
    place = f' file={_attribute(facts.in_checkout(case.place.file))} line="{case.place.line}"' if case.place else ""
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
