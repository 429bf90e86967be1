"""The scheduler: the workers of an apply are greenlets, and a seed decides which of them goes on, and when.

Every call of a port is a step: the worker that makes it gives way, and the hub chooses who goes on. Time is virtual: it
passes with each step, and when everybody sleeps it jumps to the next that wakes or happens. A crash drops the run where
it stands: from then on no step returns, as in a process that was killed.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable
from itertools import count
from random import Random
from typing import Any, TypeVar

from greenlet import GreenletExit, getcurrent, greenlet

T = TypeVar("T")
R = TypeVar("R")


class Crash(Exception):
    """The run was dropped."""


class Hub:
    """One process of one world. `run` returns what a function returns, or raises Crash."""

    def __init__(self, rng: Random) -> None:
        self.now = 0.0
        """Virtual seconds since the begin of the world."""
        self.steps = 0
        self.crash_at: int | None = None
        """The step at which the run is dropped."""
        self._rng = rng
        self._ready: list[greenlet] = []
        self._later: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = count()
        self._life = 0
        self._loop: greenlet | None = None

    def at(self, seconds: float, happen: Callable[[], None]) -> None:
        """Let something happen at a time, whoever runs then, even after the run has ended."""
        heapq.heappush(self._later, (seconds, next(self._numbers), happen))

    def run(self, function: Callable[[], T]) -> T:
        """Run a function whose port calls are steps."""
        self._ready, self._loop = [], getcurrent()
        self._life += 1
        results: list[T] = []
        errors: list[BaseException] = []

        def main() -> None:
            try:
                results.append(function())
            except GreenletExit:
                return
            except BaseException as error:  # noqa: BLE001  carried out of the greenlet
                errors.append(error)

        root = greenlet(main)
        self._ready.append(root)
        while not root.dead:
            if self.crash_at is not None and self.steps >= self.crash_at:
                self._life, self.crash_at = self._life + 1, None
                raise Crash
            self._pass_on()
        if errors:
            raise errors[0]
        return results[0]

    def step(self) -> None:
        """Give way; return when it is this worker's turn again."""
        self.steps += 1
        self.now += self._rng.random() * 0.03
        self._ready.append(getcurrent())
        self._give_way()

    def sleep(self, seconds: float) -> None:
        """Return when that much virtual time has passed."""
        worker, life = getcurrent(), self._life

        def wake() -> None:
            if life == self._life:  # who was dropped with an earlier run does not wake in this one
                self._ready.append(worker)

        self.at(self.now + seconds, wake)
        self._give_way()

    def settle(self) -> None:
        """Let everything happen that is still on its way."""
        while self._later:
            self._happen_next()

    def pool(self, width: int) -> Pool:
        """Return what stands in for a pool of threads."""
        return Pool(self, width)

    def start_all(self, function: Callable[[], None], times: int) -> None:
        """Start workers; return when all of them are done."""
        waiting, left = getcurrent(), [times]

        def work() -> None:
            function()
            left[0] -= 1
            if not left[0]:
                self._ready.append(waiting)

        self._ready += [greenlet(work, self._loop) for _ in range(times)]
        if times:
            self._give_way()

    def _give_way(self) -> None:
        assert self._loop is not None
        life = self._life
        self._loop.switch()
        if life != self._life:
            raise GreenletExit

    def _pass_on(self) -> None:
        while self._later and self._later[0][0] <= self.now:
            self._happen_next()
        if self._ready:
            self._ready.pop(self._rng.randrange(len(self._ready))).switch()
        else:
            self._happen_next()

    def _happen_next(self) -> None:
        seconds, _, happen = heapq.heappop(self._later)
        self.now = max(self.now, seconds)
        happen()


class Pool:
    """Runs a function over items, as many at once as there are workers; which one goes on is the hub's choice."""

    def __init__(self, hub: Hub, width: int) -> None:
        self._hub, self._width = hub, width

    def map(self, function: Callable[[Any], R], items: Iterable[Any]) -> list[R]:
        waiting = list(enumerate(items))
        results: dict[int, R] = {}
        errors: list[BaseException] = []

        def work() -> None:
            while waiting and not errors:
                number, item = waiting.pop(0)
                try:
                    results[number] = function(item)
                except GreenletExit:
                    return
                except BaseException as error:  # noqa: BLE001  carried out of the greenlet
                    errors.append(error)

        self._hub.start_all(work, min(self._width, len(waiting)))
        if errors:
            raise errors[0]
        return [results[number] for number in sorted(results)]
