"""Broken guardrails, as lines of text. Pure: data in, text out."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.core.gate.breach import Breach
from reconciler.core.policy import GuardrailName
from reconciler.render.text import Line, Role, harmless
from reconciler.words import count

BREACHES_SHOWN = 3
"""Of one guardrail; more of them are counted."""


def breach_lines(breaches: Sequence[Breach], title: str, role: Role, *, most: int = BREACHES_SHOWN) -> list[str]:
    """Return breaches in full, or `require_reason_above: 23 entries in 9 files` where one guardrail has over `most`."""
    if not breaches:
        return []
    lines = [title] if title else []
    for name in GuardrailName:
        alike = [breach for breach in breaches if breach.guardrail is name]
        if len(alike) > most:
            files = len({breach.place.file for breach in alike})
            where = f"{count(len(alike), 'entry', 'entries')} in {count(files, 'file')}"
            lines.append(Line(f"  {name}: {where}, first {harmless(str(alike[0]))}", role))
            lines.append(f"    {harmless(alike[0].hint)}; --json lists all of them")
            continue
        for breach in alike:
            lines += [Line(f"  {harmless(str(breach))}", role), f"    {harmless(breach.hint)}"]
    return lines
