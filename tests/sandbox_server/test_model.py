"""Laws: membership, cascade, role and effective-limit rules of the sandbox are those of a plain-Python model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.sandbox import Options, Sandbox
from tests.sandbox_server.callers import World, new_client
from tests.sandbox_server.model import Model

SEED = str(Path(__file__).with_name("model.yaml"))
USERS = ("ana", "bob", "cleo", "dan")
GROUPS = ("acme/Everyone", "acme/platform", "acme/eng", "acme/design", "labs/Everyone", "labs/ml", "labs/robotics")
ROLES = ("owner", "user-admin", "organization-admin", "organization-user-admin", "auditor", "member")
STATE = """
    SELECT 'budget', NULL, group_id, spend_limit_micros FROM group_ai_budgets
    UNION ALL SELECT 'override', user_id, group_id, spend_limit_micros FROM user_ai_budget_overrides
    UNION ALL SELECT 'inside', user_id, group_id, NULL FROM group_members
"""
KINDS = (
    "put_budget", "delete_budget", "put_override", "delete_override", "join_group", "leave_group",
    "join_organization", "leave_organization", "delete_group", "delete_user",
)  # fmt: skip

# Skewed on purpose: ties, lost memberships and lost rights are rare among evenly drawn steps. A name that stands here
# several times is drawn as often, with a number and no more.
roles = st.sampled_from((*ROLES, *6 * ("owner", "user-admin")))
limits = st.sampled_from((*12 * (5,), 0, 5, 7, 10**12, 10**12 + 1, -1))
users = st.sampled_from((*USERS, *2 * ("ana", "bob")))
groups = st.sampled_from((*3 * GROUPS, *7 * GROUPS[:3]))
organizations = st.sampled_from(("acme", "labs"))
arguments: dict[str, tuple[st.SearchStrategy[Any], ...]] = {
    "put_budget": (groups, limits),
    "delete_budget": (groups,),
    "put_override": (users, groups, limits),
    "delete_override": (users,),
    "join_group": (users, groups),
    "leave_group": (users, groups),
    "join_organization": (users, organizations),
    "leave_organization": (users, organizations),
    "delete_group": (groups,),
    "delete_user": (users,),
}
common = ("put_budget", "put_budget", "put_override", "put_override", "leave_group", "join_group")
kinds = st.sampled_from((*3 * KINDS, *10 * common))


@st.composite
def steps(draw: st.DrawFn) -> tuple[Any, ...]:
    kind = draw(kinds)
    return (kind, draw(roles), *map(draw, arguments[kind]))


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with new_client() as client:
        yield client


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(story=st.lists(steps(), min_size=20, max_size=60))
def test_the_sandbox_agrees_with_the_model(client: httpx.Client, story: list[tuple[Any, ...]]) -> None:
    with Sandbox(Options(seed=SEED)) as sandbox:
        client.base_url = sandbox.url
        world = World(sandbox, client)
        model, ids = model_of(world)
        for kind, role, *given_arguments in story:
            expected = getattr(model, kind)(role, *given_arguments)
            response = act(world, ids, kind, role, *given_arguments)
            assert expected == response.status_code, (kind, role, given_arguments, response.text)
            assert state_of(model, ids) == state_in(world), (kind, role, given_arguments)


def model_of(world: World) -> tuple[Model, dict[str, str]]:
    """Return the model of the seed, and the ids behind its names."""
    ids = {name: world.user(name) for name in USERS}
    ids |= {group: world.group(group) for group in GROUPS}
    people = {name: number for number, name in enumerate(("ana", "bob"))}
    model = Model(
        members={"acme": people, "labs": {"bob": 10, "cleo": 11}},
        inside={
            "acme/platform": {"ana"},
            "acme/eng": {"ana", "bob"},
            "acme/design": set(),
            "labs/ml": {"cleo"},
            "labs/robotics": set(),
        },
        ids=ids,
        everybody=set(USERS),
    )
    return model, ids


def act(world: World, ids: dict[str, str], kind: str, role: str, *given_arguments: Any) -> httpx.Response:
    """Do over HTTP what the model did."""
    names = [ids.get(a, a) for a in given_arguments]
    match kind:
        case "put_budget":
            return world.put(f"/groups/{names[0]}/ai/budget", {"spend_limit_micros": names[1]}, role=role)
        case "delete_budget":
            return world.call("DELETE", f"/groups/{names[0]}/ai/budget", role=role)
        case "put_override":
            body = {"group_id": names[1], "spend_limit_micros": names[2]}
            return world.put(f"/users/{names[0]}/ai/budget/override", body, role=role)
        case "delete_override":
            return world.call("DELETE", f"/users/{names[0]}/ai/budget/override", role=role)
        case "join_group" | "leave_group":
            key = "add_users" if kind == "join_group" else "remove_users"
            return world.call("PATCH", f"/groups/{names[1]}", role=role, json={key: [names[0]]})
        case "join_organization" | "leave_organization":
            method = "POST" if kind == "join_organization" else "DELETE"
            return world.call(method, f"/organizations/{names[1]}/members/{names[0]}", role=role)
        case "delete_group":
            return world.call("DELETE", f"/groups/{names[0]}", role=role)
        case _:
            return world.call("DELETE", f"/users/{names[0]}", role=role)


def state_of(model: Model, ids: dict[str, str]) -> dict[str, Any]:
    """Return the model's state in ids."""
    effective = {ids[user]: model.effective(user) for user in model.everybody}
    return {
        "budgets": {ids[group]: limit for group, limit in model.budgets.items()},
        "overrides": {ids[user]: (ids[group], limit) for user, (group, limit) in model.overrides.items()},
        "inside": {(ids[user], ids[group]) for group, users in model.inside.items() for user in users},
        "effective": {
            user: (limit, source, ids[group] if group else None) for user, (limit, source, group) in effective.items()
        },
    }


def state_in(world: World) -> dict[str, Any]:
    """Return the sandbox's state, about the people of the model."""
    rows = world.sandbox.execute(STATE)
    return {
        "budgets": {group: limit for kind, _, group, limit in rows if kind == "budget"},
        "overrides": {user: (group, limit) for kind, user, group, limit in rows if kind == "override"},
        "inside": {(user, group) for kind, user, group, _ in rows if kind == "inside"},
        "effective": {
            user: (limit, source, group)
            for user, username, limit, source, group in world.sandbox.effective()
            if username in USERS
        },
    }
