"""Documents as JSON: one document as itself, several as the list `documents` of one document."""

from __future__ import annotations

import json
from collections.abc import Sequence

from reconciler.formats.document import SEVERAL, escaped
from reconciler.formats.documents import Value, dump
from reconciler.render.formats import Facts


def render(values: Sequence[Value], facts: Facts) -> str:
    """Render documents as one JSON document."""
    if len(values) == 1:
        return dump(values[0])
    documents = [json.loads(dump(value)) for value in values]
    text = json.dumps({"format": SEVERAL, "version": 1, "documents": documents}, indent=2) + "\n"
    return escaped(text)
