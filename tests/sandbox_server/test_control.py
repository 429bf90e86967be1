"""The control interface: what it offers, and that only the holder of its secret can use it, and for no other file."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from reconciler.sandbox import SECRET_HEADER, Fault
from tests.patience import HELD_S, wait_until
from tests.sandbox_server.callers import Start, World, new_client

ENDPOINTS = (
    ("POST", "faults"), ("DELETE", "faults"), ("GET", "requests"), ("DELETE", "requests"), ("POST", "execute"),
    ("GET", "effective"), ("GET", "critical-path"), ("GET", "clock"), ("PUT", "clock"), ("POST", "advance"),
    ("GET", "nothing"),
)  # fmt: skip


def test_the_same_control_over_http(world: World) -> None:
    budget = f"/groups/{world.group('acme/platform')}/ai/budget"
    assert world.control("POST", "faults", {"kind": "status", "status": 418}).status_code == 204
    assert world.get(budget).status_code == 418
    assert world.control("POST", "faults", {"kind": "reset"}).status_code == 204
    assert world.control("DELETE", "faults").status_code == 204
    assert world.get(budget).status_code == 200
    assert [request["status"] for request in world.control("GET", "requests").json()] == [418, 200]
    assert world.control("DELETE", "requests").status_code == 204
    assert world.control("GET", "requests").json() == []
    rows = world.control("POST", "execute", {"sql": "SELECT ? + 1", "parameters": [1]}).json()
    assert rows == [[2]]
    assert [list(row) for row in world.sandbox.effective()] == world.control("GET", "effective").json()
    assert world.sandbox.requests == ()


@pytest.mark.parametrize(
    ("name", "body", "word"),
    [
        ("faults", {"kind": "explode"}, "explode"),
        ("faults", {"kind": "status", "colour": "red"}, "colour"),
        ("faults", {"kind": "change", "parameters": 7}, "list"),
        ("execute", {"sql": "SELECT nothing"}, "nothing"),
        ("execute", {}, "sql"),
        ("advance", {"days": 0}, "between 1 and 400"),
        ("advance", {"days": 401}, "between 1 and 400"),
        ("advance", {}, "days"),
    ],
)
def test_wrong_control_requests_say_what_is_wrong(world: World, name: str, body: object, word: str) -> None:
    response = world.control("POST", name, body)
    assert response.status_code == 400
    assert word in response.json()["message"]
    assert world.control("GET", "nothing").status_code == 404


@pytest.mark.parametrize("now", ["tomorrow", "2027-01-01T00:00:00", 7, None])
def test_the_clock_needs_a_moment_with_an_offset(world: World, now: object) -> None:
    assert world.control("PUT", "clock", {"now": now}).status_code == 400


@pytest.mark.today_only  # it needs a clock that goes on
def test_the_clock_is_set_and_goes_on_or_stands_still(world: World) -> None:
    answer = world.control("PUT", "clock", {"now": "2027-03-31T23:59:59+02:00"}).json()
    assert answer == {"now": "2027-03-31T21:59:59.000000Z", "stopped": True}
    assert world.control("GET", "clock").json() == answer
    spend = world.get("/users/bob/ai/spend").json()
    assert (spend["period_start"], spend["current_spend_micros"]) == ("2027-03-01T00:00:00Z", 0)
    assert world.control("PUT", "clock", {"now": "2027-04-01T00:00:00Z", "stopped": False}).json()["stopped"] is False
    first, second = (world.control("GET", "clock").json()["now"] for _ in range(2))
    assert "2027-04-01T00:00:00" < first < second < "2027-04-01T01"
    world.sandbox.set_now(datetime(2026, 1, 1, tzinfo=UTC))
    put = world.put(f"/groups/{world.group('acme/eng')}/ai/budget", {"spend_limit_micros": 1}).json()
    assert put["updated_at"].startswith("2026-01-01T00:00:00")


def test_a_token_expires_when_its_time_has_come(world: World) -> None:
    assert world.get("/users/me").status_code == 200
    world.sandbox.set_now(datetime(2999, 1, 2, tzinfo=UTC))
    assert world.get("/users/me").status_code == 401


def test_every_answer_tells_the_time_of_this_server_s_clock(start: Start) -> None:
    """As Go's servers do, with a clock that moves; a fault may bring a `Date` of its own, and a proxy take it off."""
    world = start(now=datetime(2026, 11, 2, 9, tzinfo=UTC))
    path = "/api/v2/buildinfo"
    assert world.client.get(path).headers.get_list("date") == ["Mon, 02 Nov 2026 09:00:00 GMT"]
    world.sandbox.advance(3)
    assert world.client.get(path).headers["date"] == "Thu, 05 Nov 2026 09:00:00 GMT"
    world.sandbox.set_now(datetime(2026, 1, 1, 0, 0, 0, 999_999, tzinfo=UTC))
    assert world.client.get("/nothing").headers["date"] == "Thu, 01 Jan 2026 00:00:00 GMT"
    world.sandbox.fault(Fault("status", headers={"Date": "yesterday"}))
    assert world.client.get(path).headers.get_list("date") == ["yesterday"]
    assert "date" not in start(dated=False).client.get(path).headers


