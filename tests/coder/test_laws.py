"""Law 3, at its root: however a server leaves out, masks, repeats or shuffles rows, what is read is true or Unknown."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from functools import cache
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.coder.client import open_reader
from reconciler.coder.http import wire_factory
from reconciler.core.budget import ABSENT, Reading, Unknown
from reconciler.sandbox import COST_CONTROL_EXPERIMENT, Options, Sandbox
from tests.coder.helpers import StillWorld, connection_to
from tests.coder.test_reader import budgets_of, effective_of, overrides_of

NOT_FOUND = {"message": "Resource not found or you do not have access to this resource"}
VERSIONS = ["2.37", "2.36", "2.35"]


class Unreliable(httpx.BaseTransport):
    """Passes requests on, and changes answers in the ways that Coder's own rules allow them to change."""

    def __init__(self, inner: httpx.BaseTransport, seed: int, harm: float, hidden_but: str) -> None:
        self._inner, self._chance = inner, random.Random(seed)
        self._seed, self._harm, self._me = seed, harm, hidden_but

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = self._inner.handle_request(request)
        answer.read()
        path = request.url.path
        if path.endswith("/ai/spend") and answer.status_code == 200:
            return httpx.Response(200, json=self._harmed(json.loads(answer.content)))
        if self._me and "/users/" in path and "/me" not in path and self._is_hidden(path.split("/")[4]):
            return httpx.Response(404, json=NOT_FOUND)
        if self._me and path.endswith("/authcheck"):
            return httpx.Response(200, json={"users": False})
        return httpx.Response(answer.status_code, json=json.loads(answer.content or b"null"))

    def close(self) -> None:
        self._inner.close()

    def _is_hidden(self, user: str) -> bool:
        """Tell whether this token may not read somebody: the same for everything about them, and never ourselves."""
        return user != self._me and random.Random(f"{self._seed} {user}").random() < self._harm

    def _harmed(self, body: dict[str, Any]) -> dict[str, Any]:
        key = "members" if "members" in body else "groups"
        rows = []
        for row in body[key] or ():
            if self._chance.random() < self._harm:
                if key == "groups" or self._chance.random() < 0.5:
                    continue  # left out
                row = row | {"effective_group_id": None} | dict.fromkeys(row.keys() & {"effective_budget"})
            rows += [row] * self._chance.choice([1, 1, 2])
        self._chance.shuffle(rows)
        return body | {key: rows or None, "count": self._chance.randint(0, 99)}


@cache
def sandbox_of(version: str) -> Iterator[Sandbox]:
    """Keep one sandbox a version for all examples; it ends with the process."""
    sandbox = Sandbox(Options(coder_version=version, experiments=(COST_CONTROL_EXPERIMENT,)))
    sandbox.__enter__()
    return iter([sandbox] * 10_000)


def scramble(sandbox: Sandbox, seed: int) -> None:
    """Give people and groups other budgets."""
    chance = random.Random(seed)
    sandbox.execute("DELETE FROM user_ai_budget_overrides")
    sandbox.execute("DELETE FROM group_ai_budgets")
    at = "2026-08-01T00:00:00Z"
    for (group,) in sandbox.execute("SELECT id FROM groups ORDER BY id"):
        if chance.random() < 0.6:
            limit = chance.choice([0, 1, 50_000_000, 50_000_000, 10**12, 10**13])
            sandbox.execute("INSERT INTO group_ai_budgets VALUES (?, ?, ?, ?)", (group, limit, at, at))
    members = (
        "SELECT m.user_id, m.group_id FROM group_memberships m JOIN users u ON u.id = m.user_id WHERE NOT is_system"
    )
    for user, group in sandbox.execute(f"{members} ORDER BY m.user_id, m.group_id"):
        if chance.random() < 0.3:
            sandbox.execute(
                "INSERT OR IGNORE INTO user_ai_budget_overrides"
                " (user_id, group_id, spend_limit_micros, created_at, updated_at) VALUES (?, ?, ?, ?, ?)",
                (user, group, chance.choice([0, 7, 10**9]), at, at),
            )


@pytest.mark.parametrize("version", VERSIONS)
@settings(deadline=None, max_examples=8)
@given(seed=st.integers(0, 10**6), harm=st.sampled_from([0.0, 0.1, 0.5, 1.0]), hides=st.booleans(), ahead=st.booleans())
def test_what_is_read_is_true_or_unknown(version: str, seed: int, harm: float, hides: bool, ahead: bool) -> None:
    sandbox = next(sandbox_of(version))
    scramble(sandbox, seed)
    connection = connection_to(sandbox)
    ((me,),) = sandbox.execute("SELECT id FROM users WHERE username = 'ci-budgets'")
    make = wire_factory(connection)

    def unreliable() -> httpx.BaseTransport:
        return Unreliable(make(), seed, harm, me if hides else "")

    with open_reader(connection, world=StillWorld().world(), make_wire=unreliable) as reader:
        directory = reader.directory(people_of=lambda _: ahead)
        groups = reader.group_budgets(list(directory.groups.values()))
        found = reader.people(sorted(directory.users.values()), directory)
    there = overrides_of(sandbox)
    truth: dict[str, Reading] = {str(group): reading for group, reading in budgets_of(sandbox).items()}
    truth |= {str(user): there.get(user, ABSENT) for user in directory.users}
    read: dict[str, Reading] = {str(id_): reading for id_, reading in [*groups.items(), *found.overrides.items()]}
    assert set(read) == set(truth)
    unknown = {id_ for id_, reading in read.items() if isinstance(reading, Unknown)}
    assert {id_: reading for id_, reading in read.items() if id_ not in unknown} == {
        id_: reading for id_, reading in truth.items() if id_ not in unknown
    }
    assert not unknown or hides
    effective = effective_of(sandbox)
    assert all(effective[user] == one for user, one in found.reported.items())
    assert harm or not hides or len(found.reported) == (len(directory.users) if version != "2.35" else 0)
