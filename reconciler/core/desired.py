"""What the policy wants of this deployment, with every name looked up: the only form in which others see a policy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from operator import attrgetter
from types import MappingProxyType

from reconciler.core.budget import Budget, GroupId, OrganizationId, Reading, State, UserId
from reconciler.core.directory import Directory, Group, Organization, Subject, User
from reconciler.core.orphan import Orphan, Unresolved
from reconciler.core.policy import Consent, Entry, Guardrail, UserOverrideEntry, written_address
from reconciler.core.scope import EVERYTHING, Scope
from reconciler.dataclass import dataclass
from reconciler.errors import Place
from reconciler.money import Micros


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One entry of a policy, and whom it speaks of."""

    entry: Entry
    organization: str
    """Name of the organization whose policy lists it."""
    subject: Subject | None
    """None where the entry's name fits nobody, or several."""

    @property
    def written(self) -> str:
        """The address of the subject as the entry says it: `user/Bob`."""
        return written_address(self.entry, self.organization)

    @property
    def address(self) -> str:
        """The address of the subject; as the entry says it where the subject is not known."""
        return self.written if self.subject is None else self.subject.address


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedPolicy:
    """Everything that the files say of one organization, looked up."""

    organization: Organization
    place: Place
    listed: tuple[Listed, ...]
    """Group budgets, then overrides; also what is not in scope, not in force, or cannot be applied."""
    guardrails: tuple[Guardrail, ...]
    allow: tuple[Consent, ...]
    has_exact_groups: bool
    """Whether a live group budget that is not listed is removed."""
    has_exact_users: bool
    """The same for overrides."""

    @property
    def emptied_kinds(self) -> tuple[bool, ...]:
        """What it manages exactly and lists none of: group budgets (False), overrides (True)."""
        listed = {isinstance(listed.entry, UserOverrideEntry) for listed in self.listed}
        exact = ((False, self.has_exact_groups), (True, self.has_exact_users))
        return tuple(is_user for is_user, is_exact in exact if is_exact and is_user not in listed)


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedGrant:
    """What an entry granted that has ended: its limit, and the groups that the override may have been on."""

    limit_micros: Micros
    groups: frozenset[GroupId]

    def is_live(self, state: Reading | None) -> bool:
        """Whether exactly this is live."""
        return isinstance(state, Budget) and state.limit_micros == self.limit_micros and state.group.id in self.groups


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One entry of the policy that is in force and in scope: what it wants of its subject."""

    subject: Subject
    state: State
    entry: Entry
    organization: OrganizationId
    """Whose policy says so; an absence that it wants does not concern overrides of another organization."""
    has_expired: bool = False
    only: EndedGrant | None = None
    """The entry removes no other override: only a record ties the person to it, or it speaks of another person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desired:
    """The policies of all organizations, as what is wanted of each subject."""

    groups: Mapping[GroupId, Wanted]
    users: Mapping[UserId, Wanted]
    exact_groups: frozenset[OrganizationId]
    """Organizations in which a live group budget that is not listed is removed."""
    exact_users: frozenset[OrganizationId]
    """Organizations to whose groups no override may be attributed that is not listed."""
    left_alone: frozenset[GroupId | UserId] = frozenset()
    """Subjects that are listed, and of whom nothing is wanted: their entry has not started, or is not in scope."""
    ended: Mapping[UserId, EndedGrant] = field(default_factory=lambda: MappingProxyType({}))
    """What entries in `users` that have ended had granted."""
    not_members: Mapping[UserId, Orphan] = field(default_factory=lambda: MappingProxyType({}))
    """What an entry in `users` becomes unless its override is live already: its user is not in its group."""
    unresolved: tuple[Unresolved, ...] = ()
    """Names that could not be looked up, in scope or not, sorted by address."""
    scope: Scope = EVERYTHING
    """What of the exactly managed organizations is looked at."""


NOTHING_DESIRED = Desired(groups={}, users={}, exact_groups=frozenset(), exact_users=frozenset())
"""For plans that follow from no policy."""


def managed_groups(desired: Desired, directory: Directory) -> tuple[Group, ...]:
    """Return the groups that the policy lists or manages exactly, sorted: those whose budgets must be read."""
    return tuple(
        sorted(
            group
            for group in directory.groups.values()
            if group.id in desired.groups
            or (group.organization_id in desired.exact_groups and desired.scope.includes(group.address))
        )
    )


def managed_users(desired: Desired, directory: Directory) -> tuple[User, ...]:
    """Return the people whose overrides must be read: those listed, and all members where overrides are exact."""
    members: set[UserId] = set()
    for organization_id in desired.exact_users:
        members |= directory.members.get(GroupId(organization_id), frozenset())
    listed = [directory.users[user_id] for user_id in desired.users]
    unlisted = [directory.users[user_id] for user_id in members - desired.users.keys()]
    if not desired.scope.is_everything:
        unlisted = [user for user in unlisted if desired.scope.includes(user.address)]
    return tuple(sorted(listed + unlisted, key=attrgetter("username", "id")))
