"""What reviewers of a policy should know about its entries although the plan does nothing about it.

    expires soon   an override ends within 14 days; what its user falls back to is said where it was read
    dead           an override that equals what its user has without it, amount and group alike, or a group budget
                   that is nobody's effective limit; removing the entry and the budget would change nothing today

Both look at the world after the plan. Only what is known is announced: one member whose limit is not known, or one who
is hidden, can be the one for whom an entry is alive.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from reconciler.core.budget import Budget, GroupId, Unknown, UserId
from reconciler.core.desired import Desired, Wanted
from reconciler.core.directory import Directory
from reconciler.core.people.effective import EffectiveLimits
from reconciler.core.people.effects import Notice, NoticeKind
from reconciler.core.policy import UserOverrideEntry
from reconciler.core.snapshot import Effective, Unlimited
from reconciler.money import format_usd
from reconciler.words import NO_LIMIT

SOON = timedelta(days=14)


def notices(desired: Desired, directory: Directory, after: EffectiveLimits, *, at: datetime) -> tuple[Notice, ...]:
    """Announce what holds at the instant `at` (UTC) of the plan; sorted: what expires first, then by address."""
    found = (*_expiring(desired.users, directory, after, at), *_dead(desired, directory, after, at))
    return tuple(sorted(found, key=lambda notice: (notice.kind is NoticeKind.DEAD, notice.at, notice.address)))


def _expiring(
    users: Mapping[UserId, Wanted], directory: Directory, after: EffectiveLimits, at: datetime
) -> Iterator[Notice]:
    for user_id, wanted in users.items():
        entry = wanted.entry
        if not isinstance(wanted.state, Budget) or not isinstance(entry, UserOverrideEntry) or entry.expires is None:
            continue
        if entry.expires <= at + SOON:
            text = f"{format_usd(wanted.state.limit_micros)} expires"
            if after.is_fallback_read(user_id):
                text += f"; then {_say(after.fallback(user_id), directory)}"
            yield Notice(
                kind=NoticeKind.EXPIRES_SOON,
                address=wanted.subject.address,
                place=entry.place,
                text=text,
                at=entry.expires,
            )


def _dead(desired: Desired, directory: Directory, after: EffectiveLimits, at: datetime) -> Iterator[Notice]:
    for user_id, wanted in desired.users.items():
        fallback = after.fallback(user_id)
        if isinstance(wanted.state, Budget) and isinstance(fallback, Effective):
            same = Effective(limit_micros=wanted.state.limit_micros, group=wanted.state.group) == fallback
            if same:
                text = f"equals what they have without it: {_say(fallback, directory)}"
                yield Notice(
                    kind=NoticeKind.DEAD,
                    address=wanted.subject.address,
                    place=wanted.entry.place,
                    text=text,
                    at=at,
                )
    for group_id, wanted in desired.groups.items():
        if isinstance(wanted.state, Budget) and _limits_nobody(group_id, directory, after):
            text = _say_dead(wanted.state, len(directory.members.get(group_id, ())))
            yield Notice(
                kind=NoticeKind.DEAD, address=wanted.subject.address, place=wanted.entry.place, text=text, at=at
            )


def _say_dead(budget: Budget, members: int) -> str:
    """A $0 that was meant to block is the one that surprises: the highest budget wins, and $0 never is."""
    verb = "limits" if budget.limit_micros else "blocks"
    if not members:
        return f"{verb} nobody: the group has no members"
    return f"{verb} none of its {members:,} members: each has a higher budget elsewhere, or an override"


def _limits_nobody(group_id: GroupId, directory: Directory, after: EffectiveLimits) -> bool:
    if group_id in directory.hidden_members:
        return False
    return not any(_may_limit(group_id, user_id, after) for user_id in directory.members.get(group_id, ()))


def _may_limit(group_id: GroupId, user_id: UserId, after: EffectiveLimits) -> bool:
    fallback = after.fallback(user_id)
    if isinstance(fallback, Effective) and fallback.group.id != group_id:
        return False
    effective = after.of(user_id)
    return isinstance(effective, Unknown) or not effective.by_override


def _say(effective: Effective | Unknown, directory: Directory) -> str:
    """`$50.00 (Everyone)`, `no limit`, or that it is not known."""
    if isinstance(effective, Unknown):
        return f"nobody knows what ({effective.reason})"
    if isinstance(effective.limit_micros, Unlimited):
        return NO_LIMIT
    return f"{format_usd(effective.limit_micros)} ({effective.group.label})"
