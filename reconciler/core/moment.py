"""The time of a plan: the instant that it looks at, and the real time. The core has no clock, so callers give both."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """Both in UTC."""

    at: datetime
    """The instant for which the policy is looked at: `starts` and `expires` of its entries are compared with it."""
    now: datetime
    """The real time: consents end by it, and the days of an override count from it."""

    @property
    def is_for_now(self) -> bool:
        """Whether the plan is for the present, and not for an instant that somebody asked for."""
        return self.at == self.now


def present(now: datetime) -> Moment:
    """Return the moment of a plan for the present (UTC)."""
    return Moment(at=now, now=now)
