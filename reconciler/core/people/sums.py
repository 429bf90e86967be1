"""What people may spend, added up: for everybody, by organization, by the group that limits, and by limit. Frozen data.

Sums are of effective limits in micros a month. People without a limit are counted apart and are in no sum.
"""

from __future__ import annotations

from reconciler.core.budget import GroupRef, OrganizationId
from reconciler.core.snapshot import Unlimited
from reconciler.dataclass import dataclass
from reconciler.money import Micros


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """Sums of effective limits in micros a month; unlimited people are counted apart and are in no sum."""

    before_micros: int
    """The sum now, in micro-dollars a month."""
    after_micros: int
    """The sum after the plan, in micro-dollars a month."""
    unlimited_before: int
    """How many people are unlimited now."""
    unlimited_after: int
    """How many people are unlimited after the plan."""
    people: int
    """Whose limits are known before and after, unlimited ones included."""
    unknown: int
    """People who should be counted and are in none of the numbers above."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganizationExposure:
    """The exposure of the members of one organization; members of two are counted in both."""

    organization_id: OrganizationId
    """UUID of the organization."""
    organization: str
    """Its name."""
    exposure: Exposure
    """That of its members."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupExposure:
    """What the people whom one budget limits may spend, before and after; somebody may be in another row after."""

    group: GroupRef | None
    """The group whose budget limits them; null for all people who are limited by an override of their own."""
    people_before: int
    """How many people it limits now."""
    people_after: int
    """How many people it limits after the plan."""
    before_micros: int
    """The sum of their limits now, in micro-dollars a month."""
    after_micros: int
    """The sum of their limits after the plan, in micro-dollars a month."""

    @property
    def label(self) -> str:
        """`platform`; `own overrides`."""
        return self.group.label if self.group else "own overrides"


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitCount:
    """How many people have one limit, before and after."""

    limit_micros: Micros | Unlimited
    """The limit, in micro-dollars a month."""
    people_before: int
    """How many people have it now."""
    people_after: int
    """How many people have it after the plan."""
