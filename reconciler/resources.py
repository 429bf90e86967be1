"""Files that ship with the package, schemas and example policies: inside it in the wheel, beside it in a checkout."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parent


def shipped(*parts: str) -> Path:
    """Return the path of a file or folder that ships with the package, such as `shipped("schemas")`."""
    in_wheel = _PACKAGE.joinpath(*parts)
    return in_wheel if in_wheel.exists() else _PACKAGE.parent.joinpath(*parts)


def schema_text(name: str) -> str:
    """Return the text of a published JSON Schema: schemas/NAME.vVERSION.schema.json, of which there is one version."""
    (file,) = shipped("schemas").glob(f"{name}.v*.schema.json")
    return file.read_text(encoding="utf-8")
