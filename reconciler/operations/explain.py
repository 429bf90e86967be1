"""Find out why somebody's limit is what it is. Only GET requests are sent, and only about that person."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from reconciler.core.activity import UserSpend
from reconciler.core.audit import AuditEntry
from reconciler.core.budget import Budget
from reconciler.core.directory import Directory, User
from reconciler.core.names import Names
from reconciler.core.people.effective import unread_override
from reconciler.core.people.explain import explain
from reconciler.core.people.explanation import Activity, Explanation
from reconciler.core.people.forecast import Pace, pace_of_period
from reconciler.core.plan.resolve import resolve
from reconciler.core.policy import Policy
from reconciler.core.snapshot import Snapshot
from reconciler.core.spend import Window
from reconciler.errors import DeniedError, ReconcilerError
from reconciler.money import MICROS_PER_CENT
from reconciler.operations.attribution import SINCE
from reconciler.operations.pace import find_pace, organizations_of, time_at_coder
from reconciler.operations.ports import ActivityReader

Result = TypeVar("Result")

ME = "me"
"""The user of the token."""


def find_explanation(
    name: str, reader: ActivityReader, policies: Sequence[Policy] = (), *, at: datetime
) -> Explanation:
    """Explain the limit of the person with this username, e-mail address or UUID, or of `me`; `at` is now (UTC).

    Raises ReconcilerError when nobody whom the token may read is called so, or more than one.
    """
    deployment = reader.deployment()
    directory = reader.directory()
    at = time_at_coder(reader, at)
    user = _find(deployment.user if name == ME else name, directory, reader)
    is_self = user.username == deployment.user
    groups = [
        group
        for group in directory.groups.values()
        if user.id in directory.members.get(group.id, ()) or (group.id in directory.hidden_members and not is_self)
    ]
    people = reader.people([user], directory) if deployment.offers.overrides else None
    if not deployment.offers.bulk_reads and not is_self:
        directory = replace(directory, elsewhere=reader.elsewhere([user.id]))
    snapshot = Snapshot(
        deployment=deployment,
        directory=directory,
        group_budgets=reader.group_budgets(sorted(groups)) if groups else {},
        user_overrides=people.overrides if people else {user.id: unread_override(deployment.offers)},
        reported=people.reported if people else {},
    )
    unread: list[str] = []
    spend = _unless_it_fails(lambda: reader.user_spend(user.id), "Spend could not be read", unread)
    since = spend.period_start if spend else at.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    sessions = _unless_it_fails(lambda: reader.ai_sessions(user.id, since), "AI sessions could not be read", unread)
    pace = _unless_it_fails(lambda: _pace(user, spend, reader, at), "The spend export could not be read", unread)
    activity = Activity(at=at, spend=spend, sessions=sessions, since=since, unread=tuple(unread), pace=pace)
    looked_up = resolve(policies, replace(directory, users={**directory.users, user.id: user}), at=at)
    explanation = explain(user, snapshot, activity, looked_up.policies, is_self=is_self)
    return replace(explanation, set_by=_set_by(explanation, reader))


def _set_by(explanation: Explanation, reader: ActivityReader) -> AuditEntry | None:
    """Return who set the override that is live, where no policy file lists it and the token may read the log."""
    live = explanation.override
    if not isinstance(live, Budget) or explanation.override_entries:
        return None
    try:
        entries = reader.log.changes(explanation.user, explanation.at - SINCE).entries
    except DeniedError:
        raise
    except ReconcilerError:
        return None
    cents = live.limit_micros // MICROS_PER_CENT * MICROS_PER_CENT
    last = entries[-1] if entries else None
    return last if last and last.action == "write" and last.after_micros in (None, cents) else None


def _pace(user: User, spend: UserSpend | None, reader: ActivityReader, at: datetime) -> Pace | None:
    """Return a person's pace: by the spend export for those who read every organization, else by the period so far."""
    if spend is None or user.is_suspended:
        return None
    period, counted = Window(start=spend.period_start, end=spend.period_end), {user.id: spend.spend}
    if not reader.deployment().reads_all:
        return pace_of_period(counted, period, at=at)
    return find_pace(reader, organizations_of([user.id], reader.directory()), period=period, counted=counted, at=at)


def _unless_it_fails(read: Callable[[], Result | None], trouble: str, unread: list[str]) -> Result | None:
    """Read side information; what fails is said, and takes nothing else with it.

    Raises DeniedError for a token that is no longer accepted.
    """
    try:
        return read()
    except DeniedError:
        raise
    except ReconcilerError as error:
        unread.append(f"{trouble}: {error.message.rstrip('.')}.")
        return None


def _find(name: str, directory: Directory, reader: ActivityReader) -> User:
    users = Names(directory).users(name) or tuple(reader.find_users([name]))
    if len(users) == 1:
        return users[0]
    if users:
        raise ReconcilerError(
            f"{name!r} is ambiguous", hint="name one: " + ", ".join(sorted(user.username for user in users))
        )
    raise ReconcilerError(f"User {name!r} is unknown", hint=f"{reader.unknown_hint}; `me` is the user of the token")
