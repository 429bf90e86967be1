"""Ids, and names of users, groups, organizations and tokens, as Coder accepts them; makes new ids, too."""

from __future__ import annotations

import re
import uuid
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from .answers import Validation

if TYPE_CHECKING:
    from collections.abc import Mapping

NIL = "00000000-0000-0000-0000-000000000000"
_NAMESPACE = uuid.UUID("5ab0c0de-0000-4000-8000-000000000000")
_CANONICAL = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.ASCII)
_ACCEPTED = re.compile(
    r"(?:urn:uuid:)?(?P<dashed>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
    r"|\{(?P<braced>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\}"
    r"|(?P<bare>[0-9a-f]{32})",
    re.ASCII | re.IGNORECASE,
)

_SLUG = re.compile(r"[a-zA-Z0-9]+(?:-[a-zA-Z0-9]+)*", re.ASCII)
_GROUP = re.compile(r"[a-zA-Z0-9]+(?:[-_.][a-zA-Z0-9]+)*", re.ASCII)
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+", re.ASCII)
RESERVED = frozenset({"new", "create", "me"})
_MAXIMUM_DISPLAY_NAME = 64


def parse_uuid(text: str) -> str | None:
    """Return the canonical text of a UUID in any of the four forms that Go's library reads, else None."""
    if _CANONICAL.fullmatch(text):
        return text
    match = _ACCEPTED.fullmatch(text)
    if match is None:
        return None
    return str(uuid.UUID(match["dashed"] or match["braced"] or match["bare"]))


def uuid_fault(text: str) -> str:
    """Return what Go's library says of a text that is not a UUID."""
    return "invalid UUID format" if len(text) in (32, 36, 38, 45) else f"invalid UUID length: {len(text)}"


def new_uuid() -> str:
    """Make a random id."""
    return str(uuid.uuid4())


@lru_cache(maxsize=4096)
def derived_uuid(*words: str) -> str:
    """Make the id that always belongs to these words."""
    return str(uuid.uuid5(_NAMESPACE, "/".join(words)))


def check_username(name: str, field: str = "username") -> tuple[Validation, ...]:
    """Return what is wrong with the name of a user or an organization."""
    is_good = len(name) <= 32 and bool(_SLUG.fullmatch(name)) and name.lower() not in RESERVED
    return _fault(field, "username", value=name, is_good=is_good)


def check_group_name(name: str) -> tuple[Validation, ...]:
    """Return what is wrong with the name of a group."""
    is_good = len(name) <= 255 and bool(_GROUP.fullmatch(name)) and name.lower() not in RESERVED
    return _fault("name", "group_name", value=name, is_good=is_good)


def check_display_name(body: Mapping[str, Any]) -> tuple[Validation, ...]:
    """Return what is wrong with the display name of a group or an organization, which may be left out."""
    name = body["display_name"] or ""
    return _fault("display_name", "group_display_name", value=name, is_good=len(name) <= _MAXIMUM_DISPLAY_NAME)


def check_email(email: str) -> tuple[Validation, ...]:
    """Return what is wrong with an e-mail address."""
    return _fault("email", "email", value=email, is_good=bool(_EMAIL.fullmatch(email)))


def _fault(field: str, tag: str, *, value: str, is_good: bool) -> tuple[Validation, ...]:
    if is_good:
        return ()
    return (Validation(field, f'Validation failed for tag "{tag}" with value: "{value}"'),)
