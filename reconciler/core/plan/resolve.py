"""Look up the names of policies in the directory, once, and look at their times from one instant.

What stops everything: an organization that is unknown or named in two ways, and a subject that is listed twice. These
are findings. Everything else concerns one entry alone (law 10): an entry that wants something of a subject which cannot
be looked up is an *orphan*, and left out.

    wants a limit, and its name fits nobody        orphan; the name may be a renamed subject, so it is `unresolved`
    wants a limit on a group of a non-member       orphan, unless that very override is live already (diff.py)
    wants an absence (`none`, or it has ended)     satisfied if its subject is gone; its group need not be known;
                                                   orphan if the token may not read all members: it may be hidden
    has ended, and a record knows the person       speaks of that person, under any name (ended.py)
    has not started                                nothing is wanted yet, so it is not an orphan yet
    has a date between the two clocks              orphan: nobody can say whether the date has come

An unresolved name withholds removals of unlisted subjects of its kind in its organization (diff.py). A scope acts on
what an entry says and, where that is known, on its subject's address; what is not in scope is listed all the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from reconciler.core.budget import ABSENT, Absent, Budget, OrganizationId
from reconciler.core.desired import Listed, ResolvedPolicy, Wanted
from reconciler.core.directory import Directory, Organization, Subject, User
from reconciler.core.grant_records import GrantRecord
from reconciler.core.names import Names
from reconciler.core.orphan import Unresolved
from reconciler.core.plan import orphans
from reconciler.core.plan.claims import Claims
from reconciler.core.plan.draft import Draft
from reconciler.core.plan.ended import EndedEntries
from reconciler.core.plan.grants import as_ended
from reconciler.core.plan.later import later_entry, wanted_later
from reconciler.core.plan.resolution import Resolution
from reconciler.core.policy import Entry, GroupBudgetEntry, Manage, Policy, UserOverrideEntry
from reconciler.core.scope import EVERYTHING, Scope
from reconciler.errors import Finding, Place
from reconciler.words import NearNames, did_you_mean, spoken


def unknown_users(policies: Iterable[Policy], names: Names) -> frozenset[str]:
    """Return the users of the policies that nobody is called: they may be in no organization."""
    users = (entry.user for policy in policies for entry in policy.user_overrides)
    known = names.user_names
    return frozenset(user for user in users if user.lower() not in known and not names.users(user))


def resolve(
    policies: Iterable[Policy],
    directory: Directory,
    *,
    at: datetime,
    at_server: datetime | None = None,
    scope: Scope = EVERYTHING,
    records: Iterable[GrantRecord] = (),
    names: Names | None = None,
) -> Resolution:
    """Look up every name of the policies and decide which entries hold at the instant `at` (UTC).

    `at_server` is the same instant by Coder's clock, where that differs. `records` tell who had the names of entries
    that have ended. `names` are those of the directory, for a caller who has them already.

    Law 10 (independence): an orphan changes nothing of what the other entries want.
    """
    resolver = _Resolver(names or Names(directory), scope, records, at=at, at_server=at_server or at)
    for policy in policies:
        resolver.add(policy)
    return resolver.resolution()


class _Resolver:
    """Decides entry by entry what is wanted; what comes of it is in the draft."""

    def __init__(
        self, names: Names, scope: Scope, records: Iterable[GrantRecord], *, at: datetime, at_server: datetime
    ) -> None:
        self._names = names
        self._directory = names.directory
        self._at = at
        self._at_server = at_server
        self._scope = scope
        self._claims = Claims(self._directory, scope)
        self._near_users = NearNames(self._names.user_names)
        self._unlisted_names = [organization.name for organization in self._directory.unlisted]
        self._seen: dict[OrganizationId, Place] = {}
        self._draft = Draft()
        self._ended = EndedEntries(names, records, self._claims, self._draft)

    def add(self, policy: Policy) -> None:
        organization = self._organization(policy)
        if organization is None:
            return
        budgets = [self._group_budget(entry, organization) for entry in policy.group_budgets]
        overrides = [self._user_override(entry, organization) for entry in policy.user_overrides]
        self._draft.policies.append(
            ResolvedPolicy(
                organization=organization,
                place=policy.place,
                listed=(*budgets, *overrides),
                guardrails=policy.guardrails,
                allow=policy.allow,
                has_exact_groups=policy.group_budgets_managed is Manage.EXACT,
                has_exact_users=policy.user_overrides_managed is Manage.EXACT,
            )
        )

    def resolution(self) -> Resolution:
        self._ended.trace()
        return self._draft.resolution(self._claims, self._scope)

    def _organization(self, policy: Policy) -> Organization | None:
        organization = self._names.organization(policy.organization)
        if organization is None:
            names = [organization.name for organization in self._directory.organizations.values()]
            hint = self._directory.readable
            if names:
                what_to_do = (
                    "correct the name, remove the file if the organization is gone, or use a token that may read it"
                )
                hint = did_you_mean(policy.organization, names) or f"{what_to_do}; {hint}"
            message = f"organization {policy.organization!r} is unknown or not readable"
            self._draft.findings.append(Finding(place=policy.place, message=message, hint=hint))
        elif organization.id in self._seen:
            hint = f"write it as in {spoken(str(self._seen[organization.id]))}, so that the files are merged"
            message = f"organization {organization.name!r} is named in two ways"
            self._draft.findings.append(Finding(place=policy.place, message=message, hint=hint))
            return None
        else:
            self._seen[organization.id] = policy.place
        return organization

    def _group_budget(self, entry: GroupBudgetEntry, organization: Organization) -> Listed:
        groups = self._names.groups(entry.group, organization)
        group = groups[0] if len(groups) == 1 else None
        listed = Listed(entry=entry, organization=organization.name, subject=group)
        is_in = self._claims.is_in_scope(listed)
        is_gone = not groups and organization.id not in self._directory.hides_groups
        if is_gone and isinstance(entry.limit, Absent):
            if is_in:
                self._draft.vacate(listed)
        elif group is None:
            self._unresolved(listed, organization)
            if is_in:
                self._draft.orphans.append(orphans.unknown_group(listed, groups, organization, self._names))
        elif self._claim(group, entry):
            if is_in:
                state = ABSENT if isinstance(entry.limit, Absent) else Budget(entry.limit, group.ref)
                wanted = Wanted(subject=group, state=state, entry=entry, organization=organization.id)
                self._draft.groups[group.id] = wanted
            else:
                self._draft.left_alone.add(group.id)
        return listed

    def _user_override(self, entry: UserOverrideEntry, organization: Organization) -> Listed:
        """Decide what an entry wants of its person: an override, an absence, nothing yet, or it is an orphan."""
        users = self._names.users(entry.user)
        user = users[0] if len(users) == 1 else None
        listed = Listed(entry=entry, organization=organization.name, subject=user)
        is_in = self._claims.is_in_scope(listed)
        date = self._disputed_date(entry)
        if date is not None:
            self._leave_to_the_clocks(listed, entry, organization, date=date, is_in=is_in)
            return listed
        if is_in and as_ended(entry, self._at):
            self._ended.note(listed, entry, organization)
        starts = entry.starts if entry.starts and self._at < entry.starts else None
        if user is None:
            self._override_of_nobody(listed, entry, users, organization, starts=starts, is_in=is_in)
        elif self._claim(user, entry):
            if is_in and starts is None:
                self._want_override(listed, entry, user, organization)
            else:
                self._draft.left_alone.add(user.id)
                if is_in and starts:
                    self._draft.later.append(later_entry(listed, entry, user, organization, self._names, starts=starts))
        return listed

    def _override_of_nobody(
        self,
        listed: Listed,
        entry: UserOverrideEntry,
        users: Sequence[User],
        organization: Organization,
        *,
        starts: datetime | None,
        is_in: bool,
    ) -> None:
        """Decide of an entry whose name fits nobody, or the several `users`: an orphan, unless it wants nothing now."""
        wants_absence = isinstance(entry.limit, Absent) or self._has_expired(entry)
        if users or not wants_absence:
            self._unresolved(listed, organization)
        if not is_in:
            return
        hidden = self._directory.hidden_in(organization.id)
        if not users and (starts or (wants_absence and not hidden)):
            wanted = wanted_later(entry, organization, self._names) if starts else None
            self._draft.vacate(listed, starts=starts, wanted=wanted)
            return
        near = "" if users else self._near_users.question(entry.user)
        orphan = orphans.unknown_user(
            listed, users, organization, name=entry.user, near=near, unlisted=self._unlisted_names, hidden=hidden
        )
        self._draft.orphans.append(orphan)

    def _disputed_date(self, entry: UserOverrideEntry) -> datetime | None:
        """Return the date of an entry that has come by one of the clocks and not by the other."""
        if self._at == self._at_server:
            return None
        dates = (date for date in (entry.starts, entry.expires) if date is not None)
        return next((date for date in dates if (date <= self._at) != (date <= self._at_server)), None)

    def _leave_to_the_clocks(
        self, listed: Listed, entry: UserOverrideEntry, organization: Organization, *, date: datetime, is_in: bool
    ) -> None:
        """Leave a person alone, live and in the plan, until the clocks agree about the entry's date."""
        if isinstance(listed.subject, User):
            if not self._claim(listed.subject, entry):
                return
            self._draft.left_alone.add(listed.subject.id)
        else:
            self._unresolved(listed, organization)
        if is_in:
            ahead = self._at - self._at_server
            self._draft.orphans.append(orphans.clocks_differ(listed, organization, entry=entry, date=date, ahead=ahead))

    def _want_override(self, listed: Listed, entry: UserOverrideEntry, user: User, organization: Organization) -> None:
        """Decide what is wanted of a person, by an entry that has started."""
        expired = self._has_expired(entry)
        if isinstance(entry.limit, Absent) or expired:
            self._ended.want_absence(entry, user, organization, expired=expired)
            return
        groups = self._names.groups(entry.group, organization)
        if len(groups) != 1:
            self._draft.left_alone.add(user.id)
            self._draft.orphans.append(orphans.unknown_group(listed, groups, organization, self._names))
            return
        (group,) = groups
        state = Budget(entry.limit, group.ref)
        self._draft.users[user.id] = Wanted(subject=user, state=state, entry=entry, organization=organization.id)
        if not self._directory.may_be_member(user, group):
            self._draft.not_members[user.id] = orphans.not_a_member(listed, user, group, self._directory)

    def _has_expired(self, entry: UserOverrideEntry) -> bool:
        return entry.expires is not None and entry.expires <= self._at

    def _unresolved(self, listed: Listed, organization: Organization) -> None:
        """Note a name that may be somebody's or some group's, so that removals of what is unlisted wait for it."""
        is_user = isinstance(listed.entry, UserOverrideEntry)
        self._draft.unresolved.append(Unresolved(address=listed.written, is_user=is_user, organization=organization.id))

    def _claim(self, subject: Subject, entry: Entry) -> bool:
        """Take a subject for an entry; a finding where another entry has it."""
        first = self._claims.take(subject, entry)
        if first is not None:
            hint = f"the first is at {spoken(str(first))}; keep one of them"
            self._draft.findings.append(
                Finding(place=entry.place, message=f"{spoken(subject.address)} is listed twice", hint=hint)
            )
        return first is None
