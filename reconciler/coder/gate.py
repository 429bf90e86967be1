"""Limits how many requests are sent at once, and learns the limit from their answers (width.py).

All requests of a transport go through one gate, whichever round they belong to. Knows nothing of HTTP.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import field

from reconciler.coder.width import Width, adapt, halve, sample_of
from reconciler.dataclass import dataclass

BUSY_SHARE = 0.75
"""Of the width that has to be in flight when a request begins; a latency without company tells nothing."""
TURNS = 3
"""Turns at once, as a multiple of the width: each reads and keeps its record while others' requests are in flight."""


@dataclass(slots=True, kw_only=True)
class Passage:
    """One request on its way through. Its sender says what the answer showed."""

    kind: str
    started_s: float
    epoch: int
    """How often the width had changed when it began. Its latency tells of that width, and of no later one."""
    in_flight: int
    """How many were when it began, itself included."""
    is_telling: bool
    """Whether these were enough for its latency to tell something."""
    is_overloaded: bool = False
    """Whether the server said that it is too much, or did not answer in time."""


@dataclass(slots=True)
class _Series:
    """The latencies of one kind of request since the width changed, and the lowest mean ever."""

    latencies_s: list[float] = field(default_factory=list)
    in_flight: int = 0
    """How many were in flight when these began, added up."""
    base_s: float = float("inf")


class Gate:
    """A width that may change. Every thread may use it."""

    def __init__(self, width: Width, *, is_fixed: bool = False, clock: Callable[[], float] = time.monotonic) -> None:
        self._width, self._is_fixed, self._clock = width, is_fixed, clock
        self._in_flight = self._turns = self._epoch = 0
        self._series: dict[str, _Series] = defaultdict(_Series)
        self._lock = threading.Lock()
        self._may_pass, self._may_begin = threading.Condition(self._lock), threading.Condition(self._lock)

    @property
    def limit(self) -> int:
        """How many may be in flight now."""
        return self._width.limit

    @contextmanager
    def passage(self, kind: str) -> Iterator[Passage]:
        """Wait until one more may be in flight; it counts as in flight for the length of the `with` block."""
        with self._lock:
            while self._in_flight >= self._width.limit:
                self._may_pass.wait()
            self._in_flight += 1
            passage = Passage(
                kind=kind,
                started_s=self._clock(),
                epoch=self._epoch,
                in_flight=self._in_flight,
                is_telling=self._in_flight >= BUSY_SHARE * self._width.limit,
            )
        try:
            yield passage
        finally:
            with self._lock:
                self._in_flight -= 1
                if not self._is_fixed:
                    self._learn(passage)
                self._wake()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait until one more may begin what leads to a request here, and will not wait long for its passage then."""
        with self._lock:
            while self._turns >= TURNS * self._width.limit:
                self._may_begin.wait()
            self._turns += 1
        try:
            yield
        finally:
            with self._lock:
                self._turns -= 1
                self._wake()

    def _wake(self) -> None:
        """Wake as many as there is room for: who wakes in vain has taken the processor from a request."""
        self._may_pass.notify(max(0, self._width.limit - self._in_flight))
        self._may_begin.notify(max(0, TURNS * self._width.limit - self._turns))

    def _learn(self, passage: Passage) -> None:
        if passage.epoch != self._epoch:  # of a burst of refusals only the first is a reason, too
            return
        if passage.is_overloaded:
            self._change(halve(self._width))
            return
        if not passage.is_telling:
            return
        series = self._series[passage.kind]
        series.latencies_s.append(self._clock() - passage.started_s)
        series.in_flight += passage.in_flight
        if (count := len(series.latencies_s)) >= self._width.window:
            sample = sample_of(series.latencies_s, in_flight=series.in_flight / count, kind=passage.kind)
            series.base_s = min(series.base_s, sample.latency_s)
            self._change(adapt(self._width, sample, base_s=series.base_s))

    def _change(self, width: Width) -> None:
        self._epoch += width.limit != self._width.limit
        self._width = width
        for series in self._series.values():
            series.latencies_s.clear()
            series.in_flight = 0
            if width.forgets_base:
                series.base_s = float("inf")
