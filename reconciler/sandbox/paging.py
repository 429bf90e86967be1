"""Pages of people, ordered by username: the order of a whole list is kept, a page is then a slice of it."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .calls import Call


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Ask for a page; `limit` 0 means everything."""

    limit: int
    offset: int
    after: str | None = None


def read_page_request(call: Call, *, cursor: bool = True) -> PageRequest:
    """Return what the query asks for. *Raises* Refusal 400."""
    query = call.query()
    page = PageRequest(query.number("limit"), query.number("offset"), query.uuid("after_id") if cursor else None)
    query.check()
    return page


def page_of_people(call: Call, page: PageRequest, source: str, parameters: Sequence[object]) -> tuple[list[str], int]:
    """Return the ids on a page in their order, and the count: as Coder's, 0 on an empty page, and behind a cursor
    only what follows it.

    `source` is SQL from its FROM on, over users `u`.
    """
    sql = f"SELECT lower(u.username), u.id {source} ORDER BY 1"
    people = call.world.memo.get(
        (sql, *parameters), lambda: [(row[0], row[1]) for row in call.database.rows(sql, *parameters)]
    )
    start = 0
    if page.after is not None:
        name = call.database.value("SELECT lower(username) FROM users WHERE id = ?", page.after)
        start = len(people) if name is None else bisect_right(people, (name, "\U0010ffff"))
    first = start + page.offset
    found = people[first : first + page.limit] if page.limit else people[first:]
    return [id_ for _, id_ in found], len(people) - start if found else 0
