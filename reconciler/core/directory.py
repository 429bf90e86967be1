"""Who exists: organizations, groups, people, and who is a member of what, as far as it could be read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from functools import lru_cache
from types import MappingProxyType

from reconciler.core.budget import GroupId, GroupRef, OrganizationId, UserId
from reconciler.dataclass import dataclass
from reconciler.words import spoken

EVERYONE = "Everyone"
NO_ORGANIZATION_HINT = (
    "this token may read no organization: make its user a member of one, or use the token of an Owner, a User Admin or "
    "an Auditor"
)


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Organization:
    """One organization of the deployment."""

    name: str
    """Its name."""
    id: OrganizationId
    """Its UUID."""
    is_default: bool = False
    """Whether it is the deployment's default organization."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Group:
    """A subject. Group names are unique within an organization only."""

    organization: str
    """The organization's name."""
    name: str
    """Its name, unique within the organization."""
    id: GroupId
    """Its UUID; that of Everyone is the organization's."""
    organization_id: OrganizationId
    """UUID of its organization."""

    @property
    def address(self) -> str:
        """`group/acme/platform`."""
        return f"group/{self.organization}/{self.name}"

    @property
    def ref(self) -> GroupRef:
        """The group as budgets refer to it."""
        return _ref(self.id, self.organization, self.name)

    @property
    def is_everyone(self) -> bool:
        """Whether it is the organization's implicit group of all members."""
        return str(self.id) == str(self.organization_id)


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class User:
    """A subject. Dormant and suspended people are people: they keep their budgets."""

    username: str
    """Their username."""
    id: UserId
    """Their UUID."""
    email: str = ""
    """Their e-mail address; empty where it may not be read."""
    status: str = "active"
    """Coder's word: active, dormant or suspended."""

    @property
    def is_suspended(self) -> bool:
        """Whether they cannot work at all, with any limit. Dormant people can: the next login wakes them."""
        return self.status == "suspended"

    @property
    def address(self) -> str:
        """`user/ana`."""
        return f"user/{self.username}"


@lru_cache(maxsize=1 << 14)
def _ref(id_: GroupId, organization: str, name: str) -> GroupRef:
    """Return one object for one group: the budgets of 100,000 people refer to it."""
    return GroupRef(id_, organization=organization, name=name)


Subject = Group | User

_NOBODY: frozenset[UserId] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Unlisted:
    """Why the groups of an organization were not listed, where Coder said more than that it has none for this token."""

    reason: str
    """What Coder answered."""
    hint: str
    """What to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """What the token may read of who exists. A name that is not here may be unreadable, deleted or misspelt."""

    organizations: Mapping[OrganizationId, Organization]
    groups: Mapping[GroupId, Group]
    users: Mapping[UserId, User]
    members: Mapping[GroupId, frozenset[UserId]]
    """Per group, Everyone included (its members are the organization's)."""
    hidden_members: Mapping[GroupId, int] = field(default_factory=lambda: MappingProxyType({}))
    """How many members of a group the token may not read; groups without any are not in the mapping."""
    hides_groups: frozenset[OrganizationId] = frozenset()
    """Organizations in which there may be groups that the token may not read."""
    joined: Mapping[tuple[UserId, OrganizationId], datetime] = field(default_factory=lambda: MappingProxyType({}))
    """When a person became a member of an organization; known only for people in several of them."""

    elsewhere: frozenset[UserId] = frozenset()
    """People who are also in an organization that the token may not read; asked only of those whom a plan touches."""

    failures: Mapping[OrganizationId, Unlisted] = field(default_factory=lambda: MappingProxyType({}))
    """Organizations whose list of groups failed, while another organization's did not."""

    @property
    def readable(self) -> str:
        """Which organizations the token may read, as a clause for a hint; what to do where there are none."""
        names = sorted(organization.name for organization in self.organizations.values())
        return f"this token may read: {', '.join(map(spoken, names))}" if names else NO_ORGANIZATION_HINT

    @property
    def unlisted(self) -> tuple[Organization, ...]:
        """Organizations whose groups, members and budgets are not known, not even Everyone; sorted."""
        return tuple(sorted(row for id_, row in self.organizations.items() if GroupId(id_) not in self.groups))

    def hidden_in(self, organization: OrganizationId) -> int:
        """Return how many members of an organization the token may not read."""
        return self.hidden_members.get(GroupId(organization), 0)

    def live(self, subject: Subject) -> Subject | None:
        """Return a subject as it is here, by its id; None if it is gone or may not be read."""
        return self.groups.get(subject.id) if isinstance(subject, Group) else self.users.get(subject.id)

    def may_be_member(self, user: User, group: Group) -> bool:
        """Whether Coder may accept an override on the group; hidden members get the benefit of the doubt."""
        return user.id in self.members.get(group.id, _NOBODY) or group.id in self.hidden_members

    def ref(self, group_id: GroupId) -> GroupRef:
        """Return the group as budgets refer to it, named where it can be read."""
        group = self.groups.get(group_id)
        return group.ref if group is not None else GroupRef(group_id)

    def limited_by(self, group_id: GroupId) -> frozenset[UserId]:
        """Return the members whom a group's budget can limit: those who are in the group's organization.

        Coder lists members who left the organization, where a race left their row behind, and does not limit them.
        Where members of the organization are hidden, all members of the group count. Source: coder-api.md 13.4.
        """
        members = self.members.get(group_id, _NOBODY)
        group = self.groups.get(group_id)
        everyone = None if group is None else GroupId(group.organization_id)
        if everyone is None or everyone == group_id or everyone in self.hidden_members or everyone not in self.members:
            return members
        seen = self.members[everyone]
        return members if members <= seen else members & seen
