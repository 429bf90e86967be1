"""Drift as text: what differs, and who changed it, where Coder's audit log says so."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.core.activity import Attribution, LastChange
from reconciler.core.plan.drift import Drift
from reconciler.render.effects import Detail
from reconciler.render.plan import plan_lines, summary
from reconciler.render.text import Line, columns, harmless, lines_of
from reconciler.words import count


def drift_report(drift: Drift, cost: str = "", *, detail: Detail = Detail.SUMMARY) -> list[Line]:
    """Render a plan as what differs, not as what is to be done."""
    plan = drift.plan
    if not plan.has_changes:
        return lines_of([*plan_lines(plan, cost, detail), summary(plan)])
    differences = count(len(plan.actions), "difference")
    last_line = f"Drift: {differences} between live and the policy; `apply` would repair it."
    return lines_of([*plan_lines(plan, cost, detail), *_last_changes(drift.last_changes), last_line])


def _last_changes(attribution: Attribution) -> Iterator[str]:
    if attribution.changes:
        yield "Last changed:"
        yield from columns([_row(one) for one in attribution.changes])
    if attribution.reason:
        yield f"Who changed it is not known: {harmless(attribution.reason.rstrip('.'))}."


def _row(one: LastChange) -> tuple[str, ...]:
    by = harmless(one.change.by or "somebody")
    when = one.change.at.strftime("%Y-%m-%d %H:%M UTC")
    what = "removed" if one.change.action == "delete" else "set"
    moved = ": live is as applied, the policy moved" if one.is_ours else ""
    return f"  {harmless(one.address)}  ", f"{when}  ", f"{what} by {by} with {harmless(one.change.user_agent)}{moved}"
