"""The rules that the schema keeps by itself, whoever writes; and limits as the server computes them."""

from __future__ import annotations

import sqlite3
from datetime import datetime

import pytest

from reconciler.sandbox import Fault
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


def test_a_group_row_of_a_person_outside_the_organization_limits_nobody(world: World) -> None:
    hugo, platform = world.user("hugo"), world.group("acme/platform")
    world.sandbox.execute("DELETE FROM user_ai_budget_overrides WHERE user_id = ?", (hugo,))
    world.sandbox.execute("UPDATE group_ai_budgets SET spend_limit_micros = 9000000000 WHERE group_id = ?", (platform,))
    world.sandbox.execute(JOIN_GROUP, (hugo, platform))
    assert hugo in {member["id"] for member in world.get(f"/groups/{platform}").json()["members"]}
    assert effective(world, "hugo") == (1_000_000_000, "group", world.group("labs/ml"))
    body = {"group_id": platform, "spend_limit_micros": 7}
    assert world.put("/users/hugo/ai/budget/override", body).status_code == 200
    assert effective(world, "hugo") == (7, "user_override", platform)


def test_an_override_without_its_membership_stands_and_counts(world: World) -> None:
    bob, platform = world.user("bob"), world.group("acme/platform")
    leave = "DELETE FROM group_members WHERE user_id = ? AND group_id = ?"
    world.sandbox.execute(leave, (bob, platform), unguarded=True)
    assert effective(world, "bob") == (1_500_000_000, "user_override", platform)
    assert world.get("/users/bob/ai/budget/override").json()["group_id"] == platform
    same = {"group_id": platform, "spend_limit_micros": 1_500_000_000}
    assert world.put("/users/bob/ai/budget/override", same).status_code == 400
    row = world.get(f"/groups/{world.organization('acme')}/members/ai/spend?user_ids={bob}").json()["members"][0]
    assert row["effective_group_id"] == platform
    with pytest.raises(sqlite3.IntegrityError, match="must_be_group_member"):
        world.sandbox.execute("UPDATE user_ai_budget_overrides SET spend_limit_micros = 1 WHERE user_id = ?", (bob,))
    assert world.call("DELETE", "/users/bob/ai/budget/override").status_code == 204


@pytest.mark.parametrize("statement", ["COMMIT", "ROLLBACK", "/* x */ END", "SAVEPOINT x", "SELECT nothing", "VACUUM"])
def test_a_statement_without_triggers_leaves_them_in_place(world: World, statement: str) -> None:
    with pytest.raises((ValueError, sqlite3.Error)):
        world.sandbox.execute(statement, unguarded=True)
    test_an_override_needs_membership_on_insert_and_on_update(world)


def test_a_fault_can_remove_a_membership_behind_an_override(world: World) -> None:
    leave = "DELETE FROM group_members WHERE user_id = ?"
    world.sandbox.fault(Fault("change", method="PUT", sql=leave, parameters=(world.user("bob"),), unguarded=True))
    body = {"group_id": world.group("acme/platform"), "spend_limit_micros": 1}
    assert world.put("/users/bob/ai/budget/override", body).status_code == 400
    assert effective(world, "bob") == (1_500_000_000, "user_override", world.group("acme/platform"))


def test_group_names_differ_by_case(world: World) -> None:
    for name in ("Platform", "everyone"):
        assert world.call("POST", "/organizations/acme/groups", json={"name": name}).status_code == 201
    assert world.get("/organizations/acme/groups/platform").json()["id"] == world.group("acme/platform")
    assert world.get("/organizations/acme/groups/Platform").json()["id"] == world.group("acme/Platform")
    assert world.get("/organizations/acme/groups/everyone").json()["id"] != world.organization("acme")
    assert world.get("/organizations/acme/groups/PLATFORM").status_code == 404
    assert world.call("POST", "/organizations/acme/groups", json={"name": "Platform"}).status_code == 409


