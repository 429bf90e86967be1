"""Ids as Coder reads and the sandbox makes them."""

from __future__ import annotations

import re
import uuid

NIL = "00000000-0000-0000-0000-000000000000"
_NAMESPACE = uuid.UUID("5ab0c0de-0000-4000-8000-000000000000")
_CANONICAL = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.ASCII)
_ACCEPTED = re.compile(
    r"(?:urn:uuid:)?(?P<dashed>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
    r"|\{(?P<braced>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\}"
    r"|(?P<bare>[0-9a-f]{32})",
    re.ASCII | re.IGNORECASE,
)


def parse_uuid(text: str) -> str | None:
    """Return the canonical text of a UUID in any of the four forms that Go's library reads, else None."""
    if _CANONICAL.fullmatch(text):
        return text
    match = _ACCEPTED.fullmatch(text)
    if match is None:
        return None
    return str(uuid.UUID(match["dashed"] or match["braced"] or match["bare"]))


def new_uuid() -> str:
    """Make a random id."""
    return str(uuid.uuid4())


def derived_uuid(*words: str) -> str:
    """Make the id that always belongs to these words."""
    return str(uuid.uuid5(_NAMESPACE, "/".join(words)))
