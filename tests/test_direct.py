"""Without a network a sandbox gives the answers that it gives over one, and a network is used where it matters."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime

import httpx
import pytest

from reconciler.coder import http
from reconciler.coder.connection import Connection
from reconciler.sandbox import COST_CONTROL_EXPERIMENT, Fault, Options, Sandbox
from reconciler.sandbox.values import FaultKind
from tests.direct import DirectWire

_OF_ITS_OWN = {"content-length", "transfer-encoding", "x-coder-request-id"}
"""Headers that no two answers share, or that only a network needs."""

pytestmark = pytest.mark.today_only  # on other days all requests go over a network


@pytest.fixture(params=["2.35", "2.36", "2.37"])
def sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    with Sandbox(Options(coder_version=request.param, experiments=(COST_CONTROL_EXPERIMENT,))) as sandbox:
        yield sandbox


def connection_to(sandbox: Sandbox) -> Connection:
    return Connection(url=sandbox.url, token=sandbox.tokens["owner"])


@contextmanager
def wires_to(sandbox: Sandbox) -> Iterator[tuple[DirectWire, httpx.BaseTransport]]:
    """Open a wire without a network, and a real one."""
    direct = http.wire_factory(connection_to(sandbox))()
    assert isinstance(direct, DirectWire)
    with direct, httpx.HTTPTransport(trust_env=False) as real:
        yield direct, real


def ask(wire: httpx.BaseTransport, sandbox: Sandbox, method: str, path: str, body: object = None) -> httpx.Response:
    headers = {**http.headers_of(connection_to(sandbox)), "User-Agent": "a test"}
    response = wire.handle_request(httpx.Request(method, sandbox.url + path, headers=headers, json=body))
    response.read()
    return response


def test_answers_and_records_are_those_of_a_network(sandbox: Sandbox) -> None:
    ((group,),) = sandbox.execute("SELECT id FROM groups WHERE name = 'platform'")
    requests: list[tuple[str, str, object]] = [
        ("GET", "/api/v2/buildinfo", None),
        ("GET", "/api/v2/users?limit=3&offset=2&q=na%6De", None),
        ("GET", "/api/v2//organizations/acme/groups", None),
        ("GET", "/api/v2/organizations/a%2Fb/groups", None),
        ("HEAD", "/api/v2/buildinfo", None),
        ("PUT", f"/api/v2/groups/{group}/ai/budget", {"spend_limit_micros": 7}),
        ("GET", f"/api/v2/groups/{group}/ai/budget", None),
        ("DELETE", f"/api/v2/groups/{group}/ai/budget", None),
        ("PUT", f"/api/v2/groups/{group}/ai/budget", {"spend_limit_micros": "seven"}),
    ]
    with wires_to(sandbox) as wires:
        told, records = [], []
        for wire in wires:
            sandbox.set_now(datetime(2026, 7, 1, tzinfo=UTC))
            sandbox.execute("DELETE FROM group_ai_budgets")
            sandbox.forget_requests()
            answers = [ask(wire, sandbox, *request) for request in requests]
            told.append([(answer.status_code, _shared(answer), answer.content) for answer in answers])
            records.append(sandbox.requests)
    assert told[0] == told[1]
    assert records[0] == records[1]
    assert {status for status, _, _ in told[0]} >= {200, 204, 400, 404}


def _shared(answer: httpx.Response) -> list[tuple[str, str]]:
    return sorted(pair for pair in answer.headers.items() if pair[0] not in _OF_ITS_OWN)


@pytest.mark.parametrize("kind", ["reset", "lost", "truncate", "delay", "raw"])
def test_a_fault_of_the_connection_is_one(kind: FaultKind, sandbox: Sandbox) -> None:
    sandbox.fault(Fault(kind, path="/api/v2/users*"))
    with wires_to(sandbox) as (direct, _):
        ask(direct, sandbox, "GET", "/api/v2/buildinfo")
        is_wired = [direct.wire is not None]
        with pytest.raises(httpx.TransportError) if kind in ("reset", "lost", "truncate") else nullcontext():
            ask(direct, sandbox, "GET", "/api/v2/users")
        is_wired.append(direct.wire is not None)
    assert is_wired == [False, True]


def test_a_status_needs_no_connection(sandbox: Sandbox) -> None:
    sandbox.fault(Fault("status", status=503))
    with wires_to(sandbox) as (direct, _):
        assert ask(direct, sandbox, "GET", "/api/v2/users").status_code == 503
        assert direct.wire is None


def test_who_looks_at_wires_gets_real_ones(sandbox: Sandbox) -> None:
    wire = http.wire_factory(connection_to(sandbox), watch=lambda _: None)()
    assert not isinstance(wire, DirectWire)
    wire.close()


def test_a_sandbox_that_ended_is_gone(sandbox: Sandbox) -> None:
    with Sandbox(Options()) as ended:
        direct = http.wire_factory(connection_to(ended))()
    with direct, pytest.raises(httpx.ConnectError):
        ask(direct, ended, "GET", "/api/v2/users")
