"""Query strings as Coder's parser reads them: every fault is collected, then refused together."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from .answers import INVALID_QUERY, Validation, refusal
from .uuids import NIL, parse_uuid

if TYPE_CHECKING:
    from collections.abc import Sequence

_TRUE = {"1", "t", "T", "TRUE", "true", "True"}
_FALSE = {"0", "f", "F", "FALSE", "false", "False"}
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}", re.ASCII)
MAXIMUM_IDS = 100


def parse_bool(text: str) -> bool | None:
    """Return what Go's ParseBool makes of the text, None for an error."""
    return True if text in _TRUE else False if text in _FALSE else None


class Query:
    """Read typed parameters; `check` refuses with all faults found, unknown keys too where Coder minds them."""

    def __init__(self, text: str) -> None:
        self._values = parse_qs(text, keep_blank_values=True, max_num_fields=None, errors="replace") if text else {}
        self._faults: list[Validation] = []
        self._known: set[str] = set()

    def text(self, key: str) -> str:
        """Return the first value, empty when there is none."""
        self._known.add(key)
        return self._values.get(key, [""])[0]

    def has(self, key: str) -> bool:
        """Tell whether the key was sent with a value."""
        return bool(self.text(key))

    def number(self, key: str, default: int = 0) -> int:
        """Return a whole number that is not negative and fits 32 bits."""
        text = self.text(key)
        if not text:
            return default
        if not _INTEGER.fullmatch(text) or not 0 <= int(text) < 2**31:
            self._fault(key, f'Query param "{key}" must be a valid positive integer: parsing "{text}"')
            return default
        return int(text)

    def boolean(self, key: str) -> bool:
        """Return a flag, False when it was not sent."""
        text = self.text(key)
        if not text:
            return False
        value = parse_bool(text)
        if value is None:
            self._fault(key, f'Query param "{key}" must be a valid boolean: parsing "{text}"')
        return bool(value)

    def uuid(self, key: str) -> str | None:
        """Return an id; None when it was not sent or is the nil UUID."""
        text = self.text(key)
        if not text:
            return None
        parsed = parse_uuid(text)
        if parsed is None:
            self._fault(key, f'Query param "{key}" must be a valid uuid: invalid UUID length: {len(text)}')
        return None if parsed == NIL else parsed

    def uuids(self, key: str) -> list[str]:
        """Return a comma-separated list of ids, in the order sent."""
        self._known.add(key)
        found: list[str] = []
        for text in (part for value in self._values.get(key, []) for part in value.split(",") if part):
            parsed = parse_uuid(text.strip())
            if parsed is None:
                self._fault(key, f'Query param "{key}" has invalid values: "{text}" is not a valid uuid')
            else:
                found.append(parsed)
        return found

    def require(self, key: str) -> None:
        """Note a fault when the key was not sent."""
        if not self.has(key):
            self._fault(key, f'Query param "{key}" is required and cannot be empty')

    def _fault(self, key: str, detail: str) -> None:
        self._faults.append(Validation(key, detail))

    def check(self, *, unknown_keys: bool = False) -> None:
        """Refuse with 400 if anything was wrong; `unknown_keys` also refuses keys nobody asked for."""
        if unknown_keys:
            for key in sorted(set(self._values) - self._known):
                self._fault(key, f'Query param "{key}" is not a valid query param')
        if self._faults:
            raise refusal(400, INVALID_QUERY, *self._faults)


def bounded_ids(query: Query, key: str) -> Sequence[str]:
    """Return the 1 to 100 ids of a bulk read. *Raises* Refusal 400."""
    ids = query.uuids(key)
    query.require(key)
    query.check(unknown_keys=True)
    if len(ids) > MAXIMUM_IDS:
        raise refusal(400, f"{key} has {len(ids)} entries, maximum is {MAXIMUM_IDS}.")
    return ids
