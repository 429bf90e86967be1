"""Text that a person cannot see for what it is: spaces that YAML does not take for spaces, and marks of a merge."""

from __future__ import annotations

import re
import unicodedata

_ODD_SPACE = re.compile("[\u00a0\u1680\u2000-\u200d\u202f\u205f\u2060\u3000\ufeff]")
"""Spaces of Unicode but U+0020, and characters without a width. YAML reads them as letters."""
_CONFLICT = b"\n<<<<<<< "
"""How Git begins the first side of a conflict. Sought as it is, since a pattern takes twelve times as long."""


def conflict(data: bytes) -> int:
    """Return where the first conflict of a merge begins that nobody resolved; -1 where there is none."""
    return (b"\n" + data).find(_CONFLICT)


def space_hint(text: str, subject: str) -> str:
    """Return what to do about the first odd space of a text; an empty text when it has none."""
    match = _ODD_SPACE.search(text)
    if match is None:
        return ""
    name = unicodedata.name(match[0]).lower()
    remedy = "type an ordinary space instead" if unicodedata.category(match[0]) == "Zs" else "remove it"
    return f"{subject} contains a {name} (U+{ord(match[0]):04X}) at character {match.start() + 1}; {remedy}"
