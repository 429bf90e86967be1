"""The list of API requests in the order of their arrival, for tests that assert on requests made and not made."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from .values import Request

if TYPE_CHECKING:
    from datetime import datetime


class Recorder:
    """Keep what arrived; the status is filled in before the answer leaves."""

    def __init__(self) -> None:
        self._requests: list[Request] = []

    @property
    def requests(self) -> tuple[Request, ...]:
        """Return everything recorded so far."""
        return tuple(self._requests)

    def arrived(self, method: str, path: str, body: bytes, user_agent: str, user: str | None, now: datetime) -> Request:
        """Note a request that has no answer yet."""
        decoded: object = None
        if body:
            try:
                decoded = json.loads(body)
            except (ValueError, RecursionError):
                decoded = body
        request = Request(method, path, None, user, decoded, user_agent, now)
        self._requests.append(request)
        return request

    def answered(self, request: Request, status: int) -> None:
        """Note the status of a request, unless it was forgotten meanwhile."""
        if self._requests and self._requests[-1] is request:
            self._requests[-1] = replace(request, status=status)

    def forget(self) -> None:
        """Start again with an empty list."""
        self._requests.clear()
