"""What people spent and did: read to explain, never to plan by.

Prompts and messages have no field here, so that nothing can show them.
"""

from __future__ import annotations

from datetime import datetime

from reconciler.core.snapshot import Effective
from reconciler.dataclass import dataclass
from reconciler.money import Micros


@dataclass(frozen=True, slots=True, kw_only=True)
class UserSpend:
    """One person's spend of the current period, in the group that is effective now."""

    spend: Micros
    effective: Effective | None
    """None for somebody in no organization: no group is effective, nothing can be booked."""
    period_start: datetime
    """Inclusive."""
    period_end: datetime
    """Exclusive."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """Tokens that AI sessions used, by kind."""

    input: int = 0
    """Tokens sent to models."""
    output: int = 0
    """Tokens received from models."""
    cache_read: int = 0
    """Input tokens read from a provider's cache."""
    cache_write: int = 0
    """Input tokens written to a provider's cache."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One AI session: with what it was held, and its tokens over all models together. Never what was said."""

    id: str
    started_at: datetime
    client: str
    providers: tuple[str, ...]
    models: tuple[str, ...]
    tokens: Tokens
