"""The role matrix, endpoint by endpoint, in the demo company: six roles, own and other organization."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox_server.callers import NOT_FOUND, Start, World

ROLES = ("owner", "user-admin", "organization-admin", "organization-user-admin", "auditor", "member")

# One status for each role in that order; oscar and uma administer acme only, mia is a plain member of acme.
MATRIX: list[tuple[str, str, Any, tuple[int, ...]]] = [
    ("GET", "/groups/{acme/platform}/ai/budget", None, (200, 200, 200, 200, 200, 200)),
    ("GET", "/groups/{labs/ml}/ai/budget", None, (200, 200, 404, 404, 200, 404)),
    ("PUT", "/groups/{acme/platform}/ai/budget", {"spend_limit_micros": 1}, (200, 200, 200, 200, 404, 404)),
    ("PUT", "/groups/{acme/platform}/ai/budget", {"spend_limit_micros": -1}, (400, 400, 400, 400, 400, 400)),
    ("PUT", "/groups/{labs/ml}/ai/budget", {"spend_limit_micros": 1}, (200, 200, 404, 404, 404, 404)),
    ("DELETE", "/groups/{acme/platform}/ai/budget", None, (204, 204, 204, 204, 404, 404)),
    ("GET", "/users/bob/ai/budget/override", None, (200, 200, 200, 200, 200, 404)),
    ("PUT", "/users/bob/ai/budget/override", {"group_id": "{acme/eng}"}, (200, 200, 404, 404, 404, 404)),
    ("DELETE", "/users/bob/ai/budget/override", None, (204, 204, 404, 404, 404, 404)),
    ("DELETE", "/users/hugo/ai/budget/override", None, (204, 204, 500, 500, 404, 404)),
    ("GET", "/users/bob/ai/spend", None, (200, 200, 200, 200, 200, 404)),
    ("GET", "/users/me/ai/spend", None, (200, 200, 200, 200, 200, 200)),
    ("GET", "/organizations/acme/groups/ai/spend?group_ids={acme/eng}", None, (200, 200, 200, 200, 200, 200)),
    ("GET", "/organizations/labs/groups/ai/spend?group_ids={labs/ml}", None, (200, 200, 404, 404, 200, 404)),
    ("GET", "/groups/{acme/eng}/ai/spend", None, (200, 200, 200, 200, 200, 200)),
    ("GET", "/organizations/acme/ai/spend/export", None, (200, 200, 200, 200, 200, 403)),
    ("GET", "/organizations/labs/ai/spend/export", None, (200, 200, 404, 404, 200, 404)),
    ("GET", "/users", None, (200, 200, 200, 200, 200, 200)),
    ("GET", "/users/bob", None, (200, 200, 200, 200, 200, 404)),
    ("GET", "/users/bob/roles", None, (200, 200, 404, 404, 404, 404)),
    ("GET", "/audit", None, (200, 403, 200, 403, 200, 403)),
    ("GET", "/deployment/config", None, (200, 403, 403, 403, 200, 403)),
    ("GET", "/organizations/acme/paginated-groups", None, (200, 200, 200, 200, 200, 200)),
    ("POST", "/organizations", {"name": "new"}, (400, 400, 400, 400, 400, 400)),
    ("POST", "/organizations", {"name": "north"}, (201, 500, 500, 500, 500, 500)),
    ("POST", "/organizations/acme/groups", {"name": "fresh"}, (201, 201, 201, 201, 500, 500)),
    ("PATCH", "/groups/{acme/eng}", {"display_name": "E"}, (200, 200, 200, 200, 400, 400)),
    ("DELETE", "/groups/{acme/eng}", None, (200, 200, 200, 200, 500, 500)),
    ("POST", "/organizations/acme/members/{hugo}", None, (200, 200, 200, 200, 404, 404)),
    ("DELETE", "/organizations/acme/members/bob", None, (204, 204, 204, 204, 404, 404)),
    ("PUT", "/organizations/acme/members/bob/roles", {"roles": ["organization-admin"]}, (200, 403, 200, 403, 403, 403)),
    ("DELETE", "/users/bob", None, (200, 200, 403, 403, 403, 404)),
    ("PUT", "/users/bob/roles", {"roles": ["auditor"]}, (200, 400, 403, 403, 403, 404)),
    ("PUT", "/users/bob/roles", {"roles": ["member"]}, (200, 200, 403, 403, 403, 404)),
    ("PUT", "/users/bob/status/suspend", None, (200, 200, 500, 500, 500, 404)),
    ("PUT", "/users/bob/profile", {"username": "bobby"}, (200, 200, 404, 404, 404, 404)),
    ("POST", "/users/bob/keys", None, (201, 500, 500, 500, 500, 404)),
    ("POST", "/users/me/keys", None, (201, 201, 201, 201, 201, 201)),
    ("PUT", "/users/bob/password", {"password": "SomeNewPassword!"}, (204, 204, 404, 404, 404, 404)),
    ("PATCH", "/organizations/acme", {"description": "x"}, (200, 404, 200, 404, 404, 404)),
    ("GET", "/organizations/acme/members/roles", None, (200, 200, 200, 200, 200, 200)),
    ("GET", "/users/roles", None, (200, 200, 200, 200, 200, 200)),
    ("GET", "/users/bob/keys/tokens", None, (200, 200, 200, 200, 200, 404)),
    ("GET", "/users/bob/organizations", None, (200, 200, 200, 200, 200, 404)),
]  # fmt: skip


@pytest.mark.parametrize(
    ("method", "path", "body", "statuses"), MATRIX, ids=[f"{m} {p} {b or ''}" for m, p, b, _ in MATRIX]
)
def test_each_role_gets_its_status(start: Start, method: str, path: str, body: Any, statuses: tuple[int, ...]) -> None:
    found: dict[str, int] = {}
    world = start()
    for role in ROLES:
        if found and method != "GET":
            world = start()
        more = {} if body is None else {"json": {key: _filled(world, value) for key, value in body.items()}}
        found[role] = world.call(method, _filled(world, path), role=role, **more).status_code
    assert dict(zip(ROLES, statuses, strict=True)) == found


def test_missing_rights_read_like_absence(world: World) -> None:
    url = f"/groups/{world.group('acme/platform')}/ai/budget"
    assert world.put(url, {"spend_limit_micros": 1}, role="member").json() == NOT_FOUND
    assert world.get(f"/groups/{world.group('labs/ml')}/ai/budget", role="member").json() == NOT_FOUND
    assert world.get("/users/nobody-here", role="member").json() == NOT_FOUND


def test_a_plain_member_sees_only_themself_among_the_members(world: World) -> None:
    group = world.get(f"/groups/{world.organization('acme')}", role="member").json()
    assert [member["username"] for member in group["members"]] == ["mia"]
    assert group["total_member_count"] > 1
    page = world.get(f"/groups/{world.group('acme/platform')}/members", role="member").json()
    assert page == {"users": None, "count": 0}


def test_closed_workspace_sharing_hides_groups_and_members(world: World) -> None:
    world.sandbox.execute("UPDATE organizations SET workspace_sharing = 'none' WHERE name = 'acme'")
    groups = world.get("/groups", role="member").json()
    assert [group["name"] for group in groups] == ["Everyone"]
    assert [member["username"] for member in world.get("/organizations/acme/members", role="member").json()] == ["mia"]
    assert world.get("/organizations/acme/paginated-groups", role="member").status_code == 404
    assert world.get(f"/groups/{world.group('acme/platform')}", role="member").status_code == 404


def test_effective_groups_are_masked_across_organizations_even_for_owners(world: World) -> None:
    rosa = world.user("rosa")
    (row,) = world.get(f"/groups/{world.organization('acme')}/members/ai/spend?user_ids={rosa}").json()["members"]
    assert (row["effective_group_id"], row["effective_budget"], row["group_budget"]) == (None, None, None)
    (row,) = world.get(f"/groups/{world.organization('labs')}/members/ai/spend?user_ids={rosa}").json()["members"]
    assert row["effective_group_id"] == world.group("labs/ml")
    assert row["effective_budget"] == {"spend_limit_micros": 1_000_000_000, "limit_source": "group"}


def _filled(world: World, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    for address in ("acme/platform", "acme/eng", "labs/ml"):
        value = value.replace(f"{{{address}}}", world.group(address))
    return value.replace("{hugo}", world.user("hugo"))
