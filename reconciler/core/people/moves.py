"""People whose limit changed although no budget did: they joined a group or left it, and overrides may have ended so.

Two states are compared by the rule of effective.py, person by person. Somebody of whom a budget changed too (of a group
that limited or limits them, or their own override, unless it ended with a membership) is not a move: `drift` tells of
budgets. People whose limit is not known on both sides, and members who may not be read, are counted and no more.
"""

from __future__ import annotations

from datetime import datetime

from reconciler.core.budget import Absent, Budget, GroupId, UserId
from reconciler.core.directory import Directory
from reconciler.core.people.agreement import unconfirmed
from reconciler.core.people.effective import EffectiveLimits, unread_override
from reconciler.core.snapshot import Effective, Snapshot
from reconciler.dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class MembershipChange:
    """Who took somebody into a group, or out of it."""

    address: str
    """Of the group."""
    by: str
    """Their username; empty when the audit log does not know."""
    at: datetime
    """When (UTC)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A person whose limit, or the group that their spend is booked on, changed with a membership."""

    user_id: UserId
    """Their UUID."""
    username: str
    """Their username now."""
    before: Effective
    """What limited them."""
    after: Effective
    """What limits them now."""
    joined: tuple[str, ...]
    """Addresses of groups that they are in now and were not, sorted."""
    left: tuple[str, ...]
    """Addresses of groups that they were in and are not any more, sorted."""
    has_lost_override: bool
    """Whether they had an override on a group that they left."""
    behind: tuple[MembershipChange, ...] = ()
    """Who changed these memberships, as far as the audit log tells it; a group sync leaves no entry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moves:
    """What two states show of people whose memberships changed."""

    found: tuple[Move, ...]
    """Sorted by username."""
    not_known: int
    """How many more people's limits may have changed with a membership."""
    reads_all: bool
    """Whether every organization was read in both states."""


def moves(before: Snapshot, after: Snapshot) -> Moves:
    """Compare two states in which everybody was read whom the token may read."""
    limits_before, limits_after = _limits(before), _limits(after)
    masked = unconfirmed(before) | unconfirmed(after)
    groups_before, groups_after = _groups(before.directory), _groups(after.directory)
    rows: list[Move] = []
    organizations = before.directory.organizations.keys() | after.directory.organizations.keys()
    not_known = sum(max(before.directory.hidden_in(id_), after.directory.hidden_in(id_)) for id_ in organizations)
    for user_id, user in after.directory.users.items():
        was, now = groups_before.get(user_id, frozenset()), groups_after.get(user_id, frozenset())
        limit_before, limit_after = limits_before.of(user_id), limits_after.of(user_id)
        if was == now or user_id not in before.directory.users:
            continue
        if not isinstance(limit_before, Effective) or not isinstance(limit_after, Effective) or user_id in masked:
            not_known += 1
            continue
        if limit_before == limit_after or _is_by_a_budget(
            user_id, limit_before=limit_before, limit_after=limit_after, before=before, after=after
        ):
            continue
        rows.append(
            Move(
                user_id=user_id,
                username=user.username,
                before=limit_before,
                after=limit_after,
                joined=_addresses(now - was, after.directory),
                left=_addresses(was - now, before.directory),
                has_lost_override=limit_before.by_override and not limit_after.by_override,
            )
        )
    found = tuple(sorted(rows, key=lambda move: (move.username, move.user_id)))
    return Moves(found=found, not_known=not_known, reads_all=before.reads_all and after.reads_all)


def _is_by_a_budget(
    user_id: UserId, *, limit_before: Effective, limit_after: Effective, before: Snapshot, after: Snapshot
) -> bool:
    """Whether a budget that limited or limits somebody changed between the states."""
    own_before, own_after = before.user_overrides.get(user_id), after.user_overrides.get(user_id)
    if own_before != own_after:
        is_lost = isinstance(own_before, Budget) and isinstance(own_after, Absent)
        members = after.directory.members.get(own_before.group.id, ()) if isinstance(own_before, Budget) else ()
        return not is_lost or user_id in members
    sources = {limit.group.id for limit in (limit_before, limit_after) if not limit.by_override}
    return any(
        group_id in before.directory.groups and before.group_budgets.get(group_id) != after.group_budgets.get(group_id)
        for group_id in sources
    )


def _limits(snapshot: Snapshot) -> EffectiveLimits:
    offers = snapshot.deployment.offers
    return EffectiveLimits(
        snapshot.directory,
        snapshot.group_budgets,
        snapshot.user_overrides,
        otherwise=unread_override(offers),
        ties_by_name=not offers.bulk_reads,
    )


def _groups(directory: Directory) -> dict[UserId, frozenset[GroupId]]:
    groups: dict[UserId, set[GroupId]] = {}
    for group_id in directory.groups:
        for user_id in directory.limited_by(group_id):
            groups.setdefault(user_id, set()).add(group_id)
    return {user_id: frozenset(ids) for user_id, ids in groups.items()}


def _addresses(ids: frozenset[GroupId], directory: Directory) -> tuple[str, ...]:
    return tuple(sorted(directory.groups[group_id].address for group_id in ids))
