"""The OpenAPI description, written from the facts, and the sandbox agree: on the routes, and on 5,000 answers."""

from __future__ import annotations

import random
import re
from collections import Counter

import pytest

from reconciler.sandbox.generations import generation_named
from reconciler.sandbox.routes import api_routes
from tests.sandbox_server.callers import Start
from tests.sandbox_server.description import differences, operations
from tests.sandbox_server.fuzz import Fuzzer

REQUESTS = 5_000
STORIES = 20
UNFORESEEN = re.compile(r"\w+(Error|Exception|Warning): ")


def test_every_route_is_described_and_every_description_served() -> None:
    routes = api_routes(generation_named("2.37"))
    assert {operation.key for operation in operations()} == {(r.method, r.path) for r in routes if r.method != "*"}


@pytest.mark.parametrize("seed", range(STORIES))
def test_random_requests_get_described_answers(start: Start, seed: int) -> None:
    fuzzer = Fuzzer(start(), random.Random(seed))
    statuses: Counter[int] = Counter()
    for _ in range(REQUESTS // STORIES):
        operation, response = fuzzer.send()
        request = f"{operation.method} {response.request.url} {response.request.content!r}\n{response.text}"
        assert differences(operation, response) == [], request
        assert response.status_code < 500 or not UNFORESEEN.search(response.json().get("detail", "")), request
        statuses[response.status_code] += 1
    assert statuses[200] > REQUESTS / STORIES / 5, statuses
