"""Spend, and how fast people spend, in words."""

from __future__ import annotations

from reconciler.core.people.forecast import Basis, PaceDays
from reconciler.money import MICROS_PER_CENT, format_usd_short
from reconciler.words import count


def spent_text(micros: int) -> str:
    """`$1,834.10`, rounded down to cents: sums of spend end in millionths, which JSON and CSV have."""
    return format_usd_short(micros - micros % MICROS_PER_CENT)


def pace_text(pace: PaceDays) -> str:
    """`the last 7 days`, `the 23 days of this period`."""
    days = count(pace.days, "day")
    return f"the last {days}" if pace.basis is Basis.LAST_DAYS else f"the {days} of this period"
