"""A diagnosis as text: one line a check, and what to do below it."""

from __future__ import annotations

from reconciler.core.diagnosis import Check, Level
from reconciler.render.text import Line, Role, harmless

_ROLES = {Level.OK: Role.GOOD, Level.NOTE: Role.UPDATE, Level.FAIL: Role.DANGER}
_INDENT = " " * 16


def check_lines(check: Check) -> list[Line]:
    """`ok    server    Coder 2.37.1 at https://coder.example.com: ...`, and the hint on a line of its own."""
    role = _ROLES[check.level]
    lines = [Line(f"{check.level:<6}{check.name:<10}{harmless(check.message)}", role)]
    if check.hint:
        lines += [Line(f"{_INDENT}{harmless(text)}") for text in check.hint.splitlines()]
    return lines
