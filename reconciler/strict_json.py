"""JSON in which an object names each key once. The standard library takes the last of two, and others take the first.

Coder's encoder and ours write no key twice, so a text that does was written or changed by somebody else, and it says
two things of one subject: neither is believed. Looking costs 0.06 s in 33 MB, so it is done at any size.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from reconciler.words import quoted


class KeyTwice(ValueError):
    """An object names a key twice. The key is not ours to print as it is."""

    def __init__(self, key: str) -> None:
        super().__init__(f"an object names the key {quoted(key)} twice")


def parse(text: str | bytes | bytearray, *, hook: Callable[[dict[str, Any]], object] | None = None) -> Any:
    """Read JSON; `hook` replaces each object, innermost first. Raises KeyTwice, another ValueError, RecursionError."""
    if hook is None:
        return json.loads(text, object_pairs_hook=object_of)
    return json.loads(text, object_pairs_hook=lambda pairs: hook(object_of(pairs)))


def object_of(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the object of these keys and values. Raises KeyTwice."""
    result = dict(pairs)
    if len(result) != len(pairs):
        names = [name for name, _ in pairs]
        raise KeyTwice(next(name for name in names if names.count(name) > 1))
    return result
