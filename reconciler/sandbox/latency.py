"""How long a real server takes: what each kind of request costs, and a capacity that all requests share.

*Source*: coder-api.md section 13.5, measured on released servers with two cores shared with the database. Override
reads went through at 293, 406 and 523 a second with 1, 8 and 64 in flight. So the server is modelled as one processor
that all requests share evenly, and whose speed grows with the number of requests in flight: 1 with one, 1.39 with
eight, 1.78 with 64 and more. A large list then slows the other requests down without blocking them.
"""

from __future__ import annotations

import asyncio
import heapq
import math
import re
from dataclasses import dataclass, field
from itertools import count

_SPEED_OF_EIGHT, _SPEED_OF_MANY = 406 / 293, 523 / 293


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Say what a kind of request costs: a fixed part, and a part for each kilobyte of the answer."""

    path: re.Pattern[str]
    fixed_ms: float
    per_kb_ms: float


def _cost(path: str, *, fixed_ms: float, per_kb_ms: float = 0.0) -> Cost:
    return Cost(path=re.compile("/api/v2" + path), fixed_ms=fixed_ms, per_kb_ms=per_kb_ms)


# GET requests; the first that matches counts. Each list was measured at one or two sizes, and is linear between them.
_READS = (
    _cost(r"(/organizations/[^/]+)?/groups", fixed_ms=5, per_kb_ms=0.47),
    _cost(r"/organizations/[^/]+/(paginated-)?members", fixed_ms=3, per_kb_ms=0.055),
    _cost(r"/users", fixed_ms=3, per_kb_ms=0.05),
    _cost(r".*/members/ai/spend", fixed_ms=3, per_kb_ms=0.5),
    _cost(r".*/groups/ai/spend", fixed_ms=3, per_kb_ms=1.4),
    _cost(r".*/ai/spend/export", fixed_ms=6, per_kb_ms=0.05),  # not measured
    _cost(r"/audit", fixed_ms=6),
    _cost(r"/groups/[^/]+/ai/budget", fixed_ms=2.7),
    _cost(r"/users/[^/]+/ai/budget(/override)?", fixed_ms=1000 / 293),
)
_OTHER_READ_MS, _WRITE_MS = 2.9, 5.0


def cost_s(method: str, path: str, size_bytes: int) -> float:
    """Return how long a request takes on an idle server, `size_bytes` being the length of its answer."""
    if method != "GET":
        return _WRITE_MS / 1000
    for cost in _READS:
        if cost.path.fullmatch(path):
            return (cost.fixed_ms + cost.per_kb_ms * size_bytes / 1000) / 1000
    return _OTHER_READ_MS / 1000


def speed_of(in_flight: int) -> float:
    """Return the speed of the server with this many requests in flight: 1 with one, growing with the logarithm."""
    if in_flight <= 1:
        return 1.0
    doublings = min(math.log2(in_flight), 6.0)
    if doublings <= 3:
        return 1 + (_SPEED_OF_EIGHT - 1) * doublings / 3
    return _SPEED_OF_EIGHT + (_SPEED_OF_MANY - _SPEED_OF_EIGHT) * (doublings - 3) / 3


@dataclass(slots=True, kw_only=True)
class SharedProcessor:
    """Serve all requests at once, each at an equal share of the speed. It reads no clock: callers say what time it is.

    Progress is counted in one number: the seconds of work that a request has received if it was there all the time.
    A request that arrives at progress p with work w is done at progress p + w.
    """

    _now_s: float = 0.0
    _progress_s: float = 0.0
    _ends: list[tuple[float, int]] = field(default_factory=list)
    _numbers: count[int] = field(default_factory=count)

    def arrive(self, now_s: float, work_s: float) -> int:
        """Take a request; return its number."""
        self._pass_until(now_s)
        number = next(self._numbers)
        heapq.heappush(self._ends, (self._progress_s + work_s, number))
        return number

    def finished(self, now_s: float) -> list[int]:
        """Return the numbers of the requests that are done by now, and forget them."""
        done: list[int] = []
        while self._ends and (end_s := self.next_end_s()) is not None and end_s <= now_s:
            self._pass_until(end_s)
            done.append(heapq.heappop(self._ends)[1])
        self._pass_until(now_s)
        return done

    def next_end_s(self) -> float | None:
        """Return when the next request is done if none arrives before, None without a request."""
        if not self._ends:
            return None
        share = speed_of(len(self._ends)) / len(self._ends)
        return self._now_s + max(0.0, self._ends[0][0] - self._progress_s) / share

    def _pass_until(self, now_s: float) -> None:
        if self._ends and now_s > self._now_s:
            self._progress_s += (now_s - self._now_s) * speed_of(len(self._ends)) / len(self._ends)
        self._now_s = max(self._now_s, now_s)


class Capacity:
    """Let requests wait in real time for a `SharedProcessor`, on the running event loop."""

    def __init__(self) -> None:
        self._processor = SharedProcessor()
        self._waiting: dict[int, asyncio.Future[None]] = {}
        self._timer: asyncio.TimerHandle | None = None

    def serve(self, arrived_s: float, work_s: float) -> asyncio.Future[None]:
        """Return a future that is done when the request is; `arrived_s` is in the loop's own time."""
        loop = asyncio.get_running_loop()
        self._release(arrived_s)
        number = self._processor.arrive(arrived_s, work_s)
        future = self._waiting[number] = loop.create_future()
        self._release(loop.time())
        return future

    def _release(self, now_s: float | None = None) -> None:
        loop = asyncio.get_running_loop()
        for number in self._processor.finished(loop.time() if now_s is None else now_s):
            future = self._waiting.pop(number)
            if not future.done():
                future.set_result(None)
        if self._timer is not None:
            self._timer.cancel()
        end_s = self._processor.next_end_s()
        self._timer = None if end_s is None else loop.call_at(end_s, self._release)
