"""A reader that knows a whole snapshot at once; tests/apply/memory.py makes a writer of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from reconciler.core.audit import AuditQuestion, Changes, History, RecentChanges
from reconciler.core.budget import ABSENT, GroupId, OrganizationId, Reading, UserId
from reconciler.core.directory import Directory, Group, Subject, User
from reconciler.core.grant_records import GrantRecords
from reconciler.core.snapshot import Deployment, People, Snapshot
from reconciler.core.spend import Export, Window, month_of
from reconciler.money import Micros
from tests.effects.worlds import NOW


class EmptyLog:
    """An audit log in which nobody changed anything. Satisfies `AuditLog`."""

    def changes(self, subject: Subject, since: datetime) -> Changes:
        return Changes()

    def recent_changes(self, subjects: Collection[Subject], since: datetime) -> RecentChanges:
        return RecentChanges(newest={}, is_whole=True)

    def history(self, question: AuditQuestion) -> History:
        return History()

    def grant_records(self, names: Collection[str], since: datetime) -> GrantRecords:
        return GrantRecords()


@dataclass(slots=True)
class SnapshotReader:
    """Satisfies operations.ports.Reader with a snapshot; what is not in it is absent."""

    snapshot: Snapshot
    requests: int = 0
    server_ahead_s: float | None = None
    unknown_hint = "check the name"

    def reserve(self, requests: int) -> None:
        """There is no limit."""

    def deployment(self) -> Deployment:
        return self.snapshot.deployment

    def directory(self, *, people_of: object = None, windows: object = None) -> Directory:
        return self.snapshot.directory

    def find_users(self, names: Collection[str]) -> tuple[User, ...]:
        return ()

    def group_budgets(self, groups: Sequence[Group]) -> Mapping[GroupId, Reading]:
        return {group.id: self.snapshot.group_budgets.get(group.id, ABSENT) for group in groups}

    def people(self, users: Sequence[User], directory: Directory) -> People:
        known = self.snapshot.reported
        return People(
            overrides={user.id: self.snapshot.user_overrides.get(user.id, ABSENT) for user in users},
            reported={user.id: known[user.id] for user in users if user.id in known},
        )

    def live(
        self,
        groups: Sequence[Group],
        users: Sequence[User],
        directory: Directory,
        *,
        spenders: Collection[UserId] = (),
        windows: Sequence[Window] = (),
    ) -> tuple[Mapping[GroupId, Reading], People]:
        return self.group_budgets(groups), self.people(users, directory)

    def budget(self, subject: Subject) -> Reading:
        return self.snapshot.reading(subject)

    def spend(self, asked: Mapping[GroupId, Sequence[UserId]]) -> Mapping[GroupId, Mapping[UserId, Micros]]:
        return {group: dict.fromkeys(people, Micros(15_000_000)) for group, people in asked.items()}

    def period(self) -> Window | None:
        return month_of(NOW)

    def exports(self, organizations: Collection[OrganizationId], windows: Sequence[Window]) -> tuple[Export, ...]:
        left_out = dict.fromkeys(organizations, "a snapshot has no export")
        return tuple(Export(window=window, booked={}, unpriced=(), left_out=left_out) for window in windows)

    def unpriced_requests(self, organizations: Collection[OrganizationId], period: Window) -> int | None:
        return None

    def free_models(self) -> frozenset[str]:
        return frozenset()

    def elsewhere(self, users: Collection[UserId]) -> frozenset[UserId]:
        return frozenset()

    @property
    def log(self) -> EmptyLog:
        return EmptyLog()

    def may_write(self, *, organizations: Collection[OrganizationId], overrides: bool) -> tuple[str, ...]:
        return ()
