"""Entries that this change takes out, or puts off: what is live stays, and nobody ends it.

    group budget, override      it stays as it is now, with an amount that no file tells
    override that was to end    it stays and never ends
    the same, and an entry that starts after that end takes the place of its own: it stays until then

Where the policy manages exactly, the removal of what is taken out is an action, and shown; what starts later leaves
things alone there, too. What is live decides: of what is not there any more nothing is said.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime

from reconciler.core.budget import Absent, Budget
from reconciler.core.desired import Desired, Wanted
from reconciler.core.directory import Directory, Group
from reconciler.core.moment import instant
from reconciler.core.notice import Notice, NoticeKind
from reconciler.core.plan.later import Later, ended
from reconciler.core.policy import UserOverrideEntry
from reconciler.core.snapshot import Snapshot
from reconciler.dataclass import dataclass
from reconciler.money import format_usd


@dataclass(frozen=True, slots=True, kw_only=True)
class PutOff:
    """An override that was to end, or has ended, before the entry starts that takes the place of its own."""

    before: Wanted
    ends: datetime
    later: Later


def taken_out(before: Desired, desired: Desired, listed: Collection[str]) -> tuple[Wanted, ...]:
    """Return what the policy before wanted of subjects that no policy manages now; `listed` are all addresses."""
    rows = (*before.groups.values(), *before.users.values())
    return tuple(row for row in rows if row.subject.address not in listed and not _is_managed(row, desired))


def _is_managed(row: Wanted, desired: Desired) -> bool:
    """Whether what is live is removed because no entry lists it."""
    exact = desired.exact_groups if isinstance(row.subject, Group) else desired.exact_users
    return row.organization in exact


def taken_out_notices(rows: Iterable[Wanted], snapshot: Snapshot, *, at: datetime) -> Iterator[Notice]:
    """Announce what stays, at the instant `at` (UTC) of the plan; every subject was asked for in the snapshot."""
    for row in rows:
        reading = snapshot.reading(row.subject)
        state = reading if isinstance(reading, Budget) else row.state
        if isinstance(reading, Absent) or isinstance(state, Absent):
            continue
        is_live = state is reading
        if not is_live or _is_in_organization(state, row, snapshot.directory):
            yield _notice(row, state, is_live=is_live, at=at)


def put_off(before: Desired, later: Iterable[Later]) -> tuple[PutOff, ...]:
    """Return the overrides whose end this change puts off; `later` are the entries that start later."""
    found = []
    for row in later:
        wanted = before.users.get(row.subject.id)
        ends = wanted.entry.expires if wanted is not None and isinstance(wanted.entry, UserOverrideEntry) else None
        if wanted is not None and ends is not None and ends < row.starts and not isinstance(wanted.entry.limit, Absent):
            found.append(PutOff(before=wanted, ends=ends, later=row))
    return tuple(found)


def put_off_notices(rows: Iterable[PutOff], snapshot: Snapshot, *, at: datetime) -> Iterator[Notice]:
    """Announce what stays until its new entry starts, where it is live; every subject was asked for."""
    for row in rows:
        live = snapshot.reading(row.before.subject)
        if isinstance(live, Budget) and _is_in_organization(live, row.before, snapshot.directory):
            stays = f"stays until its entry starts, {instant(row.later.starts)}"
            advice = "to end it, put the new entry into the policy after that"
            yield Notice(
                kind=NoticeKind.END_MOVED,
                address=row.before.subject.address,
                place=row.later.entry.place,
                text=f"{format_usd(live.limit_micros)} {stays}; before this change it {ended(row.ends, at)}; {advice}",
                at=row.later.starts,
            )


def _is_in_organization(live: Budget, row: Wanted, directory: Directory) -> bool:
    """Whether an override stands on a group of the organization whose policy listed it."""
    group = directory.groups.get(live.group.id)
    return group is not None and group.organization_id == row.organization


def _notice(row: Wanted, state: Budget, *, is_live: bool, at: datetime) -> Notice:
    """Say what stays: what is live, or what the policy before wanted where live is not known."""
    amount = format_usd(state.limit_micros)
    stays = "it stays" if is_live else "if it is live, it stays"
    ends = row.entry.expires if isinstance(row.entry, UserOverrideEntry) and isinstance(row.state, Budget) else None
    if ends is not None:
        stays += f" and never ends; before this change it was to end {instant(ends)}"
    return Notice(
        kind=NoticeKind.TAKEN_OUT,
        address=row.subject.address,
        place=None,
        text=f"{amount} is not listed any more: {stays}; to remove it, list it with `limit: none`",
        at=at,
    )
