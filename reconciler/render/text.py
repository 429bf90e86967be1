"""Small pieces of text that several renderings share: counts, days, aligned columns, and names made harmless."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from reconciler.words import count

_SECONDS_PER_DAY = 86_400


def day(time: datetime) -> str:
    """`2027-01-01`, or with the time when it is not midnight UTC."""
    text = time.strftime("%Y-%m-%dT%H:%M:%SZ")
    return text.removesuffix("T00:00:00Z")


def distance(time: datetime, now: datetime) -> str:
    """`in 39 days`, `3 days ago`, `today`; whole days, rounded towards now."""
    days = int((time - now).total_seconds() / _SECONDS_PER_DAY)
    if days == 0:
        return "today"
    return f"in {count(days, 'day')}" if days > 0 else f"{count(-days, 'day')} ago"


def harmless(text: str) -> str:
    """Replace control characters, so that a name cannot write over a terminal or forge a line of a plan."""
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" if ord(c) < 256 else f"\\u{ord(c):04x}" for c in text)


def columns(rows: Sequence[tuple[str, ...]], *, right: frozenset[int] = frozenset()) -> list[str]:
    """Align rows of equal length; columns in `right` to the right. No trailing blanks."""
    if not rows:
        return []
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = [
            cell.rjust(w) if i in right else cell.ljust(w) for i, (cell, w) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("".join(cells).rstrip())
    return lines
