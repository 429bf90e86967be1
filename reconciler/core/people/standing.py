"""Whether a person can go on working: their limit compared with the spend that counts against it.

Blocked means: spend has reached the limit. $0 blocks after any spend, so that is known even where spend is not.
"""

from __future__ import annotations

from enum import StrEnum

from reconciler.core.budget import Unknown
from reconciler.core.snapshot import Effective, Unlimited
from reconciler.money import Micros

Spend = Micros | Unknown
"""Booked on one group by one person in the current period."""


class Standing(StrEnum):
    """Whether a person can go on working."""

    FREE = "free"
    BLOCKED = "blocked"
    UNKNOWN = "unknown"
    """Their spend could not be read."""


NEAR_PERCENT = 85
"""From here on Coder mails the person and every administrator. Source: coder-api.md 13.2."""


def is_near(effective: Effective, spend: Spend) -> bool:
    """Whether a person can work, and used 85 % of their limit or more."""
    limit = effective.limit_micros
    if isinstance(limit, Unlimited) or isinstance(spend, Unknown):
        return False
    return spend < limit and spend * 100 >= limit * NEAR_PERCENT


def standing(effective: Effective, spend: Spend) -> Standing:
    """Compare a limit with the spend that counts against it."""
    if isinstance(effective.limit_micros, Unlimited):
        return Standing.FREE
    if effective.limit_micros == 0:
        return Standing.BLOCKED
    if isinstance(spend, Unknown):
        return Standing.UNKNOWN
    return Standing.BLOCKED if spend >= effective.limit_micros else Standing.FREE


def amount_or_any(effective: Effective) -> float:
    """Return the limit as something to compare, never to add: unlimited is more than any amount."""
    return float("inf") if isinstance(effective.limit_micros, Unlimited) else effective.limit_micros
