"""An error as text: what is wrong in the policy, place by place, then the error and what to do about it."""

from __future__ import annotations

from reconciler.errors import Failure
from reconciler.render.formats import Facts
from reconciler.render.text import Line, Role, harmless
from reconciler.words import count

FINDINGS_SHOWN = 100
"""Nobody reads more at a terminal, and 50,000 are 24 MB of a log; every other format has all of them."""


def failure_lines(failure: Failure) -> list[Line]:
    """Render an error: findings first, a block each, in the manner of a compiler; then message, details and hint."""
    lines: list[Line] = []
    for finding in failure.findings[:FINDINGS_SHOWN]:
        lines.append(Line(harmless(f"{finding.place}: {finding.message}")))
        if finding.source_line.strip():
            lines.append(Line(harmless(f"  | {finding.source_line.strip()}")))
        if finding.hint:
            lines.append(Line(harmless(f"    {finding.hint}")))
    if (more := len(failure.findings) - FINDINGS_SHOWN) > 0:
        lines.append(Line(f"and {count(more, 'more problem')}; `--format json` lists all of them"))
    stop = "" if failure.message.endswith((".", "?")) else "."
    lines.append(Line(harmless(f"Error: {failure.message}{stop}"), Role.DANGER))
    lines += [Line(harmless(f"  {text}")) for text in (*failure.details, *failure.hint.splitlines())]
    return lines


def page_lines(failure: Failure, facts: Facts) -> list[Line]:
    """Return the lines of the text page."""
    return failure_lines(failure)
