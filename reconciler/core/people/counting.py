"""Take the census: everybody, one by one and by group (census.py).

Every person belongs to the group that is effective for them, an override's people to the group that it is booked on; so
groups add up to the whole. People without a limit are counted apart and add nothing to the exposure; people whose limit
is not known add nothing to any sum.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import fields
from datetime import datetime
from operator import attrgetter

from reconciler.core.budget import Budget, GroupId, GroupRef, Unknown, UserId
from reconciler.core.people.agreement import MAYBE_ELSEWHERE, UNCONFIRMED, unconfirmed
from reconciler.core.people.assess import SpendAnswers
from reconciler.core.people.census import Census, GroupStatus, OverrideStatus, PersonStatus, Sums
from reconciler.core.people.effective import NOT_READ, EffectiveLimits
from reconciler.core.people.forecast import Pace
from reconciler.core.people.standing import Spend, Standing, is_near, standing
from reconciler.core.snapshot import Effective, Snapshot, Unlimited
from reconciler.money import Micros

_BY_NAME = attrgetter("username", "user_id")
_NOBODY: frozenset[UserId] = frozenset()
_NO_SPEND = Unknown("their spend could not be read")
_NOT_COUNTED = Unknown("it is not known which group their spend counts in")


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
