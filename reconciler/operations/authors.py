"""Who is behind what no budget shows: a person deleted or renamed, a group gone, a membership that came or went.

Coder's audit log tells it, where the token may read it; a group sync leaves no entry. A log that cannot be read
changes no other answer: only a token that is no longer accepted raises, as DeniedError.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from reconciler.core.audit import Audited, AuditedChange, AuditQuestion, History
from reconciler.core.budget import Budget, UserId
from reconciler.core.desired import Wanted
from reconciler.core.directory import Directory, Group, User
from reconciler.core.moment import instant
from reconciler.core.orphan import Orphan, OrphanReason
from reconciler.core.people.moves import MembershipChange, Move
from reconciler.core.plan.resolution import Resolution
from reconciler.errors import DeniedError, ReconcilerError
from reconciler.operations.ports import Reader
from reconciler.words import spoken

MOST = 50
"""Questions that are asked of the log; one request each, as long as there are few entries."""
SINCE = timedelta(days=60)


class _Log:
    """Asks each question once, until one cannot be answered or too many were asked."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._known: dict[AuditQuestion, History] = {}
        self.reason = ""
        """Why it is not asked any more."""
        self.is_readable = True

    def ask(self, question: AuditQuestion) -> tuple[AuditedChange, ...]:
        if question not in self._known and not self.reason:
            if sum(bool(known.name or known.id) for known in self._known) >= MOST:
                self.reason = f"the audit log was asked {MOST} questions, and no more"
                return ()
            self._known[question] = self._answer(question)
        return self._known[question].changes if question in self._known else ()

    def _answer(self, question: AuditQuestion) -> History:
        try:
            history = self._reader.log.history(question)
        except DeniedError:
            raise
        except ReconcilerError as error:
            history = History(reason=error.message)
        self.reason, self.is_readable = history.reason, not history.reason
        return history


def find_movers(
    moves: Sequence[Move], directory: Directory, reader: Reader, *, since: datetime
) -> tuple[tuple[Move, ...], str]:
    """Return the moves with who is behind them since then (UTC), and why that is not known of some."""
    log = _Log(reader)
    groups = {group.address: group for group in directory.groups.values()}
    attributed = []
    for move in moves:
        changed = [groups[address] for address in (*move.joined, *move.left) if address in groups]
        entries = [(group, _membership_entry(move.user_id, group, log, since)) for group in changed]
        behind = tuple(
            MembershipChange(address=group.address, by=entry.by, at=entry.at) for group, entry in entries if entry
        )
        attributed.append(replace(move, behind=behind))
    return tuple(attributed), log.reason


def _membership_entry(user_id: UserId, group: Group, log: _Log, since: datetime) -> AuditedChange | None:
    """Return the newest entry that took somebody into a group, or out of it."""
    if group.is_everyone:
        entries = log.ask(AuditQuestion(kind=Audited.MEMBER, id=user_id, since=since))
        return next((row for row in reversed(entries) if row.organization_id == group.organization_id), None)
    entries = log.ask(AuditQuestion(kind=Audited.GROUP, id=group.id, since=since))
    return next((row for row in reversed(entries) if user_id in row.joined | row.left), None)


def with_authors(
    orphans: Iterable[Orphan], resolution: Resolution, directory: Directory, reader: Reader, *, now: datetime
) -> tuple[tuple[Orphan, ...], int, str]:
    """Add to orphans who deleted, renamed or moved what they name, where the log tells it.

    Also return about how many the log was not asked, and why it cannot be read; empty if there are just too many.
    """
    log, since = _Log(reader), now - SINCE
    listed = {row.entry.place: (row.entry, policy) for policy in resolution.policies for row in policy.listed}
    wanted = {wanted.entry.place: wanted for wanted in resolution.desired.users.values()}
    attributed, not_asked = [], 0
    for orphan in orphans:
        match orphan.reason:
            case OrphanReason.UNKNOWN_USER | OrphanReason.HIDDEN_USER:
                name = orphan.address.removeprefix("user/")
                orphan = _named(orphan, Audited.USER, name, log, since)
            case OrphanReason.UNKNOWN_GROUP | OrphanReason.HIDDEN_GROUP:
                entry, policy = listed[orphan.place]
                orphan = _named(orphan, Audited.GROUP, entry.group, log, since, organization=policy.organization.id)
            case OrphanReason.NOT_A_MEMBER:
                orphan = _moved(orphan, wanted[orphan.place], directory, log, since)
            case _:
                pass
        attributed.append(orphan)
        not_asked += bool(log.reason)
    return tuple(attributed), not_asked, "" if log.is_readable else log.reason


def _named(orphan: Orphan, kind: Audited, name: str, log: _Log, since: datetime, *, organization: str = "") -> Orphan:
    """Follow a name that fits nothing to what had it, and to the last that was done to it.

    The log is that of the deployment: a group of another `organization` may have the name.
    """

    def ask(name: str) -> list[AuditedChange]:
        rows = log.ask(AuditQuestion(kind=kind, name=name, since=since))
        return [row for row in rows if not organization or row.organization_id == organization]

    ids = {row.id for row in ask(name)}
    if not ids:  # the log has an entry under the name that came of it, and a first change may be the renaming
        ids = {row.id for row in ask("") if row.name_before.lower() == name.lower()}
    if len(ids) != 1:
        return orphan
    entries = log.ask(AuditQuestion(kind=kind, id=ids.pop(), since=since))
    noun = "the person" if kind is Audited.USER else "the group"
    for row in reversed(entries):
        when = f"on {instant(row.at)}"
        if row.action == "delete":
            message = f"{orphan.message}; {spoken(row.by or 'somebody')} deleted {noun} {when}"
            is_lost = kind is Audited.GROUP and orphan.address.startswith("user/")
            hint = f"remove the entry{'; the override ended with the group' if is_lost else ''}"
            return replace(orphan, message=message, hint=hint)
        if row.name_before.lower() == name.lower():
            message = f"{orphan.message}; {spoken(row.by or 'somebody')} renamed {noun} to {row.name!r} {when}"
            hint = f"write {entries[-1].name!r}"
            return replace(orphan, reason=OrphanReason.RENAMED, message=message, hint=hint)
    return orphan


def _moved(orphan: Orphan, wanted: Wanted, directory: Directory, log: _Log, since: datetime) -> Orphan:
    group = directory.groups.get(wanted.state.group.id) if isinstance(wanted.state, Budget) else None
    if group is None or not isinstance(wanted.subject, User):
        return orphan
    entry = _membership_entry(wanted.subject.id, group, log, since)
    if entry is None or wanted.subject.id in entry.joined or entry.action == "create":
        return orphan
    when = f"on {instant(entry.at)}"
    return replace(orphan, message=f"{orphan.message}; {spoken(entry.by or 'somebody')} took them out of it {when}")
