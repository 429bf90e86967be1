"""What a policy does at a later date: nothing is planned for it now; a review of the policy approves it.

    starts later   an entry that starts later: `apply --due` puts it on its person then, beside nobody
    end moved      this change moves the end of an override, which stays as it is now

Both are notices of the plan (notices.py).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime

from reconciler.core.budget import ABSENT, Absent, Budget, State
from reconciler.core.desired import Desired, Listed
from reconciler.core.directory import Organization, User
from reconciler.core.moment import instant
from reconciler.core.names import Names
from reconciler.core.notice import Notice, NoticeKind
from reconciler.core.orphan import Orphan
from reconciler.core.plan import orphans
from reconciler.core.policy import Entry, UserOverrideEntry
from reconciler.dataclass import dataclass
from reconciler.money import format_usd
from reconciler.words import spoken


@dataclass(frozen=True, slots=True, kw_only=True)
class Later:
    """An entry in scope that starts later, and whose person is known."""

    subject: User
    entry: UserOverrideEntry
    starts: datetime
    wanted: State | None
    """What the entry wants then; None if its group is not known."""
    obstacle: Orphan | None
    """Why it could not be applied if it started now; None if it could."""


def later_entry(
    listed: Listed, entry: UserOverrideEntry, user: User, organization: Organization, names: Names, *, starts: datetime
) -> Later:
    """Return an entry that starts later, with what would stop it now; an absence needs no group."""
    groups, obstacle = names.groups(entry.group, organization), None
    wanted = wanted_later(entry, organization, names)
    if not isinstance(entry.limit, Absent):
        if len(groups) != 1:
            obstacle = orphans.unknown_group(listed, groups, organization, names)
        elif not names.directory.may_be_member(user, groups[0]):
            obstacle = orphans.not_a_member(listed, user, groups[0], names.directory)
    return Later(subject=user, entry=entry, starts=starts, wanted=wanted, obstacle=obstacle)


def wanted_later(entry: UserOverrideEntry, organization: Organization, names: Names) -> State | None:
    """Return what an entry wants once it starts; None where its group's name fits none, or several."""
    if isinstance(entry.limit, Absent):
        return ABSENT
    groups = names.groups(entry.group, organization)
    return Budget(entry.limit, groups[0].ref) if len(groups) == 1 else None


def later_notices(later: Iterable[Later], base: Mapping[str, Entry] | None) -> Iterator[Notice]:
    """Announce entries that start later; they are news if `base`, the policy before, is known and has another entry."""
    for row in later:
        entry, address = row.entry, row.subject.address
        text = say_wanted(entry)
        if row.obstacle is not None:
            text += f"; could not be applied today: {row.obstacle.message}"
        yield Notice(
            kind=NoticeKind.STARTS_LATER,
            address=address,
            place=entry.place,
            text=text,
            at=row.starts,
            is_standing=stood(entry, address, base),
            wanted=row.wanted,
            until=entry.expires,
            user_id=row.subject.id,
        )


def stood(entry: Entry, address: str, base: Mapping[str, Entry] | None) -> bool:
    """Whether the policy before has the same entry, as far as it is known."""
    before = entry if base is None else base.get(address)
    return before is not None and replace(before, place=entry.place) == entry


def say_wanted(entry: Entry) -> str:
    """`$1,200.00 (platform) until 2027-02-01 00:00 UTC`."""
    text = "no override" if isinstance(entry.limit, Absent) else f"{format_usd(entry.limit)} ({spoken(entry.group)})"
    if isinstance(entry, UserOverrideEntry) and entry.expires is not None:
        text += f" until {instant(entry.expires)}"
    return text


def end_notices(
    desired: Desired, base: Mapping[str, Entry] | None, *, at: datetime, planned: Collection[str]
) -> Iterator[Notice]:
    """Announce overrides that the plan leaves as they are, and whose end the change from `base` moves."""
    for wanted in desired.users.values():
        entry, address = wanted.entry, wanted.subject.address
        before = (base or {}).get(address)
        if not isinstance(entry, UserOverrideEntry) or not isinstance(before, UserOverrideEntry):
            continue
        if isinstance(wanted.state, Budget) and entry.expires != before.expires and address not in planned:
            ends = f"ends {instant(entry.expires)}" if entry.expires else "never ends"
            text = f"{format_usd(wanted.state.limit_micros)} {ends}; before this change it {ended(before.expires, at)}"
            yield Notice(
                kind=NoticeKind.END_MOVED, address=address, place=entry.place, text=text, at=entry.expires or at
            )


def ended(expires: datetime | None, at: datetime) -> str:
    """Say of the policy before which end it had: `was to end 2027-01-15 00:00 UTC`."""
    if expires is None:
        return "had no end"
    return f"{'ended' if expires <= at else 'was to end'} {instant(expires)}"
