"""Times in queries as Go's `time.Parse` reads them, with the words in which it refuses them."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

RFC3339 = "2006-01-02T15:04:05.999999999Z07:00"
DAY = "2006-01-02"

_ELEMENTS = re.compile(r"2006|01|02|15|04|05|\.9+|Z07:00|[-T:]")
_NUMBERS = {
    "2006": ("year", r"[0-9]{4}", 0, 9999),
    "01": ("month", r"[0-9]{2}", 1, 12),
    "02": ("day", r"[0-9]{2}", 0, 99),
    "15": ("hour", r"[0-9]{1,2}", 0, 23),
    "04": ("minute", r"[0-9]{2}", 0, 59),
    "05": ("second", r"[0-9]{2}", 0, 59),
}
_FRACTION = re.compile(r"[.,]([0-9]+)")
_ZONE = re.compile(r"(?:Z|([+-])([0-9]{2}):([0-9]{2}))")


def parse_time(text: str, layout: str) -> datetime:
    """Return the moment in UTC. *Raises* ValueError in Go's words for a text that does not fit the layout."""
    values, micros, offset, unread = {}, 0, timedelta(0), text
    for element in _ELEMENTS.findall(layout):
        if element in _NUMBERS:
            name, pattern, lowest, highest = _NUMBERS[element]
            match = re.match(pattern, unread)
            if match is None:
                raise _unreadable(text, layout, unread, element)
            values[name] = int(match[0])
            if not lowest <= values[name] <= highest:
                raise _out_of_range(text, name)
        elif element.startswith("."):
            match = _FRACTION.match(unread)
            micros = int(match[1][:6].ljust(6, "0")) if match else 0
        elif element == "Z07:00":
            match = _ZONE.match(unread)
            if match is None:
                raise _unreadable(text, layout, unread, element)
            offset = _offset(text, match)
        else:
            match = re.match(re.escape(element), unread)
            if match is None:
                raise _unreadable(text, layout, unread, element)
        unread = unread[match.end() :] if match else unread
    if unread:
        raise ValueError(f"parsing time {_quoted(text)}: extra text: {_quoted(unread)}")
    return _moment(text, values, micros, offset)


def _offset(text: str, match: re.Match[str]) -> timedelta:
    if not match[1]:
        return timedelta(0)
    hours, minutes = int(match[2]), int(match[3])
    for name, value, highest in (("hour", hours, 24), ("minute", minutes, 60)):
        if value > highest:
            raise _out_of_range(text, f"time zone offset {name}")
    offset = timedelta(hours=hours, minutes=minutes)
    return -offset if match[1] == "-" else offset


def _moment(text: str, values: dict[str, int], micros: int, offset: timedelta) -> datetime:
    """Put a moment together; what is before or after Python's years is the first or the last moment."""
    year, month, day = values["year"], values["month"], values["day"]
    try:
        date(year or 2000, month, day)  # both are leap years
    except ValueError:
        raise _out_of_range(text, "day") from None
    hour, minute, second = (values.get(name, 0) for name in ("hour", "minute", "second"))
    try:
        return datetime(year, month, day, hour, minute, second, micros, UTC) - offset
    except (ValueError, OverflowError):
        return (datetime.min if year < 2 else datetime.max).replace(tzinfo=UTC)


def _unreadable(text: str, layout: str, unread: str, element: str) -> ValueError:
    return ValueError(
        f"parsing time {_quoted(text)} as {_quoted(layout)}: cannot parse {_quoted(unread)} as {_quoted(element)}"
    )


def _out_of_range(text: str, name: str) -> ValueError:
    return ValueError(f"parsing time {_quoted(text)}: {name} out of range")


def _quoted(text: str) -> str:
    """Quote a text as Go's time package does: other bytes than printable ASCII as `\\xNN`."""
    parts = []
    for byte in text.encode("utf-8", "surrogatepass"):
        character = chr(byte)
        if character in '"\\':
            parts.append("\\" + character)
        else:
            parts.append(character if character.isascii() and character.isprintable() else f"\\x{byte:02x}")
    return '"' + "".join(parts) + '"'
