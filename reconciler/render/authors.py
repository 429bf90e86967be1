"""Who did what to a budget, by Coder's audit log, as half a sentence."""

from __future__ import annotations

from reconciler.core.audit import AuditEntry
from reconciler.core.moment import instant
from reconciler.money import format_usd
from reconciler.render.text import harmless


def done_text(change: AuditEntry) -> str:
    """`set from $300.00 to $5,000.00 by ada on 2026-11-03 10:00 UTC with curl/8.5.0`."""
    return harmless(f"{_what(change)} by {change.by or 'somebody'} on {instant(change.at)} with {change.user_agent}")


def _what(change: AuditEntry) -> str:
    """`set from $300.00 to $5,000.00`; a change from $0 may have been the first one, which the log cannot tell."""
    if change.action == "delete":
        return "removed" if change.before_micros is None else f"removed ({format_usd(change.before_micros)} until then)"
    if change.after_micros is None:
        return "set"
    if not change.before_micros:
        return f"set to {format_usd(change.after_micros)}"
    return f"set from {format_usd(change.before_micros)} to {format_usd(change.after_micros)}"
