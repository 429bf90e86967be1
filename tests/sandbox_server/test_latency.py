"""The profile of a real server: its costs are those that were measured, and its capacity is shared."""

from __future__ import annotations

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest

from reconciler.sandbox.latency import Capacity, SharedProcessor, cost_s, speed_of
from tests.patience import PATIENCE_S
from tests.sandbox_server.callers import Start

GROUP = "/api/v2/groups/8f1c/ai/budget"
OVERRIDE = "/api/v2/users/8f1c/ai/budget"
OVERRIDE_READ_S = 1 / 293


@pytest.mark.parametrize(
    ("method", "path", "size_bytes", "measured_s", "tolerance"),
    [
        ("GET", GROUP, 200, 0.0027, 0.0001),
        ("GET", OVERRIDE, 200, 0.0035, 0.0005),
        ("GET", OVERRIDE + "/override", 200, 0.0035, 0.0005),
        ("PUT", OVERRIDE, 200, 0.005, 0.0006),
        ("GET", "/api/v2/users/me", 500, 0.0029, 0.0001),
        ("GET", "/api/v2/organizations/acme/groups", 2_100_000, 1.0, 0.05),
        ("GET", "/api/v2/groups", 20_000, 0.015, 0.002),
        ("GET", "/api/v2/organizations/acme/members", 1_050_000, 0.060, 0.010),
        ("GET", "/api/v2/users", 1_500_000, 0.080, 0.020),
        ("GET", "/api/v2/groups/8f1c/members/ai/spend", 33_000, 0.0195, 0.002),
        ("GET", "/api/v2/organizations/acme/groups/ai/spend", 16_500, 0.026, 0.002),
        ("GET", "/api/v2/audit", 20_000, 0.006, 0.001),
    ],
)
def test_a_request_alone_costs_what_was_measured(
    method: str, path: str, size_bytes: int, measured_s: float, tolerance: float
) -> None:
    assert abs(cost_s(method, path, size_bytes) - measured_s) <= tolerance


@pytest.mark.parametrize(("in_flight", "measured_per_s"), [(1, 293), (8, 406), (64, 523), (200, 523)])
def test_override_reads_go_through_as_measured(in_flight: int, measured_per_s: float) -> None:
    assert round(throughput(in_flight)) == measured_per_s


def throughput(in_flight: int) -> float:
    """Return requests a second of a client that always has so many override reads in flight, in virtual time."""
    processor, now_s, warm_s, done = SharedProcessor(), 0.0, 0.0, 0
    for number in range(in_flight):
        processor.arrive(0.0, OVERRIDE_READ_S * (number + 1) / in_flight)
    while done < 40 * in_flight:
        end_s = processor.next_end_s()
        assert end_s is not None
        now_s = end_s
        for _ in processor.finished(now_s):
            done += 1
            processor.arrive(now_s, OVERRIDE_READ_S)
        if done == 20 * in_flight:
            warm_s = now_s
    return 20 * in_flight / (now_s - warm_s)


def test_a_large_list_slows_small_requests_down_and_does_not_block_them() -> None:
    processor = SharedProcessor()
    large = processor.arrive(0.0, 1.0)
    small = processor.arrive(0.1, 0.003)
    assert processor.finished(0.2) == [small]
    assert processor.finished(1.0) == []
    assert processor.finished(1.01) == [large]
    assert processor.next_end_s() is None


def test_speed_grows_with_what_is_in_flight_and_stops_growing() -> None:
    speeds = [speed_of(number) for number in range(1, 200)]
    assert speeds == sorted(speeds)
    assert (speeds[0], round(speeds[-1], 3)) == (1.0, round(523 / 293, 3))


def test_requests_are_released_in_real_time() -> None:
    async def serve() -> tuple[bool, bool]:
        capacity = Capacity()
        now_s = asyncio.get_running_loop().time()
        long, short = capacity.serve(now_s, 60.0), capacity.serve(now_s, 0.001)
        await short
        return short.done(), long.done()

    assert asyncio.run(serve()) == (True, False)


def test_a_server_with_a_capacity_answers_all_and_stops_under_load(start: Start) -> None:
    world = start(profile="real", seed="60-users,7-groups")
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: world.get("/users/me").status_code, range(64)))
    assert set(answers) == {200}
    parts = urlsplit(world.sandbox.url)
    token = world.sandbox.tokens["owner"]
    request = f"GET /api/v2/users HTTP/1.1\r\nHost: x\r\nCoder-Session-Token: {token}\r\n\r\n"
    for _ in range(8):  # these clients leave at once
        with socket.create_connection((parts.hostname, parts.port), timeout=PATIENCE_S) as connection:
            connection.sendall(request.encode())
    assert world.get("/users/me").status_code == 200
