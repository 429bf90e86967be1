"""What limits a run that is neither a budget nor a person: when the token and the licence end, how the clocks differ.

For telling people in time. Nothing is decided by it but whether to speak.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from reconciler.core.moment import instant
from reconciler.dataclass import dataclass

ENDS_SOON = timedelta(days=14)


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Facts about the token, the licence and the server's clock; None or empty where the server does not say."""

    token_expires_at: datetime | None = None
    is_login: bool = False
    """Whether the token came from a login, so that each use prolongs it."""
    token_scopes: tuple[str, ...] = ()
    """Empty for a token that may do everything that its user may."""
    licence_warnings: tuple[str, ...] = ()
    """In Coder's own words, such as "Your license expires in 2 days."."""
    server_ahead_s: float | None = None
    """How far the server's clock is ahead of ours, to about a second; negative when it is behind."""

    def endings(self, now: datetime) -> tuple[str, ...]:
        """Return what ends soon, a sentence each without a full stop; `now` is in UTC."""
        token = self.token_expires_at
        if token is None or self.is_login or token - now >= ENDS_SOON:
            return self.licence_warnings
        day = instant(token)
        return (f"the token ends {day}: make a new one before then, with a longer lifetime", *self.licence_warnings)
