"""How far a long read or a run of writes is, told on stderr: a bar on a terminal, a line every ten seconds elsewhere.

Nothing is told in the first second, so that quick commands stay quiet. A terminal that goes away changes nothing: what
cannot be told is not told (`screen.tell`).
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable

from reconciler.cli.streams import tell

QUIET_S = 1.0
BETWEEN_LINES_S = 10.0
BETWEEN_BARS_S = 0.2
BAR_WIDTH = 30
CLEAR = "\r\x1b[K"


class Progress:
    """Tells of one activity; any thread may call it. `what` is its first word, `noun` is what it counts."""

    def __init__(self, activity: str, noun: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._activity, self._noun, self._clock = activity, noun, clock
        self._is_terminal = sys.stderr is not None and sys.stderr.isatty()
        self._lock = threading.Lock()
        self._started = self._told = clock()
        self._has_bar = self._is_over = False

    def __call__(self, done: int, planned: int) -> None:
        """Print how many of how many are done, if it is time to."""
        with self._lock:
            now = self._clock()
            if self._is_over:
                return
            if self._is_terminal:
                self._draw(done, planned, now)
            elif now - self._told >= BETWEEN_LINES_S and done < planned:
                self._told = now
                tell(f"{self._activity}: {done:,} of {planned:,} {self._noun}")

    def end(self) -> None:
        """Tell nothing more: another activity has begun, and one line has room for one of them."""
        self.clear()
        self._is_over = True

    def clear(self) -> None:
        """Take the bar off the terminal, so that a line can be printed in its place."""
        with self._lock:
            if self._has_bar:
                self._has_bar = False
                tell(CLEAR, end="")

    def _draw(self, done: int, planned: int, now: float) -> None:
        if done >= planned:
            if self._has_bar:
                self._has_bar = False
                tell(CLEAR, end="")
        elif now - self._started >= QUIET_S and (now - self._told >= BETWEEN_BARS_S or not self._has_bar):
            self._told, self._has_bar = now, True
            filled = BAR_WIDTH * done // max(planned, 1)
            bar = "#" * filled + "-" * (BAR_WIDTH - filled)
            tell(f"{CLEAR}{self._activity}: [{bar}] {done:,} of {planned:,} {self._noun}", end="")
