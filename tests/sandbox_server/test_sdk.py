"""A strict client, written from the facts, and the sandbox agree: on the routes, and on thousands of random answers."""

from __future__ import annotations

import json
import random
import re
from collections import Counter

import httpx
import pytest

from reconciler.sandbox.generations import generation_named
from reconciler.sandbox.routes import EXPERIMENTAL_API, api_routes, experimental_routes
from tests.contract import GENERATIONS
from tests.contract.sdk import Operation, Plain, check_strictly, operation_of, operations
from tests.sandbox_server.callers import Start
from tests.sandbox_server.fuzz import Fuzzer

REQUESTS = 200
SEEDS = {generation: range(20 if generation == "2.37" else 4) for generation in GENERATIONS}
UNFORESEEN = re.compile(r"\w+(Error|Exception|Warning): ")


@pytest.mark.parametrize("generation", GENERATIONS)
def test_every_route_is_documented_and_every_documented_route_served(generation: str) -> None:
    row = generation_named(generation)
    served = {(route.method, route.path) for route in api_routes(row) if route.method != "*"}
    served |= {(route.method, EXPERIMENTAL_API + route.path) for route in experimental_routes(row)}
    assert {operation.key for operation in operations(generation)} == served


@pytest.mark.parametrize(
    ("generation", "seed"), [(generation, seed) for generation, seeds in SEEDS.items() for seed in seeds]
)
def test_random_requests_get_answers_that_a_strict_client_reads(start: Start, generation: str, seed: int) -> None:
    fuzzer = Fuzzer(start(coder_version=generation), random.Random(seed), generation)
    statuses: Counter[int] = Counter()
    for _ in range(REQUESTS):
        operation, response = fuzzer.send()
        request = f"{operation.method} {response.request.url} {response.request.content!r}\n{response.text}"
        assert differences(generation, operation, response) == [], request
        assert response.status_code < 500 or not UNFORESEEN.search(response.json().get("detail", "")), request
        statuses[response.status_code] += 1
    assert statuses[200] > REQUESTS / 6, statuses


def differences(generation: str, operation: Operation, response: httpx.Response) -> list[str]:
    """Return in what an answer is not as documented; empty when it is."""
    if response.status_code in operation.refusals:
        return check_strictly(Plain(name="Error"), response.json(), generation)
    if response.status_code != operation.status:
        return [f"{response.status_code} is not documented"]
    if operation.answer is None:
        return [f"a body that is not documented: {response.text!r}"] if response.content else []
    if isinstance(operation.answer, str):
        return [] if response.headers["content-type"].startswith(operation.answer) else ["wrong content type"]
    return check_strictly(operation.answer, json.loads(response.text), generation)


@pytest.mark.parametrize(
    ("type_name", "value", "fault"),
    [
        ("Role", {"name": "x"}, "$.display_name: missing"),
        ("Role", {"name": "x", "display_name": "", "more": 1}, "$.more: not documented"),
        ("Role", {"name": 7, "display_name": ""}, "$.name: 7 is not a string"),
        ("MinimalUser", {"id": "x", "username": ""}, "$.id: 'x' is not a uuid"),
        ("MinimalUser", {"id": "0" * 8 + "-0000-4000-8000-" + "0" * 12, "username": "", "name": ""}, "$.name: there, "),
        ("Names", None, "$: None is not a list"),
        (
            "GroupAIBudget",
            {"created_at": "2026-01-05T09:00:00.500Z"},
            "$.created_at: '2026-01-05T09:00:00.500Z' is not",
        ),
        ("Budget", {"spend_limit_micros": True, "limit_source": "x"}, "$.spend_limit_micros: True is not a int"),
        ("Sessions", {"count": 0, "sessions": [{"network_calls": 0}]}, "$.sessions[0].network_calls: 0 is not an obj"),
    ],
)
def test_the_strict_client_is_strict(type_name: str, value: object, fault: str) -> None:
    faults = check_strictly(Plain(name=type_name), value, "2.37")  # type: ignore[arg-type]  # any JSON
    assert any(found.startswith(fault) for found in faults), faults


def test_a_field_belongs_to_its_generations() -> None:
    body = {"period_start": "2026-01-01T00:00:00Z", "period_end": "2026-02-01T00:00:00Z"}
    row = {"user_id": "0" * 8 + "-0000-4000-8000-" + "0" * 12, "effective_group_id": None, "group_budget": None}
    value = body | {"members": [row | {"group_spend_micros": 1}]}
    assert check_strictly(Plain(name="MembersSpend"), value, "2.36") == []  # type: ignore[arg-type]
    assert check_strictly(Plain(name="MembersSpend"), value, "2.37") == [  # type: ignore[arg-type]
        "$.members[0].effective_budget: missing"
    ]


def test_a_literal_segment_wins_over_a_parameter() -> None:
    operation = operation_of("2.37", "GET", "/users/first")
    assert operation is not None
    assert operation.path == "/users/first"
    assert operation_of("2.36", "GET", "/organizations/x/paginated-groups") is None
