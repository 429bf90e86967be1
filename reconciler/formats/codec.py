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
from collections.abc import Callable, Mapping
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
    if issubclass(cls, (bool, int, str)):
        return lambda value: value
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


def decode(hint: Any, data: Any, path: str = "") -> Any:
    """Turn JSON values back into a value of the declared type. Raises ValueError that names the path of a misfit."""
    return _decode(hint, data, path)


def _decode(hint: Any, data: Any, path: str) -> Any:
    if type(data) is hint:  # text, a whole number, true or false: most values of a large plan
        return data
    if isinstance(hint, NewType):
        return _decode(hint.__supertype__, data, path)
    origin, arguments = _shape(hint)
    if origin in _UNIONS:
        return _decode_union(arguments, data, path)
    if origin is tuple:
        items = _require(list, data, path)
        return tuple(_decode(arguments[0], item, f"{path}[{i}]") for i, item in enumerate(items))
    if origin is not None and issubclass(origin, Mapping):
        pairs = _require(dict, data, path)
        return {key: _decode(arguments[1], item, f"{path}.{key}") for key, item in pairs.items()}
    if dataclasses.is_dataclass(hint):
        return _decode_object(hint, data, path)
    return _decode_scalar(hint, data, path)


def _decode_scalar(hint: Any, data: Any, path: str) -> Any:
    if issubclass(hint, Enum):
        try:
            return hint(data)
        except ValueError:
            raise _misfit(path, " or ".join(repr(member.value) for member in hint), data) from None
    if hint is datetime:
        return _decode_time(data, path)
    return _require(hint, data, path)


def _decode_time(data: Any, path: str) -> datetime:
    try:
        time = datetime.fromisoformat(_require(str, data, path))
        return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise _misfit(path, "an RFC 3339 time", data) from None


def _decode_union(members: tuple[Any, ...], data: Any, path: str) -> Any:
    if type(None) in members and data is None:
        return None
    classes, plain_types = _members(members)
    if isinstance(data, dict) and _is_ambiguous(members):
        tag = data.get("type")
        if not isinstance(tag, str) or tag not in classes:
            raise _misfit(f"{path}.type", " or ".join(map(repr, classes)), tag)
        return _decode_object(classes[tag], {key: item for key, item in data.items() if key != "type"}, path)
    if plain_types:
        return _decode(plain_types[0], data, path)
    return _decode(next(iter(classes.values())), data, path)


def _decode_object(cls: Any, data: Any, path: str) -> Any:
    pairs = _require(dict, data, path)
    hints, extras = _hints(cls), _extras(cls)
    here = f"{path}." if path else ""
    for key in pairs:
        if key not in hints and key not in extras:
            raise ValueError(f"{here}{shortened(key, QUOTED)} is not a known key")
    for key in (*hints, *extras):
        if key not in pairs:
            raise ValueError(f"{here}{key} is missing")
    value = cls(**{name: _decode(hint, pairs[name], f"{here}{name}") for name, hint in hints.items()})
    for name in extras:
        if encode(getattr(value, name)) != pairs[name]:
            says = quoted(encode(getattr(value, name)))
            raise ValueError(f"{here}{name} is {quoted(pairs[name])}, but the other fields say {says}")
    return value


def _require(kind: type, data: Any, path: str) -> Any:
    if not isinstance(data, kind) or (kind is int and isinstance(data, bool)):
        names = {dict: "an object", list: "an array", str: "text", int: "a whole number", bool: "true or false"}
        raise _misfit(path, names.get(kind, kind.__name__), data)
    return data


def _misfit(path: str, wanted: str, data: Any) -> ValueError:
    return ValueError(f"{path or 'the document'} must be {wanted}, not {quoted(data)}")


@cache
def _shape(hint: Any) -> tuple[Any, tuple[Any, ...]]:
    return get_origin(hint), get_args(hint)


@cache
def _hints(cls: Any) -> dict[str, Any]:
    hints = get_type_hints(cls)
    return {field.name: hints[field.name] for field in dataclasses.fields(cls)}


@cache
def _members(members: tuple[Any, ...]) -> tuple[dict[str, Any], tuple[Any, ...]]:
    """Return the dataclasses of a union by their tags, and its other types but null."""
    classes: list[Any] = [member for member in members if dataclasses.is_dataclass(member)]
    plain_types = tuple(member for member in members if member not in classes and member is not type(None))
    return {_tag(cls): cls for cls in classes}, plain_types


@cache
def _is_ambiguous(members: tuple[Any, ...]) -> bool:
    """Whether a union leaves a choice that the JSON must name."""
    return sum(member is not type(None) for member in members) > 1


@cache
def _tag(cls: Any) -> str:
    return "".join(f"-{c.lower()}" if c.isupper() else c for c in cls.__name__).removeprefix("-")


def _extras(cls: Any) -> tuple[str, ...]:
    """Return the properties that stand in the JSON beside the fields, for readers that cannot derive them."""
    extras: tuple[str, ...] = getattr(cls, "JSON_EXTRAS", ())
    return extras
