"""Entries that have ended: of whom they speak, and what they may remove. grants.py says what a record proves."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from reconciler.core.budget import ABSENT, GroupId
from reconciler.core.desired import EndedGrant, Listed, Wanted
from reconciler.core.directory import Organization, User
from reconciler.core.grant_records import GrantRecord
from reconciler.core.names import Names
from reconciler.core.plan.claims import Claims
from reconciler.core.plan.draft import Draft
from reconciler.core.plan.grants import Holders, LostGrant, ended_grant
from reconciler.core.plan.resolution import Renamed
from reconciler.core.policy import UserOverrideEntry


class EndedEntries:
    """The entries in scope that granted something, and have ended."""

    def __init__(self, names: Names, records: Iterable[GrantRecord], claims: Claims, draft: Draft) -> None:
        self._names = names
        self._directory = names.directory
        self._holders = Holders(records)
        self._claims = claims
        self._draft = draft
        self._noted: list[tuple[Listed, UserOverrideEntry, Organization]] = []

    def note(self, listed: Listed, entry: UserOverrideEntry, organization: Organization) -> None:
        self._noted.append((listed, entry, organization))
        self._draft.expired.append(entry)

    def want_absence(self, entry: UserOverrideEntry, user: User, organization: Organization, *, expired: bool) -> None:
        """Want no override of a person; an absence needs no group, so the entry's group may be gone."""
        if grant := self._grant(entry, organization, user):
            self._draft.ended[user.id] = grant
        self._draft.users[user.id] = Wanted(
            subject=user, state=ABSENT, entry=entry, organization=organization.id, has_expired=expired
        )

    def trace(self) -> None:
        """Find the people of the entries whose names are others now, once all entries have taken their own."""
        for listed, entry, organization in sorted(self._noted, key=lambda row: row[1].place):
            self._trace(listed, entry, organization)

    def _trace(self, listed: Listed, entry: UserOverrideEntry, organization: Organization) -> None:
        """Find the person of an entry, nobody whom an entry lists; who has their name today loses only the grant."""
        user_id = self._holders.holder(entry)
        user = self._directory.users.get(user_id) if user_id else None
        if user_id and isinstance(listed.subject, User) and listed.subject.id != user_id:
            self._bind_to_grant(listed.subject, entry)
        if user is None:
            is_lost = user_id is None and not self._names.users(entry.user)
            if is_lost and (grant := self._grant(entry, organization)) is not None:
                self._draft.lost.append(LostGrant(listed=listed, entry=entry, organization=organization, grant=grant))
        elif not self._claims.has(user):
            self._claims.take(user, entry)
            if not self._claims.is_in_scope(replace(listed, subject=user)):
                self._draft.left_alone.add(user.id)
                return
            self.want_absence(entry, user, organization, expired=True)
            self._bind_to_grant(user, entry)
            self._draft.take_back(listed)
            self._draft.renamed.append(Renamed(subject=user, entry=entry, source=self._holders.source(entry)))

    def _bind_to_grant(self, user: User, entry: UserOverrideEntry) -> None:
        """Let an entry remove nothing of somebody but exactly what it granted."""
        wanted = self._draft.users.get(user.id)
        if wanted is not None and wanted.entry is entry:
            self._draft.users[user.id] = replace(wanted, only=self._draft.ended.get(user.id))

    def _grant(
        self, entry: UserOverrideEntry, organization: Organization, user: User | None = None
    ) -> EndedGrant | None:
        """Return what an entry granted; a record of a person's names tells its group where the policy does not."""
        groups = self._names.groups(entry.group, organization)
        recorded = self._holders.groups(entry, user.id, [entry.user, user.username]) if user else frozenset[GroupId]()
        anywhere = frozenset(
            group.id for group in self._directory.groups.values() if group.organization_id == organization.id
        )
        return ended_grant(entry, groups, recorded, anywhere)
