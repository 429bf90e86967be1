"""What reviewers of a policy should know about its entries although the plan does nothing about it.

    expires soon   an override ends within 14 days; what its user falls back to is said where it was read
    stray          an override on a group of a deleted organization, which no policy manages until an entry lists it
    removable      an entry that ended, or wants none, and nothing is there any more; dead entries must not pile up
    not in snapshot    the same of a subject that a snapshot does not have, which may be newer than the snapshot
    renamed        an entry that has ended, and whose person has another name now, by a record
    namesake       an override that the plan gives to somebody, and that a journal has given to another of their name
    awaited        an entry that starts later, and whose subject is not there yet
    dead           an override that equals what its user has without it, amount and group alike, or a group budget
                   that is nobody's effective limit; removing the entry and the budget would change nothing today

They look at the world after the plan. Only what is known is announced: one member whose limit is not known, or one who
is hidden, can be the one for whom an entry is alive.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from types import MappingProxyType

from reconciler.core.action import Action
from reconciler.core.budget import Absent, Budget, GroupId, Reading, Unknown, UserId
from reconciler.core.describe import names_for
from reconciler.core.desired import Desired, Wanted
from reconciler.core.directory import Directory, User
from reconciler.core.grant_records import GrantRecord
from reconciler.core.notice import Notice, NoticeKind
from reconciler.core.people.effective import EffectiveLimits
from reconciler.core.plan.grants import Holders
from reconciler.core.plan.later import say_wanted, stood
from reconciler.core.plan.resolution import Renamed, Vacancy
from reconciler.core.policy import Entry, UserOverrideEntry
from reconciler.core.snapshot import Effective, Snapshot, Unlimited
from reconciler.money import format_usd
from reconciler.words import NO_LIMIT, spoken

SOON = timedelta(days=14)
_GONE = "is gone, or has another name now"
_NONE_READ: Mapping[UserId, Reading] = MappingProxyType({})


def notices(
    desired: Desired,
    directory: Directory,
    after: EffectiveLimits,
    *,
    at: datetime,
    planned: Collection[str] = (),
    overrides: Mapping[UserId, Reading] = _NONE_READ,
) -> tuple[Notice, ...]:
    """Announce what holds at the instant `at` (UTC) of the plan; sorted: what expires first, then by address.

    `planned`: addresses that the plan acts on; what follows the end of an override that the plan puts on somebody is
    an effect (`Effects.ends`), and no notice. `overrides`: what was read of people's overrides.
    """
    announced = [
        replace(notice, is_standing=notice.address not in planned)
        for notice in (
            *_expiring(desired.users, directory, after=after, at=at, planned=planned),
            *_removable(desired.users, overrides, at),
            *_dead(desired, directory, after=after, at=at),
        )
    ]
    return tuple(sorted(announced, key=_rank))


def _rank(notice: Notice) -> tuple[bool, datetime, str]:
    return notice.kind is not NoticeKind.EXPIRES_SOON, notice.at, notice.address


def vacancy_notices(
    vacancies: Iterable[Vacancy], base: Mapping[str, Entry] | None, *, at: datetime
) -> Iterator[Notice]:
    """Announce entries whose subject is gone, and that want nothing of it now; `base` is the policy before."""
    for vacancy in vacancies:
        entry, address = vacancy.listed.entry, vacancy.listed.address
        is_awaited = vacancy.starts is not None
        yield Notice(
            kind=NoticeKind.AWAITED if is_awaited else NoticeKind.REMOVABLE,
            address=address,
            place=entry.place,
            text=f"{say_wanted(entry)}; the name is not known yet" if is_awaited else _GONE,
            at=vacancy.starts or at,
            is_standing=not is_awaited or stood(entry, address, base),
            wanted=vacancy.wanted,
            until=entry.expires if is_awaited and isinstance(entry, UserOverrideEntry) else None,
        )


def notice_of_snapshot(notice: Notice) -> Notice:
    """Say of a subject that is gone that it may be newer than the snapshot that was read."""
    if notice.kind is NoticeKind.REMOVABLE and notice.text == _GONE:
        return replace(notice, kind=NoticeKind.NOT_IN_SNAPSHOT, text=f"{_GONE}, or is newer than the snapshot")
    return notice


def renamed_notices(renamed: Iterable[Renamed], *, at: datetime) -> tuple[Notice, ...]:
    """Announce whom entries that have ended speak of, by the name that they have now."""
    return tuple(
        Notice(
            kind=NoticeKind.RENAMED,
            address=row.subject.address,
            place=row.entry.place,
            text=f"is {row.entry.user!r} in the policy, by {row.source}",
            at=at,
        )
        for row in renamed
    )


def namesake_notices(
    actions: Iterable[Action], desired: Desired, records: Iterable[GrantRecord], *, at: datetime
) -> Iterator[Notice]:
    """Announce who gets what an entry has given to another person, who had the name then; `records` tell it."""
    holders = Holders(records)
    for action in actions:
        wanted = desired.users.get(UserId(action.subject.id))
        if wanted is None or not isinstance(wanted.entry, UserOverrideEntry) or not isinstance(action.after, Budget):
            continue
        if holders.holder(wanted.entry) not in (None, action.subject.id):
            had = f"{say_wanted(wanted.entry)} was another person's of this name"
            yield Notice(
                kind=NoticeKind.NAMESAKE,
                address=action.address,
                place=wanted.entry.place,
                text=f"{had}, by {holders.source(wanted.entry)}",
                at=at,
            )


def stray_overrides(snapshot: Snapshot) -> tuple[tuple[User, Budget], ...]:
    """Return the overrides that stand on groups of deleted organizations, sorted by address.

    Only a token that reads every organization can tell a deleted group from a group that may not be read.
    """
    directory = snapshot.directory
    if not snapshot.reads_all:
        return ()
    rows = [
        (directory.users[user_id], reading)
        for user_id, reading in snapshot.user_overrides.items()
        if isinstance(reading, Budget) and reading.group.id not in directory.groups and user_id in directory.users
    ]
    return tuple(sorted(rows, key=lambda row: row[0].address))


def stray_notices(snapshot: Snapshot, *, listed: Collection[UserId], at: datetime) -> tuple[Notice, ...]:
    """Announce overrides on groups of deleted organizations, of people who are not listed."""
    return tuple(
        Notice(
            kind=NoticeKind.STRAY,
            address=user.address,
            place=None,
            text=f"{format_usd(override.limit_micros)} on a group of a deleted organization",
            at=at,
            is_standing=True,
        )
        for user, override in stray_overrides(snapshot)
        if user.id not in listed
    )


def _removable(users: Mapping[UserId, Wanted], overrides: Mapping[UserId, Reading], at: datetime) -> Iterator[Notice]:
    for user_id, wanted in users.items():
        if wanted.has_expired and isinstance(overrides.get(user_id), Absent):
            yield Notice(
                kind=NoticeKind.REMOVABLE,
                address=wanted.subject.address,
                place=wanted.entry.place,
                text="has ended",
                at=at,
            )


def _expiring(
    users: Mapping[UserId, Wanted],
    directory: Directory,
    *,
    after: EffectiveLimits,
    at: datetime,
    planned: Collection[str],
) -> Iterator[Notice]:
    """Announce overrides that end within `SOON`, and what their people fall back to."""
    for user_id, wanted in users.items():
        entry = wanted.entry
        if not isinstance(wanted.state, Budget) or not isinstance(entry, UserOverrideEntry) or entry.expires is None:
            continue
        if entry.expires <= at + SOON and wanted.subject.address not in planned:
            text = format_usd(wanted.state.limit_micros)
            if after.is_fallback_read(user_id) and _is_seen(user_id, directory):
                text += f"; then {_say(after.fallback(user_id), beside=wanted.state)}"
            yield Notice(
                kind=NoticeKind.EXPIRES_SOON,
                address=wanted.subject.address,
                place=entry.place,
                text=text,
                at=entry.expires,
            )


def _dead(desired: Desired, directory: Directory, *, after: EffectiveLimits, at: datetime) -> Iterator[Notice]:
    """Announce entries that change nobody's limit, where that is known."""
    for user_id, wanted in desired.users.items():
        if not isinstance(wanted.state, Budget):
            continue
        fallback = after.fallback(user_id)
        if isinstance(fallback, Effective) and _equals(wanted.state, fallback) and _is_seen(user_id, directory):
            text = f"equals what they have without it: {_say(fallback, beside=wanted.state)}"
            yield Notice(
                kind=NoticeKind.DEAD, address=wanted.subject.address, place=wanted.entry.place, text=text, at=at
            )
    overridden = after.overridden()
    for group_id, wanted in desired.groups.items():
        if isinstance(wanted.state, Budget) and _limits_nobody(group_id, directory, after, overridden=overridden):
            text = _say_dead(wanted.state, len(directory.limited_by(group_id)))
            yield Notice(
                kind=NoticeKind.DEAD, address=wanted.subject.address, place=wanted.entry.place, text=text, at=at
            )


