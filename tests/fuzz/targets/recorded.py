"""What a small Coder answers to a plan, a status and an explanation, recorded once from the sandbox, and played back.

Time stands still, and one request is under way at a time, so that a run depends on its answers alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any
from unittest.mock import patch

import httpx

from reconciler.coder import pool
from reconciler.coder.client import open_reader
from reconciler.coder.connection import Connection
from reconciler.coder.http import wire_factory
from reconciler.core.moment import present
from reconciler.core.plan.drift import Drift
from reconciler.core.policy import Policy
from reconciler.formats.documents import Value
from reconciler.operations.explain import find_explanation
from reconciler.operations.plan import PlanRequest, make_plan
from reconciler.operations.snapshot import record
from reconciler.operations.status import find_status
from reconciler.policy_file.load import read_texts
from reconciler.policy_file.nodes import PolicyText
from reconciler.sandbox import COST_CONTROL_EXPERIMENT, Options, Sandbox
from tests.coder.helpers import StillWorld

COMPANY = "8-users,3-groups"
AT = datetime(2026, 11, 25, 12, tzinfo=UTC)
TOKEN = "fuzzing-9f8e7d6c5b"  # no secret: it must not be in any result
POLICY = b"""
version: 1
organization: acme
manage: {group_budgets: exact, user_overrides: exact}
group_budgets:
  - {group: platform, limit: $90}
  - {group: data, limit: none}
user_overrides:
  - {user: member, group: platform, limit: $150, reason: a launch}
  - {user: gone, group: platform, limit: $20, expires: 2026-12-24}
allow:
  - {hazard: REMOVES_LIMIT, up_to: 50, reason: a test}
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Recorded:
    """One answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes


Answers = Mapping[str, Recorded]
"""By method and target: `GET /api/v2/groups?limit=0`."""


def run(connection: Connection, make_wire: Callable[[], httpx.BaseTransport]) -> tuple[Value, ...]:
    """Plan with authors, explain and look at everybody. Raises ReconcilerError."""
    with _without_threads(), open_reader(connection, world=StillWorld().world(), make_wire=make_wire) as reader:
        request = PlanRequest(policies=policies(), sources=(), moment=present(AT), asks_log=True)
        planned = make_plan(request, reader)
        explanation = find_explanation("member", reader, policies(), at=AT)
        status = find_status((), reader, policies(), at=AT)
        recording = record(reader, at=AT)
    return planned.plan, Drift(plan=planned.plan, last_changes=planned.attribution), explanation, status, recording


def _without_threads() -> Any:
    """One request after another, in this thread: a fuzzer has no time to wait for a scheduler."""
    return patch.object(pool._Batch, "run", lambda batch: [batch._work(index) for index in range(batch._count)])


def connection(url: str, token: str = TOKEN) -> Connection:
    return Connection(url=url, token=token, parallelism=1)


@cache
def policies() -> tuple[Policy, ...]:
    return read_texts([PolicyText("p.yaml", POLICY)]).policies


@cache
def recorded(version: str) -> tuple[Answers, tuple[Value, ...]]:
    """Return what a sandbox of a version answered, and what came of it."""
    answers: dict[str, Recorded] = {}
    options = Options(coder_version=version, seed=COMPANY, experiments=(COST_CONTROL_EXPERIMENT,))
    with Sandbox(options) as sandbox:
        asking = connection(sandbox.url, sandbox.tokens["user-admin"])
        make = wire_factory(asking)

        return answers, run(asking, lambda: _Recorder(make(), answers))


def results() -> tuple[Value, ...]:
    """Return a plan, a drift, an explanation, a status and a recording of the newest version."""
    return recorded("2.37")[1]


class _Recorder(httpx.BaseTransport):
    def __init__(self, inner: httpx.BaseTransport, answers: dict[str, Recorded]) -> None:
        self._inner, self._answers = inner, answers

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = self._inner.handle_request(request)
        body = answer.read()
        kept = ("content-type", "x-coder-build-version")
        headers = {key: value for key, value in answer.headers.items() if key in kept}
        self._answers[key_of(request)] = Recorded(status=answer.status_code, headers=headers, body=body)
        return httpx.Response(answer.status_code, headers=headers, content=body)

    def close(self) -> None:
        self._inner.close()


def key_of(request: httpx.Request) -> str:
    """Name a request in the recording."""
    return f"{request.method} {request.url.raw_path.decode()}"
