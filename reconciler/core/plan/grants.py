"""Grants that ended: whose an override was, when a name in the policy fits nobody now, or fits somebody else.

People and groups are renamed while an override holds, and the policy goes on naming them as they were. Coder keeps no
old names. What tells whose a grant was is a record of its write: our journals, and Coder's audit log, hold the name of
that day beside the UUID. A record counts for an entry if it was made under the entry's name, with the entry's amount
(to the cent: the log says no more), and on the entry's group where it names one. Where no write was needed
under that name, the log still tells who was created or renamed so.

    a record names a person who exists     exactly the grant ends for them, and no other override of theirs; another
                                           entry that lists them goes first. Who has the entry's name today loses
                                           exactly the grant at most: it was not theirs
    a record names a person who is gone    the override ended with them: the entry may be removed
    no record                              nobody knows. A person who has exactly the grant, and is in no entry, is a
                                           *suspect*: nothing is done to them, and the entry is an orphan that says so

Two records that name different people prove nothing. Law 3 (restraint): a guess never removes anything.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from reconciler.core.budget import Budget, GroupId, Reading, UserId
from reconciler.core.desired import EndedGrant, Listed
from reconciler.core.directory import Directory, Group, Organization, User
from reconciler.core.grant_records import GrantRecord
from reconciler.core.orphan import Orphan, OrphanReason
from reconciler.core.policy import UserOverrideEntry, plain_id
from reconciler.dataclass import dataclass
from reconciler.money import format_usd
from reconciler.words import listed as join
from reconciler.words import spoken, typed

_CENT = 10_000
"""Micros; the audit log says amounts to the cent."""
SUSPECTS_SHOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class LostGrant:
    """An entry whose override ended, and whose name fits nobody: its override may stand on somebody of another name."""

    listed: Listed
    entry: UserOverrideEntry
    organization: Organization
    grant: EndedGrant


class Holders:
    """Records of writes, asked by the name that was written and by whom it was."""

    __slots__ = ("_by_name",)

    def __init__(self, records: Iterable[GrantRecord]) -> None:
        self._by_name: dict[str, list[GrantRecord]] = {}
        for record in records:
            self._by_name.setdefault(record.username.lower(), []).append(record)

    def know(self, entry: UserOverrideEntry) -> bool:
        """Whether a record tells who got what an entry grants, be it of two people."""
        return bool(self._matching(entry))

    def holder(self, entry: UserOverrideEntry) -> UserId | None:
        """Return who got what an entry grants under the entry's name; None where no record says it, or two differ."""
        ids = {record.user_id for record in self._matching(entry)}
        return ids.pop() if len(ids) == 1 else None

    def groups(self, entry: UserOverrideEntry, user_id: UserId, names: Collection[str]) -> frozenset[GroupId]:
        """Return the groups on which somebody, under any of these names, got what an entry grants."""
        records = (record for name in names for record in self._by_name.get(name.lower(), ()))
        return frozenset(
            record.group_id
            for record in records
            if record.user_id == user_id and record.group_id is not None and _fits(record, entry)
        )

    def source(self, entry: UserOverrideEntry) -> str:
        """Return where it is recorded, to be told: `the audit log`."""
        return next((record.source for record in self._matching(entry)), "")

    def _matching(self, entry: UserOverrideEntry) -> list[GrantRecord]:
        return [record for record in self._by_name.get(entry.user.lower(), ()) if _fits(record, entry)]


def _fits(record: GrantRecord, entry: UserOverrideEntry) -> bool:
    limit = record.limit_micros
    if limit is not None and (not isinstance(entry.limit, int) or abs(limit - entry.limit) >= _CENT):
        return False
    return not record.group_name or plain_id(entry.group) in (record.group_name, record.group_id)


def may_hold(lost: LostGrant, directory: Directory, claimed: Collection[UserId]) -> tuple[User, ...]:
    """Return the people who may have a lost grant by another name: members of its group whom no entry lists; sorted."""
    members = {user_id for group_id in lost.grant.groups for user_id in directory.members.get(group_id, ())}
    return tuple(sorted(directory.users[user_id] for user_id in members if user_id not in claimed))


def suspicions(
    lost: Iterable[LostGrant],
    overrides: Mapping[UserId, Reading],
    directory: Directory,
    *,
    claimed: Collection[UserId],
    removed: Collection[UserId],
) -> tuple[Orphan, ...]:
    """Return the lost grants that may still be live, as orphans, sorted.

    `claimed` are listed by entries of their own; the overrides of `removed` are removed by the plan itself.
    """
    orphans = []
    for grant in lost:
        suspects = [
            user
            for user in may_hold(grant, directory, claimed)
            if user.id not in removed and grant.grant.is_live(overrides.get(user.id))
        ]
        if suspects:
            orphans.append(_orphan(grant, suspects, overrides))
    return tuple(sorted(orphans))


def _orphan(lost: LostGrant, suspects: list[User], overrides: Mapping[UserId, Reading]) -> Orphan:
    entry = lost.entry
    name, live = entry.user, overrides[suspects[0].id]
    amount = format_usd(lost.grant.limit_micros)
    group = live.group.label if isinstance(live, Budget) and len(suspects) == 1 else entry.group
    who = join(tuple(spoken(user.username) for user in suspects), most=SUSPECTS_SHOWN)
    verb = "has" if len(suspects) == 1 else "have"
    near = spoken(suspects[0].username) if len(suspects) == 1 else "the new name"
    return Orphan(
        address=lost.listed.address,
        place=entry.place,
        organization=lost.organization.name,
        reason=OrphanReason.LOST_GRANT,
        message=f"user {name!r} is unknown, and the grant that ended may still be live: "
        f"{who} {verb} exactly {amount} on {spoken(group)}",
        hint=f"remove the entry if they left; if {name!r} was renamed, write {typed(f'user: {near}')}, "
        "and the override ends (a token that may read the audit log finds out by itself)",
    )


def ended_grant(
    entry: UserOverrideEntry,
    groups: tuple[Group, ...],
    recorded: frozenset[GroupId],
    anywhere: frozenset[GroupId],
) -> EndedGrant | None:
    """Return what an entry granted; `anywhere` are the groups that it may have been on, if its group's name fits none.

    None for an entry that wanted an absence all along.
    """
    if not isinstance(entry.limit, int):
        return None
    ids = frozenset(group.id for group in groups) if len(groups) == 1 else frozenset()
    return EndedGrant(limit_micros=entry.limit, groups=ids | recorded or anywhere)


def as_ended(entry: UserOverrideEntry, at: datetime) -> bool:
    """Whether an entry granted something, and that ended."""
    return isinstance(entry.limit, int) and entry.expires is not None and entry.expires <= at
