"""Documents as Markdown for a comment, an issue or a job's summary: headline, money and people, then each change.

The same input gives the same text: no time of the run, no number of requests, nothing that changes from run to run, so
that a comment is edited only when something changed. It begins with a hidden marker by which the comment is found.

A comment on GitHub holds 65,536 characters. A page that would be longer says less, step by step: first one link a file
instead of one a change, and people are only counted; then files are left out, whole but for the beginning of one, and
named with their numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from reconciler.core.action import Origin
from reconciler.core.gate.validation import Validation
from reconciler.core.people.explanation import Explanation
from reconciler.core.plan.drift import Drift, DriftKind, kind_of_origin
from reconciler.core.plan.outcome import Result
from reconciler.core.plan.plan import DIGEST_SHOWN, Plan
from reconciler.core.plan.report import OutcomeReport
from reconciler.core.plan.status import Status
from reconciler.core.recording import Recording
from reconciler.errors import Failure
from reconciler.formats.documents import Value
from reconciler.render.change_tables import ChangeTable, DriftTable, Parts
from reconciler.render.changes import DRIFT_TITLES, action_why, change_rows, difference_rows
from reconciler.render.drift_page import authors_of, costs_of, moves_tables, undo_or_keep
from reconciler.render.formats import Facts
from reconciler.render.markdown_blocks import (
    footer_line,
    money_table,
    notice_lines,
    outlook_lines,
    people_table,
    problem_lines,
    reason_lines,
    refusal_lines,
    title_lines,
)
from reconciler.render.markup import code, cut_to, fenced, joined, prose
from reconciler.render.outcome import remarks
from reconciler.render.overview import (
    drift_headline,
    headline,
    outcome_headline,
    overview_of,
    plans_of,
)
from reconciler.render.pages import text as text_page
from reconciler.render.plan import limit_text
from reconciler.render.plan_problems import problems_of_plan
from reconciler.render.problems import problems_of, without_reasons_of
from reconciler.render.status_page import pipes, status_markdown
from reconciler.render.text import text_of
from reconciler.words import count

MAX_CHARACTERS = 65_000
"""Of a comment on GitHub (65,536), less what a recipe may add."""
MAX_SUMMARY_CHARACTERS = 250_000
"""Of a job's summary on GitHub: 1 MiB in UTF-8, where a character has up to four octets."""
_PLACES = {Result.NOT_ATTEMPTED: 1, Result.DONE: 2, Result.ALREADY: 2}
"""Which results follow those that somebody has to look at."""
ROOM_OF_A_TABLE = 200
"""Characters of the head of a table, and of the line that says what is not shown of it."""