def test_spend_moves_forward_until_a_limit_is_reached(start: Start) -> None:
    first, second = (start(now=datetime(2026, 11, 2, 9, tzinfo=UTC)) for _ in range(2))
    before = total_spend(first)
    first.sandbox.advance(10)
    assert second.control("POST", "advance", {"days": 10}).json()["now"] == "2026-11-12T09:00:00.000000Z"
    assert before < total_spend(first) == total_spend(second)
    days = first.sandbox.execute("SELECT DISTINCT day FROM ai_daily_spend WHERE day > '2026-11-02' ORDER BY day")
    assert [row[0][-2:] for row in days] == ["03", "04", "05", "06", "09", "10", "11", "12"]
    bob = first.group("acme/platform"), first.user("bob")
    first.sandbox.execute("UPDATE user_ai_budget_overrides SET spend_limit_micros = 1 WHERE user_id = ?", bob[1:])
    spent = "SELECT sum(cost_micros) FROM ai_daily_spend WHERE group_id = ? AND user_id = ?"
    stopped_at = first.sandbox.execute(spent, bob)
    first.sandbox.advance(5)
    assert first.sandbox.execute(spent, bob) == stopped_at


def total_spend(world: World) -> int:
    return int(world.sandbox.execute("SELECT sum(cost_micros) FROM ai_daily_spend")[0][0])


def test_the_critical_path_is_the_longest_chain_of_requests_that_waited(world: World) -> None:
    assert world.sandbox.critical_path() == ()

    def have_arrived(count: int) -> bool:
        return len(world.sandbox.requests) == count

    with ThreadPoolExecutor(3) as pool:
        for count in (3, 6):
            world.sandbox.fault(Fault("delay", path="*/organizations", times=3, seconds=HELD_S))
            answers = [pool.submit(world.get, "/organizations") for _ in range(3)]
            wait_until(partial(have_arrived, count))
            world.sandbox.release()
            assert [answer.result().status_code for answer in answers] == [200, 200, 200]
    assert world.get("/users/me").status_code == 200
    assert [request.round for request in world.sandbox.requests] == [1, 1, 1, 2, 2, 2, 3]
    path = world.sandbox.critical_path()
    assert [request.path for request in path] == ["/api/v2/organizations", "/api/v2/organizations", "/api/v2/users/me"]
    assert [row["round"] for row in world.control("GET", "critical-path").json()] == [1, 2, 3]
    world.sandbox.forget_requests()
    assert world.control("GET", "critical-path").json() == []
    world.get("/users/me")
    assert [request.round for request in world.sandbox.requests] == [1]


@pytest.mark.parametrize(("method", "name"), ENDPOINTS)
@pytest.mark.parametrize("secret", [None, "", "guess", "\u00e9"])
def test_nothing_is_done_without_the_secret(world: World, method: str, name: str, secret: str | None) -> None:
    world.sandbox.fault(Fault("status", status=418))
    world.get("/experiments")
    headers = {} if secret is None else {SECRET_HEADER.encode(): secret.encode()}
    response = world.client.request(
        method, f"/_sandbox/{name}", headers=headers, json={"sql": "DELETE FROM users", "kind": "reset"}
    )
    assert response.status_code == 403
    assert SECRET_HEADER in response.json()["message"]
    assert [request.status for request in world.sandbox.requests] == [418]
    assert world.get("/users").json()["count"] > 0


def test_each_start_has_its_own_secret(start: Start) -> None:
    first, second = start(seed="empty"), start(seed="empty")
    assert first.sandbox.control_secret != second.sandbox.control_secret
    assert len(first.sandbox.control_secret) >= 40


def test_a_token_is_no_secret(world: World) -> None:
    headers = {SECRET_HEADER: world.sandbox.tokens["owner"], "Coder-Session-Token": world.sandbox.tokens["owner"]}
    assert world.client.get("/_sandbox/requests", headers=headers).status_code == 403


