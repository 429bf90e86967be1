"""The two ways to decide agree: what parse accepts is what the published schema accepts, but for four known rules.

The schema cannot say that a tier exists, that a day is in the calendar, that an override starts before it expires, and
that nobody is listed twice. It is asked about what an editor sees, but for numbers that JSON cannot write (017, 1e3).
"""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from reconciler.core.gate.hazards import HAZARDS
from reconciler.core.policy import GuardrailName, Manage
from reconciler.policy_file import check, shapes, values
from reconciler.policy_file.check import Validator, explain, instance, schema
from reconciler.policy_file.nodes import START, Mapping, Node, PolicyText, Sequence
from reconciler.policy_file.shapes import Shape
from reconciler.resources import schema_text
from tests.policy_file.policies import SCALARS, documents, scalar_of, scalars

LISTS = {**shapes.ENTRIES, "allow": shapes.CONSENT}
BLOCKS = {"manage": shapes.MANAGE, "tiers": shapes.TIERS, "guardrails": shapes.GUARDRAILS}
BEYOND_THE_SCHEMA = re.compile(r"there is no (tier|such day as)")


def node_of(drawn: Any) -> Node:
    """Make nodes of nested dictionaries, lists and (text, style)."""
    if isinstance(drawn, dict):
        return Mapping({key: (START, node_of(value)) for key, value in drawn.items()}, START)
    if isinstance(drawn, list):
        return Sequence([node_of(item) for item in drawn], START)
    text, style = drawn
    return scalar_of(text, style)


def shaped(root: Mapping) -> list[tuple[Shape, Node]]:
    """Pair every mapping of a document with the shape that it must have."""
    found: list[tuple[Shape, Node]] = [(shapes.DOCUMENT, root)]
    for key, (_, value) in root.pairs.items():
        if key in BLOCKS:
            found.append((BLOCKS[key], value))
        elif key in LISTS and isinstance(value, Sequence):
            found += [(LISTS[key], item) for item in value.items]
    return found


def is_beyond_the_schema(shape: Shape, node: Node) -> bool:
    wrong = shape.read_each(node)[1]
    return bool(wrong) and all(BEYOND_THE_SCHEMA.match(str(problem)) for problem in wrong.values())


@settings(max_examples=300)
@given(documents)
def test_parse_accepts_what_the_schema_accepts(drawn: dict[str, Any]) -> None:
    root = node_of(drawn)
    assert isinstance(root, Mapping)
    refused = [(shape, node) for shape, node in shaped(root) if shape.read(node) is None]
    is_valid = Validator(schema()).is_valid(instance(root))
    if is_valid:
        assert all(is_beyond_the_schema(shape, node) for shape, node in refused), refused
    else:
        assert refused
        assume(not all(is_beyond_the_schema(shape, node) for shape, node in refused))
        for shape, node in refused:
            assert explain(PolicyText("x", b""), shape, node, shape.read_each(node)[1])


@pytest.mark.parametrize("shape", [*LISTS.values(), *BLOCKS.values()], ids=lambda shape: shape.name)
@settings(max_examples=60)
@given(data=st.data())
def test_each_value_is_decided_alike(shape: Shape, data: st.DataObject) -> None:
    definition = schema()["$defs"][shape.name]
    key = data.draw(st.sampled_from(sorted(definition.get("properties", {"standard": None}))))
    text, style = data.draw(scalars)
    scalar = scalar_of(text, style)
    rule = definition.get("properties", {}).get(key, definition.get("additionalProperties"))
    is_valid = Validator({**rule, "$defs": schema()["$defs"]}).is_valid(values.to_json(scalar))
    wrong = shape.read_each(Mapping({key: (START, scalar)}, START))[1]
    assert is_valid == all(BEYOND_THE_SCHEMA.match(str(problem)) for problem in wrong.values())


def test_keys_and_the_kinds_of_their_values_are_the_same() -> None:
    for shape in (shapes.DOCUMENT, *LISTS.values(), *BLOCKS.values()):
        definition = schema()["$defs"][shape.name] if shape.name else schema()
        if shape is not shapes.TIERS:
            references = {key: described["$ref"] for key, described in definition["properties"].items()}
            assert references == {key: f"#/$defs/{kind.definition}" for key, kind in shape.kinds.items()}
            assert [*references] == [*shape.kinds]
        assert shape.required == frozenset(definition.get("required", ()))


def test_words_are_the_same() -> None:
    definitions = schema()["$defs"]
    assert [*Manage] == definitions["managed"]["enum"]
    assert definitions["managed"]["default"] == Manage.LISTED
    rows = [row for row in HAZARDS.values() if row.hazard.is_for_policies]
    assert [row.hazard for row in rows] == definitions["hazard"]["enum"]
    assert [row.about for row in rows] == definitions["hazard"]["enumDescriptions"]
    named = " ".join(f"{row.hazard}: {row.about[0].lower()}{row.about[1:]}" for row in rows)
    key = definitions["consent"]["properties"]["hazard"]["description"]
    assert key == f"The hazard that plans may have. {named}"
    assert [*GuardrailName] == [*definitions["guardrails"]["properties"]]


def test_usual_texts_need_no_second_look() -> None:
    for text in SCALARS.split(" "):
        scalar = scalar_of(text, "")
        if values._is_usual(text):
            assert values.is_text(text)
            assert text == values.name(scalar) == values.reason(scalar)


def test_a_refused_entry_never_vanishes(monkeypatch: pytest.MonkeyPatch) -> None:
    """If the two ever disagreed, the entry would still be a finding, and not a removal of a live budget."""
    monkeypatch.setattr(check, "_validator", lambda _: Validator({}))
    findings = explain(PolicyText("x", b"a"), shapes.MANAGE, node_of({"group_budget": ("exact", "")}), {})
    assert [finding.message for finding in findings] == ["this is not a mapping with group_budgets and user_overrides"]


def test_every_key_has_a_description_and_the_schema_is_one() -> None:
    Validator.check_schema(schema())
    assert schema_text("policy").endswith("}\n")
    for definition in (schema(), *schema()["$defs"].values()):
        assert definition["description"]
        assert definition["title"]
        for key, described in definition.get("properties", {}).items():
            assert described["description"], key


def test_an_editor_has_a_sentence_for_each_wrong_value() -> None:
    """Editors show `errorMessage`; without it they show the pattern, which is 230 characters long."""
    for name, definition in schema()["$defs"].items():
        if definition.get("type") != "object":
            assert definition["errorMessage"].endswith("."), name
            assert "anyOf" not in definition, "hover shows the description of a branch instead of the key's"


def test_the_examples_of_the_schema_are_valid() -> None:
    for example in schema()["examples"]:
        Validator(schema()).validate(example)
    for name, definition in schema()["$defs"].items():
        for example in definition.get("examples", ()):
            Validator({"$ref": f"#/$defs/{name}", "$defs": schema()["$defs"]}).validate(example)


@pytest.mark.parametrize("limit", [200, 200.5, 0, 1_000_000, "$1,250.00", "standard", "none"])
def test_editors_that_see_numbers_are_content(limit: object) -> None:
    policy = {"version": 1, "organization": "acme", "group_budgets": [{"group": "a", "limit": limit}]}
    Validator(json.loads(schema_text("policy"))).validate(policy)
