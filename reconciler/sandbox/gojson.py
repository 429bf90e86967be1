"""Request bodies as Go's decoder reads them, laxities included; must never be kinder or stricter than Go.

Keys match in any case and the last of equal keys wins, unknown keys are ignored, `null` leaves a field at its
zero value, only the first value of the body counts, and a number with a fraction or an exponent is not an integer.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Literal

from .answers import Refused, refusal
from .gosyntax import syntax_error
from .identifiers import NIL, parse_uuid, uuid_fault

if TYPE_CHECKING:
    from collections.abc import Mapping

Kind = Literal[
    "string", "string?", "int64", "int64?", "int", "int?", "bool", "uuid", "uuid?", "strings", "uuids", "object",
    "objects", "list", "string_lists", "uuid_lists",
]  # fmt: skip
ZERO: dict[Kind, Any] = {
    "string": "", "string?": None, "int64": 0, "int64?": None, "int": 0, "int?": None, "bool": False, "uuid": NIL,
    "uuid?": None, "strings": (), "uuids": (), "object": None, "objects": {}, "list": (), "string_lists": None,
    "uuid_lists": None,
}  # fmt: skip
_GO_TYPE: dict[Kind, str] = {
    "string": "string", "string?": "string", "int64": "int64", "int64?": "int64", "int": "int", "int?": "int",
    "bool": "bool", "uuid": "uuid.UUID", "uuid?": "uuid.UUID", "strings": "[]string", "uuids": "[]uuid.UUID",
    "object": "struct", "objects": "map[string]struct", "list": "[]map[string]json.RawMessage",
    "string_lists": "map[string][]string", "uuid_lists": "map[string][]uuid.UUID",
}  # fmt: skip
_INT64 = range(-(2**63), 2**63)
_WHITESPACE = re.compile(r"[ \t\r\n]*")
_INTEGER = re.compile(r"-?[0-9]+", re.ASCII)
INVALID_JSON = "Request body must be valid JSON."


class _Number(str):
    """The text of a number: its type decides later whether it may have been written so."""

    __slots__ = ()


class _Object(list[tuple[str, object]]):
    """The pairs of an object in their order, duplicates included."""


def _no_constant(name: str) -> object:
    where = "in numeric literal" if name.startswith("-") else "looking for beginning of value"
    raise ValueError(f"invalid character '{name.lstrip('-')[0]}' {where}")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_Object, parse_int=_Number, parse_float=_Number, parse_constant=_no_constant
)


def decode(body: bytes, name: str, fields: Mapping[str, Kind]) -> dict[str, Any]:
    """Return every field of the request struct `name`, at its zero value when it was not sent, None for a `?` kind.

    *Raises* Refused 400 `Request body must be valid JSON.` with the decoder's text as detail.
    """
    return fields_of(_first_value(body), name, fields)


def fields_of(value: object, name: str, fields: Mapping[str, Kind]) -> dict[str, Any]:
    """Return the fields of a struct inside a body, such as a value of an `objects` field, as `decode` does."""
    result = {field: ZERO[kind] for field, kind in fields.items()}
    if value is None:
        return result
    if not isinstance(value, _Object):
        raise _mismatch(value, f"Go value of type codersdk.{name}")
    by_folded = {field.casefold(): field for field in fields}
    for key, given in value:
        field = by_folded.get(key.casefold())
        if field is not None and given is not None:
            where = f"Go struct field {name}.{field} of type {_GO_TYPE[fields[field]]}"
            result[field] = _typed(given, fields[field], where)
    return result


def keys_of(value: object) -> frozenset[str]:
    """Return the keys, as they were sent, of an object inside a body."""
    return frozenset(key for key, _ in value) if isinstance(value, _Object) else frozenset()


def whole_number(body: bytes, field: str) -> int | None:
    """Return the whole number in a field of a body of any shape; None when it is anything else, or is not there.

    *Raises* Refused 400 for a body that is not JSON.
    """
    value = _first_value(body)
    given = [part for key, part in value if key.casefold() == field] if isinstance(value, _Object) else []
    is_whole = bool(given) and isinstance(given[-1], _Number) and _INTEGER.fullmatch(given[-1]) and len(given[-1]) <= 20
    return int(str(given[-1])) if is_whole else None


def _first_value(body: bytes) -> object:
    text = body.decode("utf-8", errors="replace")
    start = _WHITESPACE.match(text).end()  # type: ignore[union-attr]  # matches everywhere
    if start == len(text):
        raise _invalid("EOF")
    try:
        return _DECODER.raw_decode(text, start)[0]
    except RecursionError:
        raise _invalid("exceeded max depth") from None
    except json.JSONDecodeError as error:
        raise _invalid(syntax_error(text, error)) from None
    except ValueError as error:
        raise _invalid(str(error)) from None


def _typed(value: object, kind: Kind, where: str) -> Any:
    match kind:
        case "int64" | "int64?" | "int" | "int?" if isinstance(value, _Number):
            if not _INTEGER.fullmatch(value) or len(value) > 20 or int(value) not in _INT64:
                raise _invalid(f"json: cannot unmarshal number {value} into {where}")
            return int(value)
        case "bool" if isinstance(value, bool):
            return value
        case "string" | "string?" if isinstance(value, str) and not isinstance(value, _Number):
            return _valid_text(value)
        case "uuid" | "uuid?" if isinstance(value, str) and not isinstance(value, _Number):
            return _uuid(value)
        case "strings" | "uuids" if isinstance(value, list) and not isinstance(value, _Object):
            item: Kind = "string" if kind == "strings" else "uuid"
            return tuple(ZERO[item] if element is None else _typed(element, item, where) for element in value)
        case "list" if isinstance(value, list) and not isinstance(value, _Object):
            for element in value:
                if not isinstance(element, _Object | None):
                    raise _mismatch(element, where.replace(_GO_TYPE["list"], _GO_TYPE["list"].removeprefix("[]")))
            return tuple(value)
        case "string_lists" | "uuid_lists" if isinstance(value, _Object):
            items: Kind = "strings" if kind == "string_lists" else "uuids"
            part = where.replace(_GO_TYPE[kind], _GO_TYPE[items])
            return {key: None if element is None else _typed(element, items, part) for key, element in value}
        case "object" if isinstance(value, _Object):
            return value
        case "objects" if isinstance(value, _Object):
            return dict(value)
        case _:
            raise _mismatch(value, where)


def _valid_text(text: str) -> str:
    """Return the text with surrogates that stand alone replaced, as Go does."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _uuid(text: str) -> str:
    parsed = parse_uuid(text)
    if parsed is None:
        raise _invalid(uuid_fault(text))
    return parsed


def _mismatch(value: object, where: str) -> Refused:
    if isinstance(value, _Number):
        given = "number"
    elif isinstance(value, str):
        given = "string"
    elif isinstance(value, bool):
        given = "bool"
    elif isinstance(value, _Object):
        given = "object"
    else:
        given = "array"
    return _invalid(f"json: cannot unmarshal {given} into {where}")


def _invalid(detail: str) -> Refused:
    return refusal(400, INVALID_JSON, detail=detail)
