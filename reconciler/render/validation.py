"""Well-formed policy files as text: what was counted in them."""

from __future__ import annotations

from reconciler.core.policy import Validation
from reconciler.render.text import Line, Role, harmless
from reconciler.words import count


def validation_lines(validation: Validation) -> list[Line]:
    """Render what `validate` counted, after what was not read."""
    counts = (
        count(len(validation.files), "file"),
        count(len(validation.organizations), "organization"),
        count(validation.group_budgets, "group budget"),
        count(validation.user_overrides, "user override"),
    )
    if not validation.not_read:
        return [Line(f"Valid: {', '.join(counts)}.", Role.GOOD)]
    missed = [
        Line(f"? {harmless(missed.path)}  not read: {harmless(missed.reason)}", Role.UNKNOWN)
        for missed in validation.not_read
    ]
    return [*missed, Line(f"Not everything was read. Valid in the rest: {', '.join(counts)}.", Role.UNKNOWN)]
