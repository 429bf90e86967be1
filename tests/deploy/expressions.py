"""The part of GitHub's expression language that our workflows use; anything else is an error of the test."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

_TOKEN = re.compile(r"\s*(?:'((?:[^']|'')*)'|(&&|\|\||==|!=|!|\(|\))|([A-Za-z_][\w.-]*))")
_INSIDE = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
STATUS = ("success", "failure", "always", "cancelled")

Functions = Mapping[str, Callable[[], bool]]


@dataclass(slots=True)
class _Parser:
    tokens: list[tuple[str, str]]
    contexts: Mapping[str, Any]
    functions: Functions

    def any_of(self) -> Any:
        value = self.all_of()
        while self.tokens and self.tokens[0] == ("operator", "||"):
            self.tokens.pop(0)
            right = self.all_of()
            value = value or right
        return value

    def all_of(self) -> Any:
        value = self.comparison()
        while self.tokens and self.tokens[0] == ("operator", "&&"):
            self.tokens.pop(0)
            right = self.comparison()
            value = value and right
        return value

    def comparison(self) -> Any:
        left = self.primary()
        while self.tokens and self.tokens[0][1] in ("==", "!=") and self.tokens[0][0] == "operator":
            _, operator = self.tokens.pop(0)
            is_equal = text(left) == text(self.primary())
            left = is_equal if operator == "==" else not is_equal
        return left

    def primary(self) -> Any:
        kind, token = self.tokens.pop(0)
        if kind == "text":
            return token.replace("''", "'")
        if token == "!":
            return not self.primary()
        if token == "(":
            value = self.any_of()
            assert self.tokens.pop(0)[1] == ")"
            return value
        assert kind == "name", token
        if self.tokens[:1] == [("operator", "(")]:
            del self.tokens[:2]
            return self.functions[token]()
        return look_up(self.contexts, token)


def evaluate(expression: str, contexts: Mapping[str, Any], functions: Functions) -> Any:
    """Return the value of an expression, with or without `${{ }}` around all of it."""
    whole = _INSIDE.fullmatch(expression.strip())
    left = (whole[1] if whole else expression).strip()
    tokens = []
    while left:
        match = _TOKEN.match(left)
        assert match, f"not understood: {left!r}"
        kind = "text" if match[1] is not None else "operator" if match[2] else "name"
        tokens.append((kind, match[1] if match[1] is not None else match[2] or match[3]))
        left = left[match.end() :].strip()
    parser = _Parser(tokens, contexts, functions)
    value = parser.any_of()
    assert not parser.tokens, f"left over: {parser.tokens}"
    return value


def fill(template: object, contexts: Mapping[str, Any], functions: Functions) -> str:
    """Return a text with its `${{ }}` evaluated."""
    return _INSIDE.sub(lambda match: text(evaluate(match[1], contexts, functions)), text(template))


def is_true(condition: str, contexts: Mapping[str, Any], functions: Functions) -> bool:
    """Evaluate an `if:`; one without a status function runs only while everything went well."""
    value = bool(evaluate(condition, contexts, functions)) if condition else True
    has_status = any(f"{name}()" in condition for name in STATUS)
    return value if has_status else value and functions["success"]()


def look_up(contexts: Mapping[str, Any], path: str) -> Any:
    value: Any = contexts
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def text(value: Any) -> str:
    """Return a value as a template shows it."""
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)
