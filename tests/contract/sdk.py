"""A strict client of Coder: decodes an answer as a typed SDK would, and names each field that such a client misses.

A documented field must be there, an undocumented field must not, types must fit, and what Go omits when it is empty
is never there empty. sdk.txt holds the types and routes. Nothing here may import the client or the sandbox.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TypeAlias

from tests.contract import GENERATIONS
from tests.contract.matching import JsonValue

HERE = Path(__file__).with_name("sdk.txt")
ORDER = ("2.34", "2026-05-29", "2.35", "2.36", "2.37", "2.38")
_PLACE = {generation: place for place, generation in enumerate(ORDER)}

_TOKEN = re.compile(r"\s*(\[\]|map\[|@-?[\w.-]+|[A-Za-z_][\w-]*|[{}\],:?*()|])")
_MARKS = re.compile(r"((?: @-?[\w.-]+)+)$")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d*[1-9])?Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Say in which generations a thing exists: from the first to the last, both included."""

    first: str = ORDER[0]
    last: str = ORDER[-1]

    def __contains__(self, generation: str) -> bool:
        return _PLACE[self.first] <= _PLACE[generation] <= _PLACE[self.last]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plain:
    """Be a type with a name: `string`, `uuid`, ..., or a struct that is defined elsewhere."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OneOf:
    """Be one of these words."""

    words: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrapped:
    """Be a list, a map from strings, or a pointer to a type."""

    kind: str
    item: Type


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """Be a field of a struct."""

    type: Type
    omitted_when_empty: bool
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Struct:
    """Be an object with these fields."""

    fields: Mapping[str, Field]


Type: TypeAlias = Plain | OneOf | Wrapped | Struct


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """Be one method of one path; `answer` is None without a body, "text/csv" for a table."""

    method: str
    path: str
    query: tuple[str, ...]
    body: str | None
    status: int
    answer: Type | str | None
    refusals: frozenset[int]
    span: Span

    @property
    def path_parameters(self) -> tuple[str, ...]:
        return tuple(re.findall(r"\{(\w+)\}", self.path))

    @property
    def key(self) -> tuple[str, str]:
        return self.method, self.path


@dataclass(frozen=True, slots=True, kw_only=True)
class Sdk:
    """Hold the types by name, and the operations."""

    types: Mapping[str, Type]
    operations: tuple[Operation, ...]


@dataclass(slots=True)
class _Reader:
    """Read a type from its text, token by token."""

    text: str
    tokens: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.tokens = _TOKEN.findall(self.text)

    def take(self, expected: str = "") -> str:
        token = self.tokens.pop(0)
        assert not expected or token == expected, (expected, token, self.text)
        return token

    def peek(self) -> str:
        return self.tokens[0] if self.tokens else ""

    def type(self) -> Type:
        match self.take():
            case "[]":
                return Wrapped(kind="list", item=self.type())
            case "*":
                return Wrapped(kind="pointer", item=self.type())
            case "map[":
                item = self.type()
                self.take("]")
                return Wrapped(kind="map", item=item)
            case "(":
                return self._words()
            case "{":
                struct = self.struct("}")
                self.take("}")
                return struct
            case name:
                return Plain(name=name)

    def _words(self) -> OneOf:
        words = [self.take()]
        while self.take() == "|":
            words.append(self.take())
        return OneOf(words=tuple(words))

    def struct(self, end: str) -> Struct:
        fields: dict[str, Field] = {}
        while self.peek() != end:
            name = self.take()
            type_ = self.type()
            is_omitted = self.peek() == "?"
            if is_omitted:
                self.take()
            fields[name] = Field(type=type_, omitted_when_empty=is_omitted, span=self.span())
            if self.peek() == ",":
                self.take()
        return Struct(fields=fields)

    def span(self) -> Span:
        first, last = ORDER[0], ORDER[-1]
        while self.peek().startswith("@"):
            mark = self.take()[1:]
            if mark.startswith("-"):
                last = mark[1:]
            else:
                first = mark
        return Span(first=first, last=last)


@cache
def load_sdk() -> Sdk:
    """Return the types and operations of sdk.txt. Raises ValueError for a line that is neither."""
    types: dict[str, Type] = {}
    operations: list[Operation] = []
    for line in HERE.read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        if line.split()[0].isupper():
            operations.append(_operation(line))
        elif ": " in line.partition(" ")[0] + " ":
            name, _, rest = line.partition(": ")
            types[name] = _Reader(rest).struct("")
        else:
            name, _, rest = line.partition(" = ")
            types[name] = _Reader(rest).type()
    return Sdk(types=types, operations=tuple(operations))


def _operation(line: str) -> Operation:
    marks = _MARKS.search(line)
    span = _Reader(marks[1] if marks else "").span()
    left, _, right = _MARKS.sub("", line).partition(" -> ")
    target, _, body = left.partition(" <- ")
    method, _, address = target.partition(" ")
    path, _, query = address.strip().partition("?")
    result, _, refusals = right.partition(" | ")
    status, _, type_text = result.partition(" ")
    answer: Type | str | None = None
    if type_text:
        answer = type_text if "/" in type_text else _Reader(type_text).type()
    return Operation(
        method=method, path=path, query=tuple(query.split(",")) if query else (), body=body or None,
        status=int(status), answer=answer, refusals=frozenset(map(int, refusals.split())), span=span,
    )  # fmt: skip


@cache
def operations(generation: str) -> tuple[Operation, ...]:
    """Return the operations of a generation."""
    assert generation in GENERATIONS
    return tuple(operation for operation in load_sdk().operations if generation in operation.span)


def operation_of(generation: str, method: str, path: str) -> Operation | None:
    """Return the operation that a request below /api/v2 reaches, or at a whole path; literal segments win."""
    candidates = [
        operation
        for operation in operations(generation)
        if operation.method == method and _paths_of(operation.path).fullmatch(path)
    ]
    return min(candidates, key=lambda operation: len(operation.path_parameters), default=None)


@cache
def _paths_of(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\{\w+\}", "[^/]+", path))


def check_strictly(type_: Type, value: JsonValue, generation: str) -> list[str]:
    """Return what a strict decoder of this type misses in a value; empty when it misses nothing."""
    return list(_faults(type_, value, generation, "$"))


def _faults(type_: Type, value: JsonValue, generation: str, at: str) -> Iterator[str]:
    match type_:
        case Plain(name=name) if name in load_sdk().types:
            yield from _faults(load_sdk().types[name], value, generation, at)
        case Plain(name=name):
            if not _is_plain(name, value):
                yield f"{at}: {value!r} is not a {name}"
        case OneOf(words=words):
            if value not in words:
                yield f"{at}: {value!r} is not one of {words}"
        case Wrapped(kind="pointer", item=item):
            if value is not None:
                yield from _faults(item, value, generation, at)
        case Wrapped(kind="list", item=item):
            if not isinstance(value, list):
                yield f"{at}: {value!r} is not a list"
                return
            for number, element in enumerate(value):
                yield from _faults(item, element, generation, f"{at}[{number}]")
        case Wrapped(item=item):
            if not isinstance(value, dict):
                yield f"{at}: {value!r} is not a map"
                return
            for key, element in value.items():
                yield from _faults(item, element, generation, f"{at}.{key}")
        case Struct(fields=fields):
            yield from _faults_of_struct(fields, value, generation, at)


def _faults_of_struct(fields: Mapping[str, Field], value: JsonValue, generation: str, at: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{at}: {value!r} is not an object"
        return
    known = {name: part for name, part in fields.items() if generation in part.span}
    for name in value.keys() - known.keys():
        yield f"{at}.{name}: not documented"
    for name, part in known.items():
        if name not in value:
            if not part.omitted_when_empty:
                yield f"{at}.{name}: missing"
            continue
        if part.omitted_when_empty and value[name] in ("", None, False, 0, [], {}):
            yield f"{at}.{name}: there, although it is empty"
        yield from _faults(part.type, value[name], generation, f"{at}.{name}")


def _is_plain(name: str, value: JsonValue) -> bool:
    match name:
        case "any":
            return True
        case "object":
            return isinstance(value, dict)
        case "bool":
            return isinstance(value, bool)
        case "int":
            return isinstance(value, int) and not isinstance(value, bool)
        case "string":
            return isinstance(value, str)
        case "uuid":
            return isinstance(value, str) and _UUID.fullmatch(value) is not None
        case "time":
            return isinstance(value, str) and _TIME.fullmatch(value) is not None
        case _:
            raise ValueError(f"unknown type {name}")
