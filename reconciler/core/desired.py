"""What the policy wants of this deployment, with every name looked up: the managed scope and its wanted states."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from reconciler.core.budget import GroupId, OrganizationId, State, UserId
from reconciler.core.directory import Directory, Group, Subject, User
from reconciler.core.policy import Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One entry of the policy, looked up: what shall be at this subject."""

    subject: Subject
    state: State
    entry: Entry
    has_expired: bool = False
    organization: OrganizationId | None = None
    """Whose policy says so; an absence it wants is none of the overrides of another organization."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desired:
    """The policy of all its organizations, looked up."""

    groups: Mapping[GroupId, Wanted]
    users: Mapping[UserId, Wanted]
    exact_groups: frozenset[OrganizationId]
    """Organizations in which a live group budget that is not listed is removed."""
    exact_users: frozenset[OrganizationId]
    """Organizations to whose groups no override may be attributed that is not listed."""
    later: frozenset[UserId] = frozenset()
    """People whose entry has not started: they are listed, and nothing is wanted of them yet."""


NOTHING_DESIRED = Desired(groups={}, users={}, exact_groups=frozenset(), exact_users=frozenset())
"""For plans that follow from no policy."""


def select(desired: Desired, includes: Callable[[str], bool], directory: Directory) -> Desired:
    """Narrow a policy to the addresses for which `includes` is true; the rest is as if nothing managed it."""

    def has_people(organization_id: OrganizationId) -> bool:
        members = directory.members.get(GroupId(organization_id), frozenset())
        return not members or any(includes(directory.users[user_id].address) for user_id in sorted(members))

    return Desired(
        groups={key: wanted for key, wanted in desired.groups.items() if includes(wanted.subject.address)},
        users={key: wanted for key, wanted in desired.users.items() if includes(wanted.subject.address)},
        exact_groups=desired.exact_groups,
        exact_users=frozenset(one for one in desired.exact_users if has_people(one)),
        later=frozenset(one for one in sorted(desired.later) if includes(directory.users[one].address)),
    )


def managed_groups(desired: Desired, directory: Directory) -> tuple[Group, ...]:
    """Return the groups that the policy lists or manages exactly, sorted: those whose budgets must be read."""
    return tuple(
        sorted(
            group
            for group in directory.groups.values()
            if group.id in desired.groups or group.organization_id in desired.exact_groups
        )
    )


def managed_users(desired: Desired, directory: Directory) -> tuple[User, ...]:
    """Return the people whose overrides must be read: those listed, and all members where overrides are exact."""
    ids = set(desired.users)
    for organization_id in desired.exact_users:
        ids |= directory.members.get(GroupId(organization_id), frozenset())
    return tuple(sorted(directory.users[user_id] for user_id in ids))
