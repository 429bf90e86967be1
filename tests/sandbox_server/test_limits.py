"""Rate limits per user and path, the bypass header, and the largest body."""

from __future__ import annotations

from datetime import UTC, datetime

from reconciler.sandbox.limiter import Limiter
from tests.sandbox_server.callers import Start, World

NOW = datetime(2026, 11, 5, 12, 0, 30, tzinfo=UTC)
BYPASS = {"X-Coder-Bypass-Ratelimit": "true"}


def test_the_limit_counts_per_user_and_path_and_not_by_query(start: Start) -> None:
    world = start(rate_limit=2, now=NOW)
    assert [world.get(f"/experiments?n={n}").status_code for n in range(3)] == [200, 200, 429]
    assert world.get("/organizations").status_code == 200
    assert world.get("/experiments", role="member").status_code == 200
    assert [world.get("/buildinfo", role="nobody").status_code for _ in range(3)] == [200, 200, 429]


def test_a_limited_answer_says_when_to_come_back(start: Start) -> None:
    world = start(rate_limit=1, now=NOW)
    first, second = world.get("/experiments"), world.get("/experiments")
    end = str(int(NOW.timestamp()) + 30)
    assert ("1", "0", end) == tuple(first.headers[f"X-RateLimit-{name}"] for name in ("Limit", "Remaining", "Reset"))
    assert ("60", end) == (second.headers["Retry-After"], second.headers["X-RateLimit-Reset"])
    text = "You've been rate limited for sending more than 1 requests in 1m0s."
    assert {"message": text} == second.json()


def test_only_an_owner_may_bypass_it(start: Start) -> None:
    world = start(rate_limit=1, now=NOW)
    assert [world.get("/experiments", headers=BYPASS).status_code for _ in range(2)] == [200, 200]
    refused = world.get("/experiments", role="user-admin", headers=BYPASS)
    assert (refused.status_code, refused.headers["content-type"]) == (428, "text/plain; charset=utf-8")
    assert refused.text.strip() == '"X-Coder-Bypass-Ratelimit" provided but user is not owner'
    harmless = {"X-Coder-Bypass-Ratelimit": "false"}
    assert world.get("/experiments", role="user-admin", headers=harmless).status_code == 200


def test_without_a_limit_there_are_no_headers(world: World) -> None:
    assert "x-ratelimit-limit" not in world.get("/experiments", headers=BYPASS, role="member").headers
    assert world.get("/deployment/config").json()["config"]["rate_limit"] == {"disable_all": True, "api": 512}


def test_the_window_slides() -> None:
    limiter = Limiter(limit=10)
    assert all(limiter.ask("a", 59.0).allowed for _ in range(10))
    assert not limiter.ask("a", 59.9).allowed
    assert limiter.ask("b", 59.9).allowed
    assert [limiter.ask("a", 90.0).allowed for _ in range(6)] == [True] * 5 + [False]
    assert all(limiter.ask("a", 240.0).allowed for _ in range(10))


def test_bodies_over_4_mib_are_too_large_for_newer_servers_only(start: Start) -> None:
    for version, status in (("2.36", 200), ("2.37", 413)):
        world = start(coder_version=version)
        body = b'{"spend_limit_micros": 5' + b" " * (4 * 1024 * 1024) + b"}"
        url = f"/groups/{world.group('acme/eng')}/ai/budget"
        assert status == world.call("PUT", url, content=body).status_code
