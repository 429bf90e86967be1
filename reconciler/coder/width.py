"""How many requests may be in flight at once: found out from the answers. Pure; gate.py applies it.

A server has a capacity. Up to it, more in flight is more throughput at the same latency; beyond it, they only wait in
a queue, and latency grows instead (Little's law: in flight = throughput x latency). So the latency that was seen
without a queue (*base*) tells how many are really carried: width x base / latency. That is the gradient limiter, of the
family of TCP Vegas. Windows of answers of one kind are looked at, and each gives the next width:

    overloaded (429, 503, a time-out)          half, at once, and no doubling from then on
    starting, latency about base               double
    starting, latency clearly above base       what is carried, and no doubling from then on
    later, latency about base                  a tenth more, at least 1; after that was too much, not at once again
    later, latency clearly above base          what is carried; and twice as long until the next tenth
    in between                                 as it is

It begins at START (half of it for writes) and latency alone never takes it below: a network that becomes slower in the
middle of a run looks like a queue. *About* and *clearly* leave room for the noise that the window itself shows. Answers
on a connection that was just opened do not count: they have waited for its handshake.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace

START = 8
MAXIMUM = 64
NEAR = 1.05
"""Latency over base up to which there is no queue worth mentioning, before noise."""
FAR = 0.05
"""How much further latency has to be before the width shrinks."""
NEAR_AT_START = 1.5
"""The same while doubling, where windows are small."""
NOISES = 3.0
"""How many standard errors of the window's mean count as noise."""
MOST_NOISE = 0.1
"""More is not believed: a queue makes latencies uneven, too."""
OUTLIER = 4.0
"""A latency beyond so many medians counts as that many."""
LONGEST_HOLD = 32
"""Windows between two tries to get more."""
WINDOW_AT_START, WINDOW = 2, 4
"""Answers in a window, as multiples of the width."""
SHORTEST_WINDOW = 48
"""Answers in a window once doubling is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Width:
    """The width in use, and what it was found by."""

    limit: int = START
    maximum: int = MAXIMUM
    is_starting: bool = True
    """Whether it still doubles."""
    ceiling: int = MAXIMUM + 1
    """The width that was too much the last time."""
    hold: int = 0
    """How many windows to stay below the ceiling before it is tried again."""
    next_hold: int = 1
    """The hold that follows when it is too much again."""

    @property
    def window(self) -> int:
        """How many answers make the next window."""
        return WINDOW_AT_START * self.limit if self.is_starting else max(SHORTEST_WINDOW, WINDOW * self.limit)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What the answers of one kind showed while the width was in use."""

    latency_s: float
    """The mean, as Little's law has it."""
    noise: float = 0.0
    """The standard error of the mean, as a share of it."""


def window_of(latencies_s: Sequence[float]) -> Window:
    """Return what latencies show; there are at least two. One that stalled for long counts as a long one."""
    longest = OUTLIER * statistics.median(latencies_s)
    capped = [min(latency, longest) for latency in latencies_s]
    mean = statistics.fmean(capped)
    spread = statistics.stdev(capped) / mean if mean > 0 else 0.0
    return Window(latency_s=mean, noise=spread / math.sqrt(len(capped)))


def adapt(width: Width, window: Window, *, base_s: float) -> Width:
    """Return the width after a window; `base_s` is the lowest latency of this kind, this window included.

    Law: it stays within START (or where it is, if that is less) and the maximum, and moves by no more than double.
    """
    ratio = window.latency_s / base_s if base_s > 0 else 1.0
    near = NEAR + min(NOISES * window.noise, MOST_NOISE)
    if width.is_starting and ratio <= max(near, NEAR_AT_START):
        limit = min(2 * width.limit, width.maximum)
        return replace(width, limit=limit, is_starting=limit < width.maximum)
    if width.is_starting or ratio > near + FAR:
        return _lower(width, max(min(START, width.limit), round(width.limit * near / ratio)))
    more = min(width.limit + max(1, width.limit // 10), width.maximum)
    if ratio > near:
        return width
    if more >= width.ceiling and width.hold > 0:
        return replace(width, hold=width.hold - 1)
    return replace(width, limit=more)


def halve(width: Width) -> Width:
    """Return the width after the server said that it is too much."""
    return _lower(width, max(1, width.limit // 2))


def _lower(width: Width, limit: int) -> Width:
    """Return a lower width; the present one was too much, and is tried again after a hold that grows."""
    longer = min(2 * width.next_hold, LONGEST_HOLD)
    return replace(width, limit=limit, is_starting=False, ceiling=width.limit, hold=width.next_hold, next_hold=longer)
