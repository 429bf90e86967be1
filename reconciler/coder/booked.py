"""What people booked, in one run: rows of the bulk reads and exports, read once and remembered.

One export an organization says everything, so where that is fewer requests and the token may have it, the export is
read. Law: both agree. Every thread may ask.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from reconciler.coder import bulk, paths
from reconciler.coder.export import ExportTable, join, read_ahead, read_tables
from reconciler.coder.pool import begin, beside_each_other
from reconciler.coder.transport import Transport
from reconciler.core.budget import GroupId, OrganizationId, UserId
from reconciler.core.directory import Directory, User
from reconciler.core.spend import Booked, Export, Window
from reconciler.errors import ReconcilerError
from reconciler.money import Micros

MOST_BULK_REQUESTS = 3
"""Bulk reads of spend in an organization beyond which one export, which is longer, is asked for instead."""

_Question = tuple[OrganizationId, Window]


class Bookings:
    """Asks a server that has bulk reads for spend, and remembers what it answered."""

    def __init__(
        self, transport: Transport, *, period: Callable[[], Window | None], directory: Callable[[], Directory | None]
    ) -> None:
        """`period` tells the current one, `directory` who exists; both as far as they are known by then."""
        self._transport = transport
        self._period, self._directory = period, directory
        self._lock = threading.Lock()
        self._booked: bulk.Booked = {}
        self._exported: dict[OrganizationId, Booked] = {}
        self._refused: dict[OrganizationId, str] = {}
        self._tables: dict[_Question, ExportTable | str] = {}
        self._joined: dict[tuple[tuple[OrganizationId, ...], Window], Export] = {}
        self._begun: Callable[[], None] = lambda: None

    def spend(self, asked: Mapping[GroupId, Sequence[UserId]]) -> Mapping[GroupId, Mapping[UserId, Micros]]:
        """Return what people booked on groups in the current period; who could not be read is left out."""
        self.read(self.unread(asked))
        return {
            group: {user: self._booked[group][user] for user in users if user in self._booked.get(group, {})}
            for group, users in asked.items()
        }

    def begin(self, organizations: Collection[OrganizationId], windows: Sequence[Window]) -> None:
        """Ask for exports now, beside what else is read; `exports` waits for this, and asks for what it did not bring.

        Each is asked for once and nothing is waited for: whose spend is wanted is not known yet.
        """
        self._begun = begin(lambda: self._read_ahead(organizations, windows))

    def exports(self, organizations: Collection[OrganizationId], windows: Sequence[Window]) -> tuple[Export, ...]:
        """Return what organizations exported for each window, in the order of the windows."""
        self._begun()
        self._read_tables(organizations, windows)
        return tuple(self._export(tuple(sorted(organizations)), window) for window in windows)

    def _export(self, organizations: tuple[OrganizationId, ...], window: Window) -> Export:
        key = organizations, window
        if key not in self._joined:
            tables = {id_: self._refused.get(id_) or self._tables[id_, window] for id_ in organizations}
            self._joined[key] = join(window, tables)
        return self._joined[key]

    def _read_ahead(self, organizations: Collection[OrganizationId], windows: Collection[Window]) -> None:
        """Read what comes at once. Where something does not, ask for no more: `exports` waits, or says why not."""
        for unread in self._unread_tables(organizations, windows):
            try:
                tables = read_ahead(self._transport, unread)
            except ReconcilerError:
                return
            self._remember_tables(tables)
            if len(tables) < len(unread):
                return

    def _read_tables(self, organizations: Collection[OrganizationId], windows: Collection[Window]) -> None:
        for unread in self._unread_tables(organizations, windows):
            self._remember_tables(read_tables(self._transport, unread))

    def _unread_tables(
        self, organizations: Collection[OrganizationId], windows: Collection[Window]
    ) -> Iterator[list[_Question]]:
        """Yield what is not known yet, the current period first: a server that refuses it is not asked for days."""
        current = [window for window in windows if window == self._period()]
        for part in (current, [window for window in windows if window not in current]):
            questions = [(id_, window) for window in part for id_ in sorted(organizations) if id_ not in self._refused]
            if unread := [question for question in questions if question not in self._tables]:
                yield unread

    def read(self, pending: Mapping[GroupId, Sequence[UserId]]) -> None:
        """Read answers that are not known yet: exports beside rows, then rows instead of refused exports."""
        organizations = self._worth_an_export(pending)
        exported = {id_ for id_ in pending if self._organization_of(id_) in organizations}
        period = self._period()
        reads: list[Callable[[], object]] = [
            lambda: self._read_rows({id_: users for id_, users in pending.items() if id_ not in exported})
        ]
        if organizations and period is not None:
            reads.append(lambda: self.exports(organizations, [period]))
        beside_each_other(reads)
        if exported:
            self._read_rows(self.unread(pending))

    def unread(self, asked: Mapping[GroupId, Sequence[UserId]]) -> dict[GroupId, list[UserId]]:
        """Return the questions that nothing read so far answers. A member in no row of an export booked nothing.

        Of people who are not members the bulk reads say nothing, so an export does not answer for them either.
        """
        members = directory.members if (directory := self._directory()) is not None else {}
        for group_id, users in asked.items():
            organization = self._organization_of(group_id)
            booked = self._exported.get(organization) if organization is not None else None
            if booked is not None:
                people, group_members = booked.get(group_id, {}), members.get(group_id, frozenset())
                asked_members = [user for user in users if user in group_members]
                self.remember({group_id: {user: people.get(user, Micros(0)) for user in asked_members}})
        pending = {
            id_: [user for user in users if user not in self._booked.get(id_, {})] for id_, users in asked.items()
        }
        return {id_: users for id_, users in pending.items() if users}

    def remember(self, booked: bulk.Booked) -> None:
        """Keep what was read by the way, so that it is not asked for again."""
        with self._lock:
            for group, people in booked.items():
                self._booked.setdefault(group, {}).update(people)

    def _read_rows(self, asked: Mapping[GroupId, Sequence[UserId]]) -> None:
        self.remember(bulk.booked(bulk.read_member_rows(self._transport, asked)))

    def _remember_tables(self, tables: Mapping[_Question, ExportTable | str]) -> None:
        with self._lock:
            self._tables |= tables
            for (organization, window), table in tables.items():
                if window != self._period():
                    continue
                if isinstance(table, str):
                    self._refused[organization] = table
                else:
                    self._exported[organization] = table.booked

    def _worth_an_export(self, asked: Mapping[GroupId, Sequence[UserId]]) -> list[OrganizationId]:
        """Return the organizations whose rows would cost more requests than an export, and that may have one."""
        if self._period() is None:
            return []
        requests: dict[OrganizationId, int] = defaultdict(int)
        for group_id, users in asked.items():
            if (organization := self._organization_of(group_id)) is not None:
                requests[organization] += -(-len(users) // paths.MAX_IDS)
        known = {*self._refused, *self._exported}
        return sorted(id_ for id_, count in requests.items() if count > MOST_BULK_REQUESTS and id_ not in known)

    def _organization_of(self, group_id: GroupId) -> OrganizationId | None:
        directory = self._directory()
        group = directory.groups.get(group_id) if directory is not None else None
        return group.organization_id if group is not None else None


def questions_ahead(
    users: Collection[UserId], directory: Directory, *, told: Sequence[User]
) -> dict[GroupId, list[UserId]]:
    """Return all questions that there may be about the spend of these people: one on each of their groups.

    But for what `people` is told by the way of those whom it reads: Everyone groups say what is booked on them.
    """
    wanted, told_ids = frozenset(users), frozenset(user.id for user in told)
    questions = {
        group: sorted((wanted - told_ids if OrganizationId(group) in directory.organizations else wanted) & members)
        for group, members in directory.members.items()
    }
    return {group: people for group, people in questions.items() if people}
