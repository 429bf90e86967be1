"""Explains what is wrong with a mapping, in the words of the published schema: every violation once, with a hint.

Called only for mappings that `parse` refused, because jsonschema is slow to import and slow to run. jsonschema gets the
mapping without what its values contain: they have shapes, and explanations, of their own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any, assert_never

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

from reconciler.errors import Finding
from reconciler.policy_file.lookalikes import space_hint
from reconciler.policy_file.nodes import Broken, Mapping, Mark, Node, PolicyText, Scalar, Sequence, mark_of, pairs_of
from reconciler.policy_file.shapes import Shape
from reconciler.policy_file.values import Wrong, to_json
from reconciler.resources import schema_text
from reconciler.words import NearNames, did_you_mean, shortened

MAX_SHOWN = 60


def explain(text: PolicyText, shape: Shape, node: Node, wrong: dict[str, Wrong]) -> list[Finding]:
    """Return all findings about a mapping that `parse` refused; `wrong` holds its problems with values, by key.

    Empty only when the file was read with a finding about every wrong part already.
    """
    if type(node) is Broken:
        return []
    return _Explanation(text, shape, node, wrong).all()


def _is_whole_match(_: Any, pattern: str, instance: Any, __: Any) -> Iterator[ValidationError]:
    """Check `pattern` as JSON Schema means it: Python's `$` also matches before a newline at the end."""
    if isinstance(instance, str) and not re.search(pattern.removesuffix("$") + r"\Z", instance):
        yield ValidationError("does not match")


Validator: Any = extend(Draft202012Validator, {"pattern": _is_whole_match})  # type: ignore[no-untyped-call]


@cache
def schema() -> dict[str, Any]:
    """Return the published schema."""
    loaded: dict[str, Any] = json.loads(schema_text("policy"))
    return loaded


@cache
def _validator(definition: str) -> Any:
    if not definition:
        return Validator(schema())
    return Validator({"$ref": f"#/$defs/{definition}", "$defs": schema()["$defs"]})


def _definition(name: str) -> dict[str, Any]:
    definition: dict[str, Any] = schema()["$defs"][name] if name else schema()
    return definition


def instance(node: Node) -> Any:
    """Return a node as the plain data that a JSON Schema validator reads."""
    match node:
        case Scalar():
            return to_json(node)
        case Mapping():
            return {key: instance(value) for key, (_, value) in node.pairs.items()}
        case Sequence():
            return [instance(item) for item in node.items]
        case Broken():
            return None
        case _:
            assert_never(node)


def _flat(node: Node) -> Any:
    if type(node) is Mapping:
        return {key: _empty(value) for key, (_, value) in node.pairs.items()}
    return _empty(node)


def _empty(node: Node) -> Any:
    match node:
        case Mapping():
            return {}
        case Sequence():
            return []
        case _:
            return instance(node)


class _Explanation:
    """The findings about a mapping: the first about each key."""

    def __init__(self, text: PolicyText, shape: Shape, node: Node, wrong: dict[str, Wrong]) -> None:
        self._text = text
        self._node = node
        self._wrong = wrong
        self._name = shape.name
        self._definition = _definition(shape.name)
        self._findings: dict[str, Finding] = {}
        self._pairs = pairs_of(node)
        self._has_broken = any(type(value) is Broken for _, value in self._pairs.values())

    def all(self) -> list[Finding]:
        errors = list(_validator(self._name).iter_errors(_flat(self._node)))
        for error in sorted(errors, key=lambda error: error.validator == "required"):
            self._explain(error)
        for key in self._wrong:
            self._value(key)
        if not self._findings and not self._has_broken:
            # Never reached while parse and schema agree; a refused entry must not vanish without a finding.
            self._add("", mark_of(self._node), f"this is not {self._definition['title']}", "compare it with the schema")
        return list(self._findings.values())

    def _explain(self, error: ValidationError) -> None:
        if error.validator == "additionalProperties":
            self._unknown_keys()
        elif error.validator == "required":
            self._missing_keys()
        elif "propertyNames" in error.schema_path:
            self._tier_name(str(error.instance))
        elif error.path:
            self._value(str(error.path[0]))
        else:
            self._add("", mark_of(self._node), f"expected {self._definition['title']}, found {_shown(self._node)}", "")

    def _unknown_keys(self) -> None:
        known = self._definition["properties"]
        for key in self._pairs.keys() - known.keys():
            if key == "<<":
                hint = "merge keys are not supported; write the keys out"
            elif key.replace(".", "", 1).isdigit():
                hint = "inside { } a comma ends a value; put an amount with a comma in quotes"
            else:
                hint = space_hint(key, "the key") or did_you_mean(
                    key, [name for name in known if name not in self._pairs]
                )
                hint = hint or f"the keys here are {', '.join(known)}"
            self._add(key, self._pairs[key][0], f"unknown key {_quoted(key)}", hint)

    def _missing_keys(self) -> None:
        """Report what is missing, unless an unknown key of this mapping looks like it."""
        required = [key for key in self._definition["required"] if key not in self._pairs]
        unknown = self._pairs.keys() - self._definition["properties"].keys()
        near = NearNames(required)
        meant = {near.nearest(key) for key in unknown}
        for key in required:
            if key not in meant:
                example = self._property(key)["examples"][0]
                message = f"key {key!r} is missing in {self._definition['title']}"
                self._add(key, mark_of(self._node), message, f"add it, for example `{key}: {example}`")

    def _tier_name(self, key: str) -> None:
        expected = _definition("tier_name")["title"]
        hint = "use a letter, then letters, digits, `_`, `-`, `.`; no word that YAML reads as true or false"
        self._add(key, self._pairs[key][0], f"expected {expected}, found {_quoted(key)}", hint)

    def _value(self, key: str) -> None:
        value = self._pairs[key][1]
        if type(value) is Broken:
            return
        expected = self._property(key)["title"]
        hint = (space_hint(value.value, "the value") if type(value) is Scalar else "") or str(self._wrong.get(key, ""))
        self._add(key, mark_of(value), f"{key}: expected {expected}, found {_shown(value)}", hint)

    def _property(self, key: str) -> dict[str, Any]:
        properties = self._definition.get("properties", {})
        described: dict[str, Any] = properties.get(key) or self._definition["additionalProperties"]
        reference = described.get("$ref", "").removeprefix("#/$defs/")
        return {**_definition(reference), **described} if reference else described

    def _add(self, key: str, mark: Mark, message: str, hint: str) -> None:
        if key not in self._findings:
            self._findings[key] = self._text.finding(mark, message, hint)


def _shown(node: Node) -> str:
    match node:
        case Mapping():
            return "a mapping"
        case Sequence():
            return "a list"
        case Scalar(value=""):
            return "nothing" if not node.style else "an empty text"
        case _:
            return _quoted(node.value) if type(node) is Scalar else "nothing"


def _quoted(text: str) -> str:
    return repr(shortened(text, MAX_SHOWN))
