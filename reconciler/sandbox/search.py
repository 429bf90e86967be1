"""Coder's search language, `key:value "quoted value" bare words`; knows no key of any endpoint."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .answers import Refusal, Validation, refusal

if TYPE_CHECKING:
    from collections.abc import Collection

_ELEMENTS = re.compile(r'(?:[^\s"]|"[^"]*"?)+')
_PARTS = re.compile(r'(?:[^:"]|"[^"]*"?)+')


@dataclass(slots=True)
class Search:
    """Hold the values of each key and collect what is wrong with them."""

    message: str
    values: dict[str, str] = field(default_factory=dict)
    faults: list[Validation] = field(default_factory=list)

    def text(self, key: str) -> str:
        """Return the value of a key, empty when it is absent."""
        return self.values.get(key, "")

    def one_of(self, key: str, allowed: Collection[str]) -> tuple[str, ...]:
        """Return a comma-separated list of which every item is allowed."""
        found = tuple(part.strip() for part in self.text(key).split(",") if part.strip())
        for part in found:
            if part not in allowed:
                self.fault(key, f'Query param "{key}" has invalid values: "{part}" is not a valid value')
        return found

    def fault(self, key: str, detail: str) -> None:
        """Note what is wrong with a key."""
        self.faults.append(Validation(key, detail))

    def check(self) -> None:
        """Refuse with 400 if anything was wrong."""
        if self.faults:
            raise refusal(400, self.message, *self.faults)


def parse(text: str, message: str, known: Collection[str], *, bare: str | None, lower: bool = True) -> Search:
    """Read a search; bare words become the value of the key `bare`, or are refused when it is None.

    *Raises* Refusal 400 with `message` when an element cannot be read; unknown keys are noted as faults.
    """
    search = Search(message)
    words: list[str] = []
    for element in _ELEMENTS.findall(text.lower() if lower else text):
        if element.startswith(":") or element.endswith(":"):
            raise _malformed(message, f"Query element \"{element}\" cannot start or end with ':'")
        parts = [part.strip('"') for part in _PARTS.findall(element)]
        if len(parts) > 2:
            raise _malformed(message, f"Query element \"{element}\" can only contain 1 ':'")
        if len(parts) == 2:
            search.values[parts[0].lower()] = parts[1]
        else:
            words.append(parts[0])
    if words and bare is None:
        raise _malformed(message, f'Query element "{words[0]}" is missing a key')
    if words and bare is not None:
        search.values.setdefault(bare, " ".join(words))
    for key in sorted(set(search.values) - set(known)):
        search.fault(key, f'Query param "{key}" is not a valid query param')
    return search


def _malformed(message: str, detail: str) -> Refusal:
    return refusal(400, message, Validation("q", detail))
