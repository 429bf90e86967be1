"""A deployment as a file: everything that a plan reads of it, so that plans can be made where no token is.

It holds what was read, with what could not be read, and nothing that only a live server can say: no audit log, no AI
sessions, no right to write. Redacting replaces every name and address by an alias that follows from the id alone, so
that two redacted snapshots of one deployment can be compared; ids stay.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from reconciler.core.budget import Budget, GroupId, GroupRef, OrganizationId, Reading, Unknown, UserId
from reconciler.core.directory import EVERYONE, Directory, Group, Organization, User
from reconciler.core.snapshot import Deployment, Effective
from reconciler.core.spend import Export, Window
from reconciler.dataclass import dataclass
from reconciler.money import Micros

REDACTED = "redacted"
REDACTED_URL = "https://coder.invalid"


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedGroup:
    """One group: who is in it, and its budget."""

    group: Group
    """The group."""
    members: tuple[UserId, ...]
    """UUIDs of its members, sorted; of Everyone all members of the organization."""
    hidden_members: int
    """How many members the token could not read."""
    budget: Reading
    """Its budget, or its absence, or why it could not be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """When a person became a member of an organization."""

    organization_id: OrganizationId
    """UUID of the organization."""
    at: datetime
    """When (UTC)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedPerson:
    """One person: their override, and what the server says limits them."""

    user: User
    """The person."""
    override: Reading | None
    """Their override, or its absence, or why it could not be read; null where the server has no overrides."""
    reported: Effective | None
    """What the server itself says limits them; null where it does not say it."""
    joined: tuple[Joined, ...]
    """For people in several organizations; it decides between equal budgets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """What a plan, a status or an explanation reads of one deployment, at one time."""

    at: datetime
    """When it was read (UTC)."""
    is_redacted: bool
    """Whether names and addresses are aliases."""
    deployment: Deployment
    """The server, and who asked."""
    period: Window | None
    """The budget period; null where the server does not say it (2.35 and older)."""
    organizations: tuple[Organization, ...]
    """Sorted by name."""
    elsewhere: tuple[UserId, ...]
    """UUIDs, sorted, of people who are also in an organization that the token could not read, as far as it may know."""
    groups: tuple[SavedGroup, ...]
    """Sorted by organization and name."""
    people: tuple[SavedPerson, ...]
    """Sorted by username."""
    spend: Mapping[GroupId, Mapping[UserId, Micros]]
    """Booked this period, by group and person, in micro-dollars; for groups whose organization gave no export."""
    unpriced_requests: int | None
    """Requests of the period without a price, in all organizations; null where the server does not say it."""
    exports: tuple[Export, ...]
    """The spend export of the period and of the last seven days."""
    hides_groups: tuple[OrganizationId, ...] = ()
    """UUIDs, sorted, of organizations in which there may be groups that the token could not read."""

    def directory(self) -> Directory:
        """Return who exists."""
        return Directory(
            organizations={organization.id: organization for organization in self.organizations},
            groups={row.group.id: row.group for row in self.groups},
            users={row.user.id: row.user for row in self.people},
            members={row.group.id: frozenset(row.members) for row in self.groups},
            hidden_members={row.group.id: row.hidden_members for row in self.groups if row.hidden_members},
            hides_groups=frozenset(self.hides_groups),
            joined={(row.user.id, joined.organization_id): joined.at for row in self.people for joined in row.joined},
        )


def redact(recording: Recording) -> Recording:
    """Replace names and addresses by aliases."""
    names = {row.user.username: alias("person", row.user.id) for row in recording.people}
    organizations = {row.name: alias("organization", row.id) for row in recording.organizations}
    hide = _Redactor(organizations)
    return replace(
        recording,
        is_redacted=True,
        deployment=replace(recording.deployment, url=REDACTED_URL, user=names.get(recording.deployment.user, REDACTED)),
        organizations=tuple(sorted(replace(row, name=organizations[row.name]) for row in recording.organizations)),
        groups=tuple(sorted(map(hide.group, recording.groups), key=lambda row: row.group)),
        people=tuple(sorted(map(hide.person, recording.people), key=lambda row: row.user)),
        exports=tuple(map(hide.export, recording.exports)),
    )


def alias(kind: str, text: str) -> str:
    """Return what stands for a name: `person-3f2a9c01d4`, the same for the same id everywhere."""
    return f"{kind}-{hashlib.sha256(text.encode()).hexdigest()[:10]}"


class _Redactor:
    def __init__(self, organizations: Mapping[str, str]) -> None:
        self._organizations = organizations

    def group(self, row: SavedGroup) -> SavedGroup:
        group = row.group
        ref = self._ref(group.ref)
        return replace(
            row, group=replace(group, organization=ref.organization, name=ref.name), budget=self._reading(row.budget)
        )

    def person(self, row: SavedPerson) -> SavedPerson:
        reported = row.reported
        return replace(
            row,
            user=replace(row.user, username=alias("person", row.user.id), email=""),
            override=None if row.override is None else self._reading(row.override),
            reported=None if reported is None else replace(reported, group=self._ref(reported.group)),
        )

    def export(self, export: Export) -> Export:
        unpriced = tuple(replace(row, provider=alias("provider", row.provider)) for row in export.unpriced)
        return replace(export, unpriced=unpriced, left_out=dict.fromkeys(export.left_out, REDACTED))

    def _ref(self, ref: GroupRef) -> GroupRef:
        name = ref.name if ref.name in ("", EVERYONE) else alias("group", ref.id)
        return replace(ref, organization=self._organizations.get(ref.organization, ""), name=name)

    def _reading(self, reading: Reading) -> Reading:
        if isinstance(reading, Budget):
            return replace(reading, group=self._ref(reading.group))
        return Unknown(REDACTED) if isinstance(reading, Unknown) else reading
