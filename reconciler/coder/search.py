"""Lists that Coder searches and gives a page at a time: its audit log, and AI sessions."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from reconciler.coder import paths
from reconciler.coder.exchange import Answer, Request
from reconciler.coder.transport import Transport

T = TypeVar("T")

PAGE = 100
MAX_PAGES = 200
"""A list that goes on longer repeats itself, or is too long to explain anything by."""


def read_pages(
    transport: Transport,
    route: str,
    query: str,
    load: Callable[[Answer], list[T]],
    *,
    page_size: int | None = None,
    most: int | None = None,
) -> list[T] | Answer:
    """Read every page of a search; return the answer itself when the server refuses it.

    Ends at a short page, at one that says nothing new and at the last page that is allowed: `count` may lie.
    """
    items: list[T] = []
    size = page_size or PAGE
    for number in range(most or MAX_PAGES):
        path = paths.search(route, query, limit=size, offset=number * size)
        answer = transport.send(Request("GET", path))
        if answer.status in (400, 403, 404):
            return answer
        page = load(answer)
        new = [item for item in page if item not in items[-size:]]
        items += new
        if len(page) < size or not new:
            break
    return items
