"""Look up the names of policies in the directory, once, and look at their times from one instant.

What stops everything: an organization that is unknown or named in two ways, and a subject that is listed twice. These
are findings. Everything else concerns one entry alone (law 10): an entry that wants something of a subject which cannot
be looked up is an *orphan*, and left out.

    wants a limit, and its name fits nobody        orphan; the name may be a renamed subject, so it is `unresolved`
    wants a limit on a group of a non-member       orphan, unless that very override is live already (diff.py)
    wants an absence (`none`, or it has ended)     satisfied if its subject is gone; its group need not be known;
                                                   orphan if the token may not read all members: it may be hidden
    has ended, and a record knows the person       speaks of that person, under any name (grants.py)
    has not started                                nothing is wanted yet, so it is not an orphan yet
    has a date between the two clocks              orphan: nobody can say whether the date has come

An unresolved name withholds removals of unlisted subjects of its kind in its organization (diff.py). A scope acts on
what an entry says and, where that is known, on its subject's address; what is not in scope is listed all the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from reconciler.core.budget import ABSENT, Absent, Budget, GroupId, OrganizationId, State, UserId
from reconciler.core.desired import Desired, EndedGrant, Listed, ResolvedPolicy, Wanted
from reconciler.core.directory import Directory, Organization, Subject, User
from reconciler.core.grant_records import GrantRecord
from reconciler.core.names import Names
from reconciler.core.orphan import Orphan, Unresolved
from reconciler.core.plan import orphans
from reconciler.core.plan.claims import Claims
from reconciler.core.plan.grants import Holders, LostGrant, as_ended, ended_grant
from reconciler.core.plan.later import Later, later_entry, wanted_later
from reconciler.core.plan.resolution import Renamed, Resolution, Vacancy
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
    resolver = _Resolver(names or Names(directory), scope, Holders(records), at=at, at_server=at_server or at)
    for policy in policies:
        resolver.add(policy)
    return resolver.resolution()


class _Resolver:
    """Collects the wanted states, the orphans and the findings of one resolution."""

    def __init__(self, names: Names, scope: Scope, holders: Holders, *, at: datetime, at_server: datetime) -> None:
        self._names = names
        self._directory = names.directory
        self._holders = holders
        self._at = at
        self._at_server = at_server
        self._scope = scope
        self._claims = Claims(self._directory, scope)
        self._near_users = NearNames(self._names.user_names)
        self._unlisted_names = [organization.name for organization in self._directory.unlisted]
        self._seen: dict[OrganizationId, Place] = {}
        self._policies: list[ResolvedPolicy] = []
        self._groups: dict[GroupId, Wanted] = {}
        self._users: dict[UserId, Wanted] = {}
        self._ended: dict[UserId, EndedGrant] = {}
        self._expired: list[tuple[Listed, UserOverrideEntry, Organization]] = []
        self._lost: list[LostGrant] = []
        self._renamed: list[Renamed] = []
        self._left_alone: set[GroupId | UserId] = set()
        self._orphans: list[Orphan] = []
        self._not_members: dict[UserId, Orphan] = {}
        self._unresolved: list[Unresolved] = []
        self._vacancies: list[Vacancy] = []
        self._later: list[Later] = []
        self._findings: list[Finding] = []

    def add(self, policy: Policy) -> None:
        organization = self._organization(policy)
        if organization is None:
            return
        budgets = [self._group_budget(entry, organization) for entry in policy.group_budgets]
        overrides = [self._user_override(entry, organization) for entry in policy.user_overrides]
        self._policies.append(
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
        for listed, entry, organization in sorted(self._expired, key=lambda row: row[1].place):
            self._trace(listed, entry, organization)
        exact_groups = frozenset(policy.organization.id for policy in self._policies if policy.has_exact_groups)
        exact_users = frozenset(policy.organization.id for policy in self._policies if policy.has_exact_users)
        desired = Desired(
            groups=self._groups,
            users=self._users,
            exact_groups=exact_groups,
            exact_users=frozenset(id_ for id_ in exact_users if self._claims.has_people_in_scope(id_)),
            left_alone=frozenset(self._left_alone),
            ended=self._ended,
            not_members=self._not_members,
            unresolved=tuple(sorted(self._unresolved, key=lambda unresolved: unresolved.address)),
            scope=self._scope,
        )
        return Resolution(
            policies=tuple(self._policies),
            desired=desired,
            orphans=tuple(sorted(self._orphans)),
            vacancies=tuple(self._vacancies),
            later=tuple(self._later),
            lost=tuple(self._lost),
            expired=tuple(entry for _, entry, _ in self._expired),
            renamed=tuple(self._renamed),
            selection=self._claims.selection(exact_groups, exact_users),
            findings=tuple(sorted(self._findings)),
        )

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
            self._findings.append(Finding(place=policy.place, message=message, hint=hint))
        elif organization.id in self._seen:
            hint = f"write it as in {spoken(str(self._seen[organization.id]))}, so that the files are merged"
            message = f"organization {organization.name!r} is named in two ways"
            self._findings.append(Finding(place=policy.place, message=message, hint=hint))
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
            self._vacate(listed, is_in=is_in)
        elif group is None:
            self._unresolved.append(Unresolved(address=listed.written, is_user=False, organization=organization.id))
            self._orphan(orphans.unknown_group(listed, groups, organization, self._names), is_in=is_in)
        elif self._claim(group, entry):
            if is_in:
                state = ABSENT if isinstance(entry.limit, Absent) else Budget(entry.limit, group.ref)
                self._groups[group.id] = Wanted(subject=group, state=state, entry=entry, organization=organization.id)
            else:
                self._left_alone.add(group.id)
        return listed

    def _user_override(self, entry: UserOverrideEntry, organization: Organization) -> Listed:
        """Decide what an entry wants of its person: an override, an absence, nothing yet, or it is an orphan."""
        users = self._names.users(entry.user)
        user = users[0] if len(users) == 1 else None
        listed = Listed(entry=entry, organization=organization.name, subject=user)
        is_in = self._claims.is_in_scope(listed)
        date = self._disputed_date(entry)
        if date is not None:
            return self._leave_to_the_clocks(listed, entry, organization, date=date, is_in=is_in)
        starts = entry.starts if entry.starts and self._at < entry.starts else None
        if is_in and as_ended(entry, self._at):
            self._expired.append((listed, entry, organization))
        if user is not None:
            if self._claim(user, entry):
                if is_in and starts is None:
                    self._want_override(listed, entry, user, organization)
                else:
                    self._left_alone.add(user.id)
                    if is_in and starts:
                        later = later_entry(listed, entry, user, organization, self._names, starts=starts)
                        self._later.append(later)
            return listed
        wants_absence = isinstance(entry.limit, Absent) or self._has_expired(entry)
        if users or not wants_absence:
            self._unresolved.append(Unresolved(address=listed.written, is_user=True, organization=organization.id))
        hidden = self._directory.hidden_in(organization.id)
        if not users and (starts or (wants_absence and not hidden)):
            wanted = wanted_later(entry, organization, self._names) if starts else None
            self._vacate(listed, is_in=is_in, starts=starts, wanted=wanted)
        else:
            near = "" if users else self._near_users.question(entry.user)
            orphan = orphans.unknown_user(
                listed, users, organization, name=entry.user, near=near, unlisted=self._unlisted_names, hidden=hidden
            )
            self._orphan(orphan, is_in=is_in)
        return listed

    def _disputed_date(self, entry: UserOverrideEntry) -> datetime | None:
        """Return the date of an entry that has come by one of the clocks and not by the other."""
        if self._at == self._at_server:
            return None
        dates = (date for date in (entry.starts, entry.expires) if date is not None)
        return next((date for date in dates if (date <= self._at) != (date <= self._at_server)), None)

    def _leave_to_the_clocks(
        self, listed: Listed, entry: UserOverrideEntry, organization: Organization, *, date: datetime, is_in: bool
    ) -> Listed:
        """Leave a person alone, live and in the plan, until the clocks agree about the entry's date."""
        if isinstance(listed.subject, User):
            if not self._claim(listed.subject, entry):
                return listed
            self._left_alone.add(listed.subject.id)
        else:
            self._unresolved.append(Unresolved(address=listed.address, is_user=True, organization=organization.id))
        ahead = self._at - self._at_server
        self._orphan(orphans.clocks_differ(listed, organization, entry=entry, date=date, ahead=ahead), is_in=is_in)
        return listed

    def _want_override(self, listed: Listed, entry: UserOverrideEntry, user: User, organization: Organization) -> None:
        """Decide what is wanted of a person; an absence needs no group, so the group may be gone."""
        has_expired = self._has_expired(entry)
        if isinstance(entry.limit, Absent) or has_expired:
            if grant := self._grant(entry, user.id, organization):
                self._ended[user.id] = grant
            self._users[user.id] = Wanted(
                subject=user, state=ABSENT, entry=entry, organization=organization.id, has_expired=has_expired
            )
            return
        groups = self._names.groups(entry.group, organization)
        if len(groups) != 1:
            self._left_alone.add(user.id)
            self._orphans.append(orphans.unknown_group(listed, groups, organization, self._names))
            return
        (group,) = groups
        state = Budget(entry.limit, group.ref)
        self._users[user.id] = Wanted(subject=user, state=state, entry=entry, organization=organization.id)
        if not self._directory.may_be_member(user, group):
            self._not_members[user.id] = orphans.not_a_member(listed, user, group, self._directory)

    def _grant(self, entry: UserOverrideEntry, user_id: UserId | None, organization: Organization) -> EndedGrant | None:
        groups = self._names.groups(entry.group, organization)
        names = [entry.user, self._directory.users[user_id].username] if user_id else []
        recorded = self._holders.groups(entry, user_id, names) if user_id else frozenset[GroupId]()
        anywhere = frozenset(
            group.id for group in self._directory.groups.values() if group.organization_id == organization.id
        )
        return ended_grant(entry, groups, recorded, anywhere)

    def _trace(self, listed: Listed, entry: UserOverrideEntry, organization: Organization) -> None:
        """Find the person of an entry that has ended, if their name is another now; nobody whom an entry lists.

        Who has the name today keeps any override but exactly the grant.
        """
        user_id = self._holders.holder(entry)
        user = self._directory.users.get(user_id) if user_id else None
        if user_id and isinstance(listed.subject, User) and listed.subject.id != user_id:
            self._bind_to_grant(listed.subject, entry)
        if user is None:
            is_lost = user_id is None and not self._names.users(entry.user)
            if is_lost and (grant := self._grant(entry, None, organization)) is not None:
                self._lost.append(LostGrant(listed=listed, entry=entry, organization=organization, grant=grant))
        elif not self._claims.has(user):
            self._claims.take(user, entry)
            traced = replace(listed, subject=user)
            if not self._claims.is_in_scope(traced):
                self._left_alone.add(user.id)
                return
            self._want_override(traced, entry, user, organization)
            self._bind_to_grant(user, entry)
            self._vacancies = [vacancy for vacancy in self._vacancies if vacancy.listed is not listed]
            self._orphans = [orphan for orphan in self._orphans if orphan.place != entry.place]
            self._renamed.append(Renamed(subject=user, entry=entry, source=self._holders.source(entry)))

    def _bind_to_grant(self, user: User, entry: UserOverrideEntry) -> None:
        """Let an entry that has ended remove nothing of somebody but exactly what it granted."""
        wanted = self._users.get(user.id)
        if wanted is not None and wanted.entry is entry:
            self._users[user.id] = replace(wanted, only=self._ended.get(user.id))

    def _has_expired(self, entry: UserOverrideEntry) -> bool:
        return entry.expires is not None and entry.expires <= self._at

    def _claim(self, subject: Subject, entry: Entry) -> bool:
        """Take a subject for an entry; a finding where another entry has it."""
        first = self._claims.take(subject, entry)
        if first is not None:
            hint = f"the first is at {spoken(str(first))}; keep one of them"
            self._findings.append(
                Finding(place=entry.place, message=f"{spoken(subject.address)} is listed twice", hint=hint)
            )
        return first is None

    def _vacate(
        self, listed: Listed, *, is_in: bool, starts: datetime | None = None, wanted: State | None = None
    ) -> None:
        if is_in:
            self._vacancies.append(Vacancy(listed=listed, starts=starts, wanted=wanted))

    def _orphan(self, orphan: Orphan, *, is_in: bool) -> None:
        if is_in:
            self._orphans.append(orphan)
