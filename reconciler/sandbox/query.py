"""What a query string asks for, as Coder's parsers read it: parameters, the search language of `q`, and pages.

Every fault is collected, then all of them are refused together.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from .answers import INVALID_QUERY, Refused, Validation, refusal
from .identifiers import NIL, parse_uuid

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from .calls import Call

_TRUE = {"1", "t", "T", "TRUE", "true", "True"}
_FALSE = {"0", "f", "F", "FALSE", "false", "False"}
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}", re.ASCII)
MAXIMUM_IDS = 100
_ELEMENTS = re.compile(r'(?:[^\s"]|"[^"]*"?)+')
_PARTS = re.compile(r'(?:[^:"]|"[^"]*"?)+')


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
    """Return the 1 to 100 ids of a bulk read. *Raises* Refused 400."""
    ids = query.uuids(key)
    query.require(key)
    query.check(unknown_keys=True)
    if len(ids) > MAXIMUM_IDS:
        raise refusal(400, f"{key} has {len(ids)} entries, maximum is {MAXIMUM_IDS}.")
    return ids


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

    *Raises* Refused 400 with `message` when an element cannot be read; unknown keys are noted as faults.
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


def _malformed(message: str, detail: str) -> Refused:
    return refusal(400, message, Validation("q", detail))


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Ask for a page; `limit` 0 means everything."""

    limit: int
    offset: int
    after: str | None = None


def read_page_request(call: Call, *, cursor: bool = True) -> PageRequest:
    """Return what the query asks for. *Raises* Refused 400."""
    query = call.query()
    page = PageRequest(query.number("limit"), query.number("offset"), query.uuid("after_id") if cursor else None)
    query.check()
    return page


def page_of_people(call: Call, page: PageRequest, source: str, parameters: Sequence[object]) -> tuple[list[str], int]:
    """Return the ids on a page in their order, and the count: as Coder's, 0 on an empty page, and behind a cursor
    only what follows it.

    `source` is SQL from its FROM on, over users `u`.
    """
    sql = f"SELECT lower(u.username), u.id {source} ORDER BY 1"
    people = call.world.memo.get(
        (sql, *parameters), lambda: [(row[0], row[1]) for row in call.database.rows(sql, *parameters)]
    )
    start = 0
    if page.after is not None:
        name = call.database.value("SELECT lower(username) FROM users WHERE id = ?", page.after)
        start = len(people) if name is None else bisect_right(people, (name, "\U0010ffff"))
    first = start + page.offset
    found = people[first : first + page.limit] if page.limit else people[first:]
    return [id_ for _, id_ in found], len(people) - start if found else 0
