"""Who changed what differs: from Coder's audit log, where the token may read it. It shows the origin of differences."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from reconciler.core.action import Action
from reconciler.core.activity import Attribution, LastChange, tell_ours
from reconciler.errors import DeniedError, ReconcilerError
from reconciler.operations.ports import Reader

MOST = 20
"""Subjects that are asked about: one request each."""
SINCE = timedelta(days=60)


def find_last_changes(
    actions: Sequence[Action], reader: Reader, *, now: datetime, digests: Collection[str] = ()
) -> Attribution:
    """Ask who changed the first subjects last; stop asking when the log cannot be read, and say why.

    `digests` are the plans of the journals that are here: what they did is ours.

    A log that cannot be read takes no answer with it: only a token that is no longer accepted raises, as DeniedError.
    """
    account = reader.deployment().user
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
        for change in changes.entries[-1:]:
            ours = tell_ours(change, account=account, digests=digests)
            known.append(LastChange(address=action.address, change=change, ours=ours))
    return Attribution(changes=tuple(known), not_asked=max(0, len(actions) - MOST))
