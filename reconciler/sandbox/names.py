"""What Coder accepts as the name of a user, group, organization or token."""

from __future__ import annotations

import re

from .answers import Validation

_SLUG = re.compile(r"[a-zA-Z0-9]+(?:-[a-zA-Z0-9]+)*", re.ASCII)
_GROUP = re.compile(r"[a-zA-Z0-9]+(?:[-_.][a-zA-Z0-9]+)*", re.ASCII)
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+", re.ASCII)
RESERVED = frozenset({"new", "create", "me"})


def check_username(name: str, field: str = "username") -> tuple[Validation, ...]:
    """Return what is wrong with the name of a user or an organization."""
    return _fault(field, "username", name, len(name) <= 32 and bool(_SLUG.fullmatch(name)) and name not in RESERVED)


def check_group_name(name: str) -> tuple[Validation, ...]:
    """Return what is wrong with the name of a group."""
    return _fault("name", "group_name", name, len(name) <= 255 and bool(_GROUP.fullmatch(name)))


def check_email(email: str) -> tuple[Validation, ...]:
    """Return what is wrong with an e-mail address."""
    return _fault("email", "email", email, bool(_EMAIL.fullmatch(email)))


def _fault(field: str, tag: str, value: str, is_good: bool) -> tuple[Validation, ...]:
    if is_good:
        return ()
    return (Validation(field, f'Validation failed for tag "{tag}" with value: "{value}"'),)
