"""Faults hit the requests they name and no others; every request is recorded, made or lost."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import httpx
import pytest

from reconciler.sandbox import Fault
from tests.patience import HELD_S, wait_until
from tests.sandbox_server.callers import Start, World

LIMIT = {"spend_limit_micros": 7_000_000}


@pytest.fixture
def budget(world: World) -> str:
    return f"/groups/{world.group('acme/platform')}/ai/budget"


def test_a_status_comes_instead_of_the_handler(world: World, budget: str) -> None:
    world.sandbox.fault(Fault("status", method="PUT", path="*/ai/budget", status=503, headers={"Retry-After": "7"}))
    response = world.put(budget, LIMIT)
    assert (response.status_code, response.headers["retry-after"]) == (503, "7")
    assert response.json() == {"message": "Service Unavailable"}
    assert world.get(budget).json()["spend_limit_micros"] == 500_000_000
    assert world.put(budget, LIMIT).status_code == 200


def test_after_and_times_choose_the_matches(world: World) -> None:
    world.sandbox.fault(Fault("status", path="/api/v2/experiments", after=2, times=2, status=502))
    statuses = [world.get("/experiments").status_code for _ in range(6)]
    assert statuses == [200, 200, 502, 502, 200, 200]


def test_faults_queue_up_and_hit_one_request_each(world: World) -> None:
    for status in (500, 429):
        world.sandbox.fault(Fault("status", status=status, body={"message": "no"}))
    assert [world.get("/experiments").status_code for _ in range(3)] == [500, 429, 200]


def test_a_lost_answer_leaves_the_write(world: World, budget: str) -> None:
    world.sandbox.fault(Fault("lost", method="PUT"))
    with pytest.raises(httpx.RemoteProtocolError):
        world.put(budget, LIMIT)
    assert world.get(budget).json()["spend_limit_micros"] == 7_000_000
    assert world.sandbox.requests[0].status is None


def test_a_reset_comes_before_the_write(world: World, budget: str) -> None:
    world.sandbox.fault(Fault("reset", method="PUT"))
    with pytest.raises((httpx.ReadError, httpx.WriteError)):
        world.put(budget, LIMIT)
    assert world.get(budget).json()["spend_limit_micros"] == 500_000_000
    assert [request.status for request in world.sandbox.requests] == [None, 200]


def test_a_truncated_answer_promises_more_than_it_sends(world: World, budget: str) -> None:
    world.sandbox.fault(Fault("truncate"))
    with pytest.raises(httpx.RemoteProtocolError, match=r"incomplete|without sending complete"):
        world.get(budget)


def test_a_long_answer_is_truncated_in_the_middle(start: Start) -> None:
    world = start(seed="2000-users,20-groups")
    ((organization,),) = world.sandbox.execute("SELECT id FROM organizations")
    whole = len(world.get(f"/organizations/{organization}/groups").content)
    world.sandbox.fault(Fault("truncate"))
    url = f"{world.sandbox.url}/api/v2/organizations/{organization}/groups"
    token = {"Coder-Session-Token": world.sandbox.tokens["owner"]}
    received = list[int]()
    with (
        pytest.raises(httpx.RemoteProtocolError, match="incomplete"),
        httpx.stream("GET", url, headers=token, trust_env=False) as answer,
    ):
        received.extend(map(len, answer.iter_bytes()))
    assert sum(received) == whole // 2


def test_a_delayed_answer_is_late_and_its_write_is_not(world: World, budget: str) -> None:
    world.sandbox.fault(Fault("delay", method="PUT", seconds=HELD_S))
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(world.put, budget, LIMIT)
        wait_until(lambda: bool(world.get(budget).json()["spend_limit_micros"] == 7_000_000))
        assert not answer.done()
        world.sandbox.release()
        assert answer.result().status_code == 200


def test_a_delay_of_a_short_time_ends_by_itself(world: World, budget: str) -> None:
    world.sandbox.fault(Fault("delay", method="PUT", seconds=0.001))
    assert world.put(budget, LIMIT).status_code == 200


def test_state_changes_just_before_the_answer(world: World, budget: str) -> None:
    sql = "UPDATE group_ai_budgets SET spend_limit_micros = ? WHERE group_id = ?"
    world.sandbox.fault(Fault("change", sql=sql, parameters=(9, world.group("acme/platform"))))
    assert world.get(budget).json()["spend_limit_micros"] == 9


def test_a_token_expires_in_the_middle(world: World, budget: str) -> None:
    world.sandbox.fault(Fault("expire", after=1))
    assert [world.get(budget).status_code for _ in range(3)] == [200, 401, 401]
    assert world.get(budget, role="user-admin").status_code == 200


def test_a_raw_answer_is_nothing_but_what_was_given(world: World) -> None:
    page = b"<html>Bad gateway</html>"
    world.sandbox.fault(Fault("raw", status=502, body=page, headers={"Content-Type": "text/html"}))
    response = world.get("/experiments")
    assert (502, page) == (response.status_code, response.content)
    assert {"content-type", "content-length"} == set(response.headers)


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        (Fault("raw", status=599), ""),
        (Fault("raw", body="plain"), "plain"),
        (Fault("raw", body={"a": 1}), '{"a":1}'),
        (Fault("status", status=599), '{"message":"Fault"}\n'),
        (Fault("status", method="GET", body=b"bytes"), "bytes"),
    ],
)
def test_bodies_of_faults_may_be_anything(world: World, fault: Fault, text: str) -> None:
    world.sandbox.fault(Fault("status", method="PUT", status=418))
    world.sandbox.fault(fault)
    response = world.get("/experiments")
    assert (response.status_code, response.text) == (fault.status, text)


def test_what_nobody_foresaw_is_a_500_that_says_so(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.sandbox.fault(Fault("change", sql="DELETE FROM nowhere"))
    answer = world.get("/experiments").json()
    assert answer == {
        "message": "An internal server error occurred.",
        "detail": "OperationalError: no such table: nowhere",
    }
    assert "Traceback" in capsys.readouterr().err


def test_unknown_kinds_are_refused(world: World) -> None:
    with pytest.raises(ValueError, match="unknown fault 'explode'"):
        world.sandbox.fault(Fault("explode"))  # type: ignore[arg-type]


def test_requests_are_recorded_in_order_with_who_and_what(start: Start) -> None:
    now = datetime(2026, 11, 5, tzinfo=UTC)
    world = start(now=now)
    world.get("/users?limit=1", role="nobody")
    world.call("POST", "/authcheck", role="member", json={"checks": {}}, headers={"User-Agent": "me/1"})
    world.call("PUT", "/users/me/roles", content=b"{")
    first, second, third = world.sandbox.requests
    assert ("GET", "/api/v2/users?limit=1", 401, None, None, now) == (
        first.method, first.path, first.status, first.user, first.body, first.time,
    )  # fmt: skip
    assert (second.status, second.user, second.body, second.user_agent) == (200, "mia", {"checks": {}}, "me/1")
    assert third.body == b"{"
    world.sandbox.forget_requests()
    assert world.sandbox.requests == ()


def test_latency_delays_every_answer_and_serialises_none(start: Start) -> None:
    world = start(latency_s=0.05)
    began = time.monotonic()
    assert world.get("/experiments").status_code == 200
    assert time.monotonic() - began >= 0.05
