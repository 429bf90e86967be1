"""A plan for a million people, without a sandbox: the server is a function in this process, and time is virtual.

It answers what Coder 2.37 would, a list of groups of half a gigabyte included, and its limiter allows 512 requests a
minute and path. What is real is the client: every byte is read, every row is checked, and the plan is made.

    python -m tests.bench.million [PEOPLE]        prints CPU seconds, MB, requests, minutes of waiting
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import parse_qs

import httpx

from reconciler.coder.client import open_reader
from reconciler.coder.connection import Connection
from reconciler.core.moment import present
from reconciler.operations.plan import PlanRequest, make_plan
from reconciler.policy_file.load import read_texts
from reconciler.policy_file.nodes import PolicyText
from tests.coder.helpers import StillWorld
from tests.effects.worlds import NOW

A_MINUTE = 512
"""Requests that Coder's limiter allows on a path."""
IN_A_GROUP = 100
ACME = "00000000-0000-4000-8000-000000000000"
PERIOD = {"period_start": "2026-11-01T00:00:00Z", "period_end": "2026-12-01T00:00:00Z"}
ME = {"id": f"{1:08x}-0000-4000-a000-000000000000", "username": "ci", "email": "ci@acme.example", "status": "active",
      "organization_ids": [ACME], "roles": [{"name": "user-admin", "display_name": ""}]}  # fmt: skip
FIRST = {
    "/api/v2/buildinfo": {"version": "v2.37.1", "external_url": "https://github.com/coder/coder", "deployment_id": "d"},
    "/api/v2/users/me": ME,
    "/api/v2/entitlements": {"features": {}, "warnings": []},
    "/api/v2/organizations": [{"id": ACME, "name": "acme", "is_default": True}],
}
NOT_FOUND = {"message": "Resource not found or you do not have access to this resource"}


@dataclass
class Coder(httpx.BaseTransport):
    """A million people, each in Everyone and in one group of IN_A_GROUP; every twentieth has an override."""

    people: int
    world: StillWorld
    asked: Counter[tuple[str, int]] = field(default_factory=Counter)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a GET, or 429 where the limiter says so."""
        path = request.url.path
        minute = (path, int(self.world.now_s // 60))
        self.asked[minute] += 1
        if self.asked[minute] > A_MINUTE:
            return httpx.Response(429, json={"message": "slow"}, headers={"Retry-After": "60"})
        if path in FIRST:
            return httpx.Response(200, json=FIRST[path])
        query = parse_qs(request.url.query.decode())
        if path.endswith("/groups"):
            return httpx.Response(200, headers={"content-type": "application/json"}, stream=_Stream(self._groups()))
        if path.endswith("/groups/ai/spend"):
            rows = [{"group_id": id_, "spend_limit_micros": 200_000_000} for id_ in query["group_ids"][0].split(",")]
            return httpx.Response(200, json={**PERIOD, "groups": rows})
        if path.endswith("/members/ai/spend"):
            return httpx.Response(200, json={**PERIOD, "members": list(map(_row, query["user_ids"][0].split(",")))})
        return httpx.Response(404, json=NOT_FOUND)

    def _groups(self) -> Iterator[bytes]:
        yield b"[" + self._group(ACME, "Everyone", range(self.people))
        for number in range(self.people // IN_A_GROUP):
            first = number * IN_A_GROUP
            yield b"," + self._group(_group_id(number), f"group{number:05}", range(first, first + IN_A_GROUP))
        yield b"]"

    def _group(self, id_: str, name: str, people: range) -> bytes:
        members = ",".join(_MEMBER % (number, number, number, number) for number in people)
        head = json.dumps({"id": id_, "name": name, "organization_id": ACME, "total_member_count": len(people)})
        return f'{head[:-1]},"members":[{members}]}}'.encode()


_MEMBER = (
    '{"id":"%08x-0000-4000-a000-000000000000","username":"person%07d","name":"Person %d",'
    '"email":"person%d@acme.example",'
    '"created_at":"2026-01-05T09:00:00Z","updated_at":"2026-01-05T09:00:00Z","last_seen_at":"0001-01-01T00:00:00Z",'
    '"status":"active","login_type":"oidc"}'
)


class _Stream(httpx.SyncByteStream):
    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            for start in range(0, len(piece), 1 << 16):
                yield piece[start : start + (1 << 16)]


def _group_id(number: int) -> str:
    return f"{number:08x}-0000-4000-9000-000000000000"


def _row(user: str) -> dict[str, object]:
    number = int(user[:8], 16)
    source, limit = ("user_override", 500_000_000) if number % 20 == 0 else ("group", 200_000_000)
    budget = {"spend_limit_micros": limit, "limit_source": source}
    group = _group_id(number // IN_A_GROUP)
    return {"user_id": user, "effective_group_id": group, "effective_budget": budget, "group_budget": None,
            "group_spend_micros": 0}  # fmt: skip


def policy(people: int) -> str:
    """Return what is live, but for one override of $501."""
    lines = ["version: 1", "organization: acme", "manage: {group_budgets: exact, user_overrides: exact}"]
    groups = ["Everyone", *(f"group{number:05}" for number in range(people // IN_A_GROUP))]
    lines += ["group_budgets:", *(f"  - {{group: {group}, limit: $200}}" for group in groups), "user_overrides:"]
    for number in range(0, people, 20):
        limit = 501 if number == 0 else 500
        lines.append(f"  - {{user: person{number:07}, group: group{number // IN_A_GROUP:05}, limit: ${limit}}}")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Make the plan and say what it took."""
    people = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    policies = read_texts([PolicyText("p.yaml", policy(people).encode())]).policies
    world = StillWorld()
    coder = Coder(people=people, world=world)
    connection = Connection(url="https://coder.invalid", token="t", parallelism=1, wait_budget_s=86_400.0)
    began = time.process_time()
    with open_reader(connection, world=world.world(), make_wire=lambda: coder) as reader:
        plan = make_plan(PlanRequest(policies=policies, sources=(), moment=present(NOW)), reader).plan
        requests = reader.requests
    assert [action.address for action in plan.actions] == ["user/person0000000"], plan.actions[:3]
    cpu_s, peak_mb = time.process_time() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    waited = sum(world.slept) / 60
    print(f"{people:,} people: {cpu_s:.0f} s CPU, {peak_mb:,.0f} MB, {requests:,} requests, {waited:.0f} min waiting")


if __name__ == "__main__":
    main()
