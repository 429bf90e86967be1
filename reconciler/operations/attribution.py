"""Who changed what differs: from Coder's audit log, where the token may read it. It shows the origin of differences."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from reconciler.core.action import Action
from reconciler.core.attribution import Attribution, LastChange, tell_ours
from reconciler.core.audit import AuditEntry
from reconciler.errors import DeniedError, ReconcilerError
from reconciler.operations.ports import Reader

MOST = 20
"""Subjects that are asked about one by one; more are looked up in the newest entries of the whole log first."""
SINCE = timedelta(days=60)


def find_last_changes(
    actions: Sequence[Action], reader: Reader, *, now: datetime, journaled: Collection[tuple[str, str]] = ()
) -> Attribution:
    """Ask who changed each subject last; stop asking when the log cannot be read, and say why.

    `journaled` are the plans of the journals that are here, each with who applied it: what they did is ours.

    A log that cannot be read changes no other answer: only a token that is no longer accepted raises, as DeniedError.
    """
    search = _Search(reader, now - SINCE, journaled)
    try:
        return search.attribution(actions)
    except DeniedError:
        raise
    except ReconcilerError as error:
        return search.so_far(actions, reason=error.message)


class _Search:
    """What is known so far, by the id of the subject; None: nobody changed it."""

    def __init__(self, reader: Reader, since: datetime, journaled: Collection[tuple[str, str]]) -> None:
        self._reader, self._since, self._journaled = reader, since, journaled
        self._known: dict[str, AuditEntry | None] = {}

    def attribution(self, actions: Sequence[Action]) -> Attribution:
        if len(actions) > MOST:
            recent = self._reader.log.recent_changes([action.subject for action in actions], self._since)
            self._known.update(recent.newest)
            if recent.reason:
                return self.so_far(actions, reason=recent.reason)
            if recent.is_whole:
                return self.so_far([action for action in actions if action.subject.id in self._known])
        left = [action for action in actions if action.subject.id not in self._known]
        for action in left[:MOST]:
            changes = self._reader.log.changes(action.subject, self._since)
            if changes.reason:
                return self.so_far(actions, reason=changes.reason)
            self._known[action.subject.id] = changes.entries[-1] if changes.entries else None
        return self.so_far(actions)

    def so_far(self, actions: Sequence[Action], *, reason: str = "") -> Attribution:
        """Return what is known now; the others were not asked about."""
        known = [
            (action.address, self._known[action.subject.id]) for action in actions if action.subject.id in self._known
        ]
        return Attribution(
            changes=tuple(self._last(address, change) for address, change in known if change is not None),
            reason=reason,
            not_asked=len(actions) - len(known),
        )

    def _last(self, address: str, change: AuditEntry) -> LastChange:
        ours = tell_ours(change, account=self._reader.deployment().user, journaled=self._journaled)
        return LastChange(address=address, change=change, ours=ours)
