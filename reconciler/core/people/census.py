"""Everybody, one by one and by group: the limit, what counts against it, and the pace.

Every person belongs to the group that is effective for them, an override's people to the group that it is booked on; so
groups add up to the whole. People without a limit are counted apart and add nothing to the exposure; people whose limit
is not known add nothing to any sum.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import fields
from datetime import datetime
from operator import attrgetter
from typing import ClassVar

from reconciler.core.budget import Budget, GroupId, GroupRef, Reading, Unknown, UserId
from reconciler.core.people.agreement import MAYBE_ELSEWHERE, UNCONFIRMED, unconfirmed
from reconciler.core.people.assess import SpendAnswers
from reconciler.core.people.effective import NOT_READ, EffectiveLimits
from reconciler.core.people.forecast import Pace
from reconciler.core.people.standing import Spend, Standing, is_near, standing
from reconciler.core.snapshot import Effective, Snapshot, Unlimited
from reconciler.dataclass import dataclass
from reconciler.money import Micros

_BY_NAME = attrgetter("username", "user_id")
_NOBODY: frozenset[UserId] = frozenset()
_NO_SPEND = Unknown("their spend could not be read")
_NOT_COUNTED = Unknown("it is not known which group their spend counts in")


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


def take_census(
    people: Collection[UserId],
    snapshot: Snapshot,
    limits: EffectiveLimits,
    spend: SpendAnswers,
    *,
    pace: Pace | None,
    period_end: datetime,
    at: datetime,
) -> Census:
    """Look at some people, all of whose budgets and overrides were read. `at` is now (UTC)."""
    users, masked = snapshot.directory.users, unconfirmed(snapshot)
    rows = []
    for user_id in people:
        user = users.get(user_id)
        effective = effective_of(user_id, snapshot, limits, masked=masked)
        spent = _spent(user_id, effective, spend)
        rows.append(
            PersonStatus(
                user_id=user_id,
                username=user.username if user is not None else str(user_id),
                account=user.status if user is not None else "",
                effective=effective,
                spend_micros=spent,
                per_day_micros=None if pace is None else pace.per_day_micros(user_id),
                reaches_at=None
                if pace is None or not pace.spent.get(user_id)
                else _reaches_at(user_id, effective, spent, pace=pace, period_end=period_end, at=at),
            )
        )
    rows.sort(key=_BY_NAME)
    groups = _groups(rows, snapshot, people)
    return Census(people=tuple(rows), groups=groups, total=_total(groups, rows))


def effective_of(
    user_id: UserId, snapshot: Snapshot, limits: EffectiveLimits, *, masked: Collection[UserId]
) -> Effective | Unknown:
    """Return what limits a person: as the server itself reports it, else by the rule; `masked` is `unconfirmed`."""
    if user_id in masked:
        return Unknown(UNCONFIRMED)
    return snapshot.reported.get(user_id) or limits.of(user_id)


def _spent(user_id: UserId, effective: Effective | Unknown, spend: SpendAnswers) -> Spend:
    if isinstance(effective, Unknown):
        return _NOT_COUNTED
    booked = spend.get(effective.group.id)
    return _NO_SPEND if booked is None else booked.get(user_id, _NO_SPEND)


def _reaches_at(
    user_id: UserId, effective: Effective | Unknown, spent: Spend, *, pace: Pace, period_end: datetime, at: datetime
) -> datetime | None:
    """Return when somebody who can work now reaches their limit; None when not before the period ends."""
    if isinstance(effective, Unknown) or isinstance(effective.limit_micros, Unlimited) or isinstance(spent, Unknown):
        return None
    if spent >= effective.limit_micros:
        return None
    reaches_at = pace.reaches_at(user_id, effective.limit_micros, spent, at=at)
    return None if reaches_at is None or reaches_at >= period_end else reaches_at


def add_up(rows: Iterable[PersonStatus]) -> Sums:
    """Add up people."""
    people = unlimited = unknown = spend_unknown = near = blocked = reaching = 0
    exposure = spent = unlimited_spent = 0
    for row in rows:
        people += 1
        effective, booked = row.effective, row.spend_micros
        known = 0 if isinstance(booked, Unknown) else booked
        spend_unknown += isinstance(booked, Unknown)
        if isinstance(effective, Unknown):
            unknown += 1
        elif isinstance(effective.limit_micros, Unlimited):
            unlimited += 1
            unlimited_spent += known
        else:
            exposure += effective.limit_micros
            spent += known
            near += is_near(effective, booked)
            blocked += standing(effective, booked) is Standing.BLOCKED
            reaching += row.reaches_at is not None
    return Sums(
        people=people,
        unlimited=unlimited,
        unknown=unknown,
        exposure_micros=Micros(exposure),
        spent_micros=Micros(spent),
        unlimited_spent_micros=Micros(unlimited_spent),
        spend_unknown=spend_unknown,
        near=near,
        blocked=blocked,
        reaching=reaching,
    )


def _total(groups: Iterable[GroupStatus], rows: Iterable[PersonStatus]) -> Sums:
    """Add up groups, and the people who are in none because it is not known what limits them."""
    parts = [*(group.sums for group in groups), add_up(row for row in rows if isinstance(row.effective, Unknown))]
    return Sums(**{field.name: sum(getattr(part, field.name) for part in parts) for field in fields(Sums)})


def _groups(rows: Iterable[PersonStatus], snapshot: Snapshot, people: Collection[UserId]) -> tuple[GroupStatus, ...]:
    directory, chosen = snapshot.directory, frozenset(people)
    limited: dict[GroupId, list[PersonStatus]] = {}
    refs: dict[GroupId, GroupRef] = {}
    for row in rows:
        if isinstance(row.effective, Effective):
            group = row.effective.group
            if group.id not in limited:
                limited[group.id], refs[group.id] = [], group
            limited[group.id].append(row)
    for group_id, reading in snapshot.group_budgets.items():
        if isinstance(reading, Budget) and not chosen.isdisjoint(directory.members.get(group_id, _NOBODY)):
            limited.setdefault(group_id, [])
            refs.setdefault(group_id, reading.group)
    groups = (
        GroupStatus(
            group=directory.ref(group_id) if group_id in directory.groups else refs[group_id],
            budget=snapshot.group_budgets.get(group_id, NOT_READ),
            members=len(chosen & directory.members.get(group_id, _NOBODY)),
            sums=add_up(people_of_group),
        )
        for group_id, people_of_group in limited.items()
    )
    return tuple(sorted(groups, key=lambda row: (-row.sums.exposure_micros, -row.sums.people, row.group.address)))


def overrides_of(
    people: Collection[UserId],
    snapshot: Snapshot,
    limits: EffectiveLimits,
    *,
    ends: Mapping[UserId, datetime | None],
) -> tuple[OverrideStatus, ...]:
    """Return the overrides of some people, sorted by username; `ends` are those that policies list, and their end."""
    users, has_unlisted = snapshot.directory.users, bool(snapshot.directory.unlisted)
    rows = [
        OverrideStatus(
            user_id=user_id,
            username=users[user_id].username if user_id in users else str(user_id),
            budget=reading,
            fallback=Unknown(MAYBE_ELSEWHERE) if has_unlisted else limits.fallback(user_id),
            is_listed=user_id in ends,
            expires=ends.get(user_id),
        )
        for user_id in people
        if isinstance(reading := snapshot.user_overrides.get(user_id, NOT_READ), Budget)
    ]
    return tuple(sorted(rows, key=_BY_NAME))
