"""The list of API requests in the order of their arrival, and the longest chain of requests that waited for another.

A request may have waited for every answer that had left when it arrived. So its round is one more than the highest
round of those answers. That counts what a client really did: a client with fewer connections than requests waits
more often. Compare rounds at a latency that is far above the client's own work, because an answer that leaves at
once looks as if the next request had waited for it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from .values import RecordedRequest

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(slots=True, eq=False, kw_only=True)
class Record:
    """Hold a request whose status may still be unknown, and the record that it waited for."""

    request: RecordedRequest
    waited_for: Record | None


class Recorder:
    """Keep the requests that arrived, and which answers have left."""

    def __init__(self) -> None:
        self._records: list[Record] = []
        self._deepest: Record | None = None

    @property
    def requests(self) -> tuple[RecordedRequest, ...]:
        """Return all requests recorded so far."""
        return tuple(record.request for record in self._records)

    def arrived(
        self, *, method: str, path: str, body: bytes, user_agent: str, user: str | None, time: datetime
    ) -> Record:
        """Record a request that has no answer yet."""
        decoded: object = None
        if body:
            try:
                decoded = json.loads(body)
            except (ValueError, RecursionError):
                decoded = body
        rounds_before = 0 if self._deepest is None else self._deepest.request.round
        request = RecordedRequest(
            method=method, path=path, status=None, user=user, body=decoded, user_agent=user_agent, time=time,
            round=rounds_before + 1,
        )  # fmt: skip
        record = Record(request=request, waited_for=self._deepest)
        self._records.append(record)
        return record

    def answered(self, record: Record, status: int) -> None:
        """Record the status of a request."""
        record.request = replace(record.request, status=status)

    def answer_left(self, record: Record) -> None:
        """Record that the answer is on its way to the client."""
        if self._deepest is None or record.request.round > self._deepest.request.round:
            self._deepest = record

    def critical_path(self) -> tuple[RecordedRequest, ...]:
        """Return a longest chain of requests, each of which waited for the request before it."""
        chain: list[RecordedRequest] = []
        record = max(self._records, key=lambda record: record.request.round, default=None)
        while record is not None:
            chain.append(record.request)
            record = record.waited_for
        return tuple(reversed(chain))

    def forget(self) -> None:
        """Start again with an empty list. Answers that are still to leave count for nothing."""
        self._records.clear()
        self._deepest = None
