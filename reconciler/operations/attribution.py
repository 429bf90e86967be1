"""Who changed what differs: from Coder's audit log, where the token may read it. It shows the origin of differences."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from reconciler.core.action import Action
from reconciler.core.activity import Attribution, LastChange
from reconciler.errors import DeniedError, ReconcilerError
from reconciler.operations.ports import Reader

MOST = 20
"""Subjects that are asked about: one request each."""
SINCE = timedelta(days=60)


def find_last_changes(actions: Sequence[Action], reader: Reader, *, now: datetime) -> Attribution:
    """Ask who changed the first subjects last; stop asking when the log cannot be read, and say why.

    A log that cannot be read takes no answer with it: only a token that is no longer accepted raises, as DeniedError.
    """
    known: list[LastChange] = []
    for number, action in enumerate(actions[:MOST]):
        try:
            changes = reader.changes(action.subject, now - SINCE)
        except DeniedError:
            raise
        except ReconcilerError as error:
            return Attribution(changes=tuple(known), reason=error.message, not_asked=len(actions) - number)
        if changes.reason:
            return Attribution(changes=tuple(known), reason=changes.reason, not_asked=len(actions) - number)
        known += [LastChange(address=action.address, change=change) for change in changes.entries[-1:]]
    return Attribution(changes=tuple(known), not_asked=max(0, len(actions) - MOST))
