"""What comes of the entries that resolve.py has looked up so far."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime

from reconciler.core.budget import GroupId, State, UserId
from reconciler.core.desired import Desired, EndedGrant, Listed, ResolvedPolicy, Wanted
from reconciler.core.orphan import Orphan, Unresolved
from reconciler.core.plan.claims import Claims
from reconciler.core.plan.grants import LostGrant
from reconciler.core.plan.later import Later
from reconciler.core.plan.resolution import Renamed, Resolution, Vacancy
from reconciler.core.policy import UserOverrideEntry
from reconciler.core.scope import Scope
from reconciler.dataclass import dataclass
from reconciler.errors import Finding


@dataclass(slots=True, kw_only=True)
class Draft:
    """A resolution that grows: each entry adds what it wants, or why it wants nothing."""

    policies: list[ResolvedPolicy] = field(default_factory=list)
    groups: dict[GroupId, Wanted] = field(default_factory=dict)
    users: dict[UserId, Wanted] = field(default_factory=dict)
    ended: dict[UserId, EndedGrant] = field(default_factory=dict)
    left_alone: set[GroupId | UserId] = field(default_factory=set)
    not_members: dict[UserId, Orphan] = field(default_factory=dict)
    unresolved: list[Unresolved] = field(default_factory=list)
    orphans: list[Orphan] = field(default_factory=list)
    vacancies: list[Vacancy] = field(default_factory=list)
    later: list[Later] = field(default_factory=list)
    lost: list[LostGrant] = field(default_factory=list)
    expired: list[UserOverrideEntry] = field(default_factory=list)
    renamed: list[Renamed] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def vacate(self, listed: Listed, *, starts: datetime | None = None, wanted: State | None = None) -> None:
        """Note an entry whose subject is gone, and that wants nothing of it now."""
        self.vacancies.append(Vacancy(listed=listed, starts=starts, wanted=wanted))

    def take_back(self, listed: Listed) -> None:
        """Forget what was said of an entry while nobody knew of whom it speaks."""
        self.vacancies = [vacancy for vacancy in self.vacancies if vacancy.listed is not listed]
        self.orphans = [orphan for orphan in self.orphans if orphan.place != listed.entry.place]

    def resolution(self, claims: Claims, scope: Scope) -> Resolution:
        exact_groups = frozenset(policy.organization.id for policy in self.policies if policy.has_exact_groups)
        exact_users = frozenset(policy.organization.id for policy in self.policies if policy.has_exact_users)
        desired = Desired(
            groups=self.groups,
            users=self.users,
            exact_groups=exact_groups,
            exact_users=frozenset(id_ for id_ in exact_users if claims.has_people_in_scope(id_)),
            left_alone=frozenset(self.left_alone),
            ended=self.ended,
            not_members=self.not_members,
            unresolved=tuple(sorted(self.unresolved, key=lambda unresolved: unresolved.address)),
            scope=scope,
        )
        return Resolution(
            policies=tuple(self.policies),
            desired=desired,
            orphans=tuple(sorted(self.orphans)),
            vacancies=tuple(self.vacancies),
            later=tuple(self.later),
            lost=tuple(self.lost),
            expired=tuple(self.expired),
            renamed=tuple(self.renamed),
            selection=claims.selection(exact_groups, exact_users),
            findings=tuple(sorted(self.findings)),
        )
