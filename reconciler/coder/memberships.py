"""The lists of groups and of members, read while they arrive (stream.py): who is in which group, and since when.

Coder inlines the members of each group, so a list can be a hundred megabytes long; it is never held. Members become
`User`s and are shared between groups: one person in thirty groups is one object.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from reconciler.coder.exchange import Answer, Stream
from reconciler.coder.stream import NotWhole, objects_of
from reconciler.coder.users import load_user
from reconciler.coder.wire import Fields, as_fields, named_twice, place_of, unique, wrong
from reconciler.core.budget import GroupId, UserId
from reconciler.core.directory import Group, Organization, User
from reconciler.dataclass import dataclass
from reconciler.strict_json import KeyTwice

_USER_ID = re.compile(rb'"user_id" {0,4}: {0,4}"([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})"')
_LONGEST_CUT = 64
"""Of a key and its id."""
SYSTEM_MEMBERS = 1
"""How many members of a group may be counted and not listed, because they are Coder's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupMembers:
    """A group as its list tells it."""

    group: Group
    members: frozenset[UserId]
    hidden: int
    """How many are counted and not listed; up to `SYSTEM_MEMBERS` of them may be Coder's own."""


def read_groups(
    answer: Answer, pieces: Iterator[bytes], organization: Organization, users: dict[UserId, User]
) -> list[GroupMembers]:
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


def _load_group(row: Fields, organization: Organization) -> GroupMembers:
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
    return GroupMembers(group=group, members=ids, hidden=max(0, (total or 0) - len(ids) - system))


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


def find_ids(pieces: Iterator[bytes]) -> dict[UserId, object]:
    """Find who is in an organization while the list arrives; it is not parsed, and may be anything.

    The people found are asked about, no more: who is a member, the list of groups says. Parsing took ten times as long.
    """
    ids: dict[UserId, object] = {}
    text = b""
    for piece in pieces:
        text = text[-_LONGEST_CUT:] + piece
        ids |= dict.fromkeys(UserId(found.decode()) for found in _USER_ID.findall(text))
    return ids


DATES = Stream(content_type="application/json", read=_read_dates)
