"""The reader of one run: live state by the best means that the server has. It has no way to write.

Satisfies operations' `Reader` without importing it. Discovery and the directory are read once and remembered.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Self, cast

from reconciler.coder import bulk, listing
from reconciler.coder.booked import Bookings, questions_ahead
from reconciler.coder.discovery import DiscoveredServer, ask_first, discover
from reconciler.coder.permission import forbidden_writes
from reconciler.coder.pool import begin, beside_each_other
from reconciler.coder.single import Singles
from reconciler.coder.transport import Transport
from reconciler.coder.users import find_users, read_elsewhere
from reconciler.core.budget import ABSENT, Budget, GroupId, GroupRef, OrganizationId, Reading, UserId
from reconciler.core.directory import Directory, Group, Organization, Subject, User
from reconciler.core.snapshot import Deployment, Effective, People
from reconciler.core.spend import DAY, Export, Window
from reconciler.errors import ReconcilerError
from reconciler.money import Micros

if TYPE_CHECKING:
    from reconciler.coder.audit_log import AuditLog
    from reconciler.core.access import Access
    from reconciler.core.activity import Session, UserSpend


class CoderReader:
    """Reads one deployment. Every thread may use it."""

    unknown_hint = "check the name, or use a token that may see them"

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._lock = threading.RLock()
        self._server: DiscoveredServer | None = None
        self._directory: Directory | None = None
        self._singles: Singles | None = None
        self._people_ahead: Callable[[], bulk.Rows] = dict
        self._bookings = Bookings(transport, period=self.period, directory=lambda: self._directory)

    @property
    def requests(self) -> int:
        """How many requests were sent so far, those that were sent again included."""
        return self._transport.requests

    @property
    def server_ahead_s(self) -> float | None:
        """How far the server's clock is ahead of ours, to about a second; None until it has said its time.

        Also None where its own budget period says that it is our time which is right: a proxy answers with another.
        """
        ahead_s, period = self._transport.server_ahead_s, self._server.period if self._server else None
        if ahead_s is None or period is None:
            return ahead_s
        now_s = self._transport.now_s
        is_foreign = _is_near(period, now_s) and not _is_near(period, now_s + ahead_s)
        return None if is_foreign else ahead_s

    def reserve(self, requests: int) -> None:
        """Let this run go on to its end if that many requests more are allowed, and raise ReconcilerError if not."""
        self._transport.reserve(requests)

    def _discovered(self) -> DiscoveredServer:
        """Return what was discovered; the requests are sent once. What is known needs no lock: `directory` holds it."""
        if self._server is None:
            with self._lock:
                if self._server is None:
                    self._server = discover(self._transport)
        return self._server

    def deployment(self) -> Deployment:
        """Return the server and who asks."""
        return self._discovered().deployment

    def directory(
        self,
        *,
        people_of: Callable[[Organization], bool] = lambda _: False,
        windows: Callable[[Window | None], Sequence[Window]] = lambda _: (),
    ) -> Directory:
        """Return who exists in every organization that the token may read; read once.

        Asked for first, it shares the second round of discovery, which saves waiting for an answer. A server with bulk
        reads makes its lists of groups, which takes it longest, while it is asked for what will be wanted next: about
        all people of the organizations that `people_of` says, and for `exports` of `windows`, given `period`.
        """
        with self._lock:
            if self._directory is None:
                first = ask_first(self._transport) if self._server is None else None
                organizations = first.organizations if first else self._discovered().organizations
                ahead = [id_ for id_, organization in organizations.items() if people_of(organization)]
                lists = listing.Listing(organizations, ahead=ahead)
                lists.begin(self._transport)
                if first:
                    self._server = first.conclude(self._transport)
                if self._discovered().deployment.offers.bulk_reads:
                    if ahead:
                        self._people_ahead = begin(lambda: self._read_ahead(lists))
                    if wanted := windows(self.period()):
                        self._bookings.begin(organizations.keys(), wanted)
                self._directory = lists.directory(self._transport)
                if not lists.has_members:  # too late to save anything
                    self._people_ahead = dict
            return self._directory

    def _read_ahead(self, lists: listing.Listing) -> bulk.Rows:
        """Read what can be; what cannot, `people` asks for again, and says why not."""
        try:
            return bulk.read_ahead(self._transport, lists.everyone_ahead())
        except ReconcilerError:
            return {}

    def find_users(self, names: Collection[str]) -> tuple[User, ...]:
        """Look up people by username or UUID. Deleted people answer to their UUID, but are not returned."""
        return find_users(self._transport, names)

    def elsewhere(self, users: Collection[UserId]) -> frozenset[UserId]:
        """Return who of these people is also in an organization that the token may not read, as far as it may know."""
        directory = self.directory()
        if not users or (self.deployment().reads_all and not directory.unlisted):
            return frozenset()
        unlisted = {organization.id for organization in directory.unlisted}
        readable = [
            id_ for id_ in directory.organizations
            if id_ not in unlisted and GroupId(id_) not in directory.hidden_members
        ]  # fmt: skip
        return read_elsewhere(self._transport, users, readable)

    def group_budgets(self, groups: Sequence[Group]) -> Mapping[GroupId, Reading]:
        """Read the budgets of groups: a hundred in a request, or one by one."""
        has_bulk = self.deployment().offers.bulk_reads
        budgets = bulk.read_group_budgets(self._transport, groups) if has_bulk else {}
        unread = [group for group in groups if group.id not in budgets]
        return budgets | self._single().read_groups(unread, check_rights_in_bulk=not has_bulk)

    def people(self, users: Sequence[User], directory: Directory) -> People:
        """Read the overrides of people, and what limits them where the server says it."""
        reported: dict[UserId, Effective] = {}
        if self.deployment().offers.bulk_reads:
            known, self._people_ahead = self._people_ahead(), dict
            ids = [user.id for user in users]
            reported, booked = bulk.read_effective(self._transport, ids, directory, known=known)
            self._bookings.remember(booked)
        unread = [user for user in users if user.id not in reported]
        return People(
            overrides={id_: _override_in(effective) for id_, effective in reported.items()}
            | self._single().read_users(unread),
            reported=reported,
        )

    def budget(self, subject: Subject) -> Reading:
        """Read one subject afresh; what a 404 is worth may be remembered, as before every write (single.py)."""
        if isinstance(subject, Group):
            return self._single().read_group_before_write(subject, is_listed=self._is_listed(subject))
        return self._single().read_user_before_write(subject)

    def live(
        self,
        groups: Sequence[Group],
        users: Sequence[User],
        directory: Directory,
        *,
        spenders: Collection[UserId] = (),
        windows: Sequence[Window] = (),
    ) -> tuple[Mapping[GroupId, Reading], People]:
        """Read budgets and overrides beside each other, as `group_budgets` and `people` do.

        `spenders` are people about whom `spend` will be asked next, `windows` those whose `exports` will be, of the
        organizations of these groups; what can be asked for now already, is.
        """
        reads: list[Callable[[], object]] = [
            lambda: self.group_budgets(groups),
            lambda: self.people(users, directory),
        ]
        if spenders and self.deployment().offers.bulk_reads:
            pending = self._bookings.unread(questions_ahead(spenders, directory, told=users))
            reads.append(lambda: self._bookings.read(pending))
        if windows:
            reads.append(lambda: self.exports({group.organization_id for group in groups}, windows))
        self._single()
        budgets, people, *_ = beside_each_other(reads)
        return cast(Mapping[GroupId, Reading], budgets), cast(People, people)

    def spend(self, asked: Mapping[GroupId, Sequence[UserId]]) -> Mapping[GroupId, Mapping[UserId, Micros]]:
        """Return what people booked on groups in the current period; empty on servers without bulk reads."""
        return self._bookings.spend(asked) if self.deployment().offers.bulk_reads else {}

    def period(self) -> Window | None:
        """Return the current budget period as the server says it; None where it does not (2.35 and older)."""
        return self._discovered().period

    def exports(self, organizations: Collection[OrganizationId], windows: Sequence[Window]) -> tuple[Export, ...]:
        """Return what organizations exported for each window, in the order of the windows.

        What was read is remembered, that of the current period also for `spend`; an organization that refused is not
        asked again.
        """
        if self.deployment().offers.bulk_reads:
            return self._bookings.exports(organizations, windows)
        left_out = dict.fromkeys(organizations, "this server has no spend export (2.36 has)")
        return tuple(Export(window=window, booked={}, unpriced=(), left_out=left_out) for window in windows)

    def may_write(self, *, organizations: Collection[OrganizationId], overrides: bool) -> tuple[str, ...]:
        """Return what this token may not write, a sentence each, by one authcheck."""
        return forbidden_writes(
            self._transport,
            self.deployment(),
            self._discovered().organizations,
            among=organizations,
            overrides=overrides,
        )

    def access(self) -> Access:
        """Return when the token and the licence end, and how far the server's clock is from ours; one request more."""
        from reconciler.coder.token import read_token_facts
        from reconciler.core.access import Access

        licence = self._discovered().licence
        token = read_token_facts(self._transport)
        return Access(
            token_expires_at=token.expires_at,
            is_login=token.is_login,
            token_scopes=token.scopes,
            licence_warnings=licence,
            server_ahead_s=self.server_ahead_s,
        )

    @property
    def log(self) -> AuditLog:
        """The deployment's audit log."""
        from reconciler.coder.audit_log import AuditLog

        return AuditLog(self._transport)

    def user_spend(self, user: UserId) -> UserSpend | None:
        """Return what a person spent this period in their effective group; None where the server does not say."""
        from reconciler.coder.activity import read_user_spend

        return read_user_spend(self._transport, user, ref=self._ref)

    def ai_sessions(self, user: UserId, since: datetime) -> tuple[Session, ...] | None:
        """Return a person's AI sessions since then, oldest first; None where the server does not show them to us."""
        from reconciler.coder.activity import read_sessions

        return read_sessions(self._transport, user, since)

    def free_models(self) -> frozenset[str]:
        """Return the models that the price list calls free; empty where this token may not read it (Owners may)."""
        from reconciler.coder.prices import read_free_models

        if not self.deployment().offers.effective_budgets or "owner" not in self.deployment().roles:
            return frozenset()
        return read_free_models(self._transport)

    def unpriced_requests(self, organizations: Collection[OrganizationId], period: Window) -> int | None:
        """Return how many requests had no price in a period of at most 31 days; None where nobody says it."""
        from reconciler.coder.prices import read_unpriced_requests

        if not self.deployment().offers.effective_budgets or not organizations:
            return None
        return read_unpriced_requests(self._transport, organizations, period)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._transport.close()

    def _single(self) -> Singles:
        with self._lock:
            if self._singles is None:
                self._singles = Singles(self._transport, self._discovered(), ref=self._ref)
            return self._singles

    def _ref(self, group_id: GroupId) -> GroupRef:
        return self._directory.ref(group_id) if self._directory is not None else GroupRef(group_id)

    def _is_listed(self, group: Group) -> bool:
        return self._directory is not None and group.id in self._directory.groups


def _is_near(period: Window, time_s: float) -> bool:
    """Whether a time is in a period, or less than a day from it: it was told at another moment."""
    return period.start.timestamp() - DAY.total_seconds() < time_s < period.end.timestamp() + DAY.total_seconds()


def _override_in(effective: Effective) -> Reading:
    if effective.by_override and isinstance(effective.limit_micros, int):
        return Budget(effective.limit_micros, effective.group)
    return ABSENT
