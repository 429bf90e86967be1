"""Texts that are compared with files; `UPDATE_GOLDEN=1 python -m pytest tests/cli` writes the files anew."""

from __future__ import annotations

import os
from pathlib import Path


def assert_golden(file: Path, text: str) -> None:
    """Compare a text with its file, or write it there."""
    if os.environ.get("UPDATE_GOLDEN"):
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
    assert file.exists(), f"{file.name} is missing: run the tests once with UPDATE_GOLDEN=1"
    assert file.read_text(encoding="utf-8") == text, f"{file.name} differs: if that is meant, run with UPDATE_GOLDEN=1"
