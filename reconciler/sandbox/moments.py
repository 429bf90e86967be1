"""Moments and days as Coder's endpoints accept them."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from .clock import as_text

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)", re.ASCII)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def parse_instant(text: str) -> datetime | None:
    """Return an RFC 3339 time in UTC, None for anything else."""
    if not _RFC3339.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text.upper())).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def parse_moment(text: str) -> str | None:
    """Return an RFC 3339 time as the database writes it, None for anything else."""
    instant = parse_instant(text)
    return None if instant is None else as_text(instant)


def parse_day(text: str) -> str | None:
    """Return a day, None for anything that is not YYYY-MM-DD."""
    if not _DAY.fullmatch(text):
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%d").date().isoformat()
    except ValueError:
        return None
