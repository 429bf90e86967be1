"""Which entry speaks of which subject, and what a scope (`--only`, `--exclude`) acts on.

A subject belongs to the first entry that names it, in force or not and in scope or not, so that the order of the
entries decides nothing (law 4).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import chain

from reconciler.core.budget import GroupId, OrganizationId, UserId
from reconciler.core.desired import Listed
from reconciler.core.directory import Directory, Group, Subject
from reconciler.core.policy import Entry
from reconciler.core.scope import Scope, Selection
from reconciler.errors import Place


class Claims:
    """The subjects that entries have taken so far, and the addresses that a scope was asked about."""

    __slots__ = ("_asked", "_directory", "_groups", "_scope", "_users")

    def __init__(self, directory: Directory, scope: Scope) -> None:
        self._directory = directory
        self._scope = scope
        self._groups: dict[GroupId | UserId, Place] = {}
        self._users: dict[GroupId | UserId, Place] = {}
        self._asked: list[tuple[str, ...]] = []

    def take(self, subject: Subject, entry: Entry) -> Place | None:
        """Take a subject for an entry; return where the entry is that has it already, if one has."""
        places = self._places_of(subject)
        first = places.get(subject.id)
        if first is None:
            places[subject.id] = entry.place
        return first

    def has(self, subject: Subject) -> bool:
        return subject.id in self._places_of(subject)

    def is_in_scope(self, listed: Listed) -> bool:
        """Whether the scope acts on an entry: by what it says, or by its subject's address."""
        if self._scope.is_everything:
            return True
        addresses = (listed.written, listed.address)
        self._asked.append(addresses)
        return self._scope.includes(*addresses)

    def has_people_in_scope(self, organization_id: OrganizationId) -> bool:
        """Whether the scope acts on somebody of an organization; where nobody is known, it may."""
        members = self._directory.members.get(GroupId(organization_id), frozenset())
        if self._scope.is_everything or not members:
            return True
        return any(self._scope.includes(self._directory.users[user_id].address) for user_id in members)

    def selection(self, exact_groups: Collection[OrganizationId], exact_users: Collection[OrganizationId]) -> Selection:
        """Say what the scope selects of the entries, and of what is managed without being listed."""
        return self._scope.select(chain(self._asked, self._unlisted(exact_groups, exact_users)))

    def _unlisted(
        self, exact_groups: Collection[OrganizationId], exact_users: Collection[OrganizationId]
    ) -> Iterator[tuple[str, ...]]:
        """Yield the addresses of what is managed without being listed."""
        directory = self._directory
        for group in directory.groups.values():
            if group.organization_id in exact_groups and group.id not in self._groups:
                yield (group.address,)
        for organization_id in exact_users:
            for user_id in directory.members.get(GroupId(organization_id), ()):
                if user_id not in self._users:
                    yield (directory.users[user_id].address,)

    def _places_of(self, subject: Subject) -> dict[GroupId | UserId, Place]:
        return self._groups if isinstance(subject, Group) else self._users
