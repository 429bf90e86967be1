"""Whom a question is about, and how fast they spend: read for `status`, `explain`, and the outlook of a plan."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from operator import attrgetter

from reconciler.core.budget import GroupId, OrganizationId, UserId
from reconciler.core.directory import Directory
from reconciler.core.moment import present
from reconciler.core.people.forecast import DAYS, Pace, pace_of_days, pace_of_period
from reconciler.core.snapshot import Snapshot
from reconciler.core.spend import Window, last_days
from reconciler.money import Micros
from reconciler.operations.ports import Reader


def time_at_coder(reader: Reader, at: datetime) -> datetime:
    """Return `at` (UTC) by Coder's clock where the two are a day or more apart: period and spend are Coder's.

    A clock by which Coder's own period is over, or has not begun, is not Coder's: a proxy answers with another date.
    """
    at_coder, period = present(at).beside(reader.server_ahead_s).at_server, reader.period()
    return at_coder if period is None or period.start <= at_coder < period.end else at


def read_people(
    people: Collection[UserId], directory: Directory, reader: Reader, *, windows: Sequence[Window] = ()
) -> Snapshot:
    """Read the overrides of people, and the budgets of every group that some of them are in.

    `windows` are those whose exports will be asked for next.
    """
    groups = sorted(
        group
        for group_id, group in directory.groups.items()
        if group_id in directory.hidden_members or not directory.members.get(group_id, frozenset()).isdisjoint(people)
    )
    users = sorted((directory.users[user_id] for user_id in people), key=attrgetter("username", "id"))
    if not reader.deployment().offers.overrides:
        return Snapshot(
            deployment=reader.deployment(),
            directory=directory,
            group_budgets=reader.group_budgets(groups),
            user_overrides={},
            reported={},
        )
    group_budgets, read = reader.live(groups, users, directory, windows=windows)
    return Snapshot(
        deployment=reader.deployment(),
        directory=directory,
        group_budgets=group_budgets,
        user_overrides=read.overrides,
        reported=read.reported,
    )


def organizations_of(people: Collection[UserId], directory: Directory) -> tuple[OrganizationId, ...]:
    """Return the organizations that some of these people are in, sorted."""
    return tuple(
        sorted(
            id_
            for id_ in directory.organizations
            if not directory.members.get(GroupId(id_), frozenset()).isdisjoint(people)
        )
    )


def find_pace(
    reader: Reader,
    organizations: Collection[OrganizationId],
    *,
    period: Window,
    counted: Mapping[UserId, Micros],
    at: datetime,
) -> Pace | None:
    """Return the pace of the last seven days, else that of the period so far; None when neither says enough.

    The period, of which `counted` is what counts now, stands in where the export may not be read, and where people
    spent something in it that is older than seven days and nothing since.
    """
    exports = reader.exports(organizations, last_days(at, DAYS))
    pace = pace_of_days(exports)
    if pace is None and not any(export.left_out for export in exports):
        recent = sum(sum(people.values()) for export in exports for people in export.booked.values())
        if recent >= sum(counted.values()):
            return None
    pace = pace or (pace_of_period(counted, period, at=at) if counted else None)
    return None if pace is None else _without_suspended(pace, reader.directory())


def _without_suspended(pace: Pace, directory: Directory) -> Pace:
    """Leave out people who cannot go on as they did."""
    suspended = {user.id for user in directory.users.values() if user.is_suspended}
    if suspended.isdisjoint(pace.spent):
        return pace
    return replace(pace, spent={id_: spent for id_, spent in pace.spent.items() if id_ not in suspended})
