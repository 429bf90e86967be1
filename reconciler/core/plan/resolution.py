"""The policies, looked up: what is wanted of whom, and the entries that want nothing, or cannot be applied."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from reconciler.core.budget import Absent, Budget, State, UserId
from reconciler.core.desired import Desired, Listed, ResolvedPolicy, Wanted
from reconciler.core.directory import User
from reconciler.core.orphan import Orphan, OrphanReason
from reconciler.core.plan import orphans
from reconciler.core.plan.grants import LostGrant
from reconciler.core.plan.later import Later
from reconciler.core.policy import UserOverrideEntry
from reconciler.core.scope import Selection
from reconciler.core.snapshot import Offers
from reconciler.dataclass import dataclass
from reconciler.errors import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Vacancy:
    """An entry whose subject is gone, and that wants nothing of it now: it ended, wants `none`, or starts later."""

    listed: Listed
    starts: datetime | None
    """When it will want something; None if it never will, so that it may be removed."""
    wanted: State | None = None
    """What it will want then; None if it never will want anything, or if its group is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Renamed:
    """An entry that has ended, and the person it speaks of, who has another name now."""

    subject: User
    entry: UserOverrideEntry
    source: str
    """What says so: `the audit log`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """The policies, looked up. If there are findings, nothing else may be used."""

    policies: tuple[ResolvedPolicy, ...]
    desired: Desired
    orphans: tuple[Orphan, ...]
    """Entries in scope whose names cannot be looked up, sorted. There may be more, see `Desired.not_members`."""
    vacancies: tuple[Vacancy, ...]
    later: tuple[Later, ...]
    lost: tuple[LostGrant, ...]
    """Of the vacancies, those that granted something to somebody whom no record knows."""
    renamed: tuple[Renamed, ...]
    """Entries that speak of somebody whose name is another now, by a record."""
    expired: tuple[UserOverrideEntry, ...]
    """Entries in scope that granted something, and have ended."""
    selection: Selection
    findings: tuple[Finding, ...]

    @property
    def claimed(self) -> frozenset[UserId]:
        """People whom an entry lists."""
        listed = (listed.subject for policy in self.policies for listed in policy.listed)
        return frozenset(subject.id for subject in listed if isinstance(subject, User)) | self.desired.users.keys()


def without_overrides(resolution: Resolution, offers: Offers) -> Resolution:
    """Turn every entry that wants an override into an orphan, for a server that has none or does not show them.

    Where none is hidden, an entry that wants an absence has it, for any person; else nobody knows if it has it.
    """
    not_offered = [
        orphans.not_offered(listed, policy.organization, offers=offers)
        for policy in resolution.policies
        for listed in policy.listed
        if isinstance(listed.subject, User)
        and isinstance(wanted := resolution.desired.users.get(listed.subject.id), Wanted)
        and (offers.overrides_hidden or isinstance(wanted.state, Budget))
    ]
    desired = replace(resolution.desired, users={}, exact_users=frozenset(), not_members={})
    entries = (listed.entry for policy in resolution.policies for listed in policy.listed)
    absences = {entry.place for entry in entries if isinstance(entry.limit, Absent)}
    absences |= {entry.place for entry in resolution.expired}
    others = [
        orphan
        for orphan in resolution.orphans
        if offers.overrides_hidden or orphan.reason is not OrphanReason.HIDDEN_USER or orphan.place not in absences
    ]
    return replace(resolution, desired=desired, orphans=tuple(sorted((*others, *not_offered))))
