"""The reader, the writer and the journal of a world: what the operations see instead of a server and a disk."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field

from reconciler.core.budget import ABSENT, Budget, GroupId, GroupRef, OrganizationId, Reading, Unknown, UserId
from reconciler.core.directory import Directory, Group, Organization, Subject, User
from reconciler.core.plan.outcome import Event
from reconciler.core.snapshot import Deployment, Offers, People
from reconciler.core.spend import Export, Window
from reconciler.errors import (
    FileError,
    NotAMemberError,
    NotFoundError,
    ReconcilerError,
    RejectedError,
    RetryLaterError,
    ServerError,
    UnreachableError,
)
from reconciler.money import Micros
from tests.effects.reader import EmptyLog
from tests.simulation.coder import Coder
from tests.simulation.faults import Faults, ReadFault, WriteFault
from tests.simulation.hub import Hub

DEPLOYMENT = Deployment(
    id="d-1",
    url="https://coder.example",
    version="v2.37.0",
    user="ci",
    roles=("owner",),
    offers=Offers(overrides=True, bulk_reads=True, effective_budgets=False),
)
STALE_S = 0.4
LATE_S = 2.5
MOST_WAITING_S = 60.0


def group_named(name: str) -> Group:
    organization, _, short = name.partition("/")
    return Group(
        organization=organization,
        name=short or "Everyone",
        id=GroupId(name),
        organization_id=OrganizationId(organization),
    )


@dataclass(slots=True)
class Reads:
    """Satisfies operations.ports.Reader."""

    hub: Hub
    coder: Coder
    faults: Faults
    requests: int = 0
    server_ahead_s: float | None = None
    known: Directory | None = None

    def reserve(self, requests: int) -> None:
        """There is no limit of requests here."""

    def deployment(self) -> Deployment:
        return DEPLOYMENT

    def directory(self, *, people_of: object = None, windows: object = None) -> Directory:
        """Read once, then remembered, as the client does."""
        if self.known is None:
            self._ask()
            self.known = directory_of(self.coder)
        return self.known

    def find_users(self, names: Collection[str]) -> tuple[User, ...]:
        return ()

    def group_budgets(self, groups: Sequence[Group]) -> Mapping[GroupId, Reading]:
        if not groups:
            return {}
        stale_s = self._ask()
        budgets, _ = self.coder.stale(stale_s)
        return {group.id: self._maybe(_budget(str(group.id), budgets)) for group in groups}

    def people(self, users: Sequence[User], directory: Directory) -> People:
        if not users:
            return People(overrides={}, reported={})
        stale_s = self._ask()
        _, overrides = self.coder.stale(stale_s)
        found = {user.id: self._maybe(_override(str(user.id), overrides)) for user in users}
        return People(overrides=found, reported={})

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
        budgets, overrides = self.coder.stale(self._ask())
        if isinstance(subject, Group):
            return self._maybe(_budget(str(subject.id), budgets))
        return self._maybe(_override(str(subject.id), overrides))

    def spend(self, asked: Mapping[GroupId, Sequence[UserId]]) -> Mapping[GroupId, Mapping[UserId, Micros]]:
        return {group: dict.fromkeys(people, Micros(0)) for group, people in asked.items()}

    def period(self) -> Window | None:
        return None

    def exports(self, organizations: Collection[OrganizationId], windows: Sequence[Window]) -> tuple[Export, ...]:
        return ()

    def elsewhere(self, users: Collection[UserId]) -> frozenset[UserId]:
        return frozenset()

    @property
    def log(self) -> EmptyLog:
        return EmptyLog()

    def may_write(self, *, organizations: Collection[OrganizationId], overrides: bool) -> tuple[str, ...]:
        return ()

    def _ask(self) -> float:
        """Send a request; return how old its answer is."""
        self.requests += 1
        self.hub.step()
        match self.faults.of_read():
            case ReadFault.ERROR:
                raise ServerError("GET /x: an internal server error occurred")
            case ReadFault.STALE:
                return self.faults.seconds(STALE_S)
            case _:
                return 0.0

    def _maybe(self, reading: Reading) -> Reading:
        return Unknown("the server is tired") if self.faults.of_read() is ReadFault.UNKNOWN else reading


@dataclass(slots=True)
class Writes:
    """Satisfies operations.ports.Writer. What reaches Coder is changed there by `us`."""

    hub: Hub
    coder: Coder
    faults: Faults
    received: int = 0
    """Writes that reached Coder, whether it took them or not."""
    waited_s: float = 0.0
    is_demoted: bool = False

    def turn(self) -> AbstractContextManager[None]:
        """Everybody's at once."""
        return nullcontext()

    def prepare(self, subject: Subject) -> None:
        """Nothing has to be found out."""

    def put(self, subject: Subject, budget: Budget) -> Budget:
        self._send(subject, budget)
        if self.faults.of_write() is WriteFault.OTHER_ECHO:
            return Budget(Micros(budget.limit_micros + 1), budget.group)
        return budget

    def delete(self, subject: Subject) -> None:
        self._send(subject, None)

    def pause(self, seconds: float) -> None:
        if self.waited_s + seconds > MOST_WAITING_S:
            raise ReconcilerError("this run may not wait any longer")
        self.waited_s += seconds
        self.hub.sleep(seconds)

    def _send(self, subject: Subject, budget: Budget | None) -> None:
        self.hub.step()
        match self.faults.of_write():
            case WriteFault.REFUSED:
                raise RejectedError("PUT /x: Validation failed.")
            case WriteFault.LATER:
                raise RetryLaterError("PUT /x: rate limited", retry_after_s=self.faults.seconds(5.0))
            case WriteFault.NEVER_SENT:
                raise RetryLaterError("PUT /x: connection refused", retry_after_s=self.faults.seconds(1.0))
            case WriteFault.LOST_BEFORE:
                raise UnreachableError("PUT /x: the connection broke")
            case WriteFault.LATE:
                seconds = self.hub.now + self.faults.seconds(LATE_S)
                self.hub.at(seconds, lambda: self._arrive_late(subject, budget))
                raise UnreachableError("PUT /x: 504")
            case WriteFault.LOST_AFTER:
                self._arrive(subject, budget)
                raise UnreachableError("PUT /x: the answer was lost")
            case WriteFault.DEMOTED:
                self.is_demoted = True
            case WriteFault.NONE | WriteFault.OTHER_ECHO:
                pass
        self._arrive(subject, budget)
        self.hub.step()

    def _arrive(self, subject: Subject, budget: Budget | None) -> None:
        self.received += 1
        if self.is_demoted:
            raise NotFoundError("PUT /x: Resource not found or you do not have access to this resource")
        key = str(subject.id)
        if budget is None:
            delete = self.coder.delete_budget if isinstance(subject, Group) else self.coder.delete_override
            if not delete(key, author="us"):
                raise NotFoundError("DELETE /x: Resource not found or you do not have access to this resource")
        elif isinstance(subject, Group):
            self.coder.put_budget(key, budget.limit_micros, author="us")
        elif not self.coder.put_override(key, str(budget.group.id), budget.limit_micros, author="us"):
            raise NotAMemberError("PUT /x: User is not a member of the referenced group.")

    def _arrive_late(self, subject: Subject, budget: Budget | None) -> None:
        try:
            self._arrive(subject, budget)
        except ServerError:  # nobody hears of it any more
            return


