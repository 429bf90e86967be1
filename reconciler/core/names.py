"""Who may be called what: the only place that compares a name in a policy with a name in the directory.

    organization   its name, or its UUID in any capitals
    group          its name, exactly as Coder writes it (`platform` and `Platform` can stand side by side), or its UUID
                   in any capitals; within one organization
    person         username or e-mail address in any capitals, or UUID in any capitals

A name can fit several subjects: an e-mail address that is somebody else's username, a group that is named like the UUID
of another group. Then all of them are returned, and the name is ambiguous; nothing is guessed. For organizations the
UUID wins.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain

from reconciler.core.budget import OrganizationId, UserId
from reconciler.core.directory import Directory, Group, Organization, User
from reconciler.core.policy import plain_id
from reconciler.words import NearNames


class Names:
    """Every name by which something of a directory may be written in a policy; built once, then only asked."""

    __slots__ = ("_directory", "_groups", "_near_groups", "_organizations", "_users")

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        organizations = directory.organizations.values()
        self._organizations = {organization.name: organization for organization in organizations} | {
            plain_id(organization.id): organization for organization in organizations
        }
        self._groups: dict[tuple[OrganizationId, str], tuple[Group, ...]] = {}
        for group in directory.groups.values():
            for name in {group.name, plain_id(group.id)}:
                key = group.organization_id, plain_id(name)
                self._groups[key] = (*self._groups.get(key, ()), group)
        self._near_groups: dict[OrganizationId, NearNames] = {}
        self._users: dict[str, tuple[User, ...]] = {}
        for user in directory.users.values():
            alone = (user,)
            username, email = _small(user.username), _small(user.email)
            for name in (username,) if email == username or not email else (username, email):
                namesakes = self._users.setdefault(name, alone)
                if namesakes is not alone:
                    self._users[name] = (*namesakes, user)
        self._users.pop("", None)

    @property
    def directory(self) -> Directory:
        """Return what the names are of."""
        return self._directory

    def organization(self, name: str) -> Organization | None:
        return self._organizations.get(plain_id(name))

    def groups(self, name: str, organization: Organization) -> tuple[Group, ...]:
        """Return the groups of the organization that go by a name: none, one, or several if it is ambiguous."""
        return self._groups.get((organization.id, plain_id(name)), ())

    def users(self, name: str) -> tuple[User, ...]:
        """Return the people who go by a name: none, one, or several if it is ambiguous."""
        name = _small(name)
        named = self._users.get(name, ())
        owner = self._directory.users.get(UserId(name))
        return named if owner is None or owner in named else (*named, owner)

    @property
    def user_names(self) -> Mapping[str, tuple[User, ...]]:
        """Every name of every person but their UUID, in small letters."""
        return self._users

    def near_group(self, name: str, organization: Organization) -> str:
        """Return `did you mean 'platform'?` where a group of the organization has a near name; else an empty text."""
        if organization.id not in self._near_groups:
            groups = self._directory.groups.values()
            names = [group.name for group in groups if group.organization_id == organization.id]
            self._near_groups[organization.id] = NearNames(names)
        return self._near_groups[organization.id].question(name)

    def groups_elsewhere(self, name: str, organization: Organization) -> tuple[Group, ...]:
        """Return the groups of other organizations that go by a name, sorted by address."""
        foreign_ids = (id_ for id_ in self._directory.organizations if id_ != organization.id)
        groups = chain.from_iterable(self._groups.get((id_, plain_id(name)), ()) for id_ in foreign_ids)
        return tuple(sorted(groups, key=lambda group: group.address))


def _small(name: str) -> str:
    """Return a name in small letters; the same text where it has no others, since there may be 100,000 of them."""
    return name if name.islower() else name.lower()
