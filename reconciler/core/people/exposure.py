"""How much a group of people can spend in a month: the sum of their effective limits, before and after.

Unlimited people are counted apart and never added as a number, and people whose limit is not known on both sides are
in no sum at all, so that before and after are always sums over the same people.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from reconciler.core.budget import GroupId, OrganizationId, Unknown, UserId
from reconciler.core.directory import Directory
from reconciler.core.people.effective import EffectiveLimits
from reconciler.core.people.effects import Exposure, OrganizationExposure
from reconciler.core.snapshot import Snapshot, Unlimited

_NOBODY: frozenset[UserId] = frozenset()


def expose(
    organizations: Collection[OrganizationId],
    concerned: frozenset[UserId],
    snapshot: Snapshot,
    *,
    before: EffectiveLimits,
    after: EffectiveLimits,
    disputed: Collection[UserId],
) -> tuple[bool, Exposure, tuple[OrganizationExposure, ...]]:
    """Count everybody in the organizations if all was read of them, else only the people concerned.

    Returns which of the two it is, the exposure, and that of each organization, sorted by name (empty for the second).
    `disputed` people are among the unknown.
    """
    directory = snapshot.directory
    everybody = _NOBODY.union(*(members_of(directory, one) for one in organizations))
    if not organizations or not _is_read(everybody, snapshot):
        return False, _count(concerned, before, after, disputed), ()
    found = tuple(
        OrganizationExposure(
            organization_id=one.id,
            organization=one.name,
            exposure=_count(members_of(directory, one.id), before, after, disputed, _hidden(directory, one.id)),
        )
        for one in sorted(directory.organizations[id_] for id_ in organizations)
    )
    if len(found) == 1:
        return True, found[0].exposure, found
    hidden = sum(_hidden(directory, one) for one in organizations)
    return True, _count(everybody, before, after, disputed, hidden), found


def _count(
    people: Iterable[UserId],
    before: EffectiveLimits,
    after: EffectiveLimits,
    disputed: Collection[UserId],
    hidden: int = 0,
) -> Exposure:
    """Add up; `hidden` is how many more people there are whom nobody can name."""
    sums, unlimited = [0, 0], [0, 0]
    known, unknown = 0, hidden
    for user_id in people:
        one, other = before.of(user_id), after.of(user_id)
        if isinstance(one, Unknown) or isinstance(other, Unknown) or user_id in disputed:
            unknown += 1
            continue
        known += 1
        for side, limit in enumerate((one.limit_micros, other.limit_micros)):
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
