"""What limits a run that is neither a budget nor a person: when the token and the licence end, how the clocks differ.

For telling people in time. Nothing is decided by it but whether to speak.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Facts about the token, the licence and the server's clock; None or empty where the server does not say."""

    token_expires_at: datetime | None = None
    token_scopes: tuple[str, ...] = ()
    """Empty for a token that may do all that its user may."""
    licence_warnings: tuple[str, ...] = ()
    """In Coder's own words, such as "Your license expires in 2 days."."""
    server_ahead_s: float | None = None
    """How far the server's clock is ahead of ours, to about a second; negative when it is behind."""
