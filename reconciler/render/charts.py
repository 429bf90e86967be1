"""Charts as geometry: what a template draws as SVG. Pure arithmetic; labels are plain text, and the template escapes.

Positions across are percentages and positions down are pixels, so that a chart fills a page of any width and its text
stays as large as the page's text.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

from reconciler.dataclass import dataclass

BARS_SHOWN = 12
"""Pairs of bars in one chart; the callers choose which."""
_ROW = 34
"""Pixels from one pair of bars to the next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two numbers to compare: `before` and `after`, with the texts that stand for them."""

    label: str
    before: int
    after: int
    shown: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    label: str
    shown: str
    y: int
    before_percent: float
    after_percent: float
    trend: str
    """`up`, `down` or `same`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BarChart:
    title: str
    hint: str
    bars: tuple[Bar, ...]
    height: int
    summary: str
    """What a screen reader says instead of the drawing."""


def bar_chart(title: str, hint: str, pairs: Sequence[Comparison], *, summary: str) -> BarChart:
    """Draw pairs of bars, in the order given. Bars are as long as their share of the longest."""
    longest = max((max(pair.before, pair.after) for pair in pairs), default=0) or 1
    bars = tuple(
        Bar(
            label=pair.label,
            shown=pair.shown,
            y=_ROW * i,
            before_percent=_rounded(100 * pair.before / longest),
            after_percent=_rounded(100 * pair.after / longest),
            trend="up" if pair.after > pair.before else "down" if pair.after < pair.before else "same",
        )
        for i, pair in enumerate(pairs)
    )
    return BarChart(title=title, hint=hint, bars=bars, height=_ROW * len(bars), summary=summary)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dot:
    x_percent: float
    y: int
    level: str
    """`over`, `near` or `under` the limit."""
    name: str
    """Empty for everybody who is not near the limit."""
    people: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    text: str
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DotChart:
    title: str
    hint: str
    dots: tuple[Dot, ...]
    columns: tuple[Tick, ...]
    rows: tuple[Tick, ...]
    height: int
    summary: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody with a limit and a known spend, in micros."""

    name: str
    limit_micros: int
    spend_micros: int

    @property
    def share(self) -> float:
        """Of the limit; infinite where the limit is $0."""
        return self.spend_micros / self.limit_micros if self.limit_micros else math.inf


NEAR = 0.8
_TOP, _PLOT, _MOST_SHARE = 24, 150, 1.2
_LEFT_PERCENT, _WIDTH_PERCENT = 12.0, 84.0
_TICK_PERCENT = 12.0
"""How far apart two texts below a chart are at least."""


def dot_chart(
    title: str, hint: str, people: Iterable[Person], *, columns: Sequence[tuple[str, int]], summary: str
) -> DotChart:
    """Draw a dot a person: across their limit, on a logarithmic scale, and up the share of it that is spent.

    Dots that would cover each other are one dot with a number of people. `columns` are limits to mark, with their text.
    """
    everybody = list(people)
    limits = [person.limit_micros for person in everybody if person.limit_micros] + [micros for _, micros in columns]
    low, high = (math.log(min(limits)), math.log(max(limits))) if limits else (0.0, 1.0)

    def across(limit_micros: int) -> float:
        share = (math.log(limit_micros) - low) / ((high - low) or 1.0) if limit_micros else 0.0
        return _rounded(_LEFT_PERCENT + _WIDTH_PERCENT * share)

    places: dict[tuple[float, int, str, str], int] = {}
    for person in everybody:
        level = "over" if person.share >= 1 else "near" if person.share >= NEAR else "under"
        name = person.name if level != "under" else ""
        key = across(person.limit_micros), _down(person.share), level, name
        places[key] = places.get(key, 0) + 1
    dots = tuple(
        Dot(x_percent=x, y=y, level=level, name=name, people=number)
        for (x, y, level, name), number in sorted(places.items())
    )
    return DotChart(
        title=title,
        hint=hint,
        dots=dots,
        columns=tuple(_apart(Tick(text=text, at=across(micros)) for text, micros in columns)),
        rows=tuple(Tick(text=f"{percent} %", at=_down(percent / 100)) for percent in (0, 50, 80, 100)),
        height=_TOP + _PLOT + 26,
        summary=summary,
    )


def _apart(ticks: Iterable[Tick]) -> Iterator[Tick]:
    """Yield ticks from left to right: the last one, and those whose text covers neither its text nor the one before."""
    in_order = sorted(ticks, key=lambda tick: tick.at)
    before = -_TICK_PERCENT
    for tick in in_order:
        if tick is in_order[-1] or min(tick.at - before, in_order[-1].at - tick.at) >= _TICK_PERCENT:
            before = tick.at
            yield tick


def _down(share: float) -> int:
    return round(_TOP + _PLOT * (1 - min(share, _MOST_SHARE) / _MOST_SHARE))


def _rounded(percent: float) -> float:
    return round(percent, 1)
