"""The published schema of saved plans: real plans fit it, and it names exactly the fields of the dataclasses."""

from __future__ import annotations

import dataclasses
import inspect
import json
import types
from collections.abc import Iterator, Mapping
from datetime import datetime
from enum import Enum
from typing import Any, NewType, Union, get_args, get_origin, get_type_hints

import pytest
from hypothesis import assume, given, settings
from jsonschema import Draft202012Validator

from reconciler.core.plan.plan import Plan
from reconciler.core.policy import Policy
from reconciler.core.snapshot import Snapshot
from reconciler.errors import PolicyError
from reconciler.formats.codec import EXTRAS, _tag
from reconciler.formats.plan import NAME, VERSION, dump_plan
from reconciler.resources import schema_text
from tests.effects.worlds import World
from tests.property.strategies import plan_of, situations

SCHEMA = json.loads(schema_text("plan"))
VALIDATOR = Draft202012Validator(SCHEMA)


def resolve(schema: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in schema:
        return schema
    found: dict[str, Any] = SCHEMA["$defs"][schema["$ref"].removeprefix("#/$defs/")]
    return found


def disagreements(hint: Any, schema: dict[str, Any], path: str, *, tagged: bool = False) -> Iterator[str]:
    """Walk a type and its schema side by side; yield where they differ."""
    schema, origin, arguments = resolve(schema), get_origin(hint), get_args(hint)
    if isinstance(hint, NewType):
        yield from disagreements(hint.__supertype__, schema, path)
    elif origin in (Union, types.UnionType):
        yield from _union(arguments, schema, path)
    elif origin is tuple:
        yield from () if schema["type"] == "array" else (path,)
        yield from disagreements(arguments[0], schema["items"], f"{path}[]")
    elif origin is not None and issubclass(origin, Mapping):
        yield from () if schema["type"] == "object" else (path,)
        yield from disagreements(arguments[1], schema["additionalProperties"], f"{path}.*")
    elif dataclasses.is_dataclass(hint):
        yield from _object(hint, schema, path, tagged=tagged)
    elif issubclass(hint, Enum):
        yield from () if schema["enum"] == [one.value for one in hint] else (path,)
    else:
        names: dict[type, str] = {int: "integer", str: "string", bool: "boolean", datetime: "string"}
        yield from () if schema.get("type") == names[hint] else (path,)
        yield from () if (schema.get("format") == "date-time") == (hint is datetime) else (path,)


def _union(members: tuple[Any, ...], schema: dict[str, Any], path: str) -> Iterator[str]:
    options = schema["oneOf"]
    if len(options) != len(members):
        yield f"{path}: {len(options)} alternatives, and the type has {len(members)}"
        return
    tagged = sum(member is not types.NoneType for member in members) > 1
    for member, option in zip(members, options, strict=True):
        if member is types.NoneType:
            yield from () if option == {"type": "null"} else (path,)
        else:
            yield from disagreements(member, option, path, tagged=tagged)


def _object(cls: Any, schema: dict[str, Any], path: str, *, tagged: bool) -> Iterator[str]:
    hints = get_type_hints(cls)
    wanted = {name: _returned(cls, name) for name in EXTRAS.get(cls, ())}
    wanted |= {field.name: hints[field.name] for field in dataclasses.fields(cls)}
    found = dict(schema["properties"])
    for name in ("format", "version", "checksum") if cls is Plan else ():
        found.pop(name)
    if tagged and found.pop("type", {}).get("const") != _tag(cls):
        yield f"{path}.type"
    if list(found) != list(wanted):
        yield f"{path}: {sorted(set(found) ^ set(wanted)) or 'another order'}"
    if set(schema["required"]) != set(schema["properties"]) or schema["additionalProperties"] is not False:
        yield f"{path}: every key is required, and no other is allowed"
    for name in found.keys() & wanted.keys():
        yield from disagreements(wanted[name], found[name], f"{path}.{name}")


def _returned(cls: Any, name: str) -> Any:
    return get_type_hints(inspect.getattr_static(cls, name).fget)["return"]


def test_the_schema_and_the_dataclasses_are_one() -> None:
    assert list(disagreements(Plan, SCHEMA, "plan")) == []
    assert (SCHEMA["properties"]["format"]["const"], SCHEMA["properties"]["version"]["const"]) == (NAME, VERSION)


def test_the_schema_is_one_and_says_what_every_key_is() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert SCHEMA["$id"] == "urn:reconciler:schema:plan:v1"
    for where in (SCHEMA, *SCHEMA["$defs"].values()):
        assert where["description"]
        assert all(one["description"] for one in where.get("properties", {}).values())
    used = {word for word in schema_text("plan").split('"') if word.startswith("#/$defs/")}
    assert used == {f"#/$defs/{name}" for name in SCHEMA["$defs"]}


@given(situations(unreadable=True))
@settings(max_examples=40)
def test_real_plans_fit(situation: tuple[World, Snapshot, tuple[Policy, ...]]) -> None:
    _, snapshot, policies = situation
    try:
        plan = plan_of(policies, snapshot)
    except PolicyError:
        assume(False)
    assert [error.message for error in VALIDATOR.iter_errors(json.loads(dump_plan(plan)))] == []


@pytest.mark.parametrize(
    "change", [{"digest": "x"}, {"extra": 1}, {"version": 2}, {"unchanged": -1}, {"at": "today"}, {"actions": [{}]}]
)
def test_what_does_not_fit(change: dict[str, Any]) -> None:
    world = World({"acme": ["ana"]})
    document = json.loads(dump_plan(plan_of((), world.snapshot())))
    assert VALIDATOR.is_valid(document)
    assert not VALIDATOR.is_valid({**document, **change})
