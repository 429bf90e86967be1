"""Look policies up, and find out whose the grants were that ended and whose names fit nobody now. It only reads.

First the journals are asked, which costs nothing, then Coder's audit log, a request a name. Where neither knows the
name, those who could hold the override are read, so that it can be said (core/plan/grants.py).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import datetime, timedelta

from reconciler.core.action import Action
from reconciler.core.audit import Audited, AuditedChange, AuditQuestion
from reconciler.core.budget import UserId
from reconciler.core.desired import Desired
from reconciler.core.directory import User
from reconciler.core.grant_records import GrantRecord
from reconciler.core.orphan import Orphan
from reconciler.core.plan.grants import Holders, LostGrant, may_hold, suspicions
from reconciler.core.plan.resolution import Resolution
from reconciler.core.policy import UserOverrideEntry
from reconciler.core.snapshot import Snapshot
from reconciler.errors import DeniedError, ReconcilerError
from reconciler.operations.ports import Reader

Journals = Callable[[Collection[str], str], tuple[GrantRecord, ...]]
"""Takes names and the id of a deployment; returns what journals say was given to people of these names."""
MOST_NAMES = 100
"""Names that the log is asked about: one request each."""
SINCE = timedelta(days=400)
"""An override may hold for a year."""


def no_journals(names: Collection[str], deployment_id: str) -> tuple[GrantRecord, ...]:
    """Return nothing: there is no folder of journals."""
    return ()


def records_of(resolution: Resolution, reader: Reader, journals: Journals, *, now: datetime) -> tuple[GrantRecord, ...]:
    """Return what is recorded of the names of entries that have ended; nothing where there are none.

    A log that cannot be read changes no other answer: only a token that is no longer accepted raises, as DeniedError.
    """
    ended = {entry.user for entry in resolution.expired}
    if not ended:
        return ()
    records = journals(ended, reader.deployment().id)
    asked = _unknown_names(resolution.lost, records)[:MOST_NAMES]
    if not asked:
        return records
    try:
        written = reader.log.grant_records(asked, now - SINCE)
        records = (*records, *written.records)
        named = set(_unknown_names(resolution.lost, records)).intersection(asked) if not written.reason else ()
        return (*records, *_called(sorted(named), reader, now - SINCE))
    except DeniedError:
        raise
    except ReconcilerError:
        return records


def _unknown_names(lost: Collection[LostGrant], records: Iterable[GrantRecord]) -> list[str]:
    """Return the names of the lost grants of which no record tells whose they were; one of another grant does not."""
    holders = Holders(records)
    return sorted({grant.entry.user for grant in lost if not holders.know(grant.entry)})


def records_of_new(
    actions: Collection[Action], desired: Desired, reader: Reader, journals: Journals
) -> tuple[GrantRecord, ...]:
    """Return what journals say was given under the names of entries that an override is planned for; no requests."""
    entries = (desired.users[id_].entry for action in actions if (id_ := UserId(action.subject.id)) in desired.users)
    names = {entry.user for entry in entries if isinstance(entry, UserOverrideEntry)}
    return journals(names, reader.deployment().id) if names else ()


def _called(names: Collection[str], reader: Reader, since: datetime) -> Iterator[GrantRecord]:
    """Yield who was created or renamed so; a grant that followed somebody to a new name was never written under it.

    Of a name that nobody got meanwhile, yield who lost it lately: the log has an entry under the name that came of it.
    """
    unknown = set()
    for name in names:
        changes = reader.log.history(AuditQuestion(kind=Audited.USER, name=name, since=since)).changes
        yield from (_name_record(name, change) for change in changes)
        if not changes:
            unknown.add(name.lower())
    if unknown:
        for change in reader.log.history(AuditQuestion(kind=Audited.USER, since=since)).changes:
            if change.name_before.lower() in unknown:
                yield _name_record(change.name_before, change)


def _name_record(name: str, change: AuditedChange) -> GrantRecord:
    return GrantRecord(
        username=name,
        user_id=UserId(change.id),
        limit_micros=None,
        group_name="",
        group_id=None,
        source="the audit log",
    )


def find_suspicions(
    resolution: Resolution, snapshot: Snapshot, actions: Collection[Action], reader: Reader
) -> tuple[Orphan, ...]:
    """Return the grants that ended, that nothing is known of, and that may still be live; `actions` are planned."""
    offers = snapshot.deployment.offers
    if not resolution.lost or not offers.overrides:
        return ()
    claimed, directory = resolution.claimed, snapshot.directory
    people = {user for lost in resolution.lost for user in may_hold(lost, directory, claimed)}
    missing = sorted(user for user in people if user.id not in snapshot.user_overrides)
    overrides = dict(snapshot.user_overrides)
    if missing:
        overrides |= reader.people(missing, directory).overrides
    removed = {action.subject.id for action in actions if isinstance(action.subject, User)}
    return suspicions(resolution.lost, overrides, directory, claimed=claimed, removed=removed)