def render(values: Sequence[Value], facts: Facts, *, most: int = MAX_CHARACTERS) -> str:
    """Render documents of one kind as one page of at most `most` characters."""
    match values[0]:
        case Plan():
            return _plan_page(values, facts, most)
        case Drift():
            return _drift_page([value for value in values if isinstance(value, Drift)], facts, most)
        case OutcomeReport():
            return _outcome_page([value for value in values if isinstance(value, OutcomeReport)], facts, most)
        case Failure():
            failures = [value for value in values if isinstance(value, Failure)]
            return cut_to("\n".join(_failure_page(failure, facts) for failure in failures), most)
        case Status():
            pages = [_status_page(value, most // len(values)) for value in values if isinstance(value, Status)]
            return "\n".join(pages)
        case Explanation() | Recording() | Validation():
            texts = (fenced(text_of(text_page.lines(value, facts))) for value in values)
            return cut_to("\n\n".join(texts) + "\n", most)
        case _:
            assert_never(values[0])


def _plan_page(values: Sequence[Value], facts: Facts, most: int) -> str:
    plans = plans_of(values)
    overview = overview_of(plans)
    text = headline(overview)
    head = [
        *title_lines("plan", plans[0].deployment, f"⛔ {text}" if overview.is_refused else text),
        *money_table(overview),
        *refusal_lines(plans, so="`apply` will not write anything"),
        *outlook_lines(plans),
        *problem_lines([problem for problem in problems_of(plans) if not problem.is_hazard], facts),
        *notice_lines(plans),
    ]
    tail = [footer_line(plan) for plan in plans]
    rows = [row for plan in plans for row in change_rows(plan)]
    table = ChangeTable(facts)
    parts = {"": rows}
    if all(plan.has_base for plan in plans):
        parts = {
            title: [row for row in rows if (row.origin is Origin.CHANGE) is is_change]
            for title, is_change in (("This change", True), ("Differs for another reason, and is applied too", False))
        }
    whole = joined(head, _tables(table, parts), people_table(plans), tail)
    return whole if len(whole) <= most else _shortened(head, table, parts, tail, most)


def _drift_page(drifts: Sequence[Drift], facts: Facts, most: int) -> str:
    rows = [row for drift in drifts for row in difference_rows(drift)]
    problems = [problem for problem in problems_of(drifts) if problem.rule != "drift"]
    head = [
        *title_lines("drift", drifts[0].plan.deployment, drift_headline(drifts)),
        *problem_lines(problems, facts),
        *(f"- {sentence}" for sentence in costs_of(drifts)),
        *(f"- {prose(sentence)}" for sentence in authors_of(drifts)),
        "",
    ]
    tail = [
        *(line for table in moves_tables(drifts) for line in pipes(table)),
        *undo_or_keep(drifts),
        *(footer_line(drift.plan) for drift in drifts),
    ]
    table = DriftTable(drifts, facts)
    parts = {DRIFT_TITLES[kind]: [row for row in rows if kind_of_origin(row.origin) is kind] for kind in DriftKind}
    whole = joined(head, _tables(table, parts), tail)
    return whole if len(whole) <= most else _shortened(head, table, parts, tail, most)


def _tables(table: ChangeTable, parts: Parts) -> list[str]:
    return [line for title, rows in parts.items() for line in table.titled(title, rows)]


def _shortened(head: list[str], table: ChangeTable, parts: Parts, tail: list[str], most: int) -> str:
    """The same with one table a file, as many files as there is room for, and what was left out."""
    room = most - len(joined(head, tail))
    return cut_to(joined(head, table.by_file(parts, room=room), tail), most)


def _outcome_page(reports: Sequence[OutcomeReport], facts: Facts, most: int) -> str:
    is_complete = all(report.is_complete for report in reports)
    text = outcome_headline(reports)
    title = title_lines("outcome", reports[0].deployment, text if is_complete else f"⛔ {text}")
    heads = [_refused(row, facts) if row.refusal is not None else _left_out(row, facts) for row in reports]
    tails = [_ending(report) for report in reports]
    room = most - len(joined(title, *heads, *tails)) - ROOM_OF_A_TABLE * len(reports)
    lines = title
    for report, head, tail in zip(reports, heads, tails, strict=True):
        lines += [*head, *_results(report, room=room // len(reports)), *tail]
    return cut_to(joined(lines), most)


def _refused(report: OutcomeReport, facts: Facts) -> list[str]:
    """Say why nothing was written, and what the plan would have done to people and money."""
    if report.refusal is None:
        return []
    reasons = reason_lines(without_reasons_of(report.plan, report.refusal), facts)
    if report.plan is None:
        return [*reasons, ""]
    problems = [problem for problem in problems_of_plan(report.plan) if not problem.is_hazard]
    return [
        *reasons,
        *money_table(overview_of([report.plan])),
        *refusal_lines([report.plan], so="nothing was written"),
        *problem_lines(problems, facts),
        *notice_lines([report.plan]),
    ]


def _left_out(report: OutcomeReport, facts: Facts) -> list[str]:
    """Say why the plan left things out, as the plan itself does."""
    problems = problems_of_plan(report.plan) if report.plan else ()
    return problem_lines([problem for problem in problems if not problem.is_hazard], facts)


def _status_page(status: Status, most: int) -> str:
    return cut_to(joined(title_lines("status", status.deployment, "status"), status_markdown(status)), most)


def _results(report: OutcomeReport, *, room: int) -> list[str]:
    """Return the table of results, what went wrong first; those for which there is no room are counted."""
    if not report.results:
        return []
    rows: list[str] = []
    for outcome in sorted(report.results, key=lambda row: _PLACES.get(row.result, 0)):
        cells = (
            str(outcome.result),
            code(outcome.action.address),
            limit_text(outcome.action, outcome.action.before).removesuffix(".00"),
            limit_text(outcome.action, outcome.action.after).removesuffix(".00"),
            code(action_why(outcome.action)),
            prose(outcome.detail),
        )
        row = f"| {' | '.join(cells)} |"
        room -= len(row) + 1
        if room < 0:
            break
        rows.append(row)
    left = len(report.results) - len(rows)
    more = [f"**Not shown, because the page is too long: {count(left, 'result')}.**", ""] if left else []
    return ["| result | who | before | after | why | detail |", "|---|---|--:|--:|---|---|", *rows, "", *more]


def _ending(report: OutcomeReport) -> list[str]:
    """Return what follows the results: how the run ended, and which run it was."""
    sentences = [f"- {prose(str(sentence))}" for sentence in remarks(report)] if report.refusal is None else []
    lines = [*sentences, ""] if sentences else []
    facts = (
        f"Coder at {code(report.deployment.url)}",
        f"digest `{report.digest[:DIGEST_SHOWN]}`",
        f"policy at {code(report.revision)}" if report.revision else "",
        f"run by {code(report.who)}" if report.who else "",
        f"journal {code(report.journal)}" if report.journal else "",
    )
    return [*lines, f"<sub>{' · '.join(filter(None, facts))}</sub>"]


def _failure_page(failure: Failure, facts: Facts) -> str:
    word = "refused" if failure.is_refusal else "error"
    kind = facts.command if facts.command.isalpha() else "error"
    return joined([*title_lines(kind, None, f"⛔ {word}"), *reason_lines(failure, facts)])
