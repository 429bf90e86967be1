"""Who exists: organizations, groups with their members, and when people joined. Reads no budget.

One request an organization gives its groups and every membership, because Coder inlines the members of each group; so a
list can be a hundred megabytes long. It is read while it arrives (stream.py) and never held. Members become `User`s and
are shared between groups: one person in thirty groups is one object.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import datetime
from typing import TypeVar

from reconciler.coder import paths
from reconciler.coder.answers import error_of, is_not_found
from reconciler.coder.exchange import Answer, Request, Stream, list_request
from reconciler.coder.permission import organizations_with
from reconciler.coder.pool import begin
from reconciler.coder.stream import NotWhole, objects_of
from reconciler.coder.transport import Transport
from reconciler.coder.users import PREBUILDS, load_user
from reconciler.coder.wire import (
    Fields,
    as_fields,
    load_json,
    load_rows,
    named_twice,
    place_of,
    read_time,
    unique,
    wrong,
)
from reconciler.core.budget import GroupId, OrganizationId, UserId
from reconciler.core.directory import Directory, Group, Organization, Unlisted, User
from reconciler.dataclass import dataclass
from reconciler.errors import ServerError
from reconciler.strict_json import KeyTwice

T = TypeVar("T")

_USER_ID = re.compile(rb'"user_id" {0,4}: {0,4}"([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})"')
_LONGEST_CUT = 64
"""Of a key and its id."""
SYSTEM_MEMBERS = 1
"""How many members of a group may be counted and not listed, because they are Coder's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Listed:
    group: Group
    members: frozenset[UserId]
    hidden: int


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
            return [list_request(paths.organization_members(id_), stream=_DATES) for id_ in self._organizations]
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
        return {} if self._is_late else _find_ids(pieces)

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
            return _read_groups(answer, pieces, organization, self._users)

        return Stream(content_type="application/json", read=read)

    def _listed_in(self, organization: OrganizationId) -> list[_Listed]:
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


def _read_groups(
    answer: Answer, pieces: Iterator[bytes], organization: Organization, users: dict[UserId, User]
) -> list[_Listed]:
    """Read the groups of an organization while they arrive; `users` gets everybody who is in them, once all came."""

    found: dict[UserId, User] = {}

    def member(value: object) -> User | None:
        id_ = value["id"] if isinstance(value, dict) and isinstance(value.get("id"), str) else None
        known = (users.get(id_) or found.get(id_)) if id_ is not None else None
        if known is None and (known := load_user(as_fields(value, answer, "a member"))) is not None:
            found[known.id] = known
        return known

    try:
        items = enumerate(objects_of(pieces, key="members", make=member))
        rows = (as_fields(item, answer, ("answer", number)) for number, item in items)
        ours = (row for row in rows if row.id("organization_id") == organization.id)
        pairs = ((listed.group.id, listed) for listed in (_load_group(row, organization) for row in ours))
        groups = list(unique(pairs, answer.request).values())
    except KeyTwice as error:
        raise named_twice(answer.request) from error
    except NotWhole as error:
        raise wrong(answer.request, "the answer is not whole or not JSON") from error
    users.update(found)
    return groups


def _load_group(row: Fields, organization: Organization) -> _Listed:
    members = row.value.get("members")
    total = row.count("total_member_count") if row.value.get("total_member_count") is not None else None
    if members is None and total is not None and total <= SYSTEM_MEMBERS:
        members = []
    if not isinstance(members, list) or not all(member is None or isinstance(member, User) for member in members):
        raise wrong(row.request, f"{place_of(row.at)}.members is not a list of members")
    people = [member for member in members if member is not None]
    ids = frozenset(user.id for user in people)
    system = len(members) - len(people)
    group = Group(
        organization=organization.name, name=row.name("name"), id=GroupId(row.id("id")), organization_id=organization.id
    )
    return _Listed(group=group, members=ids, hidden=max(0, (total or 0) - len(ids) - system))


def _really_hidden(transport: Transport, listed: list[_Listed]) -> dict[GroupId, int]:
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


def _read_dates(answer: Answer, pieces: Iterator[bytes]) -> dict[UserId, object]:
    """Read who is in an organization since when, while it arrives; nothing else of a person is kept, nor looked at."""
    try:
        items = enumerate(objects_of(pieces, key=None))
        rows = (as_fields(item, answer, ("answer", number)) for number, item in items)
        return unique(((UserId(row.id("user_id")), row.value.get("created_at")) for row in rows), answer.request)
    except KeyTwice as error:
        raise named_twice(answer.request) from error
    except NotWhole as error:
        raise wrong(answer.request, "the answer is not whole or not JSON") from error


def _find_ids(pieces: Iterator[bytes]) -> dict[UserId, object]:
    """Find who is in an organization while the list arrives; it is not parsed, and may be anything.

    The people found are asked about, no more: who is a member, the list of groups says. Parsing took ten times as long.
    """
    ids: dict[UserId, object] = {}
    text = b""
    for piece in pieces:
        text = text[-_LONGEST_CUT:] + piece
        ids |= dict.fromkeys(UserId(found.decode()) for found in _USER_ID.findall(text))
    return ids


_DATES = Stream(content_type="application/json", read=_read_dates)
