"""How things stand: limits, spend and pace of people and groups, overrides, breaches, and what does not bind."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import ClassVar

from reconciler.core.gate.breach import Breach
from reconciler.core.people.census import GroupStatus, OverrideStatus, PersonStatus, Sums
from reconciler.core.people.forecast import PaceDays
from reconciler.core.people.leaks import Leaks
from reconciler.core.people.standing import Standing
from reconciler.core.snapshot import Deployment
from reconciler.core.spend import Window
from reconciler.dataclass import dataclass

SOON = timedelta(days=14)
"""An override that ends within this time ends soon; as in plan/notices.py."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OverrideSums:
    """How many overrides need a look."""

    total: int
    """Live overrides."""
    never_ending: int
    """Those that a policy lists without an end."""
    not_listed: int
    """Those that no policy lists; Coder itself knows no end."""
    ending_soon: int
    """Those that end within 14 days, or have ended and are still there."""
    changing_nothing: int
    """Those without which the person would have the same limit on the same group."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """How things stand with the people who were looked at."""

    JSON_EXTRAS: ClassVar = ("override_sums",)

    deployment: Deployment
    """The server, and who asked."""
    at: datetime
    """When it was looked at (UTC)."""
    snapshot_at: datetime | None
    """When the snapshot was made that was looked at instead of the server (UTC); null for the server itself."""
    names: tuple[str, ...]
    """What was asked for; empty for everybody."""
    period: Window
    """The budget period. Where the server does not say it, the UTC month."""
    pace: PaceDays | None
    """What the pace of people is taken from; null where nothing is claimed."""
    total: Sums
    """Over everybody who was looked at."""
    groups: tuple[GroupStatus, ...]
    """Highest exposure first."""
    people: tuple[PersonStatus, ...]
    """Sorted by username."""
    overrides: tuple[OverrideStatus, ...]
    """Sorted by username."""
    leaks: Leaks
    """What keeps budgets from binding."""
    has_policies: bool
    """Whether policies were given, so that ends of overrides and breaches are known."""
    breaches: tuple[Breach, ...]
    """Guardrails of the policies that do not hold, new and standing; looked at only where no names are given."""
    unknown: tuple[str, ...]
    """What could not be found out, a sentence each."""

    @property
    def override_sums(self) -> OverrideSums:
        """The overrides, counted."""
        never_ending = not_listed = ending_soon = changing_nothing = 0
        soon = self.at + SOON
        for row in self.overrides:
            not_listed += not row.is_listed
            never_ending += row.is_listed and row.expires is None
            ending_soon += row.expires is not None and row.expires <= soon
            changing_nothing += row.changes_nothing
        return OverrideSums(
            total=len(self.overrides),
            never_ending=never_ending,
            not_listed=not_listed,
            ending_soon=ending_soon,
            changing_nothing=changing_nothing,
        )

    @property
    def nearest(self) -> tuple[PersonStatus, ...]:
        """People with a limit: who reaches it first, then who used most of it, blocked people left out."""
        rows = [row for row in self.people if row.reaches_at is not None or row.is_near]
        rows = [row for row in rows if row.standing is Standing.FREE and row.used_percent is not None]
        return tuple(
            sorted(rows, key=lambda row: (row.reaches_at or self.period.end, -(row.used_percent or 0), row.username))
        )

    @property
    def blocked(self) -> tuple[PersonStatus, ...]:
        """People whose spend has reached their limit, sorted by username."""
        return tuple(row for row in self.people if row.standing is Standing.BLOCKED)
