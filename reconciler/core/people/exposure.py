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
    everybody = _NOBODY.union(*(members_of(directory, id_) for id_ in organizations))
    is_total = bool(organizations) and _is_read(everybody, snapshot)
    people = everybody if is_total else concerned
    groups, limits = _break_down(people, before, after=after, disputed=disputed)
    rows: tuple[OrganizationExposure, ...] = ()
    if not is_total:
        exposure = _count(concerned, before, after=after, disputed=disputed)
    else:
        rows = tuple(
            OrganizationExposure(
                organization_id=row.id,
                organization=row.name,
                exposure=_count(
                    members_of(directory, row.id),
                    before,
                    after=after,
                    disputed=disputed,
                    hidden=_hidden(directory, row.id),
                ),
            )
            for row in sorted(directory.organizations[id_] for id_ in organizations)
        )
        hidden = sum(_hidden(directory, id_) for id_ in organizations)
        exposure = (
            rows[0].exposure
            if len(rows) == 1
            else _count(everybody, before, after=after, disputed=disputed, hidden=hidden)
        )
    return Exposed(is_total=is_total, exposure=exposure, organizations=rows, groups=groups, limits=limits)


def _break_down(
    people: Iterable[UserId], before: EffectiveLimits, *, after: EffectiveLimits, disputed: Collection[UserId]
) -> tuple[tuple[GroupExposure, ...], tuple[LimitCount, ...]]:
    """Add up the same people as `_count`, by what limits them and by their limit."""
    groups: dict[GroupRef | None, list[int]] = {}
    limits: dict[Micros | Unlimited, list[int]] = {}
    for user_id in people:
        limit_before, limit_after = before.of(user_id), after.of(user_id)
        if isinstance(limit_before, Unknown) or isinstance(limit_after, Unknown) or user_id in disputed:
            continue
        for i, side in enumerate((limit_before, limit_after)):
            limits.setdefault(side.limit_micros, [0, 0])[i] += 1
            if not isinstance(side.limit_micros, Unlimited):
                sums = groups.setdefault(_source(side), [0, 0, 0, 0])
                sums[i] += 1
                sums[2 + i] += side.limit_micros
    return (
        tuple(
            GroupExposure(
                group=group, people_before=row[0], people_after=row[1], before_micros=row[2], after_micros=row[3]
            )
            for group, row in sorted(groups.items(), key=lambda item: (item[0] is None, (item[0] and item[0].id) or ""))
        ),
        tuple(
            LimitCount(limit_micros=limit, people_before=row[0], people_after=row[1])
            for limit, row in sorted(limits.items(), key=lambda item: _height(item[0]))
        ),
    )


def _source(effective: Effective) -> GroupRef | None:
    return None if effective.by_override else effective.group


def _height(limit: Micros | Unlimited) -> float:
    return float("inf") if isinstance(limit, Unlimited) else limit


def _count(
    people: Iterable[UserId],
    before: EffectiveLimits,
    *,
    after: EffectiveLimits,
    disputed: Collection[UserId],
    hidden: int = 0,
) -> Exposure:
    """Add up; `hidden` is how many more people there are whom nobody can name."""
    sums, unlimited = [0, 0], [0, 0]
    known, unknown = 0, hidden
    for user_id in people:
        limit_before, limit_after = before.of(user_id), after.of(user_id)
        if isinstance(limit_before, Unknown) or isinstance(limit_after, Unknown) or user_id in disputed:
            unknown += 1
            continue
        known += 1
        for side, limit in enumerate((limit_before.limit_micros, limit_after.limit_micros)):
            if isinstance(limit, Unlimited):
                unlimited[side] += 1
            else:
                sums[side] += limit
    return Exposure(
        before_micros=sums[0],
        after_micros=sums[1],
        unlimited_before=unlimited[0],
        unlimited_after=unlimited[1],
        people=known,
        unknown=unknown,
    )


def members_of(directory: Directory, organization_id: OrganizationId) -> frozenset[UserId]:
    """Return the members of an organization that can be read."""
    return directory.members.get(GroupId(organization_id), _NOBODY)


def _hidden(directory: Directory, organization_id: OrganizationId) -> int:
    return directory.hidden_members.get(GroupId(organization_id), 0)


def _is_read(people: frozenset[UserId], snapshot: Snapshot) -> bool:
    """Whether everything that can limit these people was asked for; some of it may still be unknown."""
    if snapshot.deployment.offers.overrides and not people <= snapshot.user_overrides.keys():
        return False
    return all(
        group_id in snapshot.group_budgets or people.isdisjoint(members)
        for group_id, members in snapshot.directory.members.items()
    )
