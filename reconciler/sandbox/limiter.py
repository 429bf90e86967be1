"""Coder's rate limit: a number of requests a minute per user and path, in a sliding window; in memory only."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

WINDOW_S = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Say whether a request may pass, and what the headers tell of it."""

    allowed: bool
    headers: tuple[tuple[str, str], ...]


@dataclass(slots=True, kw_only=True)
class Limiter:
    """Count requests per key in this window and the last, which counts as far as it still overlaps."""

    limit: int
    _window: int = 0
    _current: dict[str, int] = field(default_factory=dict)
    _previous: dict[str, int] = field(default_factory=dict)

    def ask(self, key: str, now_s: float) -> Verdict:
        """Count a request unless it is refused. `now_s` is in unix seconds."""
        window, elapsed_s = divmod(now_s, WINDOW_S)
        if window != self._window:
            self._previous = self._current if window == self._window + 1 else {}
            self._current, self._window = {}, int(window)
        overlap = (WINDOW_S - elapsed_s) / WINDOW_S
        rate = round(self._previous.get(key, 0) * overlap) + self._current.get(key, 0)
        allowed = rate < self.limit
        if allowed:
            self._current[key] = self._current.get(key, 0) + 1
            rate += 1
        headers = [
            ("X-RateLimit-Limit", str(self.limit)),
            ("X-RateLimit-Remaining", str(max(0, self.limit - rate))),
            ("X-RateLimit-Reset", str(math.ceil((window + 1) * WINDOW_S))),
        ]
        if not allowed:
            headers.append(("Retry-After", str(WINDOW_S)))
        return Verdict(allowed=allowed, headers=tuple(headers))
