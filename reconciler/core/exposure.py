"""How much a group of people can spend in a month: the sum of their effective limits, before and after.

Unlimited people are counted apart and never added as a number, and people whose limit is not known on both sides are
in no sum at all, so that before and after are always sums over the same people.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from reconciler.core.budget import GroupId, OrganizationId, Unknown, UserId
from reconciler.core.directory import Directory
from reconciler.core.effective import Limits
from reconciler.core.effects import Exposure, OrganizationExposure
from reconciler.core.snapshot import Snapshot, Unlimited

_NOBODY: frozenset[UserId] = frozenset()


def count_exposure(
    people: Iterable[UserId], *, before: Limits, after: Limits, disputed: Collection[UserId] = (), hidden: int = 0
) -> Exposure:
    """Add up; `disputed` people and `hidden` ones (a number) count as unknown."""
    sums, unlimited = [0, 0], [0, 0]
    known, unknown = 0, hidden
    for user_id in people:
        one, other = before.of(user_id), after.of(user_id)
        if isinstance(one, Unknown) or isinstance(other, Unknown) or user_id in disputed:
            unknown += 1
            continue
        known += 1
        for side, limit in enumerate((one.limit, other.limit)):
            if isinstance(limit, Unlimited):
                unlimited[side] += 1
            else:
                sums[side] += limit
    return Exposure(sums[0], sums[1], unlimited[0], unlimited[1], known, unknown)


def organization_exposures(
    organizations: Iterable[OrganizationId],
    directory: Directory,
    *,
    before: Limits,
    after: Limits,
    disputed: Collection[UserId],
) -> tuple[OrganizationExposure, ...]:
    """Return the exposure of the members of each organization, sorted by its name."""
    return tuple(
        OrganizationExposure(
            organization.id,
            organization.name,
            count_exposure(
                members_of(directory, organization.id),
                before=before,
                after=after,
                disputed=disputed,
                hidden=hidden_in(directory, (organization.id,)),
            ),
        )
        for organization in sorted(directory.organizations[one] for one in organizations)
    )


def members_of(directory: Directory, organization_id: OrganizationId) -> frozenset[UserId]:
    """Return the members of an organization that can be read."""
    return directory.members.get(GroupId(organization_id), _NOBODY)


def hidden_in(directory: Directory, organizations: Iterable[OrganizationId]) -> int:
    """Return how many members of the organizations cannot be read."""
    return sum(directory.hidden_members.get(GroupId(one), 0) for one in organizations)


def is_read(people: frozenset[UserId], snapshot: Snapshot) -> bool:
    """Whether everything that can limit these people was asked for; some of it may still be unknown."""
    if snapshot.deployment.offers.overrides and not people <= snapshot.user_overrides.keys():
        return False
    return all(
        group_id in snapshot.group_budgets or people.isdisjoint(members)
        for group_id, members in snapshot.directory.members.items()
    )
