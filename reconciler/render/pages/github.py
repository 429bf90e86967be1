"""Documents for a step of GitHub Actions: the text for its log, and an annotation for each problem at its line.

A step shows ten errors, ten warnings and ten notices; of more problems, the last annotation says how many there are.
`outputs` are the step's outputs; the page of `markdown` is its summary. cli/github.py writes both where GitHub asks.

*Source*: GitHub "Workflow commands for GitHub Actions". A line of a log that begins with `::` or `##[` is a command, so
a line of text that begins so, as a reason in somebody's policy can, is moved behind a bar.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from reconciler.core.plan.report import OutcomeReport
from reconciler.errors import Failure
from reconciler.formats.documents import Value
from reconciler.render.formats import Facts
from reconciler.render.overview import overview_of, plans_of
from reconciler.render.pages import text as text_page
from reconciler.render.problem import Problem, Severity
from reconciler.render.problems import folded, problems_of
from reconciler.render.text import harmless, no_command

ANNOTATIONS_SHOWN = 10


def render(values: Sequence[Value], facts: Facts) -> str:
    """Render the text, and annotations below it."""
    lines = text_page.render(values, replace(facts, has_color=False)).split("\n")
    problems = folded(problems_of(values))
    annotations = [
        line
        for severity in Severity
        for line in _annotations([problem for problem in problems if problem.severity is severity], facts)
    ]
    return "\n".join([*map(no_command, lines), *annotations]) + "\n"


def outputs(values: Sequence[Value]) -> Mapping[str, str]:
    """Return the step's outputs; every value is a number, a hexadecimal digest, `true` or `false`."""
    plans = plans_of(values)
    if plans:
        overview = overview_of(plans)
        return {
            "has_changes": _truth(overview.changes > 0),
            "creates": str(overview.creates),
            "updates": str(overview.updates),
            "deletes": str(overview.deletes),
            "refused": _truth(overview.is_refused),
            "is_complete": _truth(overview.is_complete),
            "digest": plans[0].digest if len(plans) == 1 else "",
            "exposure_delta_micros": str(overview.delta_micros),
        }
    reports = [value for value in values if isinstance(value, OutcomeReport)]
    if not reports:
        return {"refused": "true"} if any(isinstance(value, Failure) and value.is_refusal for value in values) else {}
    return {
        "is_complete": _truth(all(report.is_complete for report in reports)),
        "refused": _truth(any(report.is_refused for report in reports)),
        "done": str(sum(report.counts["done"] for report in reports)),
        "digest": reports[0].digest if len(reports) == 1 else "",
    }


def _truth(value: bool) -> str:
    return "true" if value else "false"


def _annotations(problems: Sequence[Problem], facts: Facts) -> list[str]:
    shown = list(problems)
    if len(problems) > ANNOTATIONS_SHOWN:
        shown = shown[: ANNOTATIONS_SHOWN - 1]
        hidden = len(problems) - len(shown)
        message = f"{hidden:,} more; the log of this step and its summary show them"
        shown.append(replace(problems[0], rule="more", message=message, hint="", place=None))
    return [_annotation(problem, facts) for problem in shown]


def _annotation(problem: Problem, facts: Facts) -> str:
    properties = {"title": f"AI budgets: {problem.rule}"}
    if problem.place:
        properties |= {
            "file": facts.in_checkout(problem.place.file),
            "line": str(problem.place.line),
            "col": str(problem.place.column),
        }
    listed = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
    hint = f" ({problem.hint})" if problem.hint else ""
    return f"::{problem.severity} {listed}::{_data(f'{problem.message}{hint}')}"


def _data(text: str) -> str:
    return harmless(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
