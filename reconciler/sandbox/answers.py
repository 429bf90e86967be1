"""Answers and refusals in Coder's words; knows no route and no table."""

from __future__ import annotations

import json
from dataclasses import dataclass
from http import HTTPStatus
from itertools import chain
from typing import TYPE_CHECKING

from starlette.responses import Response

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

JSON_TYPE = "application/json; charset=utf-8"
TEXT_TYPE = "text/plain; charset=utf-8"

NOT_FOUND = "Resource not found or you do not have access to this resource"
ROUTE_NOT_FOUND = "Route not found."
SIGNED_OUT = "You are signed out or your session has expired. Please sign in again to continue."
INVALID_QUERY = "Query parameters have invalid values."
NO_PERMISSION = (
    "You don't have permission to view this content. If you believe this is a mistake, "
    "please contact your administrator or try signing in with different credentials."
)

_PIECE_SIZE = 1 << 18

_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
"""Made once: `json.dumps` makes an encoder for each call that asks for more than its defaults."""


class Answer(Response):
    """Hold what goes over the wire, apart from the headers that every answer has. Without a body it has no type.

    `rest` is what follows the body of a long answer. It is made while the answer leaves, from what was read before.
    """

    def __init__(
        self,
        status: int,
        body: bytes = b"",
        content_type: str = JSON_TYPE,
        *,
        headers: Iterable[tuple[str, str]] = (),
        rest: Iterable[bytes] = (),
    ) -> None:
        super().__init__(body, status, media_type=content_type or None if body else None)
        self.rest = rest
        if rest:
            del self.headers["content-length"]
        for name, value in headers:
            self.headers.append(name, value)

    def complete(self, *, tells_length: bool = False) -> None:
        """Make the rest now; `tells_length` is for a client of HTTP/1.0, which knows no chunks."""
        if self.rest:
            self.body, self.rest = b"".join((self.body, *self.rest)), ()
            if tells_length:
                self.headers["content-length"] = str(len(self.body))


def long_answer(
    texts: Iterable[str], content_type: str = JSON_TYPE, *, headers: Iterable[tuple[str, str]] = ()
) -> Answer:
    """Answer with joined texts, which are made while the answer leaves once they fill more than one piece of it."""
    pieces = _pieces(texts)
    first, second = next(pieces), next(pieces, None)
    rest = () if second is None else chain((second,), pieces)
    return Answer(200, first, content_type, headers=headers, rest=rest)


def list_texts(items: Iterable[str]) -> Iterator[str]:
    """Return the parts of a list whose items are written as JSON already."""
    before = "["
    for item in items:
        yield before
        yield item
        before = ","
    yield "]\n" if before == "," else "[]\n"


def _pieces(texts: Iterable[str]) -> Iterator[bytes]:
    """Return joined texts in pieces; at least one."""
    waiting, size = list[str](), 0
    for text in texts:
        if size >= _PIECE_SIZE:
            yield "".join(waiting).encode()
            waiting, size = [], 0
        waiting.append(text)
        size += len(text)
    yield "".join(waiting).encode()


class Refused(Exception):
    """End a request with an error, which `answer` holds."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status_code, answer.body)
        self.answer = answer


@dataclass(frozen=True, slots=True)
class Validation:
    """Name a field and what is wrong with it. Its two values are given by position."""

    field: str
    detail: str


def as_json(value: object) -> str:
    """Return compact JSON text."""
    return _ENCODER.encode(value)


def json_answer(value: object, status: int = 200) -> Answer:
    """Answer with a value as JSON, ended by a newline as Go's encoder does."""
    return Answer(status, (as_json(value) + "\n").encode("utf-8", "surrogatepass"))


def message(text: str, status: int = 200, *, detail: str = "", validations: tuple[Validation, ...] = ()) -> Answer:
    """Answer in Coder's response shape; empty parts are left out."""
    value: dict[str, object] = {"message": text}
    if detail:
        value["detail"] = detail
    if validations:
        value["validations"] = [{"field": v.field, "detail": v.detail} for v in validations]
    return json_answer(value, status)


def refusal(status: int, text: str, *validations: Validation, detail: str = "") -> Refused:
    """Build a refusal in Coder's response shape."""
    return Refused(message(text, status, detail=detail, validations=validations))


def not_found() -> Refused:
    """Build the one 404 that covers absent, unknown, unreadable and unwritable."""
    return refusal(404, NOT_FOUND)


def forbidden() -> Refused:
    """Build the 403 of the endpoints that do not hide what exists."""
    return refusal(403, "Forbidden.", detail=NO_PERMISSION)


def server_error(detail: str, text: str = "An internal server error occurred.") -> Refused:
    """Build a 500; some missing rights surface as one in Coder."""
    return refusal(500, text, detail=detail)


def phrase(status: int) -> str:
    """Return the reason phrase of a status, empty when it has none."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
