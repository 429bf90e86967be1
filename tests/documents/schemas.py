"""The published JSON Schemas, generated from the frozen values that the documents are made of.

A key's description is the sentence under its field, its type is the field's type, so a new field needs nothing but
itself. `UPDATE_GOLDEN=1 make test` (or pytest tests/documents) writes schemas/; without it the test compares.
"""

from __future__ import annotations

import ast
import dataclasses
import inspect
import re
import types
from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from functools import cache
from itertools import pairwise
from typing import Any, NewType, Union, get_args, get_origin, get_type_hints

from reconciler.core.plan.outcome import Event, Started
from reconciler.formats import journal
from reconciler.formats.documents import DOCUMENTS, Document
from reconciler.money import Micros

Schema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_SHA256 = {"pattern": "^[0-9a-f]{64}$"}
PATTERNS: Mapping[str, Schema] = {"digest": _SHA256, "sha256": _SHA256, "checksum": _SHA256}
"""What a key's type does not say, by its name."""
_CHECKSUM = (
    "SHA-256 over all the rest, as JSON with sorted keys and no blanks. "
    "It tells a file that was edited or damaged; it is not a signature."
)
_JOURNAL = (
    "One line of a journal: what `apply` and `revert` record of a run, one JSON object a line, in append-only files "
    "below .reconciler/ (or --journal FILE). A last line that is broken off was cut by a crash and counts for nothing. "
    "`show FILE` prints it, `revert FILE` takes back what it says was done."
)


def published() -> Mapping[str, Schema]:
    """Return the schema of every document, by its file's name in schemas/."""
    schemas = {f"{row.name}.v{row.version}.schema.json": document_schema(row) for row in DOCUMENTS.values()}
    return schemas | {f"journal.v{journal.VERSION}.schema.json": journal_schema()}


def document_schema(row: Document) -> Schema:
    """Return the schema of a document: the fields of its value between `format`, `version` and `checksum`."""
    book = _Book()
    properties = {
        **_envelope(row.title, row.version),
        **book.object_of(row.type)["properties"],
        "checksum": {"type": "string", **_SHA256, "description": _CHECKSUM},
    }
    return {
        **_head(row.name, row.version, row.about),
        "type": "object",
        "additionalProperties": False,
        "required": list(properties),
        "properties": properties,
        "$defs": book.definitions(),
    }


def journal_schema() -> Schema:
    """Return the schema of one line of a journal; the first event names format and version."""
    book = _Book()
    options = [book.tagged(event) for event in get_args(Event)]
    first = book.definition_of(Started, tagged=True)
    first["properties"] = _envelope(journal.NAME, journal.VERSION) | first["properties"]
    first["required"] = list(first["properties"])
    return {**_head("journal", journal.VERSION, _JOURNAL), "oneOf": options, "$defs": book.definitions()}


def _envelope(name: str, version: int) -> Schema:
    sentence = f"The version of this format: {version}. A new key makes a new version."
    return {
        "format": {"const": name, "description": "What this document is."},
        "version": {"const": version, "type": "integer", "description": sentence},
    }


def _head(name: str, version: int, about: str) -> Schema:
    return {
        "$schema": DIALECT,
        "$id": f"urn:reconciler:schema:{name}:v{version}",
        "title": f"reconciler {name}",
        "description": about,
    }


