"""Who reaches their limit before the period ends, and when, if everybody goes on as they did.

    the pace        what a person spent on all groups together in the last 7 complete UTC days, spread evenly over them;
                    where the export may not be read, what counts of this period so far, spread evenly over it
    the days        a window begins with the first day on which anybody spent anything, so that a deployment that is new
                    is not taken for a slow one; with less than 3 days nothing is claimed about anybody
    the forecast    what counts now, plus the pace, second by second; the limit is reached at the first second at which
                    the sum reaches the limit

All spend to come counts against the limit that is effective then, on whichever group the spend of the pace was booked.

Law: the day equals that of a simulation that adds spend hour by hour; a higher limit is never reached earlier.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar

from reconciler.core.budget import Unknown, UserId
from reconciler.core.people.effects import PersonEffect
from reconciler.core.people.standing import Standing
from reconciler.core.snapshot import Effective, Unlimited
from reconciler.core.spend import DAY, Export, Window
from reconciler.dataclass import dataclass
from reconciler.money import Micros

DAYS = 7
"""Complete days that the pace is taken from."""
MIN_DAYS = 3
"""With fewer days of spend nothing is claimed."""
_FOREVER_S = 400 * DAY // timedelta(seconds=1)
"""Longer than any period; further away nothing is computed."""
_DAY_S = DAY // timedelta(seconds=1)


class Basis(StrEnum):
    """What a pace is taken from."""

    LAST_DAYS = "last-days"
    """The last complete UTC days, by the spend export."""
    THIS_PERIOD = "this-period"
    """What counts of this period so far; where the export cannot be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast people spend."""

    basis: Basis
    window: Window
    """The days that were counted."""
    spent: Mapping[UserId, Micros]
    """What each person spent in them; who is not in it spent nothing, or is suspended and does not go on."""

    def reaches_at(self, user_id: UserId, limit: Micros, spent: Micros, *, at: datetime) -> datetime | None:
        """Return when a person who has spent so much by `at` (UTC) reaches a limit, to the second; None for never."""
        if spent >= limit:
            return at
        pace = self.spent.get(user_id, 0)
        if pace <= 0 or (length_s := self.window.length_s) <= 0:
            return None
        seconds = -(-(limit - spent) * length_s // pace)
        return at + timedelta(seconds=seconds) if seconds <= _FOREVER_S else None

    def per_day_micros(self, user_id: UserId) -> Micros:
        """Return what a person spends a day, rounded down."""
        pace = self.spent.get(user_id, 0)
        if not pace or (length_s := self.window.length_s) <= 0:
            return Micros(0)
        return Micros(pace * _DAY_S // length_s)


def pace_of_days(exports: Sequence[Export]) -> Pace | None:
    """Return the pace of complete days, given oldest first and without a gap; None when they say too little.

    A day on which an organization's export is missing would look like a day of rest, so then there is no pace.
    """
    if any(export.left_out for export in exports):
        return None
    known = list(exports)
    while known and not any(known[0].booked.values()):
        known.pop(0)
    if len(known) < MIN_DAYS:
        return None
    spent: dict[UserId, Micros] = {}
    for export in known:
        for people in export.booked.values():
            for user_id, micros in people.items():
                spent[user_id] = Micros(spent.get(user_id, 0) + micros)
    window = Window(start=known[0].window.start, end=known[-1].window.end)
    return Pace(basis=Basis.LAST_DAYS, window=window, spent=spent)


def pace_of_period(counted: Mapping[UserId, Micros], period: Window, *, at: datetime) -> Pace | None:
    """Return the pace of the period so far, by what counts in it; None in its first three days."""
    window = Window(start=period.start, end=min(at, period.end))
    if window.days < MIN_DAYS:
        return None
    return Pace(basis=Basis.THIS_PERIOD, window=window, spent=counted)


@dataclass(frozen=True, slots=True, kw_only=True)
class PaceDays:
    """The days that a forecast rests on."""

    JSON_EXTRAS: ClassVar = ("days",)

    basis: Basis
    """What the pace is taken from."""
    since: datetime
    """The first moment that was counted (UTC)."""
    until: datetime
    """The moment at which counting ended (UTC)."""

    @property
    def days(self) -> int:
        """Whole days that were counted."""
        return (self.until - self.since) // DAY


def days_of(pace: Pace) -> PaceDays:
    """Return what a pace rests on, without its people."""
    return PaceDays(basis=pace.basis, since=pace.window.start, until=pace.window.end)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """A person who reaches their limit before the period ends, if they go on as they did."""

    user_id: UserId
    """Their UUID."""
    username: str
    """Their username."""
    limit_micros: Micros
    """The limit that they reach, in micro-dollars a month."""
    spend_micros: Micros
    """What counts against it now."""
    per_day_micros: Micros
    """Their pace in micro-dollars a day, rounded down."""
    reaches_at: datetime
    """When they reach it (UTC)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """Who of the people whom a plan concerns reaches their new limit before the period ends."""

    pace: PaceDays | None
    """What it rests on; null when there is too little spend to say anything, and then `people` is empty."""
    period_end: datetime
    """When the budget period ends (UTC)."""
    people: tuple[Reach, ...]
    """Who is first comes first. People whom the plan stops at once are not in it."""
    considered: int
    """People whose limit, spend and pace are known."""
    would_have: int
    """How many of them reach the limit that they have now, without the plan."""
    reason: str
    """Why there is no pace; empty when there is one."""


def forecast(people: Iterable[PersonEffect], pace: Pace, *, period_end: datetime, at: datetime) -> Forecast:
    """Say who reaches their limit after a plan, and how many would reach the one that they have. `at` is now (UTC)."""
    reaches: list[Reach] = []
    considered = would_have = 0
    for person in people:
        if person.standing_after is Standing.BLOCKED or isinstance(person.spend_after_micros, Unknown):
            continue
        considered += 1
        before = person.spend_before_micros
        if person.standing_before is Standing.FREE and not isinstance(before, Unknown):
            would_have += (
                _reach(person, person.before, spend=before, pace=pace, period_end=period_end, at=at) is not None
            )
        reach = _reach(person, person.after, spend=person.spend_after_micros, pace=pace, period_end=period_end, at=at)
        if reach is not None:
            reaches.append(reach)
    return Forecast(
        pace=days_of(pace),
        period_end=period_end,
        people=tuple(sorted(reaches, key=lambda reach: (reach.reaches_at, reach.username, reach.user_id))),
        considered=considered,
        would_have=would_have,
        reason="",
    )


def no_forecast(reason: str, *, period_end: datetime) -> Forecast:
    """Return a forecast that claims nothing, and why."""
    return Forecast(pace=None, period_end=period_end, people=(), considered=0, would_have=0, reason=reason)


def _reach(
    person: PersonEffect, effective: Effective, *, spend: Micros, pace: Pace, period_end: datetime, at: datetime
) -> Reach | None:
    if isinstance(effective.limit_micros, Unlimited):
        return None
    reaches_at = pace.reaches_at(person.user_id, effective.limit_micros, spend, at=at)
    if reaches_at is None or reaches_at >= period_end:
        return None
    return Reach(
        user_id=person.user_id,
        username=person.username,
        limit_micros=effective.limit_micros,
        spend_micros=spend,
        per_day_micros=pace.per_day_micros(person.user_id),
        reaches_at=reaches_at,
    )
