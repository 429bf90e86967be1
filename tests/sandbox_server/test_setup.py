"""Any situation can be built with Coder's own calls alone, from a server that nobody has logged in to."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.sandbox_server.callers import Start, World

PASSWORD = "SomeSecurePassword!"
NOBODYS_ID = "11111111-2222-4333-8444-555555555555"
NO_ORGANIZATION = (
    "No organization specified to place the user as a member of. It is required to specify at least one organization "
    "id to place the user in."
)


def made(world: World, method: str, path: str, token: str, **body: Any) -> Any:
    """Send a call that must succeed; return its JSON."""
    response = world.call(method, path, role=token, json=body)
    assert response.is_success, response.text
    return response.json() if response.content else None


def login(world: World, email: str) -> str:
    answer = made(world, "POST", "/users/login", "nobody", email=email, password=PASSWORD)
    return str(answer["session_token"])


def test_a_whole_company_from_nothing(start: Start) -> None:
    world = start(seed="new")
    assert world.sandbox.tokens == {}
    assert world.get("/users/first", role="nobody").status_code == 404
    first = made(world, "POST", "/users/first", "nobody", email="r@x.example", username="root", password=PASSWORD)
    again = world.call("POST", "/users/first", role="nobody", json={"email": "r@x.example", "username": "r"})
    assert (world.get("/users/first", role="nobody").status_code, again.status_code) == (200, 409)
    root, home = login(world, "r@x.example"), first["organization_id"]

    north = made(world, "POST", "/organizations", root, name="north")["id"]
    body = {"username": "ana", "email": "ana@x.example", "password": PASSWORD, "organization_ids": [home]}
    ana = made(world, "POST", "/users", root, **body)["id"]
    robot = {"username": "robot", "service_account": True, "organization_ids": [home, north]}
    robot_id = made(world, "POST", "/users", root, **robot)["id"]
    made(world, "PUT", f"/users/{robot_id}/roles", root, roles=["user-admin"])
    token = made(world, "POST", f"/users/{robot_id}/keys/tokens", root, token_name="ci", lifetime=10**15)["key"]

    group = made(world, "POST", f"/organizations/{north}/groups", token, name="crew")["id"]
    made(world, "POST", f"/organizations/north/members/{ana}", token)
    made(world, "PATCH", f"/groups/{group}", token, add_users=[ana])
    made(world, "PUT", f"/groups/{group}/ai/budget", token, spend_limit_micros=9)
    made(world, "PUT", "/users/ana/ai/budget/override", token, group_id=group, spend_limit_micros=5)
    assert [row[1:] for row in world.sandbox.effective() if row[1] == "ana"] == [("ana", 5, "user_override", group)]

    made(world, "DELETE", f"/organizations/north/members/{ana}", token)
    assert world.call("GET", "/users/ana/ai/budget/override", role=token).status_code == 404
    assert [row[1:3] for row in world.sandbox.effective()] == [("ana", None), ("robot", None), ("root", None)]
    made(world, "DELETE", f"/groups/{group}", token)
    made(world, "DELETE", f"/users/{ana}", token)
    made(world, "DELETE", f"/organizations/north/members/{robot_id}", root)
    made(world, "DELETE", "/organizations/north", root)
    made(world, "POST", "/users/logout", token)
    assert world.get("/users/me", role=token).status_code == 401


def test_a_login_needs_the_right_kind_of_account(start: Start) -> None:
    world = start()
    wrong = world.call("POST", "/users/login", role="nobody", json={"email": "mia@acme.example", "password": "x"})
    assert (wrong.status_code, wrong.json()["message"]) == (401, "Incorrect email or password.")
    world.sandbox.execute("UPDATE users SET login_type = 'oidc' WHERE username = 'mia'")
    other = world.call("POST", "/users/login", role="nobody", json={"email": "mia@acme.example", "password": "x"})
    assert other.status_code == 403
    assert login(world, "olivia@acme.example")
    malformed = world.call("POST", "/users/login", role="nobody", json={"email": "olivia", "password": "x"})
    assert malformed.status_code == 400


def test_keys_end_when_they_are_deleted_or_their_time_is_over(start: Start) -> None:
    world = start()
    key = made(world, "POST", "/users/me/keys/tokens", "member", token_name="a", lifetime=1000)["key"]
    world.sandbox.execute("UPDATE api_keys SET expires_at = created_at WHERE id = ?", (key[:10],))
    assert world.get("/users/me", role=key).status_code == 401
    other = made(world, "POST", "/users/me/keys", "member")["key"]
    assert world.call("DELETE", f"/users/me/keys/{other[:10]}", role="member").status_code == 204
    assert world.get("/users/me", role=other).status_code == 401
    for lifetime in (-1, 2**62):
        assert world.call("POST", "/users/me/keys/tokens", json={"lifetime": lifetime}).status_code == 400


def test_system_users_are_in_no_list_and_get_no_override(start: Start) -> None:
    world = start()
    prebuilds, everyone = world.user("prebuilds"), world.organization("acme")
    for path in ("/users", "/organizations/acme/members", f"/groups/{everyone}/members", "/groups"):
        assert "prebuilds" not in world.get(path).text
    assert "prebuilds" in world.get("/organizations/acme/members?q=include_system:true").text
    body = {"group_id": everyone, "spend_limit_micros": 5}
    refused = world.put(f"/users/{prebuilds}/ai/budget/override", body)
    assert (refused.status_code, refused.json()["message"]) == (403, "Forbidden")
    assert world.get(f"/users/{prebuilds}/ai/budget/override").status_code == 404
    assert start(coder_version="2.36").put(f"/users/{prebuilds}/ai/budget/override", body).status_code == 200
    assert world.call("POST", f"/users/{prebuilds}/keys").status_code == 403


def test_a_renamed_or_deleted_user_answers_by_id(start: Start) -> None:
    world = start()
    bob = world.user("bob")
    made(world, "PUT", "/users/bob/profile", "owner", username="robert", name="Robert")
    assert (world.get("/users/bob").status_code, world.get(f"/users/{bob}").json()["username"]) == (404, "robert")
    made(world, "DELETE", "/users/robert", "owner")
    assert world.get("/users/robert").status_code == 404
    assert world.get(f"/users/{bob}").json()["organization_ids"] == []
    assert world.get("/users?q=robert").json() == {"users": [], "count": 0}


def test_renaming_groups_keeps_names_unique_and_everyone_apart(start: Start) -> None:
    world = start()
    eng, everyone = world.group("acme/eng"), world.organization("acme")
    for group, name, status in (
        (eng, "data", 409), (eng, "DATA", 200), (eng, "Everyone", 400), (eng, "not a name!", 400),
        (eng, "engineers", 200), (everyone, "Everyone", 200), (everyone, "all", 400),
    ):  # fmt: skip
        assert world.call("PATCH", f"/groups/{group}", json={"name": name}).status_code == status, name
    changed = made(world, "PATCH", f"/groups/{everyone}", "owner", quota_allowance=3)
    assert changed["quota_allowance"] == 3
    renamed = world.call("PATCH", f"/groups/{everyone}", json={"display_name": "All"})
    text = 'Cannot update the Display Name for the "Everyone" group!'
    assert (renamed.status_code, renamed.json()) == (400, {"message": text})
    assert made(world, "PATCH", f"/groups/{eng}", "owner", display_name="Builders")["display_name"] == "Builders"
    assert made(world, "PATCH", f"/groups/{eng}", "owner", quota_allowance=0)["display_name"] == "Builders"


def test_a_change_of_members_is_all_or_nothing(start: Start) -> None:
    world = start()
    design, ana, sam = world.group("acme/design"), world.user("ana"), world.user("sam")
    refused = world.call("PATCH", f"/groups/{design}", json={"add_users": [ana, sam], "name": "art"})
    assert refused.json() == {"message": "Cannot add the same user to a group twice!"}
    group = world.get(f"/groups/{design}").json()
    assert (group["name"], group["total_member_count"]) == ("design", 3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"login_type": "github"}, "Password cannot be set for non-password (github) authentication."),
        ({"login_type": "magic"}, "Validation failed."),
        ({"user_status": "happy"}, "Internal error creating user."),
        ({"username": "me"}, "Validation failed."),
        ({"email": "nowhere"}, "Validation failed."),
        ({"roles": ["emperor"]}, '"emperor" is not a valid role.'),
        ({"service_account": True, "password": ""}, "Email cannot be set for service accounts."),
        ({"service_account": True}, "Password cannot be set for service accounts."),
        ({"service_account": True, "login_type": "password"}, "Service accounts must use login type 'none'."),
        ({"username": "ana", "organization_ids": []}, NO_ORGANIZATION),
        ({"username": "ana", "password": "short"}, "User already exists."),
        (
            {"organization_ids": [NOBODYS_ID], "password": "x"},
            f'Organization does not exist with the provided id "{NOBODYS_ID}".',
        ),
        ({"password": "short"}, "Password is invalid"),
    ],
)
def test_wrong_accounts_are_refused(start: Start, change: dict[str, Any], message: str) -> None:
    world = start()
    body = {
        "username": "new",
        "email": "new@x.example",
        "password": PASSWORD,
        "organization_ids": [world.organization("acme")],
    }
    assert world.call("POST", "/users", json=body | {"username": "neo"} | change).json()["message"] == message


def test_an_account_for_another_login_needs_no_password(start: Start) -> None:
    world = start()
    body = {"username": "neo", "email": "n@x.example", "login_type": "github"}
    user = made(world, "POST", "/users", "owner", **body, organization_ids=[world.organization("acme")])
    assert (user["login_type"], user["status"]) == ("github", "dormant")


def test_owners_are_suspended_only_after_the_role_is_gone(start: Start) -> None:
    world = start()
    made(world, "PUT", "/users/ana/roles", "owner", roles=["owner"])
    assert world.call("PUT", "/users/ana/status/suspend").status_code == 400
    made(world, "PUT", "/users/ana/roles", "owner", roles=[])
    assert made(world, "PUT", "/users/ana/status/suspend", "owner")["status"] == "suspended"
    assert made(world, "PUT", "/users/ana/status/activate", "owner")["status"] == "active"


def test_a_taken_address_ends_in_an_error_that_leaves_nothing_open(start: Start) -> None:
    world = start()
    port = int(world.sandbox.url.rpartition(":")[2])
    with pytest.raises(OSError, match="in use"):
        start(port=port)


def test_a_password_is_changed_by_an_administrator_or_with_the_old_one(start: Start) -> None:
    world = start()
    assert world.put("/users/olivia/password", {"password": "AnotherPassword!"}).status_code == 400
    own = {"old_password": PASSWORD, "password": "AnotherPassword!"}
    assert world.put("/users/olivia/password", own).status_code == 204
    assert world.put("/users/olivia/password", own | {"old_password": "AnotherPassword!"}).status_code == 400
    body = {"email": "olivia@acme.example", "password": "AnotherPassword!"}
    assert world.call("POST", "/users/login", role="nobody", json=body).status_code == 201
    assert world.put("/users/bob/password", {"password": PASSWORD}, role="user-admin").status_code == 204
    assert login(world, "bob@acme.example")
    assert world.put("/users/ci-budgets/password", {"password": PASSWORD}).status_code == 400


def test_an_organization_is_changed_in_part(start: Start) -> None:
    world = start()
    changed = made(world, "PATCH", "/organizations/labs", "owner", display_name="The labs", description="")
    assert (changed["name"], changed["display_name"], changed["description"]) == ("labs", "The labs", "")
    assert made(world, "PATCH", "/organizations/labs", "owner", name="north")["name"] == "north"
    assert world.call("PATCH", "/organizations/north", json={"name": "acme"}).status_code == 409
    assert world.call("PATCH", "/organizations/north", json={"name": "default"}).status_code == 400
    assert world.call("PATCH", "/organizations/north", json={"display_name": "x" * 70}).status_code == 400


def test_tokens_are_listed_and_tell_when_they_expire(start: Start) -> None:
    world = start(now=datetime(2026, 11, 24, 12, tzinfo=UTC))
    assert world.get("/users/ana/keys/tokens").json() is None
    key = made(world, "POST", "/users/ana/keys/tokens", "owner", token_name="ci", lifetime=3600 * 10**9)["key"]
    (token,) = world.get("/users/ana/keys/tokens").json()
    assert (token["id"], token["username"], token["scopes"]) == (key[:10], "ana", ["coder:all"])
    assert (token["expires_at"], token["lifetime_seconds"]) == ("2026-11-24T13:00:00Z", 3600)
    assert world.get(f"/users/me/keys/{key[:10]}", role=key).json()["token_name"] == "ci"
    assert world.get("/users/ana/keys/tokens/ci").json()["id"] == key[:10]
    assert world.get("/users/ana/keys/tokens/nosuch").status_code == 404
    assert world.get("/users/me/keys/tokens/tokenconfig").json()["max_token_lifetime"] > 0
    for body, status in (
        ({"token_name": "ci"}, 409), ({"scopes": ["spaceship:fly"]}, 400), ({"scope": "x"}, 400),
        ({"lifetime": 10**18 * 4}, 400), ({"lifetime": -1}, 400),
    ):  # fmt: skip
        assert world.call("POST", "/users/ana/keys/tokens", json=body).status_code == status, body
    week, longer = 168 * 3600 * 10**9, 169 * 3600 * 10**9
    assert world.call("POST", "/users/olivia/keys/tokens", json={"lifetime": week}).status_code == 201
    assert world.call("POST", "/users/olivia/keys/tokens", json={"lifetime": longer}).status_code == 400
    assert world.call("POST", "/users/ci-budgets/keys/tokens", json={"lifetime": longer}).status_code == 201
    world.sandbox.set_now(datetime(2026, 11, 24, 13, tzinfo=UTC))
    expired = world.get("/users/me", role=key).json()
    assert expired["detail"] == 'API key expired at "2026-11-24 13:00:00 +0000 UTC".'


def test_a_scoped_token_sees_no_groups(start: Start) -> None:
    world = start()

    def token(*scopes: str) -> str:
        body = {"scopes": list(scopes)}
        return str(world.call("POST", "/users/ci-budgets/keys/tokens", json=body).json()["key"])

    reads_users = token("user:read", "organization:read")
    assert [role["name"] for role in world.get("/users/me", role=reads_users).json()["roles"]] == ["user-admin"]
    assert world.get("/groups", role=reads_users).json() == []
    assert world.get(f"/groups/{world.group('acme/eng')}", role=reads_users).status_code == 404
    assert world.get("/users/bob/ai/budget/override", role=reads_users).status_code == 200
    body = {"group_id": world.group("acme/eng"), "spend_limit_micros": 1}
    assert world.put("/users/bob/ai/budget/override", body, role=reads_users).status_code == 404
    assert world.get("/users/me", role=token("workspace:read")).status_code == 404


def test_several_memberships_begin_one_after_the_other(start: Start) -> None:
    world = start()
    acme, labs = world.organization("acme"), world.organization("labs")
    body = {"username": "neo", "email": "n@x.example", "password": PASSWORD}
    made(world, "POST", "/users", "owner", **body, organization_ids=[labs, acme])
    sql = (
        "SELECT m.organization_id FROM organization_members m JOIN users u ON u.id = m.user_id "
        "WHERE u.username = 'neo' ORDER BY m.created_at"
    )
    assert world.sandbox.execute(sql) == [(labs,), (acme,)]
    twice = body | {"username": "trinity", "email": "t@x.example", "organization_ids": [acme, acme]}
    assert world.call("POST", "/users", json=twice).status_code == 500
    assert world.get("/users/trinity").status_code == 404


def test_a_login_type_of_none_needs_a_service_account_since_2_36(start: Start) -> None:
    for version, status in (("2.35", 201), ("2.36", 400)):
        world = start(coder_version=version)
        body = {"username": "neo", "email": "n@x.example", "login_type": "none"}
        answer = world.call("POST", "/users", json=body | {"organization_ids": [world.organization("acme")]})
        assert answer.status_code == status


@pytest.mark.parametrize("path", ["roles", "authmethods", "login", "logout", "first"])
def test_a_literal_is_never_a_person(start: Start, path: str) -> None:
    world = start()
    assert world.call("DELETE", f"/users/{path}").status_code == 405
    assert world.call("DELETE", "/organizations/acme/members/roles").status_code == 405
