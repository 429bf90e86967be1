"""Documents as one HTML file without scripts and without anything from outside, for a browser, a mail or a printer.

Here a document becomes a page of tiles, charts and tables, as data; templates/page.html.jinja draws it and escapes
every text. Charts are SVG in the page. Colours follow light and dark; tables become lists on a narrow screen.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from typing import assert_never

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from reconciler.core.gate.validation import Validation
from reconciler.core.people.explanation import Explanation
from reconciler.core.plan.drift import Drift
from reconciler.core.plan.outcome import Result
from reconciler.core.plan.plan import Plan
from reconciler.core.plan.report import OutcomeReport
from reconciler.core.plan.status import Status
from reconciler.core.recording import Recording
from reconciler.errors import Failure
from reconciler.formats.documents import Value
from reconciler.render.changes import action_why
from reconciler.render.drift_page import drift_page
from reconciler.render.formats import Facts
from reconciler.render.outcome import remarks
from reconciler.render.overview import outcome_headline, plans_of
from reconciler.render.page import Alert, Page, Tile
from reconciler.render.pages import text as text_page
from reconciler.render.plan import limit_text
from reconciler.render.plan_page import plan_page, sentence, subtitle
from reconciler.render.problems import folded, problems_of, without_reasons_of
from reconciler.render.status_page import status_page
from reconciler.render.table import Column, Row, Table
from reconciler.render.text import harmless, no_command, pieces, text_of
from reconciler.words import count, count_people

_SETTLED = (Result.DONE, Result.ALREADY)


def render(values: Sequence[Value], facts: Facts) -> str:
    """Render documents of one kind as one page."""
    return _template().render(page=page_of(values, facts))


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("reconciler.render"), autoescape=True, undefined=StrictUndefined, finalize=_shown
    )
    environment.globals["pieces"] = pieces
    return environment.get_template("page.html.jinja")


def _shown(value: object) -> object:
    """Every text of a document passes here: what is invisible in a name becomes visible, and no CI command stays."""
    if type(value) is not str or (value.isprintable() and "##" not in value):
        return value
    return no_command("\n".join(map(harmless, value.split("\n"))))


def page_of(values: Sequence[Value], facts: Facts) -> Page:
    """Return the page of documents, as data."""
    match values[0]:
        case Plan():
            return plan_page(plans_of(values))
        case Drift():
            return drift_page([value for value in values if isinstance(value, Drift)])
        case OutcomeReport():
            return _outcome_page([value for value in values if isinstance(value, OutcomeReport)])
        case Failure():
            return _failure_page([value for value in values if isinstance(value, Failure)])
        case Status():
            return status_page([value for value in values if isinstance(value, Status)])
        case Explanation() | Recording() | Validation():
            texts = tuple(text_of(text_page.lines(value, facts)) for value in values)
            return Page(title=f"AI budgets: {_text_title(values[0], len(values))}", texts=texts)
        case _:
            assert_never(values[0])


def _outcome_page(reports: Sequence[OutcomeReport]) -> Page:
    refused = [report for report in reports if report.refusal is not None and report.plan is not None]
    return _refused_page(refused) if len(refused) == len(reports) else _results_page(reports)


def _refused_page(reports: Sequence[OutcomeReport]) -> Page:
    """Return the page of the plans, under why nothing of them was written where the plans do not say it themselves."""
    page = plan_page([report.plan for report in reports if report.plan])
    alerts = tuple(
        _failure_alert(without_reasons_of(report.plan, report.refusal), title="Nothing was written")
        for report in reports
        if report.refusal and report.plan and not report.plan.verdict.is_refused
    )
    return replace(page, title=f"AI budgets: {outcome_headline(reports)}", alerts=(*alerts, *page.alerts))


def _results_page(reports: Sequence[OutcomeReport]) -> Page:
    sentences = tuple(text for report in reports for text in _sentences(report))
    plans = [report.plan for report in reports if report.plan]
    problems = (problem for problem in folded(problems_of(plans)) if not problem.is_hazard)
    left_out = tuple(sentence(problem.message, problem.hint, problem.place) for problem in problems)
    title = "Nothing was written" if all(report.refusal for report in reports) else "What was found"
    tone = "" if all(report.is_complete for report in reports) else "bad"
    has_results = any(report.results for report in reports)
    return Page(
        title=f"AI budgets: {outcome_headline(reports)}",
        subtitles=tuple(subtitle(report.deployment, report.digest) for report in reports),
        tiles=_result_tiles(reports) if has_results else (),
        alerts=(
            *((Alert(title=title, lines=sentences, tone=tone),) if sentences else ()),
            *((Alert(title="What the plan left out, and what to know", lines=left_out),) if left_out else ()),
        ),
        tables=(_result_table(reports),) if has_results else (),
        footer=" ".join(map(_run, (report for report in reports if report.run))),
    )


def _result_tiles(reports: Sequence[OutcomeReport]) -> tuple[Tile, ...]:
    """Return how many actions came to each result."""
    counts = {result: sum(report.count(result) for report in reports) for result in Result}
    return tuple(
        Tile(
            name=str(result).replace("-", " "),
            value=f"{number:,}",
            tone="bad" if number and result not in _SETTLED else "",
        )
        for result, number in counts.items()
    )


def _result_table(reports: Sequence[OutcomeReport]) -> Table:
    """Return a row for each action, those that were left undone first."""
    results = [outcome for report in reports for outcome in report.results]
    rows = tuple(
        Row(
            cells=(
                str(outcome.result),
                outcome.action.address,
                limit_text(outcome.action, outcome.action.before),
                limit_text(outcome.action, outcome.action.after),
                action_why(outcome.action),
                outcome.detail,
            ),
            tone="" if outcome.result in _SETTLED else "bad",
        )
        for outcome in sorted(results, key=lambda outcome: outcome.result in _SETTLED)
    )
    columns = (
        Column(name="result"), Column(name="who"), Column(name="before", is_number=True),
        Column(name="after", is_number=True), Column(name="why", is_long=True), Column(name="detail", is_sentence=True),
    )  # fmt: skip
    return Table(title="Results", columns=columns, rows=rows)


def _sentences(report: OutcomeReport) -> Iterator[str]:
    """Yield what a run found, or why there was none."""
    if report.refusal is not None:
        yield from _failure_alert(report.refusal, title="").lines
    else:
        yield from map(str, remarks(report))


def _run(report: OutcomeReport) -> str:
    revision = f", policy at {report.revision}" if report.revision else ""
    return f"Run {report.run} by {report.who}{revision}; journal {report.journal}."


def _text_title(value: Explanation | Recording | Validation, number: int) -> str:
    match value:
        case Explanation():
            return value.user.username if number == 1 else count_people(number)
        case Recording():
            return "snapshot" if number == 1 else count(number, "snapshot")
        case Validation():
            return "valid" if number == 1 else f"valid, {count(number, 'result')}"
        case _:
            assert_never(value)


def _failure_page(failures: Sequence[Failure]) -> Page:
    is_refused = all(failure.is_refusal for failure in failures)
    rows = tuple(
        Row(cells=(f"{finding.place.file}:{finding.place.line}", finding.message, finding.hint))
        for failure in failures
        for finding in failure.findings
    )
    columns = (
        Column(name="where", is_long=True),
        Column(name="what", is_sentence=True),
        Column(name="what to do", is_sentence=True),
    )
    title = "Refused" if is_refused else "Error"
    return Page(
        title=f"AI budgets: {title.lower()}",
        alerts=tuple(_failure_alert(failure, title=title) for failure in failures),
        tables=(Table(title=count(len(rows), "finding"), columns=columns, rows=rows),) if rows else (),
    )


def _failure_alert(failure: Failure, *, title: str) -> Alert:
    return Alert(title=title, lines=(failure.message, *failure.details, *failure.hint.splitlines()), tone="bad")