def test_a_deleted_organization_lives_on_in_its_everyone(world: World) -> None:
    labs, olivia = world.organization("labs"), world.user("olivia")
    limit = f"/groups/{labs}/ai/budget"
    assert world.put(limit, {"spend_limit_micros": 9_000_000_000}).status_code == 200
    override = {"group_id": labs, "spend_limit_micros": 3_000_000_000}
    assert world.put("/users/olivia/ai/budget/override", override).status_code == 200
    for name in ("felix", "hugo", "ines", "rosa", "jonas", "klara"):
        assert world.call("DELETE", f"/organizations/labs/members/{name}").status_code == 204
    for name in ("ml", "robotics"):
        assert world.call("DELETE", f"/groups/{world.group(f'labs/{name}')}").status_code == 200
    assert world.call("DELETE", "/organizations/labs").status_code == 200
    assert "labs" not in {row["name"] for row in world.get("/organizations").json()}
    assert world.get("/organizations/labs").status_code == 404
    assert world.get(f"/organizations/{labs}").status_code == 200
    everyone = {row["id"]: row for row in world.get("/groups").json()}[labs]
    assert (everyone["name"], everyone["organization_name"]) == ("Everyone", "labs")
    assert labs in world.get("/users/olivia").json()["organization_ids"]
    assert effective(world, "olivia") == (3_000_000_000, "user_override", labs)
    row = world.get(f"/groups/{world.organization('acme')}/members/ai/spend?user_ids={olivia}").json()["members"]
    assert [member["effective_group_id"] for member in row] in ([], [None])
    assert world.put(limit, {"spend_limit_micros": 1}).status_code == 200
    assert world.call("DELETE", "/users/olivia/ai/budget/override").status_code == 204
    assert effective(world, "olivia")[2] != labs
    assert world.call("POST", "/organizations", json={"name": "labs"}).status_code == 201


@pytest.mark.parametrize(("version", "winner"), [("2.35", "acme/data"), ("2.37", "labs/ml")])
def test_equal_budgets_are_decided_by_name_or_by_membership(start: Start, version: str, winner: str) -> None:
    world = start(coder_version=version)
    felix = world.user("felix")
    world.sandbox.execute("UPDATE group_ai_budgets SET spend_limit_micros = 5")
    world.sandbox.execute("DELETE FROM group_ai_budgets WHERE group_id = ?", (world.organization("acme"),))
    world.sandbox.execute(JOIN_GROUP, (felix, world.group("acme/data")))
    joined = "UPDATE organization_members SET created_at = ? WHERE user_id = ? AND organization_id = ?"
    world.sandbox.execute(joined, ("2020", felix, world.organization("labs")))
    assert effective(world, "felix") == (5, "group", world.group(winner))


def test_older_servers_book_unlimited_spend_to_no_group(start: Start) -> None:
    world = start(coder_version="2.35")
    world.sandbox.execute("DELETE FROM group_ai_budgets")
    assert effective(world, "mia") == (None, None, None)


def test_a_sum_that_overflows_fails_only_its_own_group(world: World) -> None:
    world.sandbox.execute(
        "UPDATE group_ai_budgets SET spend_limit_micros = ? WHERE group_id = ?", (2**62, world.group("acme/platform"))
    )
    acme, platform, data = (world.group(f"acme/{name}") for name in ("Everyone", "platform", "data"))
    spend = "/organizations/acme/groups/ai/spend?group_ids="
    assert world.get(f"{spend}{acme},{data}").status_code == 200
    assert world.get(f"{spend}{data},{platform}").status_code == 500
    assert world.get(f"/groups/{platform}/ai/spend").status_code == 500
    assert world.get(f"/groups/{platform}/members/ai/spend?user_ids={world.user('bob')}").status_code == 200
    assert world.get("/users/carol/ai/spend").json()["effective_budget"]["spend_limit_micros"] == 2**62


def test_a_deleted_person_joins_nothing(world: World) -> None:
    assert world.call("DELETE", "/users/bob").status_code == 200
    join = "INSERT INTO organization_members (user_id, organization_id, created_at, updated_at) VALUES (?, ?, '', '')"
    with pytest.raises(sqlite3.IntegrityError, match="organization_member_user_deleted"):
        world.sandbox.execute(join, (world.user("bob"), world.organization("acme")))


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
    assert datetime.fromisoformat(first["updated_at"]) < datetime.fromisoformat(second["updated_at"])
