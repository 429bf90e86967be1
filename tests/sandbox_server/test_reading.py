"""Lists, searches, pages, the CSV export, the audit trail and AI sessions, beyond what the contract pins."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime

import pytest

from reconciler.sandbox import COST_CONTROL_EXPERIMENT
from tests.sandbox_server.callers import Start, World


def names(world: World, query: str) -> list[str]:
    return [user["username"] for user in world.get(f"/users?{query}").json()["users"]]


def test_pages_of_users_count_as_coder_counts(world: World) -> None:
    assert names(world, "limit=2") == ["ana", "anton"]
    assert names(world, "limit=2&offset=2") == ["audrey", "bella"]
    page = world.get(f"/users?limit=2&after_id={world.user('anton')}").json()
    assert ([user["username"] for user in page["users"]], page["count"]) == (["audrey", "bella"], 41)
    assert world.get("/users?limit=2&offset=99").json() == {"users": [], "count": 0}
    assert world.get(f"/users?after_id={world.group('acme/eng')}").json()["count"] == 0
    assert len(names(world, "limit=0")) == 43


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=BO", ["bob"]),
        ("q=name:owner", ["olivia"]),
        ("q=status:dormant,suspended", ["cleo", "grace", "paula", "xenia"]),
        ("q=role:auditor", ["audrey"]),
        ("q=service_account:true", ["ci-budgets"]),
        ("q=login_type:none", ["ci-budgets"]),
        ('q=created_before:"2020-01-01T00:00:00Z"', []),
        ("q=github_com_user_id:7", []),
    ],
)
def test_users_are_searched(world: World, query: str, found: list[str]) -> None:
    assert names(world, query) == found


@pytest.mark.parametrize(
    "query",
    ["q=colour:red", "q=status:happy", "q=a:b:c", "q=:a", "q=created_after:monday", "q=service_account:maybe",
     "limit=-1", "limit=x", "offset=1.5", "after_id=ana"],
)  # fmt: skip
def test_wrong_searches_are_refused(world: World, query: str) -> None:
    response = world.get(f"/users?{query}")
    assert (response.status_code, bool(response.json()["validations"])) == (400, True)


def test_group_lists_take_three_keys_and_no_other(world: World) -> None:
    eng, ml = world.group("acme/eng"), world.group("labs/ml")
    groups = world.get("/groups?has_member=hugo&organization=labs").json()
    assert [group["name"] for group in groups] == ["Everyone", "ml"]
    assert [group["id"] for group in world.get(f"/groups?group_ids={eng},{ml}").json()] == [eng, ml]
    assert [group["id"] for group in world.get(f"/organizations/acme/groups?group_ids={eng},{ml}").json()] == [eng]
    for query in ("exclude_members=true", "has_member=nobody", "organization=nowhere", "group_ids=eng"):
        assert world.get(f"/groups?{query}").status_code == 400


def test_pages_of_groups_are_ordered_by_name(world: World) -> None:
    page = world.get("/organizations/acme/paginated-groups?limit=2").json()
    assert ([group["name"] for group in page["groups"]], page["count"]) == (["contractors", "data"], 10)
    after = world.get(f"/organizations/acme/paginated-groups?after_id={page['groups'][1]['id']}&q=e").json()
    assert [group["name"] for group in after["groups"]][:3] == ["design", "eng", "Everyone"]
    assert world.get("/organizations/acme/paginated-groups?offset=99").json() == {"groups": [], "count": 0}


def test_pages_of_group_members_search_and_end_in_null(world: World) -> None:
    url = f"/groups/{world.group('acme/eng')}/members"
    page = world.get(f"{url}?limit=1&q=an").json()
    assert ([user["username"] for user in page["users"]], page["count"]) == (["ana"], 3)
    assert world.get(f"{url}?offset=50").json() == {"users": None, "count": 0}


def test_bulk_reads_take_one_to_a_hundred_ids(world: World) -> None:
    url, eng = "/organizations/acme/groups/ai/spend?group_ids=", world.group("acme/eng")
    assert world.get(url + ",".join([eng] * 100)).status_code == 200
    assert world.get(url + ",".join([eng] * 101)).json() == {"message": "group_ids has 101 entries, maximum is 100."}
    for wrong in ("", "eng", f"{eng}&limit=1"):
        assert world.get(url + wrong).json()["message"] == "Query parameters have invalid values."
    labs = world.group("labs/ml")
    assert [row["group_id"] for row in world.get(f"{url}{labs},{eng}").json()["groups"]] == [eng]


def test_the_export_disarms_formulas_and_bounds_its_period(start: Start) -> None:
    world = start(now=datetime(2026, 11, 5, 12, tzinfo=UTC))
    world.sandbox.execute("UPDATE ai_daily_spend SET model = '=1+1' WHERE user_id = ?", (world.user("bob"),))
    response = world.get("/organizations/acme/ai/spend/export")
    rows = {row["username"]: row for row in csv.DictReader(response.text.splitlines())}
    assert (rows["bob"]["model"], rows["bob"]["cost_micros"]) == ("'=1+1", "212100000")
    assert rows["bob"]["period_start"] == "2026-11-01T00:00:00Z"
    assert "hugo" not in rows
    period = "period_start=2026-10-01T00:00:00Z&period_end=2026-10-31T00:00:00Z"
    assert len(world.get(f"/organizations/acme/ai/spend/export?{period}").text.splitlines()) == 1
    for wrong in (
        "period_start=2026-11-02T00:00:00Z", "period_start=a&period_end=b",
        "period_start=2026-11-02T00:00:00Z&period_end=2026-11-01T00:00:00Z",
        "period_start=2026-10-01T00:00:00Z&period_end=2026-11-03T00:00:00Z",
        "period_start=2026-08-01T00:00:00Z&period_end=2026-08-03T00:00:00Z",
    ):  # fmt: skip
        assert world.get(f"/organizations/acme/ai/spend/export?{wrong}").status_code == 400


def test_the_trail_tells_who_wrote_what_in_dollars(world: World) -> None:
    eng = world.group("acme/eng")
    world.put(f"/groups/{eng}/ai/budget", {"spend_limit_micros": 1_234_500_000}, role="user-admin")
    world.put(f"/groups/{eng}/ai/budget", {"spend_limit_micros": 0}, role="member")
    world.call("DELETE", f"/groups/{eng}/ai/budget", role="member")
    world.call("DELETE", f"/groups/{eng}/ai/budget")
    entries = world.get(f"/audit?q=resource_id:{eng}").json()["audit_logs"]
    assert [(e["action"], e["user"]["username"], e["status_code"]) for e in entries] == [
        ("delete", "olivia", 204),
        ("write", "mia", 404),
        ("write", "ci-budgets", 200),
    ]
    assert entries[2]["diff"] == {"spend_limit": {"old": "$0.00", "new": "$1234.50", "secret": False}}
    assert (entries[1]["diff"], "unsuccessfully attempted" in entries[1]["description"]) == ({}, True)
    assert world.get("/audit?q=date_to:2000-01-01 organization:acme").json()["count"] == 0
    assert world.get("/audit?q=organization:acme email:olivia@acme.example action:delete").json()["count"] == 1


def test_unlicensed_servers_keep_no_trail(start: Start) -> None:
    world = start(unlicensed=("audit_log",))
    world.put(f"/groups/{world.group('acme/eng')}/ai/budget", {"spend_limit_micros": 0})
    assert world.get("/audit").json()["audit_logs"] == []


def test_sessions_and_their_threads_are_paged(world: World) -> None:
    sessions = world.get("/ai-gateway/sessions?limit=2").json()
    assert (sessions["count"], len(sessions["sessions"])) == (3, 2)
    rest = world.get(f"/aibridge/sessions?after_session_id={sessions['sessions'][1]['id']}").json()["sessions"]
    assert len(rest) == 1
    assert world.get("/aibridge/sessions?offset=9").json() == {"count": 3, "sessions": []}
    bob = world.get("/aibridge/sessions?q=initiator:bob").json()["sessions"][0]
    assert (bob["threads"], bob["last_prompt"], bob["models"]) == (2, "Now fix it", ["claude-sonnet-4-5"])
    url = f"/ai-gateway/sessions/{bob['id']}"
    first, second = world.get(url).json()["threads"]
    assert [t["id"] for t in world.get(f"{url}?after_id={first['id']}").json()["threads"]] == [second["id"]]
    assert [t["id"] for t in world.get(f"{url}?before_id={second['id']}").json()["threads"]] == [first["id"]]
    for wrong in ("limit=0", "limit=201", "after_id=x", "before_id=x", f"after_id={first['id']}&before_id=y"):
        assert world.get(f"{url}?{wrong}").status_code == 400, wrong
    assert world.get("/aibridge/models").json() == ["claude-sonnet-4-5", "gpt-5"]
    assert world.get("/aibridge/clients", role="member").json() is None
    assert world.get("/aibridge/sessions", role="member").json() == {"count": 0, "sessions": []}
    assert world.get(url, role="member").json() == {"message": "Session not found."}


def test_network_calls_are_an_object_or_absent(start: Start, world: World) -> None:
    shapes = [row.get("network_calls") for row in world.get("/aibridge/sessions").json()["sessions"]]
    assert sorted(shapes, key=str) == [None, None, {"blocked": 2, "total": 12}]
    older = start(coder_version="2.35").get("/aibridge/sessions").json()["sessions"]
    assert not any("network_calls" in row for row in older)


def test_what_has_not_ended_is_in_no_list(start: Start) -> None:
    world = start(coder_version="2.34")
    assert world.get("/aibridge/interceptions").json()["count"] == 4
    world.sandbox.execute("UPDATE ai_session_threads SET ended_at = NULL WHERE prompt = 'Now fix it'")
    assert world.get("/aibridge/interceptions").json()["count"] == 3
    bob = world.get("/aibridge/sessions?q=initiator:bob").json()["sessions"][0]
    assert (bob["threads"], bob["last_prompt"]) == (1, "Find the flaky test")


def test_interceptions_are_searched_and_paged_until_2_35(start: Start) -> None:
    world = start(coder_version="2026-05-29")
    page = world.get("/aibridge/interceptions?limit=3").json()
    assert (page["count"], len(page["results"])) == (4, 3)
    last = page["results"][2]["id"]
    assert len(world.get(f"/aibridge/interceptions?after_id={last}").json()["results"]) == 1
    found = world.get("/aibridge/interceptions?q=model:gpt-5 initiator:eve").json()["results"]
    assert [row["user_prompts"][0]["prompt"] for row in found] == ["Explain this query"]
    assert [row["token_usages"][0]["input_tokens"] for row in found] == [1200]
    assert world.get("/aibridge/interceptions", role="member").json() == {"count": 0, "results": []}
    for wrong in ("after_id=x", "limit=1001", "q=colour:red", "q=initiator:nobody-here"):
        assert world.get(f"/aibridge/interceptions?{wrong}").status_code == 400, wrong
    gone = start(coder_version="2.35").get("/aibridge/interceptions")
    assert (gone.status_code, gone.json()) == (404, {"message": "aibridged handler not mounted"})


@pytest.mark.parametrize(
    ("query", "count"),
    [("provider:openai", 1), ("model:gpt-5 client:codex", 1), ("sponsor:bob", 0), ("session_id:x", 0),
     ("initiator:me", 0), ('started_after:"2000-01-01T00:00:00Z"', 3), ('started_before:"2000-01-01T00:00:00Z"', 0)],
)  # fmt: skip
def test_sessions_are_searched(world: World, query: str, count: int) -> None:
    assert world.get(f"/aibridge/sessions?q={query}").json()["count"] == count


@pytest.mark.parametrize("name", ['a, "b"\nc', "-,x", "", "é b", " a", 'a"', "Anthropic"])
def test_cells_of_the_export_are_quoted_where_csv_wants_it(start: Start, name: str) -> None:
    world = start(now=datetime(2026, 11, 5, 12, tzinfo=UTC))
    world.sandbox.execute("UPDATE ai_daily_spend SET provider_name = ?", (name,))
    text = world.get("/organizations/acme/ai/spend/export").text
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert {row["provider_name"] for row in rows} == {f"'{name}" if name.startswith("-") else name}
    assert {row["period_end"] for row in rows} == {"2026-12-01T00:00:00Z"}


ODD_NAME = 'a"name":null,b\\ é\n'


@pytest.mark.parametrize("moment", ["09:00:00.000000", "09:00:10.120000", "10:00:00.000001"])
@pytest.mark.parametrize(("name", "roles"), [(ODD_NAME, '["user-admin","auditor"]'), ("", "[]"), ("Ana", '["owner"]')])
def test_lists_of_people_that_sql_writes_say_what_is_said_of_each_person(
    world: World, name: str, roles: str, moment: str
) -> None:
    at = f"2026-01-05T{moment}Z"
    world.sandbox.execute(
        "UPDATE users SET name = ?, roles = ?, is_service_account = ?, created_at = ?, last_seen_at = ? "
        "WHERE username = 'ana'",
        (name, roles, not name, at, at),
    )
    user = world.get("/users/ana").json()
    (member,) = (row for row in world.get("/organizations/acme/members").json() if row["username"] == "ana")
    assert world.get("/organizations/acme/members/ana").json() == member
    again = {"user_id": "id", "user_created_at": "created_at", "user_updated_at": "updated_at", "global_roles": "roles"}
    of_membership = {"organization_id", "created_at", "updated_at", "roles"}
    assert {again.get(key, key): member[key] for key in member if key not in of_membership} == {
        key: user[key] for key in user if key != "organization_ids"
    }
    everyone = world.get("/groups?organization=acme").json()[0]
    (inlined,) = (row for row in everyone["members"] if row["username"] == "ana")
    assert inlined == {key: user[key] for key in user if key not in ("organization_ids", "roles", "has_ai_seat")}


def test_members_of_an_organization_are_searched(world: World) -> None:
    bob, url = world.user("bob"), "/organizations/acme/members?q="
    assert [member["username"] for member in world.get(f"{url}user_id:{bob}").json()] == ["bob"]
    assert world.get(f"{url}github_user_id:7").json() == []
    for wrong in ("user_id:bob", "include_system:perhaps", "bob", "colour:red"):
        assert world.get(url + wrong).status_code == 400
    world.sandbox.execute("UPDATE organizations SET workspace_sharing = 'none'")
    assert world.get(f"{url}user_id:{bob}", role="member").json() == []


def test_a_refused_override_leaves_an_entry_in_its_organization(world: World) -> None:
    body = {"group_id": world.group("acme/interns"), "spend_limit_micros": 1}
    assert world.put("/users/bob/ai/budget/override", body).status_code == 400
    (entry,) = world.get("/audit?q=resource_type:user_ai_budget_override action:write").json()["audit_logs"]
    assert (entry["status_code"], entry["diff"], entry["organization"]["name"]) == (400, {}, "acme")
    assert world.get("/audit?q=resource_id:bob").status_code == 400
    assert world.get("/audit?q=date_from:2026-13-01").status_code == 400


def test_a_user_s_spend_came_with_2_36(start: Start) -> None:
    assert start(coder_version="2.35", experiments=(COST_CONTROL_EXPERIMENT,)).get("/users/bob/ai/spend").json() == {
        "message": "Route not found."
    }
    assert start(coder_version="2.36").get("/users/bob/ai/spend").status_code == 200


def test_stock_2_35_hides_overrides_from_everybody_before_all_else(start: Start) -> None:
    world = start(coder_version="2.35", licensed=False)
    for role in ("owner", "member", "nobody"):
        answer = world.get("/users/nosuch/ai/budget", role=role)
        assert (answer.status_code, "'ai-gateway-cost-control' experiment" in answer.json()["message"]) == (403, True)


def test_checks_of_rights(world: World) -> None:
    everyone = world.organization("acme")
    things = {
        "own organization": {"resource_type": "group", "organization_id": everyone},
        "site": {"resource_type": "group"},
        "any": {"resource_type": "group", "any_org": True},
        "group": {"resource_type": "group", "resource_id": world.group("acme/eng")},
        "foreign": {"resource_type": "group", "resource_id": world.group("labs/ml")},
        "unknown": {"resource_type": "user", "resource_id": everyone},
        "somebody": {"resource_type": "user", "resource_id": world.user("bob")},
        "workspace": {"resource_type": "workspace", "resource_id": everyone},
    }
    checks = {name: {"action": "update", "object": thing} for name, thing in things.items()}
    found = world.call("POST", "/authcheck", role="organization-admin", json={"checks": checks}).json()
    assert [name for name, allowed in found.items() if allowed] == ["own organization", "any", "group"]
    mine = {"a": {"action": "read", "object": {"resource_type": "user", "owner_id": "me"}}}
    assert world.call("POST", "/authcheck", role="member", json={"checks": mine}).json() == {"a": True}


@pytest.mark.parametrize(
    "thing",
    [{}, {"resource_type": "spaceship", "resource_id": "x"}, {"resource_type": 7}, [], "group"],
)
def test_wrong_checks_are_refused(world: World, thing: object) -> None:
    body = {"checks": {"a": {"action": "read", "object": thing}}}
    assert world.call("POST", "/authcheck", json=body).status_code == 400


def test_at_most_ten_checks_with_an_id(world: World) -> None:
    thing = {"resource_type": "group", "resource_id": world.group("acme/eng")}
    checks = {str(n): {"action": "read", "object": thing} for n in range(11)}
    assert world.call("POST", "/authcheck", json={"checks": checks}).status_code == 400
    del checks["0"]
    assert set(world.call("POST", "/authcheck", json={"checks": checks}).json().values()) == {True}


def test_the_spend_by_user_is_served_below_one_prefix_at_a_time(start: Start) -> None:
    path = "/organizations/acme/ai/spend/users?limit=1"
    for experimental, statuses in ((False, (200, 404)), (True, (404, 200))):
        world = start(coder_version="2.38", experimental_spend_route=experimental)
        headers = {"Coder-Session-Token": world.sandbox.tokens["owner"]}
        assert statuses == (
            world.get(path).status_code,
            world.client.get("/api/experimental" + path, headers=headers).status_code,
        )
