"""Edits of JSON that bytes decide: a fuzzer's bytes reach the inside of a document instead of breaking its syntax.

The bytes are decisions read one after another; where they end, every further decision is 0. A byte that changes
changes one decision, so that a fuzzer which watches the coverage can learn.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

MOST_EDITS = 6
VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 10**15, 10**16, 2**63, 10**30, 1.5, 1e300, "", "x", "X", "none", "user/ana",
    "a\n::error::b\x1b[2J\u202e", "\ud83d\ude80", "=1+1", "../..", [], {}, ["x"], [[]], [None], [{}],
    {"type": "absent"}, {"type": []}, {"type": "budget"}, "2026-01-01T00:00:00Z", "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59Z", "9999-12-31T23:59:59.999999999+23:59", "00000000-0000-0000-0000-000000000000",
    "ABCDEF01-0000-4000-8000-000000000000", "abcdef01-0000-4000-8000-000000000000", "x" * 3_000,
)  # fmt: skip


class Decisions:
    """Numbers read off bytes."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    @property
    def are_over(self) -> bool:
        return self._at >= len(self._data)

    def below(self, number: int) -> int:
        """Return a number from 0 to `number` - 1; takes one byte, or two where there are more than 256."""
        width = 1 if number <= 256 else 2
        taken = self._data[self._at : self._at + width]
        self._at += width
        return int.from_bytes(taken, "big") % max(number, 1)

    def rest(self) -> bytes:
        """Return all bytes that were not read."""
        taken, self._at = self._data[self._at :], len(self._data)
        return taken


def edited(document: Any, decisions: Decisions) -> Any:
    """Return a copy of a JSON value with up to MOST_EDITS of its values set, removed, doubled or exchanged."""
    copy = json.loads(json.dumps(document))
    for _ in range(MOST_EDITS):
        if decisions.are_over:
            break
        places = list(_places(copy))
        if not places:
            break
        container, key = places[decisions.below(len(places))]
        match decisions.below(6):
            case 0 | 1:
                container[key] = deepcopy(VALUES[decisions.below(len(VALUES))])  # a later edit may be inside of it
            case 2:
                del container[key]
            case 3 if isinstance(container, list):
                container.append(json.loads(json.dumps(container[key])))
            case 4 if isinstance(container[key], str):
                container[key] += chr(decisions.below(0x3000))
            case _:
                other_container, other_key = places[decisions.below(len(places))]
                container[key] = json.loads(json.dumps(other_container[other_key]))
    return copy


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield the container and the key of every value inside a value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield value, key
        yield from _places(item)
