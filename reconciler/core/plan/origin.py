"""Why live differs from the policy: the origin of an action, from dates, the policy before, and the audit log.

    change     this change to the policy asks for it: what the policy before (the base) wants is something else
    due        a date came: an override ended or began, and live is as it was before that date
    hand       somebody changed live since: the newest entry of the audit log is not ours, and live is as it says
    pending    the newest entry is ours, and live is as it says: the policy moved since, a run was taken back, or
               another policy was applied
    unknown    nothing shows which of these it is

A date is believed without the log only where live shows it: an ended override is due if live is exactly what the entry
granted (on any group of the organization, if the entry's group has another name now), a begun one if live has none and
it began less than a week ago (later it is more likely that it was removed).
Otherwise somebody changed live, and only the log can say when. An entry of the log that contradicts live (an override
is gone and the log ends with a write) explains nothing: memberships end, and overrides with them, without an entry.
Nor does what was written under another name show anything of an entry that is found by today's name: people and groups
swap names, and what was applied then was another entry.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace
from datetime import datetime, timedelta
from types import MappingProxyType

from reconciler.core.action import Action, Cause, Origin
from reconciler.core.attribution import LastChange, former_name
from reconciler.core.budget import ABSENT, Absent, Budget, State
from reconciler.core.desired import Desired
from reconciler.core.directory import Directory, Group, Subject, User
from reconciler.core.policy import UserOverrideEntry, is_in_addresses
from reconciler.dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What is known besides the policy and live."""

    at: datetime
    """The instant that is planned for (UTC)."""
    base: Desired | None = None
    """The policy before, looked up at the same instant; None if it is not known."""
    changes: Mapping[str, LastChange] = field(default_factory=lambda: MappingProxyType({}))
    """The newest entry of the audit log, by address."""


RECENT = timedelta(days=7)
_CENT = 10_000
"""Micros; the audit log says amounts to the cent."""


def with_origin(action: Action, desired: Desired, directory: Directory, evidence: Evidence) -> Action:
    """Return the action with its origin."""
    return replace(action, origin=find_origin(action, desired, directory, evidence))


def find_origin(action: Action, desired: Desired, directory: Directory, evidence: Evidence) -> Origin:
    """Decide why live differs from what an action wants."""
    if evidence.base is not None and wanted_by(evidence.base, action, directory) != action.after:
        return Origin.CHANGE
    date = date_of(action)
    last = evidence.changes.get(action.address)
    if last is not None and not _explains(last, action.before):
        last = None
    is_anothers = last is not None and _is_of_another_name(last, action.subject, desired)
    if date is not None and (last is None or last.change.at < date):
        is_entrys = last is not None and not is_anothers
        if is_entrys or _is_as_before(action, desired, evidence.at):
            return Origin.DUE
    if last is None or (last.is_ours and is_anothers):
        return Origin.UNKNOWN
    return Origin.PENDING if last.is_ours else Origin.HAND


def wanted_by(desired: Desired, action: Action, directory: Directory) -> State | None:
    """Return what a policy wants of the subject of an action; None if it wants nothing."""
    subject = action.subject
    if subject.id in desired.left_alone:
        return None
    wanted = desired.groups.get(subject.id) if isinstance(subject, Group) else desired.users.get(subject.id)
    if wanted is not None:
        return wanted.state
    if isinstance(subject, Group):
        return ABSENT if subject.organization_id in desired.exact_groups else None
    group = None if isinstance(action.before, Absent) else directory.groups.get(action.before.group.id)
    return ABSENT if group is not None and group.organization_id in desired.exact_users else None


def date_of(action: Action) -> datetime | None:
    """Return the date that an action waited for: the end of an override, or else its beginning."""
    return action.expires if action.cause is Cause.EXPIRED else action.starts


def _is_as_before(action: Action, desired: Desired, at: datetime) -> bool:
    """Whether live is as the entry left it before its date: still what it granted, or not yet anything."""
    if not isinstance(action.subject, User) or action.cause is not Cause.EXPIRED:
        is_recent = action.starts is not None and at - action.starts < RECENT
        return is_recent and isinstance(action.before, Absent)
    grant = desired.ended.get(action.subject.id)
    return grant is not None and grant.is_live(action.before)


def _is_of_another_name(last: LastChange, subject: Subject, desired: Desired) -> bool:
    """Whether a subject was written under another name than that by which an entry finds it today.

    A UUID or an e-mail address in an entry finds the person who has it, under any name.
    """
    wanted = desired.groups.get(subject.id) if isinstance(subject, Group) else desired.users.get(subject.id)
    if wanted is not None:
        entry = wanted.entry
        if not is_in_addresses(entry.user if isinstance(entry, UserOverrideEntry) else entry.group):
            return False
    return bool(former_name(last.change, subject))


def _explains(last: LastChange, live: State) -> bool:
    """Whether live is as the newest entry of the log left it."""
    if last.change.action == "delete":
        return isinstance(live, Absent)
    if not isinstance(live, Budget):
        return False
    after = last.change.after_micros
    return after is None or abs(after - live.limit_micros) < _CENT
