"""What people spent and did, and who changed a budget: read to explain, never to plan by.

Prompts and messages have no field here, so that nothing can show them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from reconciler.core.snapshot import Effective
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
    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One AI session: with what it was held, and its tokens over all models together. Never what was said."""

    id: str
    started_at: datetime
    client: str
    providers: tuple[str, ...]
    models: tuple[str, ...]
    tokens: Tokens


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Change:
    """One entry of Coder's audit log about a budget. For attribution only: the log cannot tell $0 from absent."""

    at: datetime
    by: str
    """The username; empty when the log does not know."""
    action: str
    """`write` (create and update alike) or `delete`."""
    user_agent: str
    """Names the program; our own writes carry `reconciler/`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """Who changed a budget, newest last. Empty with a `reason` when the log may not be read, which is not *nobody*."""

    entries: tuple[Change, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LastChange:
    """The newest entry of the audit log about one subject."""

    address: str
    change: Change

    @property
    def is_ours(self) -> bool:
        """Whether it was made by this tool: then live is as it was last applied, and it is the policy that moved."""
        return self.change.user_agent.startswith("reconciler/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribution:
    """Who changed what differs, in the order of the plan; a subject without an entry is not in it."""

    changes: tuple[LastChange, ...] = ()
    reason: str = ""
    """Why the log could not be read; empty when it could."""
