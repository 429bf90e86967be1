"""Read a recording as if it were the deployment. What it does not hold is unknown, and never absent."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from reconciler.core.activity import Session, UserSpend
from reconciler.core.audit import AuditQuestion, Changes, History, RecentChanges
from reconciler.core.budget import GroupId, OrganizationId, Reading, Unknown, UserId
from reconciler.core.directory import Directory, Group, Subject, User
from reconciler.core.grant_records import GrantRecords
from reconciler.core.recording import Recording, SavedPerson
from reconciler.core.snapshot import Deployment, People
from reconciler.core.spend import Export, Window
from reconciler.errors import ReconcilerError
from reconciler.money import Micros

NOT_RECORDED = Unknown("it is not in the snapshot")
_NO_LOG = "a snapshot holds no audit log"
_NO_EXPORT = "the snapshot does not hold it"


class NoLog:
    """The audit log of a snapshot: nothing is known. Satisfies the port `AuditLog`."""

    def changes(self, subject: Subject, since: datetime) -> Changes:
        """Return no change."""
        return Changes(reason=_NO_LOG)

    def recent_changes(self, subjects: Collection[Subject], since: datetime) -> RecentChanges:
        """Return no change."""
        return RecentChanges(newest={}, is_whole=False, reason=_NO_LOG)

    def history(self, question: AuditQuestion) -> History:
        """Return no change."""
        return History(reason=_NO_LOG)

    def grant_records(self, names: Collection[str], since: datetime) -> GrantRecords:
        """Return no change."""
        return GrantRecords(reason=_NO_LOG)


class RecordedReader:
    """Reads a recording. Satisfies the ports `Reader` and `ActivityReader`; it sends no request."""

    requests = 0
    server_ahead_s: float | None = None
    """A snapshot has no clock."""
    unknown_hint = "check the name, or leave out --live: who is newer, or in no organization, is not in the snapshot"

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self._directory = recording.directory()
        self._budgets = {row.group.id: row.budget for row in recording.groups}
        self._people = {row.user.id: row for row in recording.people}
        self._exports = {export.window: export for export in recording.exports}

    def reserve(self, requests: int) -> None:
        """Raise ReconcilerError: nothing can be written to a snapshot."""
        raise ReconcilerError("a snapshot cannot be written to", hint="run the command without --live")

    def deployment(self) -> Deployment:
        """Return the server that was recorded."""
        return self.recording.deployment

    def directory(self, *, people_of: object = None, windows: object = None) -> Directory:
        """Return who existed."""
        return self._directory

    def find_users(self, names: Collection[str]) -> tuple[User, ...]:
        """Return nobody: people in no organization are not recorded."""
        return ()

    def elsewhere(self, users: Collection[UserId]) -> frozenset[UserId]:
        """Return who of these people was also in an organization that the token could not read."""
        return frozenset(self.recording.elsewhere).intersection(users)

    def group_budgets(self, groups: Sequence[Group]) -> Mapping[GroupId, Reading]:
        """Return the budgets that were recorded."""
        return {group.id: self._budgets.get(group.id, NOT_RECORDED) for group in groups}

    def live(
        self,
        groups: Sequence[Group],
        users: Sequence[User],
        directory: Directory,
        *,
        spenders: Collection[UserId] = (),
        windows: Sequence[Window] = (),
    ) -> tuple[Mapping[GroupId, Reading], People]:
        """Return what `group_budgets` and `people` return."""
        return self.group_budgets(groups), self.people(users, directory)

    def people(self, users: Sequence[User], directory: Directory) -> People:
        """Return the overrides that were recorded, and what the server said limits these people."""
        rows = {user.id: self._people.get(user.id) for user in users}
        return People(
            overrides={user_id: _override(row) for user_id, row in rows.items()},
            reported={
                user_id: row.reported for user_id, row in rows.items() if row is not None and row.reported is not None
            },
        )

    def budget(self, subject: Subject) -> Reading:
        """Return what was recorded of one subject."""
        if isinstance(subject, Group):
            return self._budgets.get(subject.id, NOT_RECORDED)
        return _override(self._people.get(subject.id))

    def spend(self, asked: Mapping[GroupId, Sequence[UserId]]) -> Mapping[GroupId, Mapping[UserId, Micros]]:
        """Return what members booked on groups in the period, as it was recorded; all others are left out."""
        return {group_id: self._booked_on(group_id, users) for group_id, users in asked.items()}

    def _booked_on(self, group_id: GroupId, users: Sequence[UserId]) -> Mapping[UserId, Micros]:
        group = self._directory.groups.get(group_id)
        period = self.recording.period
        if group is None or period is None:
            return {}
        export = self._exports.get(period)
        members = self._directory.members.get(group_id, frozenset())
        if export is not None and group.organization_id not in export.left_out:
            people = export.booked.get(group_id, {})
            return {user_id: people.get(user_id, Micros(0)) for user_id in users if user_id in members}
        people = self.recording.spend.get(group_id, {})
        return {user_id: people[user_id] for user_id in users if user_id in people}

    def period(self) -> Window | None:
        """Return the budget period in which the recording was made."""
        return self.recording.period

    def exports(self, organizations: Collection[OrganizationId], windows: Sequence[Window]) -> tuple[Export, ...]:
        """Return the exports that were recorded of these windows, for these organizations."""
        return tuple(self._export(organizations, window) for window in windows)

    def _export(self, organizations: Collection[OrganizationId], window: Window) -> Export:
        export = self._exports.get(window)
        if export is None:
            left_out = dict.fromkeys(organizations, _NO_EXPORT)
            return Export(window=window, booked={}, unpriced=(), left_out=left_out)
        groups, wanted = self._directory.groups, frozenset(organizations)
        return Export(
            window=window,
            booked={
                group_id: people
                for group_id, people in export.booked.items()
                if group_id not in groups or groups[group_id].organization_id in wanted
            },
            unpriced=export.unpriced,
            left_out={id_: reason for id_, reason in export.left_out.items() if id_ in wanted},
        )

    @property
    def log(self) -> NoLog:
        """A snapshot holds no audit log."""
        return NoLog()

    def may_write(self, *, organizations: Collection[OrganizationId], overrides: bool) -> tuple[str, ...]:
        """Return that nothing may be written."""
        return ("A snapshot cannot be written to.",)

    def free_models(self) -> frozenset[str]:
        """Return nothing: `unpriced` of a recorded export says itself which models are free."""
        return frozenset()

    def unpriced_requests(self, organizations: Collection[OrganizationId], period: Window) -> int | None:
        """Return what was recorded, of all organizations together."""
        every = self.recording.directory().organizations.keys() <= set(organizations)
        return self.recording.unpriced_requests if every and period == self.recording.period else None

    def user_spend(self, user: UserId) -> UserSpend | None:
        """Return what a person spent on the group that was effective for them; None where that is not recorded."""
        row, period = self._people.get(user), self.recording.period
        if row is None or row.reported is None or period is None:
            return None
        spent = self._booked_on(row.reported.group.id, [user]).get(user)
        if spent is None:
            return None
        return UserSpend(spend=spent, effective=row.reported, period_start=period.start, period_end=period.end)

    def ai_sessions(self, user: UserId, since: datetime) -> tuple[Session, ...] | None:
        """Return None: sessions are not recorded."""
        return None


def _override(row: SavedPerson | None) -> Reading:
    return NOT_RECORDED if row is None or row.override is None else row.override
