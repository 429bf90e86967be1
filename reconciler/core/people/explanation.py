"""What is known of one person's limit: the facts that explain.py puts in the order of the rule."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from reconciler.core.activity import Session, Tokens, UserSpend
from reconciler.core.audit import AuditEntry
from reconciler.core.budget import Absent, Reading, Unknown
from reconciler.core.directory import User
from reconciler.core.people.forecast import Pace, PaceDays
from reconciler.core.people.standing import Spend
from reconciler.core.snapshot import Effective, Unlimited
from reconciler.dataclass import dataclass
from reconciler.errors import Place
from reconciler.money import Micros


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyEntry:
    """An entry of a policy file that lists the person or the group."""

    place: Place
    """The entry's place in a policy file."""
    limit: Micros | Absent
    """Micro-dollars a month, or absent for `none`."""
    reason: str
    """The entry's reason; may be empty."""
    tier: str
    """The tier that the entry names as its limit; empty where it names none."""
    starts: datetime | None
    """Before it the entry leaves things alone (UTC); null when it has no start."""
    expires: datetime | None
    """From it on the entry counts as `limit: none` (UTC); null when it has no end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One of a person's groups."""

    address: str
    """The group's stable name: `group/acme/platform`."""
    budget: Reading
    """The group's budget, or its absence, or why it is not known."""
    wins: bool
    """Whether it supplies the limit that they have without an override."""
    entries: tuple[PolicyEntry, ...]
    """The entries that list the group; empty when the policy files do not list it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """AI sessions of one kind, added up. Never what was said in them."""

    client: str
    """The program that asked, as Coder names it."""
    provider: str
    """The providers, separated by commas."""
    model: str
    """The models, separated by commas."""
    sessions: int
    """How many sessions."""
    tokens: Tokens
    """Their tokens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Everything known of one person's limit."""

    JSON_EXTRAS: ClassVar = ("left_micros", "is_disputed")

    at: datetime
    """When it was found out (UTC)."""
    user: User
    """The person."""
    effective: Effective | Unknown
    """What limits them now, or why that is not known."""
    reported: Effective | None
    """What the server itself says limits them; None where it does not say it."""
    override: Reading
    """Their override, or its absence, or why it is not known."""
    override_entries: tuple[PolicyEntry, ...]
    """What the policy files say of their override; empty when they do not list it."""
    fallback: Effective | Unknown
    """By their groups alone: what an override hides."""
    candidates: tuple[Candidate, ...]
    """In the order of the rule: highest budget first, then the unknown, then those without."""
    spend: Spend
    """Booked this period on the group that is effective now."""
    period_start: datetime
    """When the current period began (UTC); spend counts from then on."""
    period_end: datetime | None
    """None where the server does not say it."""
    usage: tuple[Usage, ...] | None
    """Most tokens first; None where the server does not show their sessions to us."""
    has_policies: bool = False
    """Whether policy files were read, so that no entry means that none of them lists it."""
    snapshot_at: datetime | None = None
    """When the snapshot was made that was read instead of the server (UTC); null for the server itself."""

    unread: tuple[str, ...] = ()
    """What could not be read besides, a sentence each."""
    pace: PaceDays | None = None
    """What their pace is taken from; null where none is claimed."""
    per_day_micros: Micros | None = None
    """Their pace in micro-dollars a day, rounded down; null where none is claimed."""
    reaches_at: datetime | None = None
    """When they reach their limit at that pace (UTC); null when not before the period ends, and where not claimed."""
    set_by: AuditEntry | None = None
    """Who set an override that no policy file lists, by the audit log; null for others, and where it does not tell."""
    ties_by_name: bool = False
    """Whether of equal budgets that of the group whose name is first in the alphabet wins, as in Coder before 2.36."""

    @property
    def left_micros(self) -> int | None:
        """Micros left this period, never below 0; None without a limit, or where it or the spend is not known."""
        limit = self.in_force
        if isinstance(limit, Unknown) or isinstance(self.spend, Unknown) or isinstance(limit.limit_micros, Unlimited):
            return None
        return max(limit.limit_micros - self.spend, 0)

    @property
    def in_force(self) -> Effective | Unknown:
        """What limits them, and what their spend counts against: as the server itself reports it, else by the rule."""
        return self.reported or self.effective

    @property
    def is_disputed(self) -> bool:
        """Whether the server says something else than the rule."""
        return self.reported is not None and self.reported != self.effective


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """What was read of a person besides budgets."""

    spend: UserSpend | None
    sessions: tuple[Session, ...] | None
    at: datetime
    """Now (UTC)."""
    since: datetime
    """From when on sessions were asked for (UTC): the begin of the period."""
    unread: tuple[str, ...] = ()
    """What could not be read, a sentence each."""
    pace: Pace | None = None
    """How fast they spend, where that is known."""
