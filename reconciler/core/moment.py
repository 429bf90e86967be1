"""The time of a plan: the instant that it looks at, and the real time. The core has no clock, so callers give both.

Two clocks say what the real time is, this machine's and Coder's. Minutes between them are nothing to a policy; where
they differ by a day or more, nobody can say which of them is right, and what depends on that is left alone.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Self

from reconciler.dataclass import dataclass

MOST_APART = timedelta(days=1)
"""Clocks that differ by less are taken for one."""
_FIRST, _LAST = datetime(1900, 1, 1, tzinfo=UTC), datetime(3000, 1, 1, tzinfo=UTC)
"""Times from which months can be counted, and beyond the dates of policies; a server may say the year 9999."""
_TIME = re.compile(
    r"2[0-9]{3}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
    r"(?:T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6})?(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9]))?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """Both in UTC."""

    at: datetime
    """The instant for which the policy is looked at: `starts` and `expires` of its entries are compared with it."""
    now: datetime
    """The real time: consents end by it, and the days of an override count from it."""
    apart: timedelta = timedelta(0)
    """How far Coder's clock is ahead of `now` (behind it: negative), if that is MOST_APART or more; otherwise zero."""

    @property
    def is_for_now(self) -> bool:
        """Whether the plan is for the present, and not for an instant that somebody asked for."""
        return self.at == self.now

    @property
    def at_server(self) -> datetime:
        """`at` by Coder's clock; an instant that somebody asked for is the same by every clock."""
        return self.at + self.apart if self.is_for_now else self.at

    @property
    def latest(self) -> datetime:
        """The real time by the clock that is ahead: what has ended by either clock does not count."""
        return max(self.now, self.now + self.apart)

    def beside(self, server_ahead_s: float | None) -> Self:
        """Return this moment with Coder's clock beside this machine's; None where Coder has not said its time."""
        apart = timedelta(seconds=server_ahead_s or 0.0)
        apart = min(max(apart, _FIRST - self.now), _LAST - self.now)
        return replace(self, apart=apart if abs(apart) >= MOST_APART else timedelta(0))


def instant(time: datetime) -> str:
    """`2027-01-01 00:00 UTC`: when something ends or begins, to the minute."""
    return time.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def present(now: datetime) -> Moment:
    """Return the moment of a plan for the present (UTC)."""
    return Moment(at=now, now=now)


def parse_time(text: str) -> datetime:
    """Read a date (00:00 UTC of that day) or an RFC 3339 time with an offset, as UTC: in policies and in `--at`.

    Raises ValueError that says what to write.
    """
    if not _TIME.fullmatch(text):
        raise ValueError(
            "write a date such as 2026-11-01, or a time such as 2026-11-01T09:00:00+01:00; the year is 2000 to 2999"
        )
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"there is no such day as {text[:10]}") from None
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
