"""Everybody, one by one and by group: the limit, what counts against it, and the pace; data that counting.py makes."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from reconciler.core.budget import Budget, GroupRef, Reading, Unknown, UserId
from reconciler.core.people.standing import Spend, Standing, is_near, standing
from reconciler.core.snapshot import Effective, Unlimited
from reconciler.dataclass import dataclass
from reconciler.money import Micros


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonStatus:
    """One person: their limit, what counts against it, and when they reach it if they go on as they did."""

    JSON_EXTRAS: ClassVar = ("standing", "used_percent")

    user_id: UserId
    """Their UUID."""
    username: str
    """Their username."""
    account: str
    """Coder's word for their account: active, dormant or suspended; empty where it cannot be read."""
    effective: Effective | Unknown
    """What limits them, or why that is not known."""
    spend_micros: Spend
    """Booked this period on the group that is effective now, in micro-dollars; or why that is not known."""
    per_day_micros: Micros | None
    """Their pace in micro-dollars a day, rounded down; 0 for who is suspended; null where no pace is claimed."""
    reaches_at: datetime | None
    """When they reach their limit at that pace (UTC); null when not before the period ends, and where not claimed."""

    @property
    def limit_micros(self) -> Micros | None:
        """The limit in micros; None without one, and where it is not known."""
        if isinstance(self.effective, Unknown) or isinstance(self.effective.limit_micros, Unlimited):
            return None
        return self.effective.limit_micros

    @property
    def standing(self) -> Standing:
        """Whether they can work now."""
        if isinstance(self.effective, Unknown):
            return Standing.UNKNOWN
        return standing(self.effective, self.spend_micros)

    @property
    def used_percent(self) -> int | None:
        """How much of their limit is used, in percent, rounded down; null without a limit and where it is not known."""
        limit = self.limit_micros
        if limit is None or isinstance(self.spend_micros, Unknown):
            return None
        return self.spend_micros * 100 // limit if limit else 100

    @property
    def is_near(self) -> bool:
        """Whether at least 85 % are used, and they can still work."""
        return isinstance(self.effective, Effective) and is_near(self.effective, self.spend_micros)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """Sums over some people."""

    JSON_EXTRAS: ClassVar = ("used_percent",)

    people: int
    """How many people."""
    unlimited: int
    """People without a limit."""
    unknown: int
    """People whose limit is not known."""
    exposure_micros: Micros
    """The sum of the known limits, in micro-dollars a month."""
    spent_micros: Micros
    """What counts against these limits so far."""
    unlimited_spent_micros: Micros
    """What people without a limit spent, as far as it is known."""
    spend_unknown: int
    """People whose spend is not known; they are in neither of the two sums above."""
    near: int
    """People who used 85 % of their limit or more, and can still work."""
    blocked: int
    """People whose spend has reached their limit."""
    reaching: int
    """People who can work now, and at their pace reach their limit before the period ends."""

    @property
    def used_percent(self) -> int | None:
        """How much of the exposure is used, in percent, rounded down; null where the exposure is nothing."""
        return self.spent_micros * 100 // self.exposure_micros if self.exposure_micros else None


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupStatus:
    """One group, and the people for whom it is effective."""

    group: GroupRef
    """The group."""
    budget: Reading
    """The group's own budget, or its absence, or why it is not known."""
    members: int
    """How many of the people looked at are in the group, limited by it or not."""
    sums: Sums
    """Over the people for whom it is effective."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OverrideStatus:
    """One live override."""

    JSON_EXTRAS: ClassVar = ("changes_nothing",)

    user_id: UserId
    """UUID of the person."""
    username: str
    """Their username."""
    budget: Budget
    """The limit, and the group that spend is booked on."""
    fallback: Effective | Unknown
    """What would limit them without it."""
    is_listed: bool
    """Whether a policy that was given lists it."""
    expires: datetime | None
    """When it ends by the policy (UTC); null when it does not end, and when no policy lists it."""

    @property
    def changes_nothing(self) -> bool:
        """Whether they would have the same limit, on the same group, without it."""
        if isinstance(self.fallback, Unknown):
            return False
        return self.fallback.limit_micros == self.budget.limit_micros and self.fallback.group == self.budget.group


@dataclass(frozen=True, slots=True, kw_only=True)
class Census:
    """Everybody who was looked at."""

    people: tuple[PersonStatus, ...]
    """Sorted by username."""
    groups: tuple[GroupStatus, ...]
    """Groups with a budget or with people for whom they are effective; highest exposure first."""
    total: Sums