def _is_seen(user_id: UserId, directory: Directory) -> bool:
    """Whether no budget of an organization that was not read may limit a person by their groups."""
    return not directory.unlisted and user_id not in directory.elsewhere


def _equals(override: Budget, fallback: Effective) -> bool:
    return override.limit_micros == fallback.limit_micros and override.group == fallback.group


def _say_dead(budget: Budget, members: int) -> str:
    """A $0 that was meant to block surprises most: the highest budget wins, and $0 is never the highest."""
    verb = "limits" if budget.limit_micros else "blocks"
    if not members:
        return f"{verb} nobody: the group has no members"
    if members == 1:
        return f"{verb} nobody: its one member has a higher budget elsewhere, or an override"
    return f"{verb} none of its {members:,} members: each has a higher budget elsewhere, or an override"


def _limits_nobody(
    group_id: GroupId, directory: Directory, after: EffectiveLimits, *, overridden: frozenset[UserId]
) -> bool:
    if group_id in directory.hidden_members:
        return False
    fallbacks = map(after.fallback, directory.limited_by(group_id) - overridden)
    return all(isinstance(fallback, Effective) and fallback.group.id != group_id for fallback in fallbacks)


def _say(effective: Effective | Unknown, *, beside: Budget) -> str:
    """`$50.00 (Everyone)`, `no limit`, or that it is not known; told `beside` an override, which may be elsewhere."""
    if isinstance(effective, Unknown):
        return f"an unknown limit ({effective.reason})"
    if isinstance(effective.limit_micros, Unlimited):
        return NO_LIMIT
    return (
        f"{format_usd(effective.limit_micros)} ({spoken(names_for((effective.group, beside.group))(effective.group))})"
    )
