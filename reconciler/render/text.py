"""Small pieces of text that several renderings share: lines with their kind, counts, days, columns, harmless names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Self

from reconciler.core.budget import Budget, State
from reconciler.core.describe import names_for
from reconciler.money import MICROS_PER_CENT, format_usd
from reconciler.words import count

RUNNER_COMMAND = re.compile(r"##(?=(vso)?\[)", re.IGNORECASE)
"""*Source*: GitHub's runner, ActionCommand.cs (`::` after blanks, `##[` anywhere); Azure: logging commands."""
_SECONDS_PER_DAY = 86_400
_SECONDS_PER_HOUR = 3_600
_SECONDS_PER_MINUTE = 60
_DAYS_FROM_S = 2 * _SECONDS_PER_DAY
"""Shorter distances are said in hours."""


class Role(StrEnum):
    """What kind of line a line is: the only thing that colours depend on."""

    PLAIN = "plain"
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    UNKNOWN = "unknown"
    """Something that could not be read, or cannot be applied."""
    DANGER = "danger"
    """A hazard, a refusal, a failure."""
    GOOD = "good"
    HEADING = "heading"


class Line(str):
    """One line of text that knows its role; it equals its text."""

    __slots__ = ("role",)
    role: Role

    def __new__(cls, text: str, role: Role = Role.PLAIN) -> Self:
        line = super().__new__(cls, text)
        line.role = role
        return line


def lines_of(texts: Iterable[str], role: Role = Role.PLAIN) -> list[Line]:
    """Give a role to texts that have none yet."""
    return [text if isinstance(text, Line) else Line(text, role) for text in texts]


def text_of(lines: Iterable[str], *, has_color: bool = False) -> str:
    """Join lines, each in the colour of its role if `has_color`; ends without a newline."""
    return "\n".join(_colored(line, no_command(line)) if has_color else no_command(line) for line in lines)


def no_command(text: str) -> str:
    """Return a text whose lines a CI runner does not take for commands: a line that begins with `::` gets a bar."""
    if "::" not in text:
        return text
    return "\n".join(f"| {line}" if line.lstrip().startswith("::") else line for line in text.split("\n"))


_ANSI = {
    Role.CREATE: "32",
    Role.UPDATE: "33",
    Role.DELETE: "31",
    Role.UNKNOWN: "35",
    Role.DANGER: "31;1",
    Role.GOOD: "32",
    Role.HEADING: "1",
}


def _colored(line: str, text: str) -> str:
    """Return the text in the colour of the line that it shows."""
    code = _ANSI.get(line.role) if isinstance(line, Line) else None
    return f"\x1b[{code}m{text}\x1b[0m" if code and text else text


def day(time: datetime) -> str:
    """`2027-01-01`, or with the time when it is not midnight UTC."""
    text = time.strftime("%Y-%m-%dT%H:%M:%SZ")
    return text.removesuffix("T00:00:00Z")


def spend_text(micros: int) -> str:
    """`$28.27`, rounded down to cents: what people spent ends in millionths, which JSON and CSV have."""
    return format_usd(micros - micros % MICROS_PER_CENT)


def moved_from(before: State, after: State) -> str:
    """Return the name of the group that an override stands on, where it is to be booked on another; else empty."""
    if isinstance(before, Budget) and isinstance(after, Budget) and before.group != after.group:
        return harmless(names_for((before.group, after.group))(before.group))
    return ""


def why_text(tier: str, reason: str) -> str:
    """`tier standard; agents in CI`: what an entry says of its own limit; empty where it says nothing."""
    return "; ".join(filter(None, (f"tier {tier}" if tier else "", reason)))


def distance(time: datetime, now: datetime) -> str:
    """`in 39 days`, `3 days ago`; `in 20 hours` below two days, `in 5 minutes` below an hour; rounded towards now."""
    seconds = abs(int((time - now).total_seconds()))
    if seconds >= _DAYS_FROM_S:
        text = count(seconds // _SECONDS_PER_DAY, "day")
    elif seconds >= _SECONDS_PER_HOUR:
        text = count(seconds // _SECONDS_PER_HOUR, "hour")
    elif seconds >= _SECONDS_PER_MINUTE:
        text = count(seconds // _SECONDS_PER_MINUTE, "minute")
    else:
        return "now"
    return f"in {text}" if time > now else f"{text} ago"


def harmless(text: str) -> str:
    """Replace control characters, so that a name cannot write over a terminal or forge a line of a plan.

    `##[` and `##vso[` are commands to CI runners wherever they stand in a line, so they are broken, too.
    """
    text = RUNNER_COMMAND.sub(r"\\x23#", text)
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" if ord(c) < 256 else f"\\u{ord(c):04x}" for c in text)


TICK = "`"
_MARKED = re.compile(
    r"""(?:(?<![^ ])|(?<=^\()|(?<=\ \())       # behind a blank, perhaps in brackets
    (?: `[^`]+` | '(?:[^'\\]|\\.)+' | "(?:[^"\\]|\\.)+" )
    (?=[)"',.;:?!]*(?:\ |$))""",
    re.VERBOSE,
)
"""What is to be typed, and what somebody else has written: quoted as `repr` does it, which `words.spoken` gives."""


def pieces(sentence: str) -> Iterator[tuple[str, str]]:
    """Yield the parts of a sentence of ours: a mark and a text. A backtick marks what is to be typed, a quotation mark
    what somebody else has written, and no mark our own words.
    """
    end = 0
    for marked in _MARKED.finditer(sentence):
        yield "", sentence[end : marked.start()]
        yield marked[0][0], marked[0][1:-1]
        end = marked.end()
    yield "", sentence[end:]


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
