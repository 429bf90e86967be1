"""Frozen dataclasses to JSON values and back, strictly, by their own type hints.

One rule per kind of type, so that a format is described once, by its dataclass (and published once, by its schema in
schemas/, which a test compares):

    dataclass             object of its fields; inside a union, with a "type" that names the class
    JSON_EXTRAS           properties written for the reader's convenience; when read they must say what the fields say
    X | None              null
    datetime              RFC 3339 text in UTC
    enum                  its value
    tuple, Mapping        array, object

A value that does not fit raises ValueError naming its path (`actions[3].before.limit_micros`); an unknown key too: a
format that grows gets a new version number, and a misspelt key must not pass for an absent one.
"""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from enum import Enum
from functools import cache
from typing import Any, NewType, Union, get_args, get_origin, get_type_hints

from reconciler.words import QUOTED, quoted, shortened

_UNIONS = (Union, types.UnionType)
_PLAIN = frozenset({types.NoneType, bool, int, str})


def encode(value: Any, hint: Any = None) -> Any:
    """Turn a frozen value into what `json.dumps` takes. Keys are in the order of the fields.

    `hint` is its declared type, when that is more than its class: a member of a union is written with its "type".
    """
    cls: Any = type(value)
    return value if cls in _PLAIN else _encoder(cls, hint or cls)(value)  # most values are plain


@cache
def _encoder(cls: Any, hint: Any) -> Callable[[Any], Any]:
    """Return what encodes values of a class that are declared as `hint`."""
    origin, arguments = get_origin(hint), get_args(hint)
    if issubclass(cls, Enum):
        return lambda value: value.value
    if issubclass(cls, datetime):
        return lambda value: value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if issubclass(cls, tuple):
        item_hint = arguments[0] if arguments else None
        return lambda value: [encode(item, item_hint) for item in value]
    if issubclass(cls, Mapping):
        item_hint = arguments[1] if arguments else None
        return lambda value: {str(key): encode(item, item_hint) for key, item in sorted(value.items())}
    tag = {"type": _tag(cls)} if origin in _UNIONS and _is_ambiguous(arguments) else {}
    extras, hints = _extras(cls), tuple(_hints(cls).items())

    def encode_object(value: Any) -> dict[str, Any]:
        result = tag | {name: encode(getattr(value, name)) for name in extras}
        for name, field_hint in hints:
            result[name] = encode(getattr(value, name), field_hint)
        return result

    return encode_object


def decode(hint: Any, data: Any) -> Any:
    """Turn JSON values back into a value of the declared type. Raises ValueError that names the path of a misfit."""
    try:
        return _decoder(hint)(data)
    except _Misfit as misfit:
        raise ValueError(f"{misfit.path.removeprefix('.') or 'the document'} {misfit.why}") from None


class _Misfit(Exception):
    """A value that does not fit. Each decoder that it passes puts its own step before the path."""

    def __init__(self, why: str, path: str = "") -> None:
        super().__init__(why)
        self.why, self.path = why, path

    def under(self, step: str) -> _Misfit:
        """Return the misfit as what is one step further out sees it."""
        return _Misfit(self.why, step + self.path)


@cache
def _decoder(hint: Any) -> Callable[[Any], Any]:
    """Return what decodes values of a declared type."""
    if isinstance(hint, NewType):
        return _decoder(hint.__supertype__)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in _UNIONS:
        return _union_decoder(arguments)
    if origin is tuple:
        return _tuple_decoder(arguments[0])
    if origin is not None and issubclass(origin, Mapping):
        return _mapping_decoder(arguments[1])
    if dataclasses.is_dataclass(hint):
        return _object_decoder(hint)
    if issubclass(hint, Enum):
        return _enum_decoder(hint)
    return _decode_time if hint is datetime else _plain_decoder(hint)


def _plain_decoder(kind: type) -> Callable[[Any], Any]:
    return lambda data: data if type(data) is kind else _require(kind, data)


def _enum_decoder(kind: type[Enum]) -> Callable[[Any], Any]:
    def decode_enum(data: Any) -> Any:
        try:
            return kind(data)
        except ValueError:
            raise _misfit(" or ".join(repr(member.value) for member in kind), data) from None

    return decode_enum


