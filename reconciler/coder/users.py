"""People who are asked for by name or id, outside of any organization: one by one, or as pages of all users.

Source: coder-api section 4: site-wide user:read shows everybody; without it a page holds the own row alone.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Collection
from itertools import chain
from typing import Generic, TypeVar

from reconciler.coder import paths
from reconciler.coder.answers import is_user_missing
from reconciler.coder.exchange import Answer, Request
from reconciler.coder.transport import Transport
from reconciler.coder.wire import Fields, load_object
from reconciler.core.budget import OrganizationId, UserId
from reconciler.core.directory import User
from reconciler.dataclass import dataclass
from reconciler.errors import DeniedError, ServerError

PREBUILDS = UserId("c42fdf75-3097-471c-8c33-fb52454d81c0")
"""Coder's own system user, a member of some organizations; nobody to manage."""
T = TypeVar("T")

_ACTIVE = "active"
_FEW_USERS = 8
"""People who are asked for one by one."""
_USERS_PAGE = 500
_Membership = tuple[UserId, frozenset[OrganizationId]]
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_ROUTES = frozenset({"authmethods", "first", "login", "logout", "me", "roles"})
"""Below /users these are other routes, and never a person: somebody of this name is in a list, or not found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Page(Generic[T]):
    rows: list[T] | None
    """None where the page could not be read."""
    count: int
    """Of the whole list."""


def load_user(row: Fields) -> User | None:
    """Return a person; None for a system user or somebody deleted, where the server says so."""
    id_ = UserId(row.id("id"))
    if id_ == PREBUILDS or row.flag("is_system") or row.flag("deleted"):
        return None
    is_active = row.value.get("status") == _ACTIVE  # nearly everybody is
    status = _ACTIVE if is_active else sys.intern(row.text("status") or _ACTIVE)  # one of three words, 100,000 times
    return User(username=row.name("username"), id=id_, email=row.text("email"), status=status)


def find_users(transport: Transport, names: Collection[str]) -> tuple[User, ...]:
    """Look up people by username or UUID. Deleted people answer to their UUID, but are not returned.

    Many names are looked for in the list of all users, where that takes fewer requests than one a name.
    """
    asked = sorted(name for name in set(names) if _NAME.fullmatch(name))
    if len(asked) > _FEW_USERS:
        everybody = _read_all_users(transport, most=len(asked))
        if everybody is not None:
            wanted = {name.lower() for name in asked}
            return tuple(sorted(user for user in everybody if not wanted.isdisjoint((user.username.lower(), user.id))))
    asked = [name for name in asked if name.lower() not in _ROUTES]
    answers = transport.send_all([Request("GET", paths.user(name)) for name in asked], _load_person)
    people = [
        (user, organizations)
        for name, (user, organizations) in zip(asked, answers, strict=True)
        if user is not None and name.lower() in (user.username.lower(), user.id)
    ]
    doubted = [user for user, organizations in people if not organizations and user.username.lower() not in _ROUTES]
    again = transport.send_all([Request("GET", paths.user(user.username)) for user in doubted], _load_person)
    live = {user.id for user, _ in again if user is not None}
    return tuple(sorted({user for user, organizations in people if organizations or user.id in live}))


def _load_person(answer: Answer) -> tuple[User | None, tuple[str, ...]]:
    """Return who answers to a name, and the organizations they are in, where Coder says them."""
    if is_user_missing(answer):
        return None, ()
    fields = load_object(answer)
    return load_user(fields), fields.texts("organization_ids")


def read_elsewhere(
    transport: Transport, users: Collection[UserId], organizations: Collection[OrganizationId]
) -> frozenset[UserId]:
    """Read who of these people is in another organization than those; who may not be read is not returned.

    A few people are asked for one by one, more as pages of all users. Source: coder-api section 4: site-wide user:read
    (an Organization Admin has it) shows `organization_ids`; without it a page holds the own row alone.
    """
    if len(users) <= _FEW_USERS:
        rows = transport.send_all([Request("GET", paths.user(id_)) for id_ in sorted(users)], _load_memberships)
    else:
        rows = [page.rows or [] for page in _read_pages(transport, _membership) or []]
    memberships = dict(chain.from_iterable(rows))
    return frozenset(id_ for id_ in users if not memberships.get(id_, frozenset()) <= frozenset(organizations))


def _load_memberships(answer: Answer) -> list[_Membership]:
    if answer.status != 200:
        return []
    return [_membership(load_object(answer))]


def _membership(row: Fields) -> _Membership:
    return UserId(row.id("id")), frozenset(map(OrganizationId, row.texts("organization_ids")))


def _read_all_users(transport: Transport, *, most: int) -> list[User] | None:
    """Read everybody whom the token may read, in pages; None where they take more than `most` requests.

    Also None where a page fails, holds somebody who cannot be read, or all pages are shorter than the count says: then
    the list tells nothing of those who are not in it.
    """
    try:
        pages = _read_pages(transport, load_user, most=most)
    except DeniedError:
        raise
    except ServerError:
        return None
    if pages is None or any(page.rows is None for page in pages):
        return None
    rows = [user for page in pages for user in page.rows or ()]
    return [user for user in rows if user is not None] if len(rows) >= pages[0].count else None


def _read_pages(transport: Transport, load: Callable[[Fields], T], *, most: int | None = None) -> list[_Page[T]] | None:
    """Read the pages of all users; None where they take more than `most` requests."""

    def take(answer: Answer) -> _Page[T]:
        if answer.status != 200:
            return _Page(rows=None, count=0)
        body = load_object(answer)
        return _Page(rows=[load(row) for row in body.rows("users")], count=body.count("count"))

    first = take(transport.send(_users_page(0)))
    # A server may have shorter pages; a very short one holds everybody whom the token may read.
    size = len(first.rows or ())
    offsets = range(size, first.count, size) if size > _FEW_USERS else range(_USERS_PAGE, first.count, _USERS_PAGE)
    if most is not None and len(offsets) >= most:
        return None
    return [first, *transport.send_all([_users_page(offset) for offset in offsets], take)]


def _users_page(offset: int) -> Request:
    return Request("GET", paths.users(limit=_USERS_PAGE, offset=offset))
