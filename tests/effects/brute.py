"""The rule of effective limits once more, person by person, as plainly as it can be said: the oracle of the tests."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.core.action import Action
from reconciler.core.budget import Budget, GroupId, GroupRef, OrganizationId, UserId
from reconciler.core.directory import User
from reconciler.core.snapshot import Effective, Snapshot, Unlimited
from tests.effects.worlds import World


def effective(world: World, person: str, actions: Iterable[Action] = ()) -> Effective | None:
    """What limits a person after some actions; None for somebody in no organization."""
    snapshot = apply(world.snapshot(), actions)
    directory = snapshot.directory
    mine = [group for group in directory.groups.values() if person in directory.members[group.id]]
    own = snapshot.user_overrides[UserId(person)]
    if isinstance(own, Budget):
        return Effective(limit_micros=own.limit_micros, group=GroupRef(own.group.id), by_override=True)
    if not mine:
        return None

    def joined(group_id: GroupId) -> object:
        organization = directory.groups[group_id].organization_id
        return directory.joined[UserId(person), OrganizationId(organization)]

    budgets = [reading for group in mine if isinstance(reading := snapshot.group_budgets[group.id], Budget)]
    if budgets:
        highest = max(budget.limit_micros for budget in budgets)
        best = min(
            (budget for budget in budgets if budget.limit_micros == highest),
            key=lambda budget: (joined(budget.group.id), budget.group.id),
        )
        return Effective(limit_micros=highest, group=GroupRef(best.group.id))
    homes = [group for group in mine if group.is_everyone]
    home = min(homes, key=lambda group: (group.organization != world.default, joined(group.id), group.id))
    return Effective(limit_micros=Unlimited(), group=GroupRef(home.id))


def apply(snapshot: Snapshot, actions: Iterable[Action]) -> Snapshot:
    """The world after actions."""
    budgets, overrides = dict(snapshot.group_budgets), dict(snapshot.user_overrides)
    for action in actions:
        if isinstance(action.subject, User):
            overrides[action.subject.id] = action.after
        else:
            budgets[action.subject.id] = action.after
    return Snapshot(
        deployment=snapshot.deployment, directory=snapshot.directory, group_budgets=budgets, user_overrides=overrides
    )
