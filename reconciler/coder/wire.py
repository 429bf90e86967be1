"""Coder's JSON into checked values: the tools that every decoder uses. Knows no endpoint and sends nothing.

What we need is checked strictly, because Go and Python disagree on much that JSON allows: a bool or 200.0 is not an
integer here, -1 is not a limit, and an id is a UUID (it becomes part of a path later, so that a hostile server could
otherwise choose our next request). What we do not need is ignored. An error names method, path and place, never the
value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, TypeVar

from reconciler import strict_json
from reconciler.coder.answers import error_of, shown
from reconciler.coder.exchange import Answer, Request
from reconciler.core.budget import GroupId, GroupRef
from reconciler.dataclass import dataclass
from reconciler.errors import ServerError, UnreachableError
from reconciler.money import Micros

T = TypeVar("T")
K = TypeVar("K")
NameGroup = Callable[[GroupId], GroupRef]
"""Gives a group of an answer the names by which it goes, where they are known."""

At = str | tuple["At", str | int]
"""Where a value stands: a name, or the place around it and the key or index there. Written out only for an error."""

_HINT = (
    "look for a newer release of reconciler, if this Coder was upgraded lately; else check that CODER_URL is a Coder "
    "deployment and no proxy changes its answers"
)
MAX_INT64 = 2**63 - 1
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_FRACTION = re.compile(r"\.(\d{1,6})\d*")


def is_uuid(text: str) -> bool:
    return _UUID.fullmatch(text) is not None


def require_uuid(text: str) -> str:
    """Return an id that is fit for a path. Raises ValueError: an id that is none never comes from a decoder."""
    if not is_uuid(text):
        raise ValueError(f"{text!r} is not a UUID")
    return text


def wrong(request: Request, what: str) -> ServerError:
    """Return the error for an answer that cannot be used. After a write nobody knows what was done."""
    kind = UnreachableError if request.is_write else ServerError
    return kind(f"{request}: {what}.", hint=_HINT)


def named_twice(request: Request) -> ServerError:
    """Return the error for an answer in which an object names a key twice."""
    return wrong(request, "the answer contradicts itself: an object in it names a key twice")


def own_id(answer: Answer, id_: str) -> str:
    """Refuse an answer about somebody else."""
    if f"/{id_}/" not in answer.request.path:
        raise wrong(answer.request, "the answer is about another subject")
    return id_


def load_json(answer: Answer, *, hook: Callable[[dict[str, Any]], object] | None = None) -> Any:
    """Return the JSON of a success (200).

    `hook` may replace each object while it is parsed, innermost first, so that a long list is never held as
    dictionaries; the answer is emptied, so that it is not held twice. Raises ServerError for all else.
    """
    if answer.status != 200:
        raise error_of(answer)
    if answer.content_type != "application/json":
        kind = shown(answer, answer.content_type)
        raise wrong(answer.request, f"the answer is {kind}, not JSON" if kind else "the answer has no content type")
    if not answer.body:
        raise wrong(answer.request, "the answer is empty")
    try:
        text = answer.body.decode()
        answer.body.clear()
        return strict_json.parse(text, hook=hook)
    except strict_json.KeyTwice as error:
        raise named_twice(answer.request) from error
    except (ValueError, RecursionError) as error:
        raise wrong(answer.request, "the answer is not whole or not JSON") from error


def load_object(answer: Answer, *, hook: Callable[[dict[str, Any]], object] | None = None) -> Fields:
    """Return the one object of a success, as checked fields."""
    return as_fields(load_json(answer, hook=hook), answer, "answer")


def load_rows(answer: Answer, *, hook: Callable[[dict[str, Any]], object] | None = None) -> Iterator[Fields]:
    """Return the objects of a success that is a list; null is an empty one."""
    return rows_of(load_json(answer, hook=hook), answer, "answer")


def as_fields(value: object, answer: Answer, at: At) -> Fields:
    if not isinstance(value, dict):
        raise wrong(answer.request, f"{place_of(at)} is {kind_of(value)}, not an object")
    return Fields(value=value, answer=answer, at=at)


def rows_of(value: object, answer: Answer, at: At) -> Iterator[Fields]:
    if value is None:
        return iter(())
    if not isinstance(value, list):
        raise wrong(answer.request, f"{place_of(at)} is {kind_of(value)}, not a list")
    return (as_fields(row, answer, (at, index)) for index, row in enumerate(value))


def place_of(at: At) -> str:
    """Return where a value stands, as `answer.members[3].user_id`."""
    if isinstance(at, str):
        return at
    around, part = at
    return f"{place_of(around)}[{part}]" if isinstance(part, int) else f"{place_of(around)}.{part}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """One JSON object. Every method raises ServerError when the field is not what it should be."""

    value: dict[str, Any]
    answer: Answer
    """Where it stands; its texts are masked."""
    at: At

    @property
    def request(self) -> Request:
        return self.answer.request

    def has(self, key: str) -> bool:
        """Tell whether the key is there, null included."""
        return key in self.value

    def id(self, key: str) -> str:
        """Return a UUID in lower case."""
        value = self.value.get(key)
        if isinstance(value, str) and (is_uuid(value) or is_uuid(value := value.lower())):
            return value
        raise self.wrong(key, "a UUID")

    def optional_id(self, key: str) -> str | None:
        return None if self.value.get(key) is None else self.id(key)

    def name(self, key: str) -> str:
        """Return a text that may be printed and is not empty, unchanged; a name with our secret in it is refused."""
        value = self.value.get(key)
        if isinstance(value, str) and value and value.isprintable():
            if self.answer.mask.is_in_name(value):
                raise wrong(
                    self.request, f"{place_of((self.at, key))} contains the session token or a value of CODER_HEADER"
                )
            return value
        if isinstance(value, str):
            raise wrong(self.request, f"{place_of((self.at, key))} is empty, or has characters that cannot be printed")
        raise self.wrong(key, "a name")

    def text(self, key: str) -> str:
        """Return a text; empty when there is none or it is null."""
        value = self.value.get(key)
        if value is None:
            return ""
        if isinstance(value, str):
            return shown(self.answer, value)
        raise self.wrong(key, "a text")

    def flag(self, key: str) -> bool:
        """Return a boolean; false when there is none or it is null."""
        value = self.value.get(key)
        if value is None or isinstance(value, bool):
            return bool(value)
        raise self.wrong(key, "a boolean")

    def count(self, key: str) -> int:
        """Return an integer from 0 to 2**63 - 1."""
        value = self.value.get(key)
        if type(value) is not int:
            raise self.wrong(key, "an integer")
        if not 0 <= value <= MAX_INT64:
            raise wrong(self.request, f"{place_of((self.at, key))} is negative or too large")
        return value

    def micros(self, key: str) -> Micros:
        """Return an amount; one above Coder's maximum is real on upgraded servers."""
        return Micros(self.count(key))

    def time(self, key: str) -> datetime:
        """Return an RFC 3339 time, in UTC."""
        time = read_time(self.value.get(key))
        if time is None:
            raise self.wrong(key, "a time")
        return time

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of texts; null is an empty one."""
        value = self.value.get(key)
        if value is None:
            return ()
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return tuple(shown(self.answer, item) for item in value)
        if isinstance(value, list):
            raise wrong(self.request, f"{place_of((self.at, key))} is a list with something else than texts in it")
        raise self.wrong(key, "a list of texts")

    def rows(self, key: str) -> Iterator[Fields]:
        """Return a list of objects that has to be there; null is an empty one."""
        if key not in self.value:
            raise self.wrong(key, "a list")
        return rows_of(self.value[key], self.answer, (self.at, key))

    def optional_object(self, key: str) -> Fields | None:
        value = self.value.get(key)
        return None if value is None else as_fields(value, self.answer, (self.at, key))

    def wrong(self, key: str, expected: str) -> ServerError:
        """Return the error for a field that is missing, or is not what is `expected`: `an integer`."""
        there = f"{kind_of(self.value[key])}, not {expected}" if key in self.value else f"missing; expected {expected}"
        return wrong(self.request, f"{place_of((self.at, key))} is {there}")


def read_time(value: object) -> datetime | None:
    """Return an RFC 3339 time, in UTC; None for what is not one."""
    try:
        if isinstance(value, str):
            time = datetime.fromisoformat(_FRACTION.sub(lambda part: "." + part[1].ljust(6, "0"), value))
            return time.astimezone(UTC) if time.tzinfo is not None else None
    except (ValueError, OverflowError):
        pass
    return None


def unique(pairs: Iterable[tuple[K, T]], request: Request) -> dict[K, T]:
    """Return pairs as a mapping. Raises ServerError when one answer says two things of the same id."""
    result: dict[K, T] = {}
    for key, value in pairs:
        first = result.setdefault(key, value)
        if first is not value and first != value:
            raise wrong(request, "the answer names an id twice, with different content")
    return result


def kind_of(value: object) -> str:
    """Name the kind of a JSON value; never the value."""
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int():
            return "an integer"
        case float():
            return "a number with a fraction or exponent"
        case str():
            return "a text"
        case list():
            return "a list"
        case _:
            return "an object"
