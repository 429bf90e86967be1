"""The rules that the schema keeps by itself, whoever writes; and limits as the server computes them."""

from __future__ import annotations

import sqlite3

import pytest

from tests.sandbox_server.callers import Start, World

PUT_OVERRIDE = (
    "INSERT INTO user_ai_budget_overrides (user_id, group_id, spend_limit_micros, created_at, updated_at) "
    "VALUES (?, ?, ?, '', '')"
)
JOIN_GROUP = "INSERT INTO group_members (user_id, group_id) VALUES (?, ?)"


def effective(world: World, username: str) -> tuple[int | None, str | None, str | None]:
    return next(row[2:] for row in world.sandbox.effective() if row[1] == username)


def overrides(world: World) -> set[str]:
    sql = "SELECT u.username FROM user_ai_budget_overrides o JOIN users u ON u.id = o.user_id"
    return {row[0] for row in world.sandbox.execute(sql)}


@pytest.mark.parametrize("limit", [-1, "a lot", None, 1.5])
def test_limits_are_whole_and_not_negative(world: World, limit: object) -> None:
    for table in ("group_ai_budgets", "user_ai_budget_overrides"):
        with pytest.raises(sqlite3.IntegrityError):
            world.sandbox.execute(f"UPDATE {table} SET spend_limit_micros = ?", (limit,))


def test_an_override_needs_membership_on_insert_and_on_update(world: World) -> None:
    with pytest.raises(sqlite3.IntegrityError, match="must_be_group_member"):
        world.sandbox.execute(PUT_OVERRIDE, (world.user("mia"), world.group("acme/platform"), 1))
    with pytest.raises(sqlite3.IntegrityError, match="must_be_group_member"):
        world.sandbox.execute("UPDATE user_ai_budget_overrides SET group_id = ?", (world.group("labs/robotics"),))
    world.sandbox.execute(PUT_OVERRIDE, (world.user("mia"), world.organization("acme"), 1))
    assert "mia" in overrides(world)


def test_an_override_vanishes_with_the_membership_it_stands_on(world: World) -> None:
    assert overrides(world) == {"ana", "bob", "victor", "hugo"}
    world.sandbox.execute("DELETE FROM group_members WHERE group_id = ?", (world.group("acme/eng"),))
    assert overrides(world) == {"ana", "bob", "victor", "hugo"}
    world.sandbox.execute("DELETE FROM group_members WHERE user_id = ?", (world.user("bob"),))
    world.sandbox.execute("DELETE FROM organization_members WHERE user_id = ?", (world.user("victor"),))
    assert overrides(world) == {"ana", "hugo"}
    world.sandbox.execute("DELETE FROM organization_members WHERE user_id = ?", (world.user("ana"),))
    world.sandbox.execute("DELETE FROM groups WHERE id = ?", (world.group("labs/ml"),))
    assert overrides(world) == set()


@pytest.mark.parametrize("statement", ["UPDATE users SET deleted = 1 WHERE id = ?", "DELETE FROM users WHERE id = ?"])
def test_a_deleted_user_leaves_nothing_behind(world: World, statement: str) -> None:
    bob = world.user("bob")
    world.sandbox.execute(statement, (bob,))
    for table in ("organization_members", "group_members", "user_ai_budget_overrides", "api_keys"):
        assert world.sandbox.execute(f"SELECT * FROM {table} WHERE user_id = ?", (bob,)) == []


def test_membership_of_everyone_is_implicit(world: World) -> None:
    with pytest.raises(sqlite3.IntegrityError, match="follows from the organization"):
        world.sandbox.execute(JOIN_GROUP, (world.user("mia"), world.organization("acme")))


def test_group_members_are_members_of_the_organization(world: World) -> None:
    with pytest.raises(sqlite3.IntegrityError, match="members of the organization"):
        world.sandbox.execute(JOIN_GROUP, (world.user("hugo"), world.group("acme/eng")))


def test_an_override_wins_in_both_directions(world: World) -> None:
    assert effective(world, "bob") == (1_500_000_000, "user_override", world.group("acme/platform"))
    world.sandbox.execute("UPDATE user_ai_budget_overrides SET spend_limit_micros = 0")
    assert effective(world, "bob") == (0, "user_override", world.group("acme/platform"))


def test_the_highest_budget_of_all_organizations_wins(world: World) -> None:
    assert effective(world, "rosa") == (1_000_000_000, "group", world.group("labs/ml"))
    world.sandbox.execute("DELETE FROM group_ai_budgets WHERE group_id = ?", (world.group("labs/ml"),))
    assert effective(world, "rosa") == (800_000_000, "group", world.group("acme/research"))


def test_without_a_budget_spend_goes_to_the_default_organization_even_if_joined_later(world: World) -> None:
    world.sandbox.execute("DELETE FROM group_ai_budgets")
    assert effective(world, "mia") == (None, None, world.organization("acme"))
    assert effective(world, "hugo") == (2_000_000_000, "user_override", world.group("labs/ml"))
    assert effective(world, "ines") == (None, None, world.organization("labs"))
    assert world.call("POST", "/organizations/acme/members/ines").status_code == 200
    assert effective(world, "ines") == (None, None, world.organization("acme"))


def test_who_is_in_no_organization_has_no_effective_group(world: World) -> None:
    world.sandbox.execute("DELETE FROM organization_members WHERE user_id = ?", (world.user("mia"),))
    assert effective(world, "mia") == (None, None, None)
    spend = world.get("/users/mia/ai/spend").json()
    assert (spend["effective_group_id"], spend["effective_budget"]) == (None, None)


def test_combined_limits_count_members_without_override_and_the_overrides_themselves(world: World) -> None:
    row = world.get(f"/groups/{world.group('acme/platform')}/ai/spend").json()
    assert row["total_spend_limit_micros"] == (10 * 500 + 2 * 1500) * 1_000_000
    assert row["current_spend_micros"] == 487_900_000
    assert world.get(f"/groups/{world.group('acme/interns')}/ai/spend").json()["total_spend_limit_micros"] == 0


def test_older_servers_count_the_system_user(start: Start, world: World) -> None:
    everyone = f"/groups/{world.organization('acme')}/ai/spend"
    older = start(coder_version="2.36")
    newer_total = world.get(everyone).json()["total_spend_limit_micros"]
    assert older.get(everyone).json()["total_spend_limit_micros"] == newer_total + 50_000_000


def test_time_never_stands_still_for_writes(world: World) -> None:
    url = f"/groups/{world.group('acme/eng')}/ai/budget"
    first, second = (world.put(url, {"spend_limit_micros": 5}).json() for _ in range(2))
    assert first["created_at"] == second["created_at"]
    assert first["updated_at"] < second["updated_at"]