@dataclass(slots=True)
class Disk:
    """Satisfies operations.journal_file.Journal; what was flushed survives a crash."""

    hub: Hub
    faults: Faults
    appended: list[Event] = field(default_factory=list)
    flushed: list[Event] = field(default_factory=list)
    is_full: bool = False
    full_share: float = 0.0

    def append(self, event: Event) -> None:
        self._require_space()
        self.appended.append(event)

    def flush(self) -> None:
        self._require_space()
        self.hub.step()
        self.flushed[len(self.flushed) :] = self.appended[len(self.flushed) :]

    @contextmanager
    def open(self) -> Iterator[Disk]:
        yield self

    def _require_space(self) -> None:
        self.is_full = self.is_full or self.faults.seconds(1.0) < self.full_share
        if self.is_full:
            raise FileError("the journal x cannot be written: No space left on device")


def directory_of(coder: Coder) -> Directory:
    groups = [group_named(name) for name in coder.members]
    people = sorted({person for members in coder.members.values() for person in members})
    organizations = [group.organization for group in groups if group.is_everyone]
    return Directory(
        organizations={
            OrganizationId(name): Organization(name=name, id=OrganizationId(name), is_default=name == "acme")
            for name in organizations
        },
        groups={group.id: group for group in groups},
        users={UserId(person): User(username=person, id=UserId(person)) for person in people},
        members={GroupId(name): frozenset(map(UserId, members)) for name, members in coder.members.items()},
    )


def _budget(name: str, budgets: Mapping[str, int]) -> Reading:
    return Budget(Micros(budgets[name]), GroupRef(GroupId(name))) if name in budgets else ABSENT


def _override(person: str, overrides: Mapping[str, tuple[str, int]]) -> Reading:
    if person not in overrides:
        return ABSENT
    group, micros = overrides[person]
    return Budget(Micros(micros), GroupRef(GroupId(group)))
