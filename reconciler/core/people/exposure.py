"""How much a group of people can spend in a month: the sum of their effective limits, before and after.

Unlimited people are counted apart and never added as a number, and people whose limit is not known on both sides are
in no sum at all, so that before and after are always sums over the same people.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from reconciler.core.budget import GroupId, GroupRef, OrganizationId, Unknown, UserId
from reconciler.core.directory import Directory
from reconciler.core.people.effective import EffectiveLimits
from reconciler.core.people.sums import Exposure, GroupExposure, LimitCount, OrganizationExposure
from reconciler.core.snapshot import Effective, Snapshot, Unlimited
from reconciler.dataclass import dataclass
from reconciler.money import Micros

_NOBODY: frozenset[UserId] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposed:
    """The exposure of some people, and how it is made up."""

    is_total: bool
    """Whether these are all people of the organizations, and not only the people concerned."""
    exposure: Exposure
    organizations: tuple[OrganizationExposure, ...]
    """Sorted by name; empty unless `is_total`."""
    groups: tuple[GroupExposure, ...]
    limits: tuple[LimitCount, ...]


def expose(
    organizations: Collection[OrganizationId],
    concerned: frozenset[UserId],
    snapshot: Snapshot,
    *,
    before: EffectiveLimits,
    after: EffectiveLimits,
    disputed: Collection[UserId],
) -> Exposed:
    """Count everybody in the organizations if all was read of them, else only the people concerned.

    `disputed` people are among the unknown.
    """
    directory = snapshot.directory
    members = [members_of(directory, id_) for id_ in organizations]
    everybody = members[0] if len(members) == 1 else _NOBODY.union(*members)  # a union copies: 4 MB of 100,000 people
    is_total = bool(organizations) and _is_read(everybody, snapshot)
    # A budget casts doubt on everybody who may be a hidden member of its group; else it concerns only those concerned.
    changing = everybody | concerned if directory.hidden_members else concerned
    tally = _tally(everybody if is_total else concerned, before, after=after, changing=changing, disputed=disputed)
    groups, limits = _break_down(tally)
    if not is_total:
        return Exposed(is_total=False, exposure=_count(tally), organizations=(), groups=groups, limits=limits)
    rows = []
    for row in sorted(directory.organizations[id_] for id_ in organizations):
        people = members_of(directory, row.id)
        own = tally
        if people != everybody:
            own = _tally(people, before, after=after, changing=changing, disputed=disputed)
        exposure = _count(own, hidden=directory.hidden_in(row.id))
        rows.append(OrganizationExposure(organization_id=row.id, organization=row.name, exposure=exposure))
    return Exposed(
        is_total=True,
        exposure=_count(tally, hidden=sum(directory.hidden_in(id_) for id_ in organizations)),
        organizations=tuple(rows),
        groups=groups,
        limits=limits,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Limited:
    """How many people one budget limits to one amount, before and after; for own overrides one row an amount."""

    group: GroupRef | None
    """None for overrides."""
    limit_micros: Micros | Unlimited
    people: list[int]
    """Before, after."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tally:
    """Some people, counted by what limits them: as many rows as there are limits, not as there are people."""

    rows: Collection[_Limited]
    known: int
    """People whose limit is known before and after; they alone are in the rows."""
    unknown: int
    """People whose limit is not known before or after, and disputed people."""


def _tally(
    people: Iterable[UserId],
    before: EffectiveLimits,
    *,
    after: EffectiveLimits,
    changing: Collection[UserId],
    disputed: Collection[UserId],
) -> _Tally:
    """Look at everybody once; everything else is computed from the few rows that this returns.

    Who is not in `changing` has the same limit before and after.
    """
    rows: dict[tuple[GroupId | None, Micros | Unlimited], _Limited] = {}
    known = unknown = 0
    for user_id in people:
        limit_before = before.of(user_id)
        limit_after = after.of(user_id) if user_id in changing else limit_before
        if isinstance(limit_before, Unknown) or isinstance(limit_after, Unknown) or user_id in disputed:
            unknown += 1
            continue
        known += 1
        row = _row_of(limit_before, rows)
        row.people[0] += 1
        if limit_after is not limit_before:
            row = _row_of(limit_after, rows)
        row.people[1] += 1
    return _Tally(rows=rows.values(), known=known, unknown=unknown)


def _row_of(limit: Effective, rows: dict[tuple[GroupId | None, Micros | Unlimited], _Limited]) -> _Limited:
    """Return the row of a limit, added where there is none yet."""
    group = None if limit.by_override else limit.group
    key = (None if group is None else group.id, limit.limit_micros)
    row = rows.get(key)
    if row is None:
        row = rows[key] = _Limited(group=group, limit_micros=limit.limit_micros, people=[0, 0])
    return row


def _break_down(tally: _Tally) -> tuple[tuple[GroupExposure, ...], tuple[LimitCount, ...]]:
    """Add up the same people as `_count`, by what limits them and by their limit."""
    groups: dict[GroupRef | None, list[int]] = {}
    limits: dict[Micros | Unlimited, list[int]] = {}
    for row in tally.rows:
        counts = limits.setdefault(row.limit_micros, [0, 0])
        for side, people in enumerate(row.people):
            counts[side] += people
            if not isinstance(row.limit_micros, Unlimited):
                sums = groups.setdefault(row.group, [0, 0, 0, 0])
                sums[side] += people
                sums[2 + side] += row.limit_micros * people
    return (
        tuple(
            GroupExposure(
                group=group, people_before=sums[0], people_after=sums[1], before_micros=sums[2], after_micros=sums[3]
            )
            for group, sums in sorted(
                groups.items(), key=lambda item: (item[0] is None, (item[0] and item[0].id) or "")
            )
        ),
        tuple(
            LimitCount(limit_micros=limit, people_before=counts[0], people_after=counts[1])
            for limit, counts in sorted(limits.items(), key=lambda item: _height(item[0]))
        ),
    )


def _height(limit: Micros | Unlimited) -> float:
    return float("inf") if isinstance(limit, Unlimited) else limit


def _count(tally: _Tally, *, hidden: int = 0) -> Exposure:
    """Add up; `hidden` is how many more people there are whom nobody can name."""
    sums, unlimited = [0, 0], [0, 0]
    for row in tally.rows:
        for side, people in enumerate(row.people):
            if isinstance(row.limit_micros, Unlimited):
                unlimited[side] += people
            else:
                sums[side] += row.limit_micros * people
    return Exposure(
        before_micros=sums[0],
        after_micros=sums[1],
        unlimited_before=unlimited[0],
        unlimited_after=unlimited[1],
        people=tally.known,
        unknown=tally.unknown + hidden,
    )


def members_of(directory: Directory, organization_id: OrganizationId) -> frozenset[UserId]:
    """Return the members of an organization that can be read."""
    return directory.members.get(GroupId(organization_id), _NOBODY)


def _is_read(people: frozenset[UserId], snapshot: Snapshot) -> bool:
    """Whether everything that can limit these people was asked for; some of it may still be unknown."""
    if snapshot.deployment.offers.overrides and not people <= snapshot.user_overrides.keys():
        return False
    return all(
        group_id in snapshot.group_budgets or people.isdisjoint(members)
        for group_id, members in snapshot.directory.members.items()
    )
