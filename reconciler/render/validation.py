"""Well-formed policy files as text: what was counted in them."""

from __future__ import annotations

from reconciler.core.gate.validation import Validation
from reconciler.render.breaches import breach_lines
from reconciler.render.formats import Facts
from reconciler.render.text import Line, Role, harmless, lines_of
from reconciler.words import count


def validation_lines(validation: Validation) -> list[Line]:
    """Render what `validate` counted, after what was not read."""
    counts = (
        count(len(validation.files), "file"),
        count(len(validation.organizations), "organization"),
        count(validation.group_budgets, "group budget"),
        count(validation.user_overrides, "user override"),
    )
    standing = [breach for breach in validation.breaches if breach.is_standing]
    broken = [breach for breach in validation.breaches if not breach.is_standing]
    lines = lines_of(
        [
            *breach_lines(standing, "Guardrails that entries break:", Role.UNKNOWN, most=1),
            *breach_lines(broken, "Guardrails that this change breaks:", Role.DANGER),
        ]
    )
    if broken:
        return [*lines, Line(f"Well-formed, and refused by guardrails: {', '.join(counts)}.", Role.DANGER)]
    if not validation.not_read:
        return [*lines, Line(f"Valid: {', '.join(counts)}.", Role.GOOD)]
    missed = [
        Line(f"? {harmless(missed.path)}  not read: {harmless(missed.reason)}", Role.UNKNOWN)
        for missed in validation.not_read
    ]
    return [
        *lines,
        *missed,
        Line(f"Not everything was read. Valid in what was read: {', '.join(counts)}.", Role.UNKNOWN),
    ]


def page_lines(validation: Validation, facts: Facts) -> list[Line]:
    """Return the lines of the text page."""
    return validation_lines(validation)
