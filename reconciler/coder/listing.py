"""Who exists: organizations, groups with their members, and when people joined. Reads no budget.

One request an organization gives its groups and every membership, because Coder inlines the members of each group; so a
list can be a hundred megabytes long. Members become `User`s while the JSON is parsed and are shared between groups: one
person in thirty groups is one object, and no dictionary of a member outlives the parser.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from reconciler.coder import paths
from reconciler.coder.answers import is_not_found
from reconciler.coder.exchange import Answer, Request, list_request
from reconciler.coder.permission import organizations_with
from reconciler.coder.transport import Transport
from reconciler.coder.wire import Fields, load_rows, unique, wrong
from reconciler.core.budget import GroupId, OrganizationId, UserId
from reconciler.core.directory import Directory, Group, Organization, User

PREBUILDS = UserId("c42fdf75-3097-471c-8c33-fb52454d81c0")
"""Coder's own system user, a member of some organizations; nobody to manage."""
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


def load_user(row: Fields) -> User | None:
    """Return a person; None for a system user or somebody deleted, where the server says so."""
    id_ = UserId(row.id("id"))
    if id_ == PREBUILDS or row.flag("is_system") or row.flag("deleted"):
        return None
    return User(username=row.name("username"), id=id_, email=row.text("email"), status=row.text("status") or "active")


class Listing:
    """The lists of groups of some organizations: what to ask, and what was answered so far."""

    def __init__(self, organizations: Mapping[OrganizationId, Organization]) -> None:
        self._organizations = organizations
        self._users: dict[UserId, User] = {}
        self._listed: dict[OrganizationId, list[_Listed]] = {}
        self._by_path = {paths.organization_groups(id_): organizations[id_] for id_ in sorted(organizations)}

    @property
    def requests(self) -> list[Request]:
        """Return one request an organization."""
        return [list_request(path) for path in self._by_path]

    def take(self, answer: Answer) -> Answer:
        """Store the answer if it is one of these lists and free its body; always return it.

        An organization whose groups may not be read has none here. Raises ServerError.
        """
        if (organization := self._by_path.get(answer.request.path)) is not None:
            self._listed[organization.id] = _load_groups(answer, organization, self._users)
        return answer

    def directory(self, transport: Transport) -> Directory:
        """Return who exists, with a request more for each organization that shares people with another."""
        listed = [row for id_ in sorted(self._listed) for row in self._listed[id_]]
        members = {row.group.id: row.members for row in listed}
        return Directory(
            organizations=dict(self._organizations),
            groups={row.group.id: row.group for row in listed},
            users=self._users,
            members=members,
            hidden_members=_really_hidden(transport, listed),
            joined=_read_joined(transport, self._organizations, members),
        )


def _organization(row: Fields) -> Organization:
    return Organization(name=row.name("name"), id=OrganizationId(row.id("id")), is_default=row.flag("is_default"))


def _load_groups(answer: Answer, organization: Organization, users: dict[UserId, User]) -> list[_Listed]:
    if is_not_found(answer):
        return []
    request = answer.request

    def keep_users(value: dict[str, Any]) -> object:
        if "username" not in value or "members" in value:
            return value
        known = users.get(UserId(id_)) if isinstance(id_ := value.get("id"), str) else None
        if known is None and (known := load_user(Fields(value=value, answer=answer, at="a member"))) is not None:
            users[known.id] = known
        return known

    rows = (row for row in load_rows(answer, hook=keep_users) if row.id("organization_id") == organization.id)
    pairs = ((listed.group.id, listed) for listed in (_load_group(row, organization) for row in rows))
    return list(unique(pairs, request).values())


def _load_group(row: Fields, organization: Organization) -> _Listed:
    members = row.value.get("members")
    total = row.count("total_member_count") if row.value.get("total_member_count") is not None else None
    if members is None and total is not None and total <= SYSTEM_MEMBERS:
        members = []
    if not isinstance(members, list) or not all(member is None or isinstance(member, User) for member in members):
        raise wrong(row.request, f"{row.at}.members is not a list of members")
    people = [member for member in members if member is not None]
    group = Group(
        organization=organization.name, name=row.name("name"), id=GroupId(row.id("id")), organization_id=organization.id
    )
    hidden = max(0, (total or 0) - len(members))
    return _Listed(group=group, members=frozenset(user.id for user in people), hidden=hidden)


def _really_hidden(transport: Transport, listed: list[_Listed]) -> dict[GroupId, int]:
    """Return how many members of each group are hidden from us.

    A count that exceeds the members by one may count Coder's system user, if this token may read all members; any other
    list that is shorter than its count hides people, whatever the token may read.
    """
    doubted = [row for row in listed if 0 < row.hidden <= SYSTEM_MEMBERS]
    reads_all = organizations_with(transport, "group_member", (row.group.organization_id for row in doubted))
    return {
        row.group.id: row.hidden
        for row in listed
        if row.hidden > SYSTEM_MEMBERS or (row.hidden and row.group.organization_id not in reads_all)
    }


def _read_joined(
    transport: Transport,
    organizations: Mapping[OrganizationId, Organization],
    members: Mapping[GroupId, frozenset[UserId]],
) -> dict[tuple[UserId, OrganizationId], datetime]:
    """Read since when the people of several organizations are members of each."""
    everyone = {id_: members.get(GroupId(id_), frozenset()) for id_ in sorted(organizations)}
    times = Counter(user for people in everyone.values() for user in people)
    shared = {user for user, count in times.items() if count > 1}
    asked = {paths.organization_members(id_): id_ for id_, people in everyone.items() if not shared.isdisjoint(people)}
    answers = transport.send_all(
        [list_request(path) for path in asked],
        lambda answer: _load_joined(answer, asked[answer.request.path], shared),
    )
    return {key: time for times_of in answers for key, time in times_of.items()}


def _load_joined(
    answer: Answer, organization: OrganizationId, shared: set[UserId]
) -> dict[tuple[UserId, OrganizationId], datetime]:
    if is_not_found(answer) or answer.status == 403:
        return {}

    def keep_dates(value: dict[str, Any]) -> object:
        return {key: value[key] for key in ("user_id", "created_at") if key in value}

    rows = ((UserId(row.id("user_id")), row) for row in load_rows(answer, hook=keep_dates))
    return unique(
        (((user, organization), row.time("created_at")) for user, row in rows if user in shared), answer.request
    )
