"""The published schemas of documents, drawn from the dataclasses that they describe.

Structure comes from the types; descriptions, patterns and bounds stay as they are in the file, and a key that is new
gets its field's docstring. `UPDATE_GOLDEN=1 python -m pytest tests/documents` writes the files; a key without a
description fails the test until somebody writes a description into the file.
"""

from __future__ import annotations

import ast
import dataclasses
import inspect
import json
import types
from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any, NewType, Union, get_args, get_origin, get_type_hints

from reconciler.formats.codec import EXTRAS, _is_ambiguous, _tag
from reconciler.formats.documents import DOCUMENTS, Document

FOLDER = Path(__file__).parents[2] / "schemas"
KEPT = ("description", "pattern", "minimum", "maximum", "title")
TIME = {
    "description": "An instant in UTC, RFC 3339.",
    "type": "string",
    "format": "date-time",
    "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z$",
}
SCALARS: dict[type, str] = {int: "integer", str: "string", bool: "boolean"}


def file_of(row: Document) -> Path:
    return FOLDER / f"{row.name}.v{row.version}.schema.json"


def drawn(row: Document) -> dict[str, Any]:
    """Return the schema that a document's type asks for, in the words of its file and of the plan's file."""
    return _Drawing(row).schema()


class _Drawing:
    def __init__(self, row: Document) -> None:
        self._row = row
        self._old = _read(file_of(row))
        shared = {} if row.name == "plan" else _read(file_of(DOCUMENTS["plan"]))
        self._old_defs = {**self._old.get("$defs", {}), **shared.get("$defs", {})}
        if row.name != "plan" and shared:
            plan = {key: value for key, value in shared.items() if key in ("description", "properties")}
            self._old_defs["plan"] = plan
        self._defs: dict[str, Any] = {}

    def schema(self) -> dict[str, Any]:
        row, old = self._row, self._old
        properties: dict[str, Any] = {
            "format": {"const": row.title, "description": "What this document is."},
            "version": {
                "type": "integer",
                "const": row.version,
                "description": f"The version of this format: {row.version}. A new key makes a new version.",
            },
        }
        properties |= self._properties(row.type, old)
        properties["checksum"] = {
            "type": "string",
            "pattern": "^[0-9a-f]{64}$",
            "description": "SHA-256 over all the rest, as JSON with sorted keys and no blanks. Tells a file that was "
            "edited or damaged; it is not a signature.",
        }
        return {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$id": f"urn:reconciler:schema:{row.name}:v{row.version}",
            "title": old.get("title", row.title),
            "description": old.get("description", ""),
            "type": "object",
            "additionalProperties": False,
            "required": list(properties),
            "properties": properties,
            "$defs": dict(sorted(self._defs.items())),
        }

    def _properties(self, cls: Any, old: Mapping[str, Any]) -> dict[str, Any]:
        hints = get_type_hints(cls)
        wanted = {name: _returned(cls, name) for name in EXTRAS.get(cls, ())}
        wanted |= {field.name: hints[field.name] for field in dataclasses.fields(cls)}
        before = old.get("properties", {})
        return {name: self._property(cls, name, hint, before.get(name, {})) for name, hint in wanted.items()}

    def _property(self, cls: Any, name: str, hint: Any, old: Mapping[str, Any]) -> dict[str, Any]:
        schema = self._type(hint, old)
        schema |= {key: old[key] for key in KEPT if key in old}
        schema["description"] = old.get("description") or _docstrings(cls).get(name, "")
        return schema

    def _type(self, hint: Any, old: Mapping[str, Any], *, is_tagged: bool = False) -> dict[str, Any]:
        if isinstance(hint, NewType):
            return self._type(hint.__supertype__, old)
        origin, arguments = get_origin(hint), get_args(hint)
        if origin in (Union, types.UnionType):
            tagged = _is_ambiguous(arguments)
            olds = old.get("oneOf", [{}] * len(arguments))
            options = zip(arguments, [*olds, *[{}] * len(arguments)], strict=False)
            return {"oneOf": [self._option(one, before, is_tagged=tagged) for one, before in options]}
        if origin is tuple:
            return {"type": "array", "items": self._item(arguments[0], old.get("items", {}))}
        if origin is not None and issubclass(origin, Mapping):
            return {
                "type": "object",
                "additionalProperties": self._item(arguments[1], old.get("additionalProperties", {})),
            }
        if dataclasses.is_dataclass(hint):
            return {"$ref": self._reference(hint, is_tagged=is_tagged)}
        if issubclass(hint, Enum):
            return {"$ref": self._enumeration(hint)}
        if hint is datetime:
            self._defs["time"] = self._old_defs.get("time", TIME)
            return {"$ref": "#/$defs/time"}
        return {"type": SCALARS[hint]}

    def _item(self, hint: Any, old: Mapping[str, Any]) -> dict[str, Any]:
        return self._type(hint, old) | {key: old[key] for key in KEPT if key in old}

    def _option(self, hint: Any, old: Mapping[str, Any], *, is_tagged: bool) -> dict[str, Any]:
        if hint is types.NoneType:
            return {"type": "null"}
        kept = {key: old[key] for key in KEPT if key in old}
        return self._type(hint, old, is_tagged=is_tagged and dataclasses.is_dataclass(hint)) | kept

    def _enumeration(self, hint: type[Enum]) -> str:
        name = _tag(hint)
        old = self._old_defs.get(name, {})
        description = old.get("description") or _summary(hint)
        values = [member.value for member in hint]
        self._defs[name] = {"description": description, "type": "string", "enum": values}
        return f"#/$defs/{name}"

    def _reference(self, cls: Any, *, is_tagged: bool) -> str:
        name = _tag(cls) + ("-tagged" if is_tagged else "")
        if name not in self._defs:
            self._defs[name] = {}  # a type that holds itself ends here
            old = self._old_defs.get(name) or self._old_defs.get(_tag(cls)) or self._old_defs.get(f"{_tag(cls)}-tagged")
            old = old or {}
            properties = self._properties(cls, old)
            if is_tagged:
                mark = {"const": _tag(cls), "description": "Which of the alternatives this is."}
                properties = {"type": mark, **properties}
            self._defs[name] = {
                "description": old.get("description") or _summary(cls),
                "type": "object",
                "additionalProperties": False,
                "required": list(properties),
                "properties": properties,
            }
        return f"#/$defs/{name}"


def _read(path: Path) -> dict[str, Any]:
    schema: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return schema


def _returned(cls: Any, name: str) -> Any:
    return get_type_hints(inspect.getattr_static(cls, name).fget)["return"]


def _summary(cls: Any) -> str:
    text = inspect.cleandoc(cls.__doc__ or "").split("\n\n")[0].replace("\n", " ")
    return "" if text.startswith(f"{cls.__name__}(") else text


@cache
def _docstrings(cls: Any) -> Mapping[str, str]:
    """Return what stands below each field of a class, and in each property."""
    (tree,) = ast.parse(inspect.cleandoc("\n" + inspect.getsource(cls))).body
    assert isinstance(tree, ast.ClassDef)
    found: dict[str, str] = {}
    for node, following in zip(tree.body, [*tree.body[1:], None], strict=True):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found[node.target.id] = _text(following)
        elif isinstance(node, ast.FunctionDef):
            found[node.name] = " ".join((ast.get_docstring(node) or "").split())
    return found


def _text(node: ast.AST | None) -> str:
    match node:
        case ast.Expr(value=ast.Constant(value=str(text))):
            return " ".join(text.split())
        case _:
            return ""
