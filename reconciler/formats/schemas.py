"""The published JSON Schemas, from the wheel or, in a checkout, from its schemas/ folder."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parent.parent


def schema_text(name: str) -> str:
    """Return the text of schemas/NAME.v1.schema.json."""
    file = f"{name}.v1.schema.json"
    shipped = _PACKAGE / "schemas" / file
    return (shipped if shipped.exists() else _PACKAGE.parent / "schemas" / file).read_text(encoding="utf-8")