class _Book:
    """The definitions that a schema refers to, each made once."""

    def __init__(self) -> None:
        self._definitions: dict[str, Schema] = {}

    def definitions(self) -> dict[str, Schema]:
        return dict(sorted(self._definitions.items()))

    def definition_of(self, cls: type, *, tagged: bool = False) -> Schema:
        return self._definitions[_name(cls, tagged=tagged)]

    def of(self, hint: Any) -> Schema:
        """Return the schema of a type."""
        origin, arguments = get_origin(hint), get_args(hint)
        if hint is Micros:
            return {"type": "integer", "minimum": 0}
        if isinstance(hint, NewType):
            return self.of(hint.__supertype__)
        if origin in (Union, types.UnionType):
            return self._union(arguments)
        if origin is tuple:
            return {"type": "array", "items": self.of(arguments[0])}
        if origin is not None and issubclass(origin, Mapping):
            return {"type": "object", "additionalProperties": self.of(arguments[1])}
        if dataclasses.is_dataclass(hint):
            return self._reference(hint)
        if issubclass(hint, Enum):
            return self._enum(hint)
        return dict(_SCALARS[hint])

    def tagged(self, cls: type) -> Schema:
        """Return a reference to an object that says its own `type`."""
        return self._reference(cls, tagged=True)

    def object_of(self, cls: type, *, tagged: bool = False) -> Schema:
        """Return the schema of a frozen value, every key required."""
        hints, sentences = get_type_hints(cls), attribute_docs(cls)
        properties: dict[str, Schema] = {}
        if tagged:
            properties["type"] = {"const": _tag(cls), "description": "Which of the alternatives this is."}
        for name in getattr(cls, "JSON_EXTRAS", ()):
            getter: Any = inspect.getattr_static(cls, name).fget
            properties[name] = self._key(name, get_type_hints(getter)["return"], inspect.getdoc(getter), cls)
        for field in dataclasses.fields(cls):
            properties[field.name] = self._key(field.name, hints[field.name], sentences.get(field.name), cls)
        return {
            "description": _summary(cls),
            "type": "object",
            "additionalProperties": False,
            "required": list(properties),
            "properties": properties,
        }

    def _key(self, name: str, hint: Any, sentence: str | None, cls: type) -> Schema:
        assert sentence, f"{cls.__module__}.{cls.__name__}.{name} needs a sentence: it is published in a schema"
        return {**self.of(hint), **PATTERNS.get(name, {}), "description": _in_json(sentence)}

    def _union(self, members: tuple[Any, ...]) -> Schema:
        tagged = sum(member is not types.NoneType for member in members) > 1
        return {"oneOf": [self._member(member, tagged=tagged) for member in members]}

    def _member(self, member: Any, *, tagged: bool) -> Schema:
        if member is types.NoneType:
            return {"type": "null"}
        return self._reference(member, tagged=tagged) if dataclasses.is_dataclass(member) else self.of(member)

    def _reference(self, cls: Any, *, tagged: bool = False) -> Schema:
        name = _name(cls, tagged=tagged)
        if name not in self._definitions:
            self._definitions[name] = {}  # a value that holds its own kind refers to itself
            self._definitions[name] = self.object_of(cls, tagged=tagged)
        return {"$ref": f"#/$defs/{name}"}

    def _enum(self, cls: type[Enum]) -> Schema:
        name = _name(cls, tagged=False)
        sentence = _summary(cls)
        meanings = attribute_docs(cls)
        lines = [
            f"`{member.value}`: {' '.join(meanings[key].split())}"
            for key, member in cls.__members__.items()
            if key in meanings
        ]
        self._definitions[name] = {
            "description": _in_json(" ".join(filter(None, [sentence, *lines]))),
            "type": "string",
            "enum": [member.value for member in cls],
        }
        return {"$ref": f"#/$defs/{name}"}


_SCALARS: Mapping[type, Schema] = {
    int: {"type": "integer"},
    str: {"type": "string"},
    bool: {"type": "boolean"},
    datetime: {"type": "string", "format": "date-time"},
}


def _summary(cls: type) -> str:
    """Return the first paragraph of a class's docstring, in one line."""
    assert cls.__doc__, f"{cls.__name__} needs a docstring"
    assert not cls.__doc__.startswith((f"{cls.__name__}(", "Enum where")), f"{cls.__name__} needs a docstring"
    return " ".join(inspect.cleandoc(cls.__doc__).split("\n\n")[0].split())


def _name(cls: type, *, tagged: bool) -> str:
    return f"{_tag(cls)}-tagged" if tagged else _tag(cls)


def _tag(cls: type) -> str:
    return "".join(f"-{c.lower()}" if c.isupper() else c for c in cls.__name__).removeprefix("-")


@cache
def attribute_docs(cls: type) -> Mapping[str, str]:
    """Return the sentence under each field or member of a class, as its source has it."""
    tree = ast.parse(inspect.getsource(inspect.getmodule(cls)))  # type: ignore[arg-type]
    body = next(node.body for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and node.name == cls.__name__)
    docs: dict[str, str] = {}
    for statement, following in pairwise(body):
        match statement, following:
            case (
                ast.AnnAssign(target=ast.Name(name)) | ast.Assign(targets=[ast.Name(name)]),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                docs[name] = text
            case _:
                pass
    return docs


def _in_json(sentence: str) -> str:
    """Return the sentence of a field as a reader of JSON needs it: on one line, and null where Python says None."""
    return re.sub(r"\bNone\b", "null", " ".join(sentence.split()))
