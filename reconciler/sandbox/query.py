"""What a query string asks for, as Coder's parsers read it: parameters, the search language of `q`, and pages.

Parameters and searches have the same typed values and the same faults, as in Coder, where one parser reads both.
Every fault is collected, then all of them are refused together.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import parse_qs

from .answers import INVALID_QUERY, Refused, Validation, refusal
from .clock import as_text
from .gotime import DAY, RFC3339, parse_time
from .identifiers import NIL, parse_uuid, uuid_fault

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from datetime import datetime

_TRUE = {"1", "t", "T", "TRUE", "true", "True"}
_FALSE = {"0", "f", "F", "FALSE", "false", "False"}
_INTEGER = re.compile(r"[+-]?[0-9]+", re.ASCII)
_ELEMENTS = re.compile(r'(?:[^\s"]|"[^"]*"?)+')
_PARTS = re.compile(r'(?:[^:"]|"[^"]*"?)+')
_SPACE = "\t\n\v\f\r \x85\xa0"
MAXIMUM_IDS = 100
Value = TypeVar("Value")


def parse_bool(text: str) -> bool | None:
    """Return what Go's ParseBool makes of the text, None for an error."""
    return True if text in _TRUE else False if text in _FALSE else None


class Parameters:
    """Hold the values of each key, read them by type, and collect what is wrong with them."""

    def __init__(self, values: Mapping[str, list[str]], *, message: str = INVALID_QUERY) -> None:
        self.message = message
        self._values = values
        self._faults: list[Validation] = []
        self._known: set[str] = set()

    def is_sent(self, key: str) -> bool:
        """Tell whether the key was sent, with or without a value."""
        self._known.add(key)
        return key in self._values

    def has(self, key: str) -> bool:
        """Tell whether the key was sent with a value."""
        self._known.add(key)
        return bool(self._values.get(key, [""])[0])

    def first(self, key: str) -> str:
        """Return the first value, as routes take it that read their query by hand; empty without a value."""
        return self._values[key][0] if self.has(key) else ""

    def text(self, key: str) -> str:
        """Return a value that may be sent once, empty without a value."""
        if not self.has(key):
            return ""
        values = self._values[key]
        if len(values) > 1:
            self.fault(
                key,
                f'Query param "{key}" provided more than once, found {len(values)} times. '
                "Only provide 1 instance of this query param.",
            )
        return values[0]

    def number(self, key: str, default: int = 0) -> int:
        """Return a whole number that is not negative and fits 32 bits."""
        text = self.text(key)
        if not text:
            return default
        reason = ""
        if not _INTEGER.fullmatch(text):
            reason = f'strconv.ParseInt: parsing "{text}": invalid syntax'
        elif len(text) > 18 or not -(2**31) <= int(text) < 2**31:
            reason = f'strconv.ParseInt: parsing "{text}": value out of range'
        elif int(text) < 0:
            reason = "value is negative"
        if reason:
            self.fault(key, f'Query param "{key}" must be a valid 32-bit positive integer: {reason}')
            return default
        return int(text)

    def boolean(self, key: str) -> bool | None:
        """Return a flag, None without a value."""
        text = self.text(key)
        if not text:
            return None
        flag = parse_bool(text)
        if flag is None:
            reason = f'strconv.ParseBool: parsing "{text}": invalid syntax'
            self.fault(key, f'Query param "{key}" must be a valid boolean: {reason}')
        return flag

    def uuid(self, key: str) -> str | None:
        """Return an id; None without a value and for the nil UUID."""
        text = self.text(key)
        if not text:
            return None
        parsed = parse_uuid(text)
        if parsed is None:
            self.fault(key, f'Query param "{key}" must be a valid uuid')
        return None if parsed == NIL else parsed

    def moment(self, key: str) -> str | None:
        """Return an RFC 3339 time as the database writes it, None without a value."""
        instant = self.instant(key)
        return None if instant is None else as_text(instant)

    def instant(self, key: str) -> datetime | None:
        """Return an RFC 3339 time, None without a value. Coder writes its letters large first."""
        return self._time(key, self.text(key).upper(), RFC3339)

    def day(self, key: str) -> str | None:
        """Return a day as YYYY-MM-DD, None without a value."""
        instant = self._time(key, self.text(key), DAY)
        return None if instant is None else instant.date().isoformat()

    def _time(self, key: str, text: str, layout: str) -> datetime | None:
        if not text:
            return None
        try:
            return parse_time(text, layout)
        except ValueError as error:
            self.fault(key, f'Query param "{key}" must be a valid date format ({layout}): {error}')
            return None

    def uuids(self, key: str) -> list[str]:
        """Return a list of ids in the order sent."""
        return self._list(key, lambda text: parse_uuid(text.strip(_SPACE)), lambda text: uuid_fault(text.strip(_SPACE)))

    def choices(self, key: str, allowed: Collection[str]) -> list[str]:
        """Return a list whose items are all allowed."""
        return self._list(
            key, lambda text: text if text in allowed else None, lambda text: f'"{text}" is not a valid value'
        )

    def _list(self, key: str, parse: Callable[[str], Value | None], fault: Callable[[str], str]) -> list[Value]:
        """Read values separated by commas, of a key that may be repeated. All faults of a key are one validation."""
        if not self.has(key):
            return []
        items, faults = [], []
        for text in (part for value in self._values[key] for part in value.split(",")):
            item = parse(text)
            if item is None:
                faults.append(fault(text))
            else:
                items.append(item)
        if faults:
            self.fault(key, f'Query param "{key}" has invalid values: ' + "\n".join(faults))
            return []
        return items

    def require(self, key: str) -> None:
        """Note a fault when the key was sent without a value, or not at all."""
        if not self.has(key):
            self.fault(key, f'Query param "{key}" is required and cannot be empty')

    def fault(self, key: str, detail: str) -> None:
        """Note what is wrong with a key, once."""
        validation = Validation(key, detail)
        if validation not in self._faults:
            self._faults.append(validation)

    def check(self, *, unknown_keys: bool = False) -> None:
        """Refuse with 400 if anything was wrong; `unknown_keys` also refuses keys that were never read."""
        if unknown_keys:
            for key in sorted(self._values.keys() - self._known):
                self.fault(key, f'"{key}" is not a valid query param')
        if self._faults:
            raise refusal(400, self.message, *self._faults)


