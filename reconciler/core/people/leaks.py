"""What keeps budgets from binding: spend that goes past them.

a model without a price   its use costs nothing, so no limit is ever reached by it
an idle budget            a group's budget that is nobody's effective limit
nobody's limit            a person whom no budget reaches
a restart                 spend that no longer counts, because another group became effective in the same period
"""

from __future__ import annotations

from collections.abc import Collection

from reconciler.core.budget import Budget, GroupId, GroupRef, Unknown, UserId
from reconciler.core.people.census import Census, PersonStatus
from reconciler.core.snapshot import Effective, Snapshot
from reconciler.core.spend import Booked, Unpriced
from reconciler.dataclass import dataclass
from reconciler.money import Micros


@dataclass(frozen=True, slots=True, kw_only=True)
class Restarted:
    """A person of whose spend only a part counts, because they moved to another group within the period."""

    user_id: UserId
    """Their UUID."""
    username: str
    """Their username."""
    counted_micros: Micros
    """What counts against their limit."""
    spent_micros: Micros
    """What they spent in the period on all groups together."""
    groups: int
    """On how many groups; more than two means more than one restart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaks:
    """What keeps budgets from binding."""

    unpriced: tuple[Unpriced, ...] | None
    """Models that were used this period at no cost, most tokens first; null where the spend export cannot be read."""
    unpriced_requests: int | None
    """Requests of the period to models without a price, in the organizations looked at; null where the server does not
    say it (2.37 and older)."""
    idle_groups: tuple[GroupRef, ...]
    """Groups whose budget limits nobody, sorted by address."""
    restarted: tuple[Restarted, ...] | None
    """Most uncounted spend first; null where the spend export cannot be read."""


def leaks_of(
    census: Census,
    snapshot: Snapshot,
    *,
    booked: Booked | None,
    unpriced: tuple[Unpriced, ...] | None,
    unpriced_requests: int | None = None,
) -> Leaks:
    """Return what keeps budgets from binding; `booked` is all spend of the period, None where it could not be read.

    A budget is idle only if all members of its group were looked at, and it is known what limits each of them.
    """
    directory = snapshot.directory
    unclear = {person.user_id for person in census.people if isinstance(person.effective, Unknown)}
    idle = (
        row.group
        for row in census.groups
        if isinstance(row.budget, Budget)
        and not row.sums.people
        and row.members == len(directory.members.get(row.group.id, ()))
        and row.group.id not in directory.hidden_members
        and unclear.isdisjoint(directory.members.get(row.group.id, ()))
    )
    return Leaks(
        unpriced=unpriced,
        unpriced_requests=unpriced_requests,
        idle_groups=tuple(sorted(idle, key=lambda group: group.address)),
        restarted=None if booked is None else _restarted(census.people, booked),
    )


def _restarted(people: Collection[PersonStatus], booked: Booked) -> tuple[Restarted, ...]:
    """Return whose spend is booked on a group that is not effective now; who has no limit loses nothing by it."""
    counted_on = {person.user_id: group for person in people if (group := _counted_on(person)) is not None}
    uncounted: dict[UserId, list[Micros]] = {}
    for group_id, rows in booked.items():
        for user_id, micros in rows.items():
            if micros and counted_on.get(user_id, group_id) != group_id:
                uncounted.setdefault(user_id, []).append(micros)
    restarted = []
    for person in people:
        if person.user_id in uncounted:
            elsewhere = uncounted[person.user_id]
            counted = booked.get(counted_on[person.user_id], {}).get(person.user_id, Micros(0))
            restarted.append(
                Restarted(
                    user_id=person.user_id,
                    username=person.username,
                    counted_micros=counted,
                    spent_micros=Micros(counted + sum(elsewhere)),
                    groups=len(elsewhere) + 1,
                )
            )
    return tuple(sorted(restarted, key=lambda row: (row.counted_micros - row.spent_micros, row.username)))


def _counted_on(person: PersonStatus) -> GroupId | None:
    """Return the group on which their spend counts; None without a limit, and where that is not known."""
    effective = person.effective
    return effective.group.id if isinstance(effective, Effective) and not effective.is_unlimited else None
