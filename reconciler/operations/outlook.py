"""What a plan means in days to come and would have meant in a month that is over. Only GET requests are sent.

The forecast asks seven days of the spend export for the people whom the plan concerns. The replay asks the month, a day
in a request, and the budgets and overrides of everybody in the organizations. No action of the plan depends on either.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from reconciler.core.budget import GroupId, OrganizationId, Unknown
from reconciler.core.names import Names
from reconciler.core.people.forecast import forecast, no_forecast
from reconciler.core.people.limit_changes import limits_after
from reconciler.core.people.replay import Month, replay_month
from reconciler.core.plan.plan import Plan
from reconciler.core.policy import Policy
from reconciler.core.spend import DAY, Window, day_of, split
from reconciler.dataclass import dataclass
from reconciler.errors import DeniedError, ReconcilerError
from reconciler.operations.pace import find_pace, organizations_of, read_people, time_at_coder
from reconciler.operations.ports import Reader
from reconciler.words import spoken

TOO_LITTLE = "there are fewer than 3 days of spend"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayRequest:
    """Which month to replay, and in how many parts its spend is read."""

    month: Window
    parts: int
    """At most one a day; 1 reads only the sum."""


def with_forecast(plan: Plan, reader: Reader, *, now: datetime) -> Plan:
    """Add who reaches their new limit before the period ends; the plan itself where it concerns nobody with a limit.

    Where the spend cannot be read, the forecast says why, and claims nothing.
    """
    concerned = [person for person in plan.effects.people if not person.after.is_unlimited]
    period = reader.period()
    if not concerned or period is None:
        return plan
    directory, now = reader.directory(), time_at_coder(reader, now)
    people = frozenset(person.user_id for person in concerned)
    counted = {
        person.user_id: person.spend_before_micros
        for person in concerned
        if not isinstance(person.spend_before_micros, Unknown)
    }
    try:
        pace = find_pace(reader, organizations_of(people, directory), period=period, counted=counted, at=now)
    except DeniedError:
        raise
    except ReconcilerError as error:  # a plan is worth more than its forecast
        return replace(plan, forecast=no_forecast(error.message, period_end=period.end))
    if pace is None:
        return replace(plan, forecast=no_forecast(TOO_LITTLE, period_end=period.end))
    return replace(plan, forecast=forecast(concerned, pace, period_end=period.end, at=now))


def with_replay(
    plan: Plan, reader: Reader, request: ReplayRequest, policies: Sequence[Policy], *, now: datetime
) -> Plan:
    """Add what the plan's limits, and today's, would have done in a month.

    Raises ReconcilerError when the spend of the month cannot be read, whole and in every organization of the policies.
    """
    directory = reader.directory()
    names = Names(directory)
    named = (names.organization(policy.organization) for policy in policies)
    organizations = sorted(organization.id for organization in named if organization is not None)
    month = _complete_days(request.month, time_at_coder(reader, now))
    windows = split(month, request.parts)
    exports = reader.exports(organizations, windows)
    refused = {id_: reason for export in exports for id_, reason in export.left_out.items()}
    if refused:
        raise _unreadable(month, organizations=[directory.organizations[id_].name for id_ in refused], why=refused)
    everybody = frozenset().union(*(directory.members.get(GroupId(id_), frozenset()) for id_ in organizations))
    snapshot = read_people(everybody, directory, reader)
    replayed = replay_month(
        Month(window=month, parts=[(export.window, export.by_person) for export in exports]),
        directory,
        before=limits_after(snapshot, ()),
        after=limits_after(snapshot, plan.actions),
        people=everybody,
    )
    return replace(plan, replay=replayed)


def _complete_days(month: Window, now: datetime) -> Window:
    """Return the days of a month that are over. Raises ReconcilerError when there are none."""
    end = min(month.end, day_of(now))
    if end - month.start < DAY:
        raise ReconcilerError(f"{month.start:%Y-%m} has no complete day yet", hint="replay an earlier month")
    return Window(start=month.start, end=end)


def _unreadable(month: Window, *, organizations: Sequence[str], why: dict[OrganizationId, str]) -> ReconcilerError:
    reason = next(iter(why.values())).rstrip(".")
    return ReconcilerError(
        f"The spend of {month.start:%Y-%m} in {', '.join(map(spoken, sorted(organizations)))} cannot be read: {reason}",
        hint="Coder keeps spend for 60 days by default, and shows it to Owners, User Admins, Auditors and the "
        "organization's admins of 2.36 and later",
    )
