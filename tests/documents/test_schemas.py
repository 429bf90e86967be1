"""The table of documents: each has a published schema that says what every key is and describes exactly its type."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest
from hypothesis import assume, given, settings
from jsonschema import Draft202012Validator

from reconciler.core.policy import Policy
from reconciler.core.snapshot import Snapshot
from reconciler.errors import PolicyError
from reconciler.formats.plan import dump_plan
from reconciler.resources import schema_text, shipped
from tests.documents.schemas import published
from tests.effects.worlds import World
from tests.property.strategies import plan_of, situations

PUBLISHED = published()


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_published_schema_is_what_the_values_say(name: str) -> None:
    file = shipped("schemas") / name
    text = json.dumps(PUBLISHED[name], indent=2, ensure_ascii=False) + "\n"
    if os.environ.get("UPDATE_GOLDEN"):
        file.write_text(text, encoding="utf-8")
    assert file.read_text(encoding="utf-8") == text, "run the tests once with UPDATE_GOLDEN=1"


def test_nothing_else_is_published() -> None:
    assert {file.name for file in shipped("schemas").iterdir()} == {*PUBLISHED, "policy.v1.schema.json"}


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_schema_is_valid_and_describes_every_key(name: str) -> None:
    schema = PUBLISHED[name]
    Draft202012Validator.check_schema(schema)
    for definition in (schema, *schema["$defs"].values()):
        assert definition["description"]
        assert all(key["description"] for key in definition.get("properties", {}).values())


@given(situations(unreadable=True))
@settings(max_examples=40)
def test_real_plans_fit(situation: tuple[World, Snapshot, tuple[Policy, ...]]) -> None:
    _, snapshot, policies = situation
    try:
        plan = plan_of(policies, snapshot)
    except PolicyError:
        assume(False)
    assert [error.message for error in _errors("plan", dump_plan(plan))] == []


@pytest.mark.parametrize(
    "change", [{"digest": "x"}, {"extra": 1}, {"version": 2}, {"unchanged": "1"}, {"at": 5}, {"actions": [{}]}]
)
def test_what_does_not_fit(change: dict[str, Any]) -> None:
    world = World({"acme": ["ana"]})
    document = json.loads(dump_plan(plan_of((), world.snapshot())))
    assert _errors("plan", json.dumps(document)) == []
    assert _errors("plan", json.dumps({**document, **change}))


def _errors(name: str, text: str) -> list[Any]:
    return list(Draft202012Validator(json.loads(schema_text(name))).iter_errors(json.loads(text)))
