"""How long a run waits for a server, in all; this is the only place that sleeps."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable

from reconciler.dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Time and chance, so that a test needs neither."""

    clock: Callable[[], float] = time.monotonic
    time_of_day: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    random: Callable[[], float] = random.SystemRandom().random
    """Without a state that it would share: a late thread moves nobody else's numbers."""


class Waiting:
    """The seconds that a run may wait, where several threads that wait at once count once. Every thread may use it."""

    def __init__(self, budget_s: float, world: World) -> None:
        self.budget_s = budget_s
        self._world = world
        self._used_s = self._until_s = 0.0
        self._lock = threading.Lock()

    def left_s(self) -> float:
        """Return the longest wait that may begin now: others' waits that are under way cost nothing more."""
        return max(0.0, self.budget_s - self._used_s) + max(0.0, self._until_s - self._world.clock())

    def wait(self, seconds: float) -> None:
        now_s = self._world.clock()
        with self._lock:
            self._used_s += max(0.0, now_s + seconds - max(now_s, self._until_s))
            self._until_s = max(self._until_s, now_s + seconds)
        self._world.sleep(seconds)
