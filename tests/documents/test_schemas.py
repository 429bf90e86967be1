"""The table of documents: each has a published schema that says what every key is and describes exactly its type."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from reconciler.formats.documents import DOCUMENTS, Document
from reconciler.resources import schema_text
from tests.documents.schemas import drawn, file_of

ROWS = pytest.mark.parametrize("row", DOCUMENTS.values(), ids=list(DOCUMENTS))


@ROWS
def test_the_schema_and_the_type_are_one(row: Document) -> None:
    if os.environ.get("UPDATE_GOLDEN"):
        text = json.dumps(drawn(row), indent=2, ensure_ascii=False) + "\n"
        file_of(row).write_text(text, encoding="utf-8")
    assert json.loads(schema_text(row.name, version=row.version)) == drawn(row), "run with UPDATE_GOLDEN=1"


@ROWS
def test_every_key_has_a_description(row: Document) -> None:
    schema = json.loads(schema_text(row.name, version=row.version))
    Draft202012Validator.check_schema(schema)
    assert list(_undescribed(schema, "")) == []


def _undescribed(schema: dict[str, Any], path: str) -> Iterator[str]:
    if not schema.get("description"):
        yield path or "the document"
    for name, key in schema.get("properties", {}).items():
        if not key.get("description"):
            yield f"{path}.{name}"
    for name, definition in schema.get("$defs", {}).items():
        yield from _undescribed(definition, f"{path}.$defs.{name}")
