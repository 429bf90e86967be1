"""Lists that Coder searches and gives a page at a time: its audit log, and AI sessions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from reconciler.coder import paths
from reconciler.coder.exchange import Answer, Request
from reconciler.coder.transport import Transport
from reconciler.coder.wire import Fields
from reconciler.dataclass import dataclass

T = TypeVar("T")

PAGE = 100
MAX_PAGES = 200
"""A list that goes on longer repeats itself, or is too long to explain anything by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[T]):
    """One page of a list."""

    rows: list[tuple[str, T | None]]
    """Every row by its id; None for one that says nothing here, and that counts all the same: the next page follows."""
    count: int
    """Of the whole list, as the server says; 0 where it does not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found(Generic[T]):
    """What was read of all pages of a list."""

    items: list[T]
    is_whole: bool
    """Whether the list ended, and not the pages that were allowed."""


def page_of(body: Fields, key: str, load: Callable[[Fields], T | None]) -> Page[T]:
    """Decode a page whose rows are under `key`."""
    count = body.value.get("count")
    rows = [(row.text("id"), load(row)) for row in body.rows(key)]
    return Page(rows=rows, count=count if isinstance(count, int) else 0)


def read_pages(
    transport: Transport,
    route: str,
    query: str,
    load: Callable[[Answer], Page[T]],
    *,
    page_size: int | None = None,
    most: int | None = None,
) -> Found[T] | Answer:
    """Read every page of a search; return the answer itself when the server refuses it.

    Ends at a page that says nothing new, at the last page that is allowed, and at a short one: `count` may lie, but
    where it promises more, the server has shorter pages than were asked for.
    """
    found: dict[str, T | None] = {}
    size = page_size or PAGE
    read, is_whole = 0, False
    for _ in range(most or MAX_PAGES):
        answer = transport.send(Request("GET", paths.search(route, query, limit=size, offset=read)))
        if answer.status in (400, 403, 404):
            return answer
        page = load(answer)
        read += len(page.rows)
        new = {id_: item for id_, item in page.rows if id_ not in found}
        found |= new
        is_whole = not page.rows or (len(page.rows) < size and read >= page.count)
        if is_whole or not new:
            break
    return Found(items=[item for item in found.values() if item is not None], is_whole=is_whole)
