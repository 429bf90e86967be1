"""What the use cases need of the outside, as protocols: a reader that cannot write, and a writer that only writes.

coder/ satisfies them without importing them; mypy compares the two where cli/ joins them. A command that only looks is
handed a `Reader`, so that it cannot write is proven and not promised.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from reconciler.core.activity import Session, UserSpend
from reconciler.core.audit import AuditQuestion, Changes, History, RecentChanges
from reconciler.core.budget import Budget, GroupId, OrganizationId, Reading, UserId
from reconciler.core.directory import Directory, Group, Organization, Subject, User
from reconciler.core.grant_records import GrantRecords
from reconciler.core.snapshot import Deployment, People
from reconciler.core.spend import Export, Window
from reconciler.money import Micros


class AuditLog(Protocol):
    """Says who changed what; each answer has a `reason` where the log may not be read."""

    def changes(self, subject: Subject, since: datetime) -> Changes:
        """Return who changed a subject's budget since then, oldest first."""

    def recent_changes(self, subjects: Collection[Subject], since: datetime) -> RecentChanges:
        """Return the newest change of each subject's budget since then, as far as a few requests tell it."""

    def history(self, question: AuditQuestion) -> History:
        """Return what the audit log says of a person, a group or a membership, oldest first."""

    def grant_records(self, names: Collection[str], since: datetime) -> GrantRecords:
        """Return which overrides were written since then for people who had these names."""


class Reader(Protocol):
    """Reads live state with GET (and authcheck, which writes nothing).

    Every method raises ServerError when Coder's answer cannot be used at all; what cannot be read of a single subject
    is `Unknown` in the result. All requested ids are in the result, in no particular order.
    """

    @property
    def requests(self) -> int:
        """How many requests were sent so far."""

    @property
    def server_ahead_s(self) -> float | None:
        """How far the server's clock is ahead of ours, to about a second; None where it has not said its time."""

    def reserve(self, requests: int) -> None:
        """Let this run go on to its end, without regard to its limit, if this many more requests are within the limit.

        Raises ReconcilerError if they are not. Only apply may call it, before its first write.
        """

    def deployment(self) -> Deployment:
        """Return the server and who asks; found once, then remembered."""

    def directory(
        self,
        *,
        people_of: Callable[[Organization], bool] = ...,
        windows: Callable[[Window | None], Sequence[Window]] = ...,
    ) -> Directory:
        """Return who exists in every organization that the token may read.

        What will be asked next can be read meanwhile: `people_of` are the organizations about all of whose people
        `people` will be asked, `windows`, given the current period, those whose `exports` of every organization will
        be; none unless it is said.
        """

    def find_users(self, names: Collection[str]) -> tuple[User, ...]:
        """Look up people that are in no readable organization, by username or UUID; deleted ones are not returned."""

    def elsewhere(self, users: Collection[UserId]) -> frozenset[UserId]:
        """Return who of these people is also in an organization that the token may not read, as far as it may know."""

    def group_budgets(self, groups: Sequence[Group]) -> Mapping[GroupId, Reading]:
        """Read the budgets of groups by the best means that the server has."""

    def people(self, users: Sequence[User], directory: Directory) -> People:
        """Read the overrides of people, and what the server says limits them, by the best means that it has."""

    def live(
        self,
        groups: Sequence[Group],
        users: Sequence[User],
        directory: Directory,
        *,
        spenders: Collection[UserId] = (),
        windows: Sequence[Window] = (),
    ) -> tuple[Mapping[GroupId, Reading], People]:
        """Read budgets and overrides beside each other, and what will be asked for next.

        That is the `spend` of `spenders`, and the `exports` for `windows` of the organizations of these groups.
        """

    def budget(self, subject: Subject) -> Reading:
        """Read one subject afresh, with a GET of its own."""

    def spend(self, asked: Mapping[GroupId, Sequence[UserId]]) -> Mapping[GroupId, Mapping[UserId, Micros]]:
        """Return what these people booked on each group in the current period; who could not be read is left out."""

    def period(self) -> Window | None:
        """Return the current budget period as the server says it; None where it does not (2.35 and older)."""

    def exports(self, organizations: Collection[OrganizationId], windows: Sequence[Window]) -> tuple[Export, ...]:
        """Return what organizations exported for each window, in order; what may not be read is `left_out`."""

    @property
    def log(self) -> AuditLog:
        """Coder's audit log."""

    def may_write(self, *, organizations: Collection[OrganizationId], overrides: bool) -> tuple[str, ...]:
        """Return what this token may not write, a sentence each; empty when it may write everything asked for."""


class StatusReader(Reader, Protocol):
    """Reads, besides live state, the price list of models."""

    @property
    def unknown_hint(self) -> str:
        """What to do about a name that fits nobody and nothing, as a clause."""

    def free_models(self) -> frozenset[str]:
        """Return the models that the price list calls free; empty where it may not be read."""

    def unpriced_requests(self, organizations: Collection[OrganizationId], period: Window) -> int | None:
        """Return how many requests of these organizations had no price in the period; None where nobody says it."""


class ActivityReader(StatusReader, Protocol):
    """Reads, besides live state, what one person spent and did."""

    def user_spend(self, user: UserId) -> UserSpend | None:
        """Return spend and effective limit of the period; None where the server does not say it to us."""

    def ai_sessions(self, user: UserId, since: datetime) -> tuple[Session, ...] | None:
        """Return sessions since then; None where the server does not show them to us."""


class Writer(Protocol):
    """Writes one subject. Never resends a request whose answer was lost.

    Raises RejectedError when the write certainly did not happen, RetryLaterError when it did not and may be sent again
    after a wait and a new read, UnreachableError when nobody knows.
    """

    def turn(self) -> AbstractContextManager[None]:
        """Wait until one more action may begin, so that its write is not far from the read that it relies on."""

    def prepare(self, subject: Subject) -> None:
        """Find out what a write of this subject needs: called before the read on which the write relies.

        Raises ReconcilerError, and then nothing was written.
        """

    def put(self, subject: Subject, budget: Budget) -> Budget:
        """Create or change a budget or override; return it as Coder echoed it."""

    def delete(self, subject: Subject) -> None:
        """Remove a budget or override. Raises NotFoundError when Coder says 404, which may mean *forbidden*."""

    def pause(self, seconds: float) -> None:
        """Wait between two attempts. Raises ReconcilerError when the run may not wait that long, or is interrupted."""
