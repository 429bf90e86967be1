"""Well-formed policy files as text: what was counted in them."""

from __future__ import annotations

from reconciler.core.policy import Validation
from reconciler.render.text import Line, Role
from reconciler.words import count


def validation_lines(validation: Validation) -> list[Line]:
    """Render the one line of `validate`."""
    counts = (
        count(len(validation.files), "file"),
        count(len(validation.organizations), "organization"),
        count(validation.group_budgets, "group budget"),
        count(validation.user_overrides, "user override"),
    )
    return [Line(f"Valid: {', '.join(counts)}.", Role.GOOD)]
