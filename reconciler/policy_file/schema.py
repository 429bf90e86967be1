"""The published JSON Schema of policy files: the file that editors complete from, and that `check` explains with."""

from __future__ import annotations

from pathlib import Path

FILE_NAME = "policy.v1.schema.json"


def schema_text() -> str:
    """Return the schema as it is published: from the wheel, or from the checkout of an editable installation."""
    package = Path(__file__).parents[1]
    installed = package / "schemas" / FILE_NAME
    source = installed if installed.exists() else package.parent / "schemas" / FILE_NAME
    return source.read_text(encoding="utf-8")
