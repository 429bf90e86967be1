"""Time as the sandbox tells it: the real one or a stopped one; the only reader of the system clock here."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


def as_text(moment: datetime) -> str:
    """Write a moment as RFC 3339 in UTC with six decimals, so that texts sort as the moments do."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class Clock:
    """Tell the time; a stopped clock still ticks by a microsecond for each write, so that writes have an order."""

    def __init__(self, stopped_at: datetime | None = None) -> None:
        self._stopped_at = stopped_at
        self._last_tick = datetime.min.replace(tzinfo=UTC)

    def now(self) -> datetime:
        """Return the present moment in UTC."""
        return (self._stopped_at or datetime.now(UTC)).astimezone(UTC)

    def tick(self) -> str:
        """Return a moment, as text, that is later than all moments ticked before."""
        self._last_tick = max(self.now(), self._last_tick + timedelta(microseconds=1))
        return as_text(self._last_tick)

    def period(self) -> tuple[datetime, datetime]:
        """Return the first moment of this UTC month and of the next."""
        start = self.now().replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        return start, (start + timedelta(days=32)).replace(day=1)
