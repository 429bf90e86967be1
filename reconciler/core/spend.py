"""What people spent in a window of time, as Coder's export says it: sums per group and person. No action follows it.

Coder books spend on the group that was effective at the time, by UTC day, and never moves it (coder-api.md 3.7). So a
person's spend of a window is the sum over all groups, and what counts against their limit is only the part that is
booked on the group that is effective now.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from itertools import pairwise

from reconciler.core.budget import GroupId, OrganizationId, UserId
from reconciler.dataclass import dataclass
from reconciler.money import Micros

DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)

Booked = Mapping[GroupId, Mapping[UserId, Micros]]
"""Spend of one window, per group on which it is booked."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Window:
    """A span of time in UTC."""

    start: datetime
    """Inclusive (UTC)."""
    end: datetime
    """Exclusive (UTC)."""

    @property
    def days(self) -> int:
        """Whole days in it."""
        return (self.end - self.start) // DAY

    @property
    def length_s(self) -> int:
        """Whole seconds in it."""
        return (self.end - self.start) // _SECOND


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Unpriced:
    """A model that was used and cost nothing: without a price, no budget binds on it."""

    model: str
    """The model's name."""
    provider: str
    """The name of its provider."""
    people: int
    """How many people used it."""
    tokens: int
    """Tokens of every kind together."""
    is_free: bool = False
    """Whether the server's price list says that the model is free, so that it is meant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """What the organizations that were asked exported for one window."""

    window: Window
    """The window."""
    booked: Booked
    """By group and person, in micro-dollars. Who is not in it booked nothing, unless `left_out` holds it."""
    unpriced: tuple[Unpriced, ...]
    """Most tokens first."""
    left_out: Mapping[OrganizationId, str]
    """Organizations whose export could not be read, and why."""

    @property
    def by_person(self) -> Mapping[UserId, Micros]:
        """What each person spent, on all groups together."""
        return sum_by_person(self.booked)


def sum_by_person(booked: Booked) -> Mapping[UserId, Micros]:
    """Add up what each person spent on all groups together."""
    spent: dict[UserId, Micros] = {}
    for people in booked.values():
        for user_id, micros in people.items():
            spent[user_id] = Micros(spent.get(user_id, 0) + micros)
    return spent


def day_of(at: datetime) -> datetime:
    """Return the first moment of an instant's UTC day."""
    return at.replace(hour=0, minute=0, second=0, microsecond=0)


def month_of(at: datetime) -> Window:
    """Return the UTC month of an instant: Coder's budget period."""
    start = day_of(at).replace(day=1)
    return Window(start=start, end=(start + 32 * DAY).replace(day=1))


def last_days(at: datetime, days: int) -> tuple[Window, ...]:
    """Return the last complete UTC days before the one of `at`, oldest first."""
    today = day_of(at)
    return tuple(Window(start=today - n * DAY, end=today - (n - 1) * DAY) for n in range(days, 0, -1))


def split(window: Window, parts: int) -> tuple[Window, ...]:
    """Cut a window of whole days into at most this many windows of whole days, as equal as can be, oldest first."""
    parts = max(1, min(parts, window.days))
    cuts = [window.start + (window.days * n // parts) * DAY for n in range(parts)] + [window.end]
    return tuple(Window(start=start, end=end) for start, end in pairwise(cuts))


def merge_booked(parts: Iterable[Booked]) -> Booked:
    """Add up spend that was read in several parts; a group that is in one part only is shared with it, not copied."""
    booked: dict[GroupId, Mapping[UserId, Micros]] = {}
    sums: dict[GroupId, dict[UserId, Micros]] = {}
    for part in parts:
        for group_id, people in part.items():
            if group_id not in booked:
                booked[group_id] = people
                continue
            if group_id not in sums:
                booked[group_id] = sums[group_id] = dict(booked[group_id])
            by_person = sums[group_id]
            for user_id, micros in people.items():
                by_person[user_id] = Micros(by_person.get(user_id, 0) + micros)
    return booked