def read_query(text: str) -> Parameters:
    """Return the parameters of a query string."""
    return Parameters(parse_qs(text, keep_blank_values=True, errors="replace") if text else {})


def read_search(text: str, message: str, *, bare: str | None, lower: bool = True) -> Parameters:
    """Read a search, `key:value "quoted value" bare words`; a repeated key unites its values.

    Bare words become the value of the key `bare`, or are refused when it is None. *Raises* Refused 400 with `message`
    when an element cannot be read. `check(unknown_keys=True)` refuses the keys that the endpoint does not know.
    """
    values: dict[str, list[str]] = {}
    words: list[str] = []
    for element in _ELEMENTS.findall(text.lower() if lower else text):
        if element.startswith(":") or element.endswith(":"):
            raise _malformed(message, f"Query element \"{element}\" cannot start or end with ':'")
        parts = [part.strip('"') for part in _PARTS.findall(element)]
        if len(parts) > 2:
            raise _malformed(message, f"Query element \"{element}\" can only contain 1 ':'")
        if len(parts) == 2:
            values.setdefault(parts[0].lower(), []).append(parts[1])
        else:
            words.append(parts[0])
    if words and bare is None:
        raise _malformed(message, f"invalid search term: {words[0]}")
    if words and bare is not None:
        values.setdefault(bare, [" ".join(words)])
    return Parameters(values, message=message)


def _malformed(message: str, detail: str) -> Refused:
    return refusal(400, message, Validation("q", detail))


def bounded_ids(query: Parameters, key: str) -> Sequence[str]:
    """Return the 1 to 100 ids of a bulk read. *Raises* Refused 400."""
    ids = query.uuids(key)
    query.require(key)
    query.check(unknown_keys=True)
    if len(ids) > MAXIMUM_IDS:
        raise refusal(400, f"{key} has {len(ids)} entries, maximum is {MAXIMUM_IDS}.")
    return ids


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRequest:
    """Ask for a page; `limit` 0 means everything."""

    limit: int = 0
    offset: int = 0
    after: str | None = None


def read_page_request(query: Parameters, *, cursor: bool = True) -> PageRequest:
    """Return what the query asks for. *Raises* Refused 400."""
    page = PageRequest(
        limit=query.number("limit"), offset=query.number("offset"), after=query.uuid("after_id") if cursor else None
    )
    query.check()
    return page
