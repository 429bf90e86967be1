"""Law 8: our effective limits are those that the sandbox computes with SQL of its own, in any small world."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings

from reconciler.core.budget import Budget
from reconciler.core.people.effective import EffectiveLimits
from reconciler.core.snapshot import Effective, Snapshot, Unlimited
from reconciler.sandbox import Options, Sandbox
from tests.effects.worlds import World, worlds

_TIME = "2026-01-01T00:00:00.000000Z"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(Options(seed="empty")) as running:
        yield running


@settings(deadline=None)
@given(world=worlds())
def test_limits_equal_those_of_the_sandbox(sandbox: Sandbox, world: World) -> None:
    snapshot = world.snapshot()
    _plant(sandbox, snapshot)
    limits = EffectiveLimits(snapshot.directory, snapshot.group_budgets, snapshot.user_overrides)
    ours = {str(user_id): _row(limits.of(user_id)) for user_id in snapshot.directory.users}
    assert {user_id: tuple(rest) for user_id, _, *rest in sandbox.effective()} == ours


def _row(effective: object) -> tuple[int | None, str | None, str | None]:
    match effective:
        case Effective(limit_micros=Unlimited(), group=group):
            return None, None, str(group.id)
        case Effective(limit_micros=int(limit), group=group, by_override=by_override):
            return limit, "user_override" if by_override else "group", str(group.id)
        case _:
            return None, None, None


def _plant(sandbox: Sandbox, snapshot: Snapshot) -> None:
    """Make the sandbox's database this world."""
    directory = snapshot.directory
    for table in ("organizations", "users"):
        sandbox.execute(f"DELETE FROM {table}")
    for user in directory.users.values():
        sandbox.execute(
            "INSERT INTO users (id, username, created_at, updated_at) VALUES (?, ?, ?, ?)",
            (user.id, user.username, _TIME, _TIME),
        )
    for one in directory.organizations.values():
        sandbox.execute(
            "INSERT INTO organizations (id, name, is_default, created_at, updated_at) VALUES (?, ?, ?, ?, ?)",
            (one.id, one.name, int(one.is_default), _TIME, _TIME),
        )
    for (user_id, organization_id), joined in directory.joined.items():
        sandbox.execute(
            "INSERT INTO organization_members (user_id, organization_id, created_at, updated_at) VALUES (?, ?, ?, ?)",
            (user_id, organization_id, joined.strftime("%Y-%m-%dT%H:%M:%S.%fZ"), _TIME),
        )
    for group in directory.groups.values():
        if not group.is_everyone:
            sandbox.execute(
                "INSERT INTO groups (id, organization_id, name) VALUES (?, ?, ?)",
                (group.id, group.organization_id, group.name),
            )
            for user_id in directory.members[group.id]:
                sandbox.execute("INSERT INTO group_members (user_id, group_id) VALUES (?, ?)", (user_id, group.id))
    for group_id, budget in snapshot.group_budgets.items():
        if isinstance(budget, Budget):
            sandbox.execute(
                "INSERT INTO group_ai_budgets VALUES (?, ?, ?, ?)", (group_id, budget.limit_micros, _TIME, _TIME)
            )
    for user_id, own in snapshot.user_overrides.items():
        if isinstance(own, Budget):
            sandbox.execute(
                "INSERT INTO user_ai_budget_overrides VALUES (?, ?, ?, ?, ?)",
                (user_id, own.group.id, own.limit_micros, _TIME, _TIME),
            )
