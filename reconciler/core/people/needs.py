"""Whom a plan touches, and what must be read to say what it does to them. Pure: an answer, not a call.

Whom a plan *touches* is cheap to say: the members of a changed group, and people with a changed override. Only they can
change, so only their other groups (in all organizations) and overrides are needed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from itertools import chain

from reconciler.core.action import Action
from reconciler.core.budget import OrganizationId, UserId
from reconciler.core.directory import Directory, Group, User
from reconciler.core.people.exposure import members_of
from reconciler.core.snapshot import Snapshot
from reconciler.dataclass import dataclass

_NOBODY: frozenset[UserId] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What must be read in addition; both sorted by address."""

    groups: tuple[Group, ...]
    users: tuple[User, ...]


def touched(actions: Iterable[Action], directory: Directory) -> frozenset[UserId]:
    """Return everybody whose limit the actions can change."""
    return frozenset(
        chain.from_iterable(
            directory.limited_by(action.subject.id) if isinstance(action.subject, Group) else (action.subject.id,)
            for action in actions
        )
    )


def needs(actions: Iterable[Action], snapshot: Snapshot, *, everybody_in: Collection[OrganizationId] = ()) -> Needs:
    """Return what must be read to know the effects, and the exposure of everybody in some organizations."""
    directory = snapshot.directory
    everybody = (members_of(directory, organization_id) for organization_id in everybody_in)
    people = touched(actions, directory).union(*everybody)
    if not people:
        return Needs(groups=(), users=())
    groups = [
        group
        for group_id, group in directory.groups.items()
        if group_id not in snapshot.group_budgets
        and (group_id in directory.hidden_members or not people.isdisjoint(directory.members.get(group_id, _NOBODY)))
    ]
    unread = people - snapshot.user_overrides.keys() if snapshot.deployment.offers.overrides else _NOBODY
    users = [directory.users[user_id] for user_id in unread if user_id in directory.users]
    return Needs(groups=tuple(sorted(groups)), users=tuple(sorted(users)))
