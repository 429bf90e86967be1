"""How many requests may be in flight at once: found out from the answers. Pure; gate.py applies it.

A server has a capacity. Up to it, more in flight is more throughput at the same latency; beyond it, they only wait in
a queue, and latency grows instead (Little's law: in flight = throughput x latency). So the latency that was seen
without a queue (*base*) tells how many are really carried: width x base / latency. That is the gradient limiter, of the
family of TCP Vegas. But latency also grows when others load the server, the network or this machine, and then a lower
width only costs throughput. So a change by latency is a *trial*: the next window's throughput decides whether it stays.

    overloaded (429, 503, a time-out)          half, at once, and no doubling from then on
    starting, latency about base               double
    starting, latency clearly above base       back, unless doubling brought a fifth more; no doubling from then on
    later, latency clearly above base          what is carried (a trial)
    later, latency about base                  a tenth more, at least 1
    in between, or after a trial that failed   after a hold that grows each time: half as much again (a trial)
    a lower width with less throughput         back, and this latency is the base: the queue was not ours
    a higher width without more throughput     back

Throughput is what Little's law says of the latency, too: answers that are counted come in bursts, and a window of a few
bursts shows a quarter more or less than there is. Lower widths in a row are all held against the throughput before the
first of them. A trial is over, and its width stays, when requests of another kind are the next to make a window.

It begins at START (half of it for writes), and latency alone never takes it below. *About* and *clearly* leave room for
the noise that the window itself shows. Answers on a connection that was just opened do not count: they have waited for
its handshake.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from reconciler.dataclass import dataclass

START = 8
MAXIMUM = 64
NEAR = 1.05
"""Latency over base up to which there is no queue worth mentioning, before noise."""
FAR = 0.03
"""How much further latency has to be before the width shrinks."""
NEAR_AT_START = 1.5
"""The same while doubling, where windows are small."""
NOISES = 3.0
"""How many standard errors of the window's mean count as noise."""
MOST_NOISE = 0.06
"""More is not believed: a queue makes latencies uneven, too."""
OUTLIER = 4.0
"""A latency above this many medians counts as this many."""
KEPT = 0.9
"""Share of the throughput that a lower width has to keep, give or take the noise."""
GAINED = 1.2
"""How many times the throughput half as much again in flight has to bring."""
LONGEST_HOLD = 64
"""Windows between two tries to get more."""
WINDOW_AT_START, WINDOW = 2, 4
"""Answers in a window, as multiples of the width."""
SHORTEST_WINDOW = 48
"""Answers in a window once doubling is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """The width before a change that has to prove itself."""

    limit: int
    rate: float
    """Answers a second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Width:
    """The width in use, and what it was found by."""

    limit: int = START
    maximum: int = MAXIMUM
    is_starting: bool = True
    """Whether it still doubles."""
    trial: Trial | None = None
    """What this width is compared with when its first window is over."""
    kind: str = ""
    """Of the requests that `trial` and `peak` are about; how long another kind takes says nothing about them."""
    peak: float = 0.0
    """Answers a second before the first of several lower widths in a row, so that small steps lose no more than one."""
    forgets_base: bool = False
    """Whether the latencies seen so far say nothing about the next: the base is learned anew."""
    hold: int = 2
    """How many windows to stay before a higher width is tried."""
    next_hold: int = 8
    """The hold that follows when that was in vain."""

    @property
    def window(self) -> int:
        """How many answers make the next window."""
        return WINDOW_AT_START * self.limit if self.is_starting else max(SHORTEST_WINDOW, WINDOW * self.limit)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What the answers of one kind showed while the width was in use."""

    latency_s: float
    """The mean, as Little's law has it."""
    in_flight: float
    """How many were, on average, when one of them began."""
    kind: str = ""
    """Of its requests."""
    noise: float = 0.0
    """The standard error of the mean latency, as a share of it."""

    @property
    def rate(self) -> float:
        """Answers a second, by Little's law; counted, they would come in bursts, which a short window cannot tell."""
        return self.in_flight / self.latency_s if self.latency_s > 0 else 0.0


