"""Record a deployment: everything that a plan of any policy would read. Only GET requests are sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from reconciler.core.budget import GroupId, Reading, UserId
from reconciler.core.directory import Directory
from reconciler.core.people.forecast import DAYS
from reconciler.core.recording import Joined, Recording, SavedGroup, SavedPerson
from reconciler.core.spend import last_days, month_of
from reconciler.operations.ports import StatusReader
from reconciler.operations.reading import require_organizations, require_readable
from reconciler.operations.status import with_prices


def record(reader: StatusReader, *, at: datetime) -> Recording:
    """Read everything that a plan of any policy would read; `at` is now (UTC).

    Raises ReconcilerError where an organization's groups could not be read: a file would keep that for longer.
    """
    days = last_days(at, DAYS)
    directory = reader.directory(people_of=lambda _: True, windows=lambda period: [period or month_of(at), *days])
    require_organizations(directory)
    require_readable((directory.organizations[id_] for id_ in directory.failures), directory)
    deployment = reader.deployment()
    budgets = reader.group_budgets(sorted(directory.groups.values()))
    users = sorted(directory.users.values())
    people = reader.people(users, directory) if deployment.offers.overrides else None
    organizations = sorted(directory.organizations)
    exports = reader.exports(organizations, [reader.period() or month_of(at)])
    if not exports[0].left_out:
        exports += reader.exports(organizations, days)
    refused = exports[0].left_out
    exports = (replace(exports[0], unpriced=with_prices(exports[0].unpriced, reader)), *exports[1:])
    asked = {
        group_id: sorted(directory.members.get(group_id, ()))
        for group_id, group in sorted(directory.groups.items())
        if group.organization_id in refused
    }
    joined = _joined(directory)
    return Recording(
        at=at,
        is_redacted=False,
        deployment=deployment,
        period=reader.period(),
        organizations=tuple(sorted(directory.organizations.values())),
        elsewhere=tuple(sorted(reader.elsewhere(directory.users.keys()))),
        groups=_groups(directory, budgets),
        people=tuple(
            SavedPerson(
                user=user,
                override=None if people is None else people.overrides[user.id],
                reported=None if people is None else people.reported.get(user.id),
                joined=tuple(joined.get(user.id, ())),
            )
            for user in users
        ),
        spend=reader.spend(asked) if asked else {},
        unpriced_requests=reader.unpriced_requests(organizations, reader.period() or month_of(at)),
        exports=exports,
        hides_groups=tuple(sorted(directory.hides_groups)),
    )


def _groups(directory: Directory, budgets: Mapping[GroupId, Reading]) -> tuple[SavedGroup, ...]:
    return tuple(
        SavedGroup(
            group=group,
            members=tuple(sorted(directory.members.get(group.id, ()))),
            hidden_members=directory.hidden_members.get(group.id, 0),
            budget=budgets[group.id],
        )
        for group in sorted(directory.groups.values())
    )


def _joined(directory: Directory) -> Mapping[UserId, list[Joined]]:
    """Return when each person joined which organization, sorted by its id."""
    joined: dict[UserId, list[Joined]] = {}
    for (user_id, organization_id), time in sorted(directory.joined.items()):
        joined.setdefault(user_id, []).append(Joined(organization_id=organization_id, at=time))
    return joined
