"""Every contract example is served: the sandbox answers as the collected facts say Coder does."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from reconciler.sandbox import Options, Sandbox
from tests.contract import cases, check_answer, placeholders, substitute, world_path
from tests.contract.sdk import check_strictly, operation_of
from tests.sandbox_server.callers import new_client
from tests.together import check_all

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.contract import Example, JsonValue, Request

EXPIRED_KEY = (
    "INSERT INTO api_keys (id, secret, user_id, token_name, expires_at, created_at) "
    "SELECT 'expired000', secret, user_id, 'expired', created_at, created_at FROM api_keys LIMIT 1"
)


class Servers:
    """Serve each kind of example by a sandbox that goes on to the next of that kind until an example changes its rows.

    What the placeholders of a world stand for is asked once, because a seed gives its ids and tokens again.
    """

    def __init__(self) -> None:
        self._running: dict[Options, tuple[Sandbox, int]] = {}
        """A sandbox, and how many rows had been changed in it when it was as its seed says."""
        self._ids: dict[Options, Mapping[str, str]] = {}

    @contextmanager
    def serve(self, generation: str, example: Example) -> Iterator[tuple[Sandbox, dict[str, str]]]:
        """Give a sandbox in the example's world, and what its placeholders stand for."""
        options = Options(
            coder_version=generation, seed=str(world_path(example.world)), **_server_options(example.options)
        )
        if options not in self._running:
            self._running[options] = self._start(options)
        sandbox, changes = self._running[options]
        try:
            yield sandbox, dict(self._ids[options])
        finally:
            if "rate_limit" in example.options or (_may_write(example) and _changes(sandbox) != changes):
                self._running.pop(options)
                sandbox.__exit__()

    def _start(self, options: Options) -> tuple[Sandbox, int]:
        sandbox = Sandbox(options)
        sandbox.__enter__()
        sandbox.execute(EXPIRED_KEY)
        if options not in self._ids:
            self._ids[options] = known_ids(sandbox)
        return sandbox, _changes(sandbox)

    def close(self) -> None:
        """Stop the sandboxes that are left."""
        for sandbox, _ in self._running.values():
            sandbox.__exit__()


def _may_write(example: Example) -> bool:
    return any(call.method != "GET" for call in (*example.given, example.request))


def _changes(sandbox: Sandbox) -> int:
    return int(sandbox.execute("SELECT total_changes()")[0][0])


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    servers = Servers()
    yield servers
    servers.close()


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with new_client() as client:
        yield client


def by_generation_and_topic() -> dict[str, dict[str, tuple[str, Example]]]:
    """Return what the sandbox has to serve by name, those first that change nothing."""
    parts: dict[str, dict[str, tuple[str, Example]]] = {}
    for generation, example in sorted(cases(), key=lambda case: _may_write(case[1])):
        if example.serve:
            parts.setdefault(f"{generation}-{example.topic}", {})[example.name] = generation, example
    return parts


@pytest.mark.parametrize("part", by_generation_and_topic().values(), ids=by_generation_and_topic())
def test_each_example_is_served(
    servers: Servers, client: httpx.Client, part: Mapping[str, tuple[str, Example]]
) -> None:
    def check(case: tuple[str, Example]) -> None:
        with servers.serve(*case) as (sandbox, ids):
            check_example(sandbox, client, ids, *case)

    check_all(check, part)


def check_example(
    sandbox: Sandbox, client: httpx.Client, ids: dict[str, str], generation: str, example: Example
) -> None:
    """Require the answer of an example."""
    for call in example.given:
        response = send(client, sandbox, call, ids)
        assert response.is_success, (call.method, call.path, response.text)
        ids |= {name: response.json()[key] for name, key in call.save.items()}
    assert placeholders(example) <= ids.keys()
    response = send(client, sandbox, example.request, ids)
    differences = check_answer(
        example.answer, ids=ids, status=response.status_code, headers=response.headers, body=body_of(response)
    )
    differences += strict_differences(generation, example, response)
    assert differences == [], f"{example.source} {example.note}\n{response.text}"


def strict_differences(generation: str, example: Example, response: httpx.Response) -> list[str]:
    """Return what a strict client misses in a successful answer in JSON."""
    path = response.request.url.path.removeprefix("/api/v2").rstrip("/")
    method = example.request.method
    operation = operation_of(generation, method, path) or operation_of(  # a route that can stand at either prefix
        generation, method, path.removeprefix("/api/experimental")
    )
    if operation is None or response.status_code != operation.status or operation.answer in (None, "text/csv"):
        return []
    return check_strictly(operation.answer, json.loads(response.text), generation)  # type: ignore[arg-type]


def known_ids(sandbox: Sandbox) -> dict[str, str]:
    """Return what the placeholders of the world stand for."""
    ids = {f"token:{role}": token for role, token in sandbox.tokens.items()}
    ids["token:expired"] = "expired000-" + sandbox.tokens["owner"].partition("-")[2]
    ids |= {f"user:{name}": id_ for name, id_ in sandbox.execute("SELECT username, id FROM users")}
    ids |= {f"organization:{name}": id_ for name, id_ in sandbox.execute("SELECT name, id FROM organizations")}
    groups = "SELECT o.name || '/' || g.name, g.id FROM groups g JOIN organizations o ON o.id = g.organization_id"
    return ids | {f"group:{name}": id_ for name, id_ in sandbox.execute(groups)}


def send(client: httpx.Client, sandbox: Sandbox, call: Request, ids: dict[str, str]) -> httpx.Response:
    """Send a call of an example."""
    headers = {name: str(substitute(value, ids)) for name, value in call.headers.items()}
    if call.role != "nobody":
        headers["Coder-Session-Token"] = ids[f"token:{call.role}"]
    content = None if call.content is None else str(substitute(call.content, ids)).encode()
    return client.request(call.method, sandbox.url + str(substitute(call.path, ids)), headers=headers, content=content)


def body_of(response: httpx.Response) -> JsonValue:
    """Return the decoded JSON, or the text of anything else."""
    if not response.headers.get("content-type", "").startswith("application/json"):
        return response.text
    value: JsonValue = json.loads(response.text)
    return value


def _server_options(options: Any) -> dict[str, Any]:
    known = dict(options)
    for key in ("unlicensed", "switched_off", "licence_warnings", "experiments"):
        if key in known:
            known[key] = tuple(known[key])
    return {"rate_limit": 512} | known
