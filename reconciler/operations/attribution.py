"""Who changed what differs: from Coder's audit log, where the token may read it. For telling; no plan depends on it."""

from __future__ import annotations

from datetime import datetime, timedelta

from reconciler.core.activity import Attribution, LastChange
from reconciler.core.plan.plan import Plan
from reconciler.operations.ports import Reader

MOST = 20
"""Subjects that are asked about: one request each."""
SINCE = timedelta(days=60)


def find_last_changes(plan: Plan, reader: Reader, *, now: datetime) -> Attribution:
    """Ask who changed the plan's first subjects last; stop asking when the log may not be read."""
    found: list[LastChange] = []
    for action in plan.actions[:MOST]:
        changes = reader.changes(action.subject, now - SINCE)
        if changes.reason:
            return Attribution(changes=tuple(found), reason=changes.reason)
        found += [LastChange(address=action.address, change=change) for change in changes.entries[-1:]]
    return Attribution(changes=tuple(found))
