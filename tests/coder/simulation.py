"""A server with a capacity in virtual time, and clients that keep a width in flight: what a width is worth.

A request travels half of the latency, waits for one of the server's workers, is served, and travels back. The gate and
the decision are the product's; only the clock is not.
"""

from __future__ import annotations

import heapq
import random
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from reconciler.coder.gate import Gate
from reconciler.coder.width import Width


@dataclass(frozen=True, kw_only=True)
class Server:
    latency_s: float
    workers: int
    service_s: float
    noise: float = 0.0
    """Of the service and the latency, as a share: uniform around both."""
    refuses_above: int = 10_000
    """In flight, from which on it answers 429 at once."""
    handshake_s: float = 0.0

    @property
    def bound(self) -> float:
        """Requests a second that no width exceeds."""
        return self.workers / self.service_s

    def best_rate(self, maximum: int) -> float:
        """Requests a second that no width up to a maximum exceeds."""
        return min(self.bound, maximum / (self.service_s + self.latency_s))

    @property
    def needed(self) -> int:
        """The smallest width that reaches the bound."""
        return max(1, round(self.bound * (self.service_s + self.latency_s)))


@dataclass
class Simulated:
    rate: float
    most: int
    mean: float
    widths: list[int] = field(default_factory=list)
    refused: int = 0


def simulate(server: Server, *, width: int | None, requests: int, seed: int = 1) -> Simulated:
    """Send requests, as many in flight as the width allows; None lets it find itself."""
    return _Run(server, width, requests, seed).run()


class _Run:
    def __init__(self, server: Server, width: int | None, requests: int, seed: int) -> None:
        self.server, self.left, self.now_s = server, requests, 0.0
        self.random = random.Random(seed)
        fixed = Width() if width is None else Width(limit=width, maximum=width)
        self.gate = Gate(fixed, is_fixed=width is not None, clock=lambda: self.now_s)
        self.events: list[tuple[float, int, str, Any]] = []
        self.number = self.in_flight = self.most = self.opened = self.idle = self.refused = self.done = 0
        self.free, self.waiting = server.workers, deque[Any]()
        self.area = 0.0
        self.widths: list[int] = []

    def run(self) -> Simulated:
        total = self.left
        self.start()
        while self.events:
            at_s, _, what, request = heapq.heappop(self.events)
            self.area += self.in_flight * (at_s - self.now_s)
            self.now_s = at_s
            getattr(self, what)(request)
            self.start()
        return Simulated(
            rate=total / self.now_s,
            most=self.most,
            mean=self.area / self.now_s,
            widths=self.widths,
            refused=self.refused,
        )

    def at(self, delay_s: float, what: str, request: Any) -> None:
        self.number += 1
        heapq.heappush(self.events, (self.now_s + delay_s, self.number, what, request))

    def vary(self, seconds: float) -> float:
        return seconds * (1 + self.server.noise * self.random.uniform(-1, 1))

    def start(self) -> None:
        while self.left and self.in_flight < self.gate.limit:
            self.left -= 1
            self.in_flight += 1
            self.most = max(self.most, self.in_flight)
            entered = self.gate.passage("GET")
            passage = entered.__enter__()
            is_warm = self.idle > 0
            self.idle -= is_warm
            passage.is_telling = passage.is_telling and is_warm
            handshake_s = 0.0 if is_warm else self.server.handshake_s
            self.at(self.vary(self.server.latency_s) / 2 + handshake_s, "arrive", (entered, passage))

    def arrive(self, request: Any) -> None:
        if self.in_flight > self.server.refuses_above:
            request[1].is_overloaded = True
            self.refused += 1
            self.left += 1
            self.at(self.server.latency_s / 2, "answer", request)
        elif self.free:
            self.free -= 1
            self.at(self.vary(self.server.service_s), "served", request)
        else:
            self.waiting.append(request)

    def served(self, request: Any) -> None:
        self.at(self.vary(self.server.latency_s) / 2, "answer", request)
        if self.waiting:
            self.at(self.vary(self.server.service_s), "served", self.waiting.popleft())
        else:
            self.free += 1

    def answer(self, request: Any) -> None:
        self.in_flight -= 1
        self.idle += 1
        self.done += 1
        request[0].__exit__(None, None, None)
        self.widths.append(self.gate.limit)
