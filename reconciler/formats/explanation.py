"""Explanations of a person's limit as JSON, version 1: for other programs to read; it is never read back."""

from __future__ import annotations

from reconciler.core.people.explanation import Explanation
from reconciler.formats import codec, document

NAME = "reconciler explanation"
VERSION = 1


def dump_explanation(explanation: Explanation) -> str:
    """Write an explanation as JSON. The same explanation gives the same bytes."""
    return document.dump(NAME, VERSION, codec.encode(explanation))
