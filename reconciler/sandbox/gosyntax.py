"""What Go's decoder says of JSON that it cannot read, worked out from where Python's decoder stopped."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import json

_LITERALS = ("true", "false", "null")
_STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)
_NUMBER_PART = re.compile(r"[-+.eE0-9]")


def syntax_error(text: str, error: json.JSONDecodeError) -> str:
    """Return Go's message for a text that Python's decoder refused with `error`."""
    position, reason = error.pos, error.msg
    if reason.startswith("Unterminated"):
        return "unexpected EOF"
    if reason.startswith("Invalid control character"):
        return _invalid(text, position, "in string literal")
    if reason.startswith("Invalid \\uXXXX"):
        return _bad_unicode_escape(text, position)
    if reason.startswith("Invalid \\escape"):
        return _invalid(text, position + 1, "in string escape code")
    if position >= len(text):
        return "unexpected EOF"
    if reason.startswith("Expecting property name"):
        return _invalid(text, position, "looking for beginning of object key string")
    if reason.startswith("Expecting ':'"):
        return _invalid(text, position, "after object key")
    if reason.startswith("Expecting ','"):
        return _after_value(text, position)
    return _bad_value(text, position)


def _bad_value(text: str, position: int) -> str:
    """Tell a literal that goes wrong, a minus without a number, and any other character apart."""
    for literal in _LITERALS:
        if text[position] == literal[0]:
            return _bad_literal(text, position, literal)
    if text[position] == "-":
        return _invalid(text, position + 1, "in numeric literal")
    return _invalid(text, position, "looking for beginning of value")


def _bad_literal(text: str, position: int, literal: str) -> str:
    for offset, expected in enumerate(literal):
        if position + offset >= len(text):
            break
        if text[position + offset] != expected:
            return _invalid(text, position + offset, f"in literal {literal} (expecting {_quoted(expected)})")
    return "unexpected EOF"


def _after_value(text: str, position: int) -> str:
    """Say what follows a value wrongly; Python reads `1.` and `1e` as 1 with a rest."""
    before, character = text[position - 1 : position], text[position]
    if before.isdigit() and character in ".eE":
        where = "after decimal point in numeric literal" if character == "." else "in exponent of numeric literal"
        following = position + 1
        if character != "." and text[following : following + 1] in ("+", "-"):
            following += 1
        return _invalid(text, following, where)
    return _invalid(text, position, f"after {_container(text, position)}")


def _container(text: str, position: int) -> str:
    """Return what Go calls a value inside the innermost container that is open at this position."""
    opened: list[str] = []
    for match in _STRING_OR_BRACKET.finditer(text, 0, position):
        if match[0] in "{[":
            opened.append(match[0])
        elif match[0] in "}]" and opened:
            opened.pop()
    return "object key:value pair" if opened and opened[-1] == "{" else "array element"


def _bad_unicode_escape(text: str, position: int) -> str:
    start = text.find("u", position - 1) + 1
    for index in range(start, start + 4):
        if index >= len(text):
            return "unexpected EOF"
        if text[index] not in "0123456789abcdefABCDEF":
            return _invalid(text, index, "in \\u hexadecimal character escape")
    return "unexpected EOF"


def _invalid(text: str, position: int, where: str) -> str:
    if position >= len(text):
        return "unexpected EOF"
    return f"invalid character {_quoted(text[position])} {where}"


def _quoted(character: str) -> str:
    """Quote a character as Go does, which reads bytes: of a longer character it names the first byte."""
    byte = character.encode("utf-8", "replace")[0]
    if character == "'":
        return "'\\''"
    if character == '"':
        return "'\"'"
    named = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\", "\b": "\\b", "\f": "\\f"}.get(character)
    if named is not None:
        return f"'{named}'"
    return f"'{chr(byte)}'" if chr(byte).isprintable() else f"'\\x{byte:02x}'" if byte < 128 else f"'\\u{byte:04x}'"
