"""Look up the names of a policy in the directory, and look at its times from one instant.

Every name that cannot be looked up is a finding with its place and the nearest name that exists; nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from reconciler.core.budget import ABSENT, Absent, Budget, GroupId, OrganizationId, UserId
from reconciler.core.desired import Desired, Wanted
from reconciler.core.directory import Directory, Group, Organization, Subject, User
from reconciler.core.policy import Entry, GroupBudgetEntry, Manage, Policy, UserOverrideEntry, plain_id
from reconciler.errors import Finding, Place
from reconciler.words import NearNames, did_you_mean, listed


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """Either everything could be looked up, or `findings` says what could not; then `desired` must not be used."""

    desired: Desired
    findings: tuple[Finding, ...]


def unknown_users(policies: Iterable[Policy], directory: Directory) -> frozenset[str]:
    """Return the users of the policies that the directory does not know: they may be in no organization."""
    known = _Names(directory).users
    return frozenset(
        entry.user for policy in policies for entry in policy.user_overrides if entry.user.lower() not in known
    )


def resolve(policies: Iterable[Policy], directory: Directory, *, at: datetime) -> Resolution:
    """Look up every name of the policies and decide which entries hold at the instant `at` (UTC)."""
    resolver = _Resolver(directory, at)
    for policy in policies:
        resolver.add(policy)
    desired = Desired(
        groups=resolver.groups,
        users=resolver.users,
        exact_groups=frozenset(resolver.exact_groups),
        exact_users=frozenset(resolver.exact_users),
        later=frozenset(resolver.later),
    )
    return Resolution(desired=desired, findings=tuple(sorted(resolver.findings)))


class _Resolver:
    """Collects the wanted states and the findings of one resolution."""

    def __init__(self, directory: Directory, at: datetime) -> None:
        self._directory = directory
        self._at = at
        self._names = _Names(directory)
        self._seen: dict[OrganizationId, Place] = {}
        self._claims: dict[Subject, Place] = {}
        self.groups: dict[GroupId, Wanted] = {}
        self.users: dict[UserId, Wanted] = {}
        self.later: set[UserId] = set()
        self.exact_groups: set[OrganizationId] = set()
        self.exact_users: set[OrganizationId] = set()
        self.findings: list[Finding] = []

    def add(self, policy: Policy) -> None:
        organization = self._organization(policy)
        if organization is None:
            return
        if policy.group_budgets_managed is Manage.EXACT:
            self.exact_groups.add(organization.id)
        if policy.user_overrides_managed is Manage.EXACT:
            self.exact_users.add(organization.id)
        for budget in policy.group_budgets:
            self._group_budget(budget, organization)
        for override in policy.user_overrides:
            self._user_override(override, organization)

    def _organization(self, policy: Policy) -> Organization | None:
        found = self._names.organizations.get(plain_id(policy.organization))
        if found is None:
            names = [organization.name for organization in self._directory.organizations.values()]
            hint = did_you_mean(policy.organization, names) or "this token may read: " + listed(sorted(names))
            self._report(policy.place, f"organization {policy.organization!r} is unknown or not readable", hint)
        elif found.id in self._seen:
            self._report(
                policy.place,
                f"organization {found.name!r} is named in two ways",
                f"write it as in {self._seen[found.id]}, so that the files are merged",
            )
            return None
        else:
            self._seen[found.id] = policy.place
        return found

    def _group_budget(self, entry: GroupBudgetEntry, organization: Organization) -> None:
        group = self._group(entry, organization)
        if group is None or not self._claim(group, entry):
            return
        state = ABSENT if isinstance(entry.limit, Absent) else Budget(entry.limit, group.id)
        self.groups[group.id] = Wanted(subject=group, state=state, entry=entry, organization=organization.id)

    def _user_override(self, entry: UserOverrideEntry, organization: Organization) -> None:
        group, user = self._group(entry, organization), self._user(entry)
        if group is None or user is None or not self._claim(user, entry):
            return
        if entry.starts is not None and self._at < entry.starts:
            self.later.add(user.id)
            return
        has_expired = entry.expires is not None and entry.expires <= self._at
        if isinstance(entry.limit, Absent) or has_expired:
            self.users[user.id] = Wanted(
                subject=user, state=ABSENT, entry=entry, has_expired=has_expired, organization=organization.id
            )
        elif self._require_member(entry, user, group):
            self.users[user.id] = Wanted(
                subject=user, state=Budget(entry.limit, group.id), entry=entry, organization=organization.id
            )

    def _require_member(self, entry: UserOverrideEntry, user: User, group: Group) -> bool:
        """Coder refuses an override for a non-member of its group; hidden members get the benefit of the doubt."""
        if user.id in self._directory.members.get(group.id, frozenset()) or group.id in self._directory.hidden_members:
            return True
        theirs = sorted(
            other.name
            for other in self._directory.groups.values()
            if other.organization_id == group.organization_id and user.id in self._directory.members.get(other.id, ())
        )
        hint = f"add them to the group first, or use one of theirs: {', '.join(theirs)}" if theirs else ""
        self._report(
            entry.place,
            f"{user.username} is not a member of {group.address}, so Coder would refuse the override",
            hint or f"{user.username} is not a member of organization {group.organization!r} at all",
        )
        return False

    def _group(self, entry: Entry, organization: Organization) -> Group | None:
        found = self._names.groups.get((organization.id, plain_id(entry.group)))
        if found is not None:
            return found
        elsewhere = self._names.groups_elsewhere(plain_id(entry.group), organization.id)
        if elsewhere:
            message = f"group {entry.group!r} is not in organization {organization.name!r}"
            hint = f"it is in {', '.join(elsewhere)}; a policy of that organization can list it"
        else:
            message = f"group {entry.group!r} is unknown in organization {organization.name!r}"
            hint = self._names.near_groups(organization.id).question(entry.group)
        self._report(entry.place, message, hint)
        return None

    def _user(self, entry: UserOverrideEntry) -> User | None:
        found = self._names.users.get(entry.user.lower(), ())
        if len(found) == 1:
            return found[0]
        if found:
            who = ", ".join(sorted(user.username for user in found))
            self._report(entry.place, f"user {entry.user!r} is ambiguous: {who}", "write the username")
        else:
            hint = (
                self._names.near_users.question(entry.user) or "they may be deleted, or in no organization you may read"
            )
            self._report(entry.place, f"user {entry.user!r} is unknown", hint)
        return None

    def _claim(self, subject: Subject, entry: Entry) -> bool:
        """Take a subject for an entry, in force or not, so that which one comes first decides nothing (law 4)."""
        first = self._claims.get(subject)
        if first is not None:
            hint = f"the first is at {first}; keep one of them"
            self._report(entry.place, f"{subject.address} is listed twice", hint)
            return False
        self._claims[subject] = entry.place
        return True

    def _report(self, place: Place, message: str, hint: str) -> None:
        self.findings.append(Finding(place=place, message=message, hint=hint))


class _Names:
    """Every name by which something may be written in a policy."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self.organizations = {key: one for one in directory.organizations.values() for key in (one.name, str(one.id))}
        self.groups = {
            (group.organization_id, key): group
            for group in directory.groups.values()
            for key in (group.name, str(group.id))
        }
        self.users: dict[str, tuple[User, ...]] = {}
        for user in directory.users.values():
            for key in {user.username.lower(), user.email.lower(), str(user.id)} - {""}:
                self.users[key] = (*self.users.get(key, ()), user)
        self.near_users = NearNames(name for user in directory.users.values() for name in (user.username, user.email))
        self._near_groups: dict[OrganizationId, NearNames] = {}

    def near_groups(self, organization: OrganizationId) -> NearNames:
        groups = self._directory.groups.values()
        near = NearNames(group.name for group in groups if group.organization_id == organization)
        return self._near_groups.setdefault(organization, near)

    def groups_elsewhere(self, name: str, organization: OrganizationId) -> list[str]:
        return sorted(
            group.address for (where, key), group in self.groups.items() if key == name and where != organization
        )
