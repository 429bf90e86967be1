"""Time: the clock of this server, and the texts in which Coder takes and gives moments.

Nothing else in the room reads the system's clock. A moment has two texts: `as_text` for the database, where texts
sort as the moments do, and `shown` for answers, which is Go's RFC3339Nano. `Clock.date` is the header of that name.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

_SECOND = timedelta(seconds=1)


def as_text(moment: datetime) -> str:
    """Write a moment as RFC 3339 in UTC with six decimals."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def shown(text: str) -> str:
    """Return a text of `as_text` as Go writes it: without zeros at the end of the fraction."""
    return text[:-1].rstrip("0").rstrip(".") + "Z" if "." in text else text


class Clock:
    """Tell the time, which `set` can move. A stopped clock ticks by a microsecond for each write, so that writes
    have an order.
    """

    def __init__(self, stopped_at: datetime | None = None) -> None:
        self._stopped_at = stopped_at
        self._ahead = timedelta(0)
        self._last_tick = datetime.min.replace(tzinfo=UTC)
        self._dated, self._date = datetime.min.replace(tzinfo=UTC), b""

    def now(self) -> datetime:
        """Return the present moment in UTC."""
        return (self._stopped_at or datetime.now(UTC) + self._ahead).astimezone(UTC)

    @property
    def is_stopped(self) -> bool:
        """Tell whether the clock stands still."""
        return self._stopped_at is not None

    def set(self, now: datetime, *, stopped: bool) -> None:
        """Make it `now`; the clock then stands still, or goes on from there. It may move backwards."""
        self._stopped_at = now if stopped else None
        self._ahead = now - datetime.now(UTC)
        self._last_tick = datetime.min.replace(tzinfo=UTC)

    def date(self) -> bytes:
        """Return the present moment as a `Date` header tells it; it is written once a second, not once an answer."""
        now = self.now()
        if not timedelta() <= now - self._dated < _SECOND:
            self._dated = now.replace(microsecond=0)
            self._date = format_datetime(self._dated, usegmt=True).encode()
        return self._date

    def tick(self) -> str:
        """Return a moment, as text, that is later than all moments ticked since the clock was set."""
        self._last_tick = max(self.now(), self._last_tick + timedelta(microseconds=1))
        return as_text(self._last_tick)

    def period(self) -> tuple[datetime, datetime]:
        """Return the first moment of this UTC month and of the next."""
        start = self.now().replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        return start, (start + timedelta(days=32)).replace(day=1)