def sample_of(latencies_s: Sequence[float], *, in_flight: float, kind: str = "") -> Sample:
    """Return what at least two answers show; a stalled one counts as a long one."""
    ordered, count = sorted(latencies_s), len(latencies_s)
    median = (ordered[(count - 1) // 2] + ordered[count // 2]) / 2
    capped = [min(latency, OUTLIER * median) for latency in ordered]
    mean = math.fsum(capped) / count
    deviation = math.sqrt(math.fsum((latency - mean) ** 2 for latency in capped) / (count - 1))
    noise = deviation / mean / math.sqrt(count) if mean > 0 else 0.0
    return Sample(latency_s=mean, in_flight=in_flight, kind=kind, noise=noise)


def adapt(width: Width, sample: Sample, *, base_s: float) -> Width:
    """Return the width after a window; `base_s` is the lowest latency of this kind, this window included.

    Law: it stays within START (or where it is, if that is less) and the maximum, and at most doubles; or it is that of
    before a trial again.
    """
    width = replace(width, forgets_base=False)
    if width.kind != sample.kind:
        width = replace(width, kind=sample.kind, trial=None, peak=0.0)
    ratio = sample.latency_s / base_s if base_s > 0 else 1.0
    near = NEAR + min(NOISES * sample.noise, MOST_NOISE)
    if width.is_starting and width.limit < width.maximum and ratio <= max(near, NEAR_AT_START):
        return replace(_try(width, min(2 * width.limit, width.maximum), sample), is_starting=True)
    if width.trial is not None:
        if width.limit > width.trial.limit or not _is_kept(width.trial.rate, sample):
            return _after_trial(width, width.trial, sample)
        width = replace(width, trial=None, peak=width.trial.rate)
    width = replace(width, is_starting=False)
    if ratio > near + FAR:
        lower = max(min(START, width.limit), round(width.limit * near / ratio))
        if lower < width.limit:
            return _try(width, lower, sample)
        return _try_more_after_hold(width, sample)
    if ratio > near:
        return _try_more_after_hold(width, sample)
    return replace(width, limit=min(width.limit + max(1, width.limit // 10), width.maximum), peak=0.0)


def halve(width: Width) -> Width:
    """Return the width after the server said that it is too much."""
    limit = max(1, width.limit // 2)
    return _after_vain(replace(width, limit=limit, is_starting=False, trial=None, peak=0.0, forgets_base=False))


def _try(width: Width, limit: int, sample: Sample) -> Width:
    peak = width.peak if limit < width.limit else 0.0
    trial = Trial(limit=width.limit, rate=max(sample.rate, peak))
    return replace(width, limit=limit, is_starting=False, trial=trial, peak=peak)


def _try_more_after_hold(width: Width, sample: Sample) -> Width:
    """Return half as much again once the hold is over: latency does not tell, so throughput has to."""
    if width.hold > 0:
        return replace(width, hold=width.hold - 1)
    limit = min(width.limit + max(1, width.limit // 2), width.maximum)
    return _try(width, limit, sample) if limit > width.limit else width


def _is_kept(rate: float, sample: Sample) -> bool:
    """Whether a lower width still has the throughput, as far as its noise allows to tell."""
    return sample.rate * (1 + min(sample.noise, MOST_NOISE)) >= KEPT * rate


def _after_trial(width: Width, trial: Trial, sample: Sample) -> Width:
    """Return the width after a lower one that lost throughput, and after any higher one."""
    if width.limit < trial.limit:
        return replace(width, limit=trial.limit, trial=None, peak=0.0, forgets_base=True)
    if sample.rate < GAINED * trial.rate:
        return _after_vain(replace(width, limit=trial.limit, is_starting=False, trial=None))
    if width.is_starting:
        return replace(width, is_starting=False, trial=None)
    return replace(width, trial=None, forgets_base=True, hold=1, next_hold=2)


def _after_vain(width: Width) -> Width:
    return replace(width, hold=width.next_hold, next_hold=min(4 * width.next_hold, LONGEST_HOLD))
