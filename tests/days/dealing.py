"""The days on which the suite runs beside today, and which tests run on which."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest


@dataclass(frozen=True, slots=True)
class Day:
    """An instant at which the clock stands still, and a time zone where it is often another date."""

    why: str
    at: datetime
    zone: str

    @property
    def name(self) -> str:
        return self.at.date().isoformat()


AHEAD, BEHIND = "X-14", "X+12"
_NEW_YEAR, _SECOND = datetime(2027, 1, 1, tzinfo=UTC), timedelta(seconds=1)
DAYS = (
    Day("the last second of a year", _NEW_YEAR - _SECOND, AHEAD),
    Day("the first second of a year", _NEW_YEAR + _SECOND, BEHIND),
    Day("the end of a month before a shorter one", datetime(2027, 3, 31, 12, tzinfo=UTC), AHEAD),
    Day("a leap day", datetime(2028, 2, 29, 12, tzinfo=UTC), BEHIND),
    Day("early in a month, when its pace is that of few days", datetime(2028, 12, 5, 9, 30, tzinfo=UTC), AHEAD),
    Day("years ahead, in the middle of a month", datetime(2029, 12, 15, 9, 30, tzinfo=UTC), AHEAD),
    Day("a February without a leap day, just before midnight", datetime(2030, 2, 28, 23, 59, 59, tzinfo=UTC), BEHIND),
)


def chosen_for(day: Day, tests: Sequence[pytest.Item]) -> list[pytest.Item]:
    """Return the tests that run on a day: what has no marker is dealt out, so that each test has one of the days."""
    dealt = iter(range(len(tests)))
    return [test for test in tests if _runs_on(day, test, dealt)]


def _runs_on(day: Day, test: pytest.Item, dealt: Iterator[int]) -> bool:
    if test.get_closest_marker("today_only"):
        return False
    return bool(test.get_closest_marker("every_day")) or next(dealt) % len(DAYS) == DAYS.index(day)
