"""Who exists: organizations, groups with their members, and when people joined. Reads no budget.

One request an organization gives its groups and every membership, because Coder inlines the members of each group
(memberships.py). All lists are asked for in one round, beside what else is wanted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import datetime
from typing import TypeVar

from reconciler.coder import paths
from reconciler.coder.answers import error_of, is_not_found
from reconciler.coder.exchange import Answer, Request, Stream, list_request
from reconciler.coder.memberships import DATES, SYSTEM_MEMBERS, GroupMembers, find_ids, read_groups
from reconciler.coder.permission import organizations_with
from reconciler.coder.pool import begin
from reconciler.coder.transport import Transport
from reconciler.coder.users import PREBUILDS
from reconciler.coder.wire import (
    Fields,
    load_json,
    load_rows,
    read_time,
    unique,
    wrong,
)
from reconciler.core.budget import GroupId, OrganizationId, UserId
from reconciler.core.directory import Directory, Organization, Unlisted, User
from reconciler.errors import ServerError

T = TypeVar("T")


def load_organizations(answer: Answer) -> dict[OrganizationId, Organization]:
    """Return the organizations that the token may read. Raises ServerError."""
    pairs = ((OrganizationId(row.id("id")), _organization(row)) for row in load_rows(answer))
    return unique(pairs, answer.request)


class Listing:
    """What is read of some organizations in one round: groups with members, and who joined when.

    When people joined matters only for those who are in several organizations, so it is asked for where there are
    several, beside the lists: knowing first whether it is needed would cost a round. The list of those who joined is
    also there long before that of groups, so a caller that will ask about everybody `ahead` has their ids from it.
    """

    def __init__(
        self, organizations: Mapping[OrganizationId, Organization], *, ahead: Collection[OrganizationId] = ()
    ) -> None:
        self._organizations = dict(sorted(organizations.items()))
        self._ahead = ahead
        self._wait_for_groups: Callable[[], object] = list
        self._wait_for_members: Callable[[], object] = list
        self._begun = 0
        """How many lists of groups have begun to arrive: the server has made them."""
        self._users: dict[UserId, User] = {}
        self._answers: dict[str, Answer | ServerError] = {}

    @property
    def requests(self) -> list[Request]:
        """Return the requests for groups."""
        return [
            list_request(paths.organization_groups(id_), stream=self._stream(row))
            for id_, row in self._organizations.items()
        ]

    @property
    def needs_dates(self) -> bool:
        """Whether somebody may be in several organizations."""
        return len(self._organizations) > 1

    @property
    def member_requests(self) -> list[Request]:
        """Return the requests for those who joined; without dates, they only save time."""
        if self.needs_dates:
            return [list_request(paths.organization_members(id_), stream=DATES) for id_ in self._organizations]
        stream = Stream(content_type="application/json", read=self._find_ids)
        return [list_request(paths.organization_members(id_), stream=stream, is_extra=True) for id_ in self._ahead]

    def begin(self, transport: Transport) -> None:
        """Send all requests of the round."""
        self._wait_for_groups = begin(lambda: transport.send_each(self.requests, self.take, self._miss))
        self._wait_for_members = begin(lambda: transport.send_each(self.member_requests, self.take, self._miss))

    def take(self, answer: Answer) -> None:
        """Store an answer. Raises ServerError for a token that is no longer accepted."""
        if answer.status == 401:
            raise error_of(answer)
        self._answers[answer.request.path] = answer

    def _miss(self, request: Request, error: ServerError) -> None:
        """Store why a list did not come, or cannot be read."""
        self._answers[request.path] = error

    def everyone_ahead(self) -> dict[GroupId, list[UserId]]:
        """Return the members of the organizations `ahead`, sorted, by each Everyone group that they are in.

        Nobody where that may not be read, or the groups are there first, so that nothing is gained. Raises ServerError.
        """
        self._wait_for_members()
        if self._is_late:
            return {}
        asked = self._organizations if self.needs_dates else self._ahead
        joined = {id_: self._dates_in(id_).keys() for id_ in asked}
        if len(asked) == 1:
            return {GroupId(id_): sorted(people - {PREBUILDS}) for id_, people in joined.items()}
        wanted = set().union(*(joined[id_] for id_ in self._ahead)) - {PREBUILDS}
        return {GroupId(id_): sorted(wanted & people) for id_, people in joined.items()}

    @property
    def _is_late(self) -> bool:
        """Whether the server has made its lists of groups, so that asking ahead gains nothing."""
        return self._begun >= len(self._organizations)

    def _find_ids(self, _: Answer, pieces: Iterator[bytes]) -> object:
        return {} if self._is_late else find_ids(pieces)

    @property
    def has_members(self) -> bool:
        """Whether the lists of members have arrived."""
        return all(request.path in self._answers for request in self.member_requests)

    def directory(self, transport: Transport) -> Directory:
        """Return who exists. An organization whose groups may not be read has none here. Raises ServerError.

        One authcheck more where a list is shorter than its count by so little that it may be Coder's own user, and one
        where members are hidden: without workspace sharing a member sees their own groups alone.
        """
        self._wait_for_groups()
        if self.needs_dates:
            self._wait_for_members()
        lists, failures = self._read_each(self._listed_in, self._organizations)
        listed = [row for rows in lists.values() for row in rows]
        members = {row.group.id: row.members for row in listed}
        hidden = _really_hidden(transport, listed)
        hiding = frozenset(id_ for id_ in lists if GroupId(id_) in hidden)
        return Directory(
            organizations=self._organizations,
            groups={row.group.id: row.group for row in listed},
            users=self._users,
            members=members,
            hidden_members=hidden,
            hides_groups=hiding - organizations_with(transport, "group", hiding),
            joined=self._joined(members),
            failures={id_: Unlisted(reason=error.message, hint=error.hint) for id_, error in failures.items()},
        )

    def _read_each(
        self, read: Callable[[OrganizationId], T], organizations: Iterable[OrganizationId]
    ) -> tuple[dict[OrganizationId, T], dict[OrganizationId, ServerError]]:
        """Return what was listed, and why others were not; one organization's trouble is not another's.

        Raises the first error where nothing was listed at all.
        """
        lists: dict[OrganizationId, T] = {}
        failures: dict[OrganizationId, ServerError] = {}
        for id_ in organizations:
            try:
                lists[id_] = read(id_)
            except ServerError as error:
                failures[id_] = error
        if failures and not any(lists.values()):
            raise next(iter(failures.values()))
        return lists, failures

    def _stream(self, organization: Organization) -> Stream:
        def read(answer: Answer, pieces: Iterator[bytes]) -> object:
            self._begun += 1
            return read_groups(answer, pieces, organization, self._users)

        return Stream(content_type="application/json", read=read)

    def _listed_in(self, organization: OrganizationId) -> list[GroupMembers]:
        answer = self._answers[paths.organization_groups(organization)]
        if isinstance(answer, ServerError):
            raise answer
        if is_not_found(answer):
            return []
        if not isinstance(answer.value, list):
            load_json(answer)
            raise wrong(answer.request, "the answer is not a list")
        return answer.value

    def _joined(self, members: Mapping[GroupId, frozenset[UserId]]) -> dict[tuple[UserId, OrganizationId], datetime]:
        """Return since when the people of several organizations are members of each, where that may be read."""
        if not self.needs_dates:
            return {}
        times = Counter(user for id_ in self._organizations for user in members.get(GroupId(id_), ()))
        shared = {user for user, count in times.items() if count > 1}
        listed = [id_ for id_ in self._organizations if shared and GroupId(id_) in members]
        lists, _ = self._read_each(self._dates_in, listed)
        return {
            (user, id_): joined_at
            for id_, dates in lists.items()
            for user, date in dates.items()
            if user in shared and (joined_at := read_time(date)) is not None
        }

    def _dates_in(self, organization: OrganizationId) -> dict[UserId, object]:
        answer = self._answers[paths.organization_members(organization)]
        if isinstance(answer, ServerError):
            raise answer
        if is_not_found(answer) or answer.status == 403:
            return {}
        if not isinstance(answer.value, dict):
            load_json(answer)
            raise wrong(answer.request, "the answer is not a list")
        return answer.value


def _organization(row: Fields) -> Organization:
    return Organization(name=row.name("name"), id=OrganizationId(row.id("id")), is_default=row.flag("is_default"))


def _really_hidden(transport: Transport, listed: list[GroupMembers]) -> dict[GroupId, int]:
    """Return how many members of each group are hidden from us.

    A count that exceeds the members by one may count Coder's system user, if this token may read all members; any other
    list that is shorter than its count hides people, even if the token may read everybody.
    """
    doubted = [row for row in listed if 0 < row.hidden <= SYSTEM_MEMBERS]
    reads_all = organizations_with(transport, "group_member", (row.group.organization_id for row in doubted))
    return {
        row.group.id: row.hidden
        for row in listed
        if row.hidden > SYSTEM_MEMBERS or (row.hidden and row.group.organization_id not in reads_all)
    }
