"""An error as text: what is wrong in the policy, place by place, then the error and what to do about it."""

from __future__ import annotations

from reconciler.errors import Failure
from reconciler.render.formats import Facts
from reconciler.render.text import Line, Role, harmless


def failure_lines(failure: Failure) -> list[Line]:
    """Render an error: findings first, a block each, in the manner of a compiler; then message, details and hint."""
    lines: list[Line] = []
    for finding in failure.findings:
        lines.append(Line(harmless(f"{finding.place}: {finding.message}")))
        if finding.source_line.strip():
            lines.append(Line(harmless(f"  | {finding.source_line.strip()}")))
        if finding.hint:
            lines.append(Line(harmless(f"    {finding.hint}")))
    stop = "" if failure.message.endswith((".", "?")) else "."
    lines.append(Line(harmless(f"Error: {failure.message}{stop}"), Role.DANGER))
    lines += [Line(harmless(f"  {text}")) for text in (*failure.details, *failure.hint.splitlines())]
    return lines


def page_lines(failure: Failure, facts: Facts) -> list[Line]:
    """Return the lines of the text page."""
    return failure_lines(failure)