def _decode_time(data: Any) -> datetime:
    try:
        time = datetime.fromisoformat(data)
        return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except (TypeError, ValueError, OverflowError):
        raise _misfit("an RFC 3339 time", data) from None


def _tuple_decoder(item_hint: Any) -> Callable[[Any], Any]:
    decode_item = _decoder(item_hint)

    def decode_tuple(data: Any) -> Any:
        items, values = _require(list, data), []
        try:
            for item in items:
                values.append(decode_item(item))
        except _Misfit as misfit:
            raise misfit.under(f"[{len(values)}]") from None
        return tuple(values)

    return decode_tuple


def _mapping_decoder(item_hint: Any) -> Callable[[Any], Any]:
    decode_item = _decoder(item_hint)

    def decode_mapping(data: Any) -> Any:
        values = {}
        for key, item in _require(dict, data).items():
            try:
                values[key] = decode_item(item)
            except _Misfit as misfit:
                raise misfit.under(f".{key}") from None
        return values

    return decode_mapping


def _union_decoder(members: tuple[Any, ...]) -> Callable[[Any], Any]:
    classes: list[Any] = [member for member in members if dataclasses.is_dataclass(member)]
    plain_types = [member for member in members if member not in classes and member is not types.NoneType]
    decoders = {_tag(cls): _decoder(cls) for cls in classes}
    is_optional, is_ambiguous = types.NoneType in members, _is_ambiguous(members)
    decode_other = _decoder((plain_types or classes)[0])

    def decode_union(data: Any) -> Any:
        if is_optional and data is None:
            return None
        if not is_ambiguous or not isinstance(data, dict):
            return decode_other(data)
        tag = data.get("type")
        if not isinstance(tag, str) or tag not in decoders:
            raise _misfit(" or ".join(map(repr, decoders)), tag, path=".type")
        return decoders[tag]({key: item for key, item in data.items() if key != "type"})

    return decode_union


def _object_decoder(cls: Any) -> Callable[[Any], Any]:
    hints, extras = _hints(cls), _extras(cls)
    fields = [(name, _decoder(hint)) for name, hint in hints.items()]
    keys = {*hints, *extras}

    def decode_object(data: Any) -> Any:
        pairs = _require(dict, data)
        if pairs.keys() != keys:
            raise _wrong_keys(pairs, (*hints, *extras))
        values = {}
        for name, decode_field in fields:
            try:
                values[name] = decode_field(pairs[name])
            except _Misfit as misfit:
                raise misfit.under(f".{name}") from None
        value = cls(**values)
        for name in extras:
            says = encode(getattr(value, name))
            if says != pairs[name]:
                why = f"is {quoted(pairs[name])}, but the other fields say {quoted(says)}"
                raise _Misfit(why, f".{name}")
        return value

    return decode_object


def _wrong_keys(pairs: Collection[str], keys: Collection[str]) -> _Misfit:
    for key in pairs:
        if key not in keys:
            return _Misfit("is not a known key", f".{shortened(key, QUOTED)}")
    missing = next(key for key in keys if key not in pairs)
    return _Misfit("is missing", f".{missing}")


def _require(kind: type, data: Any) -> Any:
    if not isinstance(data, kind) or (kind is int and isinstance(data, bool)):
        names = {dict: "an object", list: "an array", str: "text", int: "a whole number", bool: "true or false"}
        raise _misfit(names.get(kind, kind.__name__), data)
    return data


def _misfit(wanted: str, data: Any, *, path: str = "") -> _Misfit:
    return _Misfit(f"must be {wanted}, not {quoted(data)}", path)


@cache
def _hints(cls: Any) -> dict[str, Any]:
    hints = get_type_hints(cls)
    return {field.name: hints[field.name] for field in dataclasses.fields(cls)}


@cache
def _is_ambiguous(members: tuple[Any, ...]) -> bool:
    """Whether a union leaves a choice that the JSON must name."""
    return sum(member is not types.NoneType for member in members) > 1


@cache
def _tag(cls: Any) -> str:
    return "".join(f"-{c.lower()}" if c.isupper() else c for c in cls.__name__).removeprefix("-")


def _extras(cls: Any) -> tuple[str, ...]:
    """Return the properties that stand in the JSON beside the fields, for readers that cannot derive them."""
    extras: tuple[str, ...] = getattr(cls, "JSON_EXTRAS", ())
    return extras
