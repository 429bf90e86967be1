"""Every document as text for a terminal: documents one below the other, with an empty line between them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from reconciler.core.gate.validation import Validation
from reconciler.core.people.explanation import Explanation
from reconciler.core.plan.drift import Drift
from reconciler.core.plan.plan import Plan
from reconciler.core.plan.report import OutcomeReport
from reconciler.core.plan.status import Status
from reconciler.core.recording import Recording
from reconciler.errors import Failure
from reconciler.formats.documents import Value
from reconciler.render.drift import drift_report
from reconciler.render.explanation import explanation_lines
from reconciler.render.failure import failure_lines
from reconciler.render.formats import Facts
from reconciler.render.outcome import outcome_lines, run_lines
from reconciler.render.plan import plan_report
from reconciler.render.recording import recording_lines
from reconciler.render.status import status_lines
from reconciler.render.text import Line, text_of
from reconciler.render.validation import validation_lines


def render(values: Sequence[Value], facts: Facts) -> str:
    """Render documents as text, in colour if the facts say so."""
    return "\n\n".join(text_of(lines(value, facts), has_color=facts.has_color) for value in values)


def lines(value: Value, facts: Facts) -> list[Line]:
    """Return the lines of one document."""
    match value:
        case Plan():
            return plan_report(value, facts.cost, detail=facts.detail)
        case Drift():
            return drift_report(value, facts.cost, detail=facts.detail)
        case OutcomeReport():
            shown = [*plan_report(value.plan, facts.cost, detail=facts.detail), Line("")] if value.plan else []
            return [*shown, *run_lines(value), Line(""), *outcome_lines(value)]
        case Explanation():
            return explanation_lines(value)
        case Status():
            return status_lines(value)
        case Recording():
            return recording_lines(value)
        case Validation():
            return validation_lines(value)
        case Failure():
            return failure_lines(value)
        case _:
            assert_never(value)