@pytest.mark.parametrize(
    "host",
    [
        "evil.example", "evil.example:{port}", "localhost", "localhost:1", "127.0.0.1", "127.0.0.1:{port}@evil.example",
        "evil.example@127.0.0.1:{port}", "localhost.evil.example:{port}", "127.0.0.1.evil.example:{port}",
        "127.0.0.1:{port}/", "", "[::1", "127.0.0.1:{port}x", "0x7f.1:{port}",
    ],
)  # fmt: skip
def test_a_foreign_host_is_refused(world: World, host: str) -> None:
    port = urlsplit(world.sandbox.url).port
    response = world.control("GET", "requests", headers={"Host": host.format(port=port)})
    assert response.status_code == 403
    assert world.sandbox.url in response.json()["message"]


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "127.0.0.1", "[::1]", "192.0.2.7"])
def test_its_own_hosts_are_served(world: World, host: str) -> None:
    own = f"{host}:{urlsplit(world.sandbox.url).port}"
    assert world.control("GET", "requests", headers={"Host": own}).status_code == 200
    assert world.control("GET", "requests", headers={"Host": own, "Origin": f"http://{own}"}).status_code == 200


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "", "https://127.0.0.1:{port}", "http://127.0.0.1", "http://127.0.0.1:1"]
)
def test_a_foreign_origin_is_refused(world: World, origin: str) -> None:
    headers = {"Origin": origin.format(port=urlsplit(world.sandbox.url).port)}
    assert world.control("GET", "requests", headers=headers).status_code == 403


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_what_a_form_can_send_is_refused(world: World, kind: str) -> None:
    headers = {"Content-Type": kind} if kind else {}
    secret = {SECRET_HEADER: world.sandbox.control_secret}
    body = b'{"sql": "DELETE FROM users"}'
    response = world.client.post("/_sandbox/execute", content=body, headers=secret | headers)
    assert response.status_code == 415
    assert "application/json" in response.json()["message"]
    assert world.get("/users").json()["count"] > 0


def test_a_preflight_allows_nothing(world: World) -> None:
    headers = {"Origin": "http://evil.example", "Access-Control-Request-Headers": SECRET_HEADER}
    response = world.client.options("/_sandbox/execute", headers=headers)
    assert response.status_code == 403
    assert not [name for name in response.headers if name.startswith("access-control-")]


@pytest.mark.parametrize(
    "sql",
    [
        "ATTACH '{file}' AS x",
        "ATTACH 'file:{file}?mode=rwc' AS x",
        "DETACH main",
        "VACUUM",
        "VACUUM INTO '{file}'",
        "VACUUM main INTO '{file}'",
        "PRAGMA journal_mode = DELETE",
        "PRAGMA temp_store_directory = '{folder}'",
        "PRAGMA data_store_directory = '{folder}'",
        "PRAGMA writable_schema = ON",
        "PRAGMA wal_checkpoint",
        "PRAGMA module_list",
        "SELECT * FROM pragma_database_list",
        "EXPLAIN PRAGMA page_size = 512",
        "SELECT load_extension('{file}')",
        "SELECT fts3_tokenizer('x', x'00')",
        "CREATE VIRTUAL TABLE x USING fts5(y)",
        "CREATE TABLE x (y DEFAULT (load_extension('{file}')))",
        "BEGIN",
        "SAVEPOINT x",
    ],
)
@pytest.mark.parametrize("in_file", [False, True])
def test_sql_reaches_no_other_file(start: Start, tmp_path: Path, sql: str, in_file: bool) -> None:
    world = start(seed="empty", database=str(tmp_path / "state.db") if in_file else None)
    before = set(tmp_path.iterdir())
    statement = sql.format(file=tmp_path / "stolen", folder=tmp_path)
    control = world.control("POST", "execute", {"sql": statement})
    if statement.startswith("CREATE TABLE"):
        control = world.control("POST", "execute", {"sql": "INSERT INTO x DEFAULT VALUES"})
    assert control.status_code == 400, control.text
    world.sandbox.fault(Fault("change", sql=statement))
    assert world.get("/experiments").status_code in (200, 500)
    assert set(tmp_path.iterdir()) == before
    assert world.get("/users").status_code == 200
    new = {"username": "new-person", "email": "n@acme.example", "password": "long enough", "login_type": "password"}
    organizations = world.get("/organizations").json()
    made = world.call("POST", "/users", json=new | {"organization_ids": [organizations[0]["id"]]})
    assert made.status_code == 201, made.text  # no transaction stayed open


def test_a_request_without_a_secret_is_answered_before_its_body_counts(world: World) -> None:
    with new_client(world.sandbox.url) as client:
        response = client.post("/_sandbox/execute", content=b"{" * 1000, headers={"Content-Type": "application/json"})
    assert response.status_code == 403


def test_the_documentation_names_every_verb(world: World) -> None:
    text = (Path(__file__).parents[2] / "docs" / "reference" / "sandbox.md").read_text(encoding="utf-8")
    for method, name in world.sandbox._application.control._actions:
        assert f"`{method} {name}`" in text, (method, name)
