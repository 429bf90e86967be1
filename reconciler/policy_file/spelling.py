"""One value to the text that every YAML reader reads as this value. The reverse of `values`."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time

from reconciler.core.budget import Absent
from reconciler.money import Micros, format_usd
from reconciler.policy_file.values import NO_LIMIT, is_text

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_.@-]*(?: [A-Za-z0-9_.@-]+)*")
_RUNNER_COMMAND = re.compile(r"#(?=#(?:vso)?\[)", re.IGNORECASE)
"""`##[` and `##vso[` are commands anywhere in a line; render/text.py and formats/document.py break them, too."""
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t"}


def quoted(text: str) -> str:
    """Write a text plain where that is safe, else in double quotes."""
    if _PLAIN.fullmatch(text) and is_text(text):
        return text
    return in_double_quotes(text)


def in_double_quotes(text: str) -> str:
    """Write a text so that YAML and JSON read it, and no CI runner that shows it takes a part of it for a command."""
    return '"' + _RUNNER_COMMAND.sub(r"\\u0023", "".join(map(_escaped, text))) + '"'


def limit(state: Micros | Absent) -> str:
    """Write `none` or an amount; the name of a tier is never written."""
    return NO_LIMIT if isinstance(state, Absent) else format_usd(state)


def moment(instant: datetime) -> str:
    """Write a date where it is midnight in UTC, else a time in UTC."""
    utc = instant.astimezone(UTC)
    if utc.time() == time():
        return utc.date().isoformat()
    return utc.isoformat().replace("+00:00", "Z")


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character.isprintable() or ord(character) >= 0x10000:  # YAML and JSON have no escape in common above U+FFFF
        return character
    return f"\\u{ord(character):04x}"
