"""The little pattern language of the examples: what matches, and one value that does.

It knows nothing of HTTP or Coder. Patterns are JSON; README.md lists the matchers. An object is a superset match
unless `exact` is asked for; `<any>` also matches a missing key, `<absent>` only that.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import TypeAlias, TypeGuard

JsonValue: TypeAlias = "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"

ANY, ABSENT = "<any>", "<absent>"
OPERATORS = ({"$contains"}, {"$set"}, {"$exact"}, {"$anyOf"}, {"$each"}, {"$length"}, {"$each", "$length"})

_TEXT = {
    "<uuid>": r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    "<time>": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)",
    "<digits>": r"\d+",
    "<string>": r".+",
    ANY: r".*",
}
_SAMPLES = {
    "<uuid>": "7d9f3c52-5b0a-4c1e-9a57-{:012x}",
    "<time>": "2026-08-03T09:30:00.123456Z",
    "<digits>": "7",
    "<string>": "text-{}",
    ANY: "",
}
_TOKEN = re.compile("|".join(_TEXT))


def check_match(pattern: JsonValue, actual: JsonValue, *, exact: bool = False, at: str = "$") -> list[str]:
    """Return the differences, each led by its place; empty when `actual` matches."""
    match pattern:
        case str():
            return _check_text(pattern, actual, at)
        case list():
            return _check_list(pattern, actual, exact, at)
        case dict() if is_pattern_object(pattern):
            return _check_object(pattern, actual, exact, at)
        case dict():
            return _check_operator(pattern, actual, exact, at)
        case _:
            same = type(pattern) is type(actual) and pattern == actual
            return [] if same else [_difference(at, pattern, actual)]


def fill_matchers(pattern: JsonValue) -> JsonValue:
    """Return one plausible value that `pattern` matches; optional keys are left out, ids and texts differ."""
    return _fill(pattern, count(1))


def is_pattern_object(pattern: JsonValue) -> TypeGuard[dict[str, JsonValue]]:
    """Tell an object of the answer from an operator. Raises ValueError for an operator nobody knows."""
    if not isinstance(pattern, dict):
        return False
    if not any(key.startswith("$") for key in pattern):
        return True
    if set(pattern) not in OPERATORS:
        raise ValueError(f"unknown matcher {sorted(pattern)}")
    return False


def _check_text(pattern: str, actual: JsonValue, at: str) -> list[str]:
    if pattern == ANY:
        return []
    if pattern == "<int>":
        same = isinstance(actual, int) and not isinstance(actual, bool)
    elif pattern == "<string>":
        same = isinstance(actual, str)
    else:
        same = isinstance(actual, str) and _regex(pattern).fullmatch(actual) is not None
    return [] if same else [_difference(at, pattern, actual)]


def _regex(pattern: str) -> re.Pattern[str]:
    literals, tokens = _TOKEN.split(pattern), _TOKEN.findall(pattern)
    return re.compile(
        "".join(re.escape(text) + _TEXT.get(token, "") for text, token in zip(literals, [*tokens, ""], strict=True)),
        re.DOTALL,
    )


def _check_list(pattern: Sequence[JsonValue], actual: JsonValue, exact: bool, at: str) -> list[str]:
    if not isinstance(actual, list):
        return [_difference(at, pattern, actual)]
    if len(actual) != len(pattern):
        return [f"{at}: expected {len(pattern)} elements, got {len(actual)}"]
    pairs = enumerate(zip(pattern, actual, strict=True))
    return [text for i, (want, got) in pairs for text in check_match(want, got, exact=exact, at=f"{at}[{i}]")]


def _check_object(pattern: dict[str, JsonValue], actual: JsonValue, exact: bool, at: str) -> list[str]:
    if not isinstance(actual, dict):
        return [_difference(at, pattern, actual)]
    differences = [f"{at}.{key}: unexpected" for key in actual if exact and key not in pattern]
    for key, want in pattern.items():
        if want == ABSENT:
            differences += [f"{at}.{key}: must be absent"] if key in actual else []
        elif key in actual:
            differences += check_match(want, actual[key], exact=exact, at=f"{at}.{key}")
        elif want != ANY:
            differences.append(f"{at}.{key}: missing")
    return differences


def _check_operator(pattern: dict[str, JsonValue], actual: JsonValue, exact: bool, at: str) -> list[str]:
    if "$exact" in pattern:
        return check_match(pattern["$exact"], actual, exact=True, at=at)
    if "$anyOf" in pattern:
        fits = any(not check_match(choice, actual, exact=exact) for choice in _items(pattern["$anyOf"]))
        return [] if fits else [_difference(at, pattern, actual)]
    if not isinstance(actual, list):
        return [_difference(at, pattern, actual)]
    if "$each" in pattern or "$length" in pattern:
        want = [pattern.get("$each", ANY)] * len(actual)
        size = pattern.get("$length", len(actual))
        wrong = [] if size == len(actual) else [f"{at}: expected {size} elements, got {len(actual)}"]
        return wrong + _check_list(want, actual, exact, at)
    return _check_unordered(pattern, actual, exact, at)


def _check_unordered(pattern: dict[str, JsonValue], actual: list[JsonValue], exact: bool, at: str) -> list[str]:
    wanted = _items(pattern["$set"] if "$set" in pattern else pattern["$contains"])
    unmatched = _unmatched(wanted, actual, lambda want, got: not check_match(want, got, exact=exact))
    differences = [f"{at}: no element for {want!r} in {actual!r}" for want in unmatched]
    if "$set" in pattern and len(actual) != len(wanted):
        differences.append(f"{at}: expected {len(wanted)} elements, got {len(actual)}")
    return differences


def _unmatched(
    wanted: list[JsonValue], actual: list[JsonValue], fits: Callable[[JsonValue, JsonValue], bool]
) -> list[JsonValue]:
    """Pair each pattern with an element of its own (augmenting paths); return the patterns left over."""
    holder: dict[int, int] = {}

    def place(want: int, tried: set[int]) -> bool:
        for got, element in enumerate(actual):
            if got not in tried and fits(wanted[want], element):
                tried.add(got)
                if got not in holder or place(holder[got], tried):
                    holder[got] = want
                    return True
        return False

    return [pattern for want, pattern in enumerate(wanted) if not place(want, set())]


def _fill(pattern: JsonValue, serial: Iterator[int]) -> JsonValue:
    match pattern:
        case "<int>":
            return 7
        case str():
            return _TOKEN.sub(lambda match: _SAMPLES[match[0]].format(next(serial)), pattern)
        case list():
            return [_fill(item, serial) for item in pattern]
        case dict() if is_pattern_object(pattern):
            kept = {key: item for key, item in pattern.items() if item not in (ANY, ABSENT)}
            return {key: _fill(item, serial) for key, item in kept.items()}
        case dict():
            return _fill_operator(pattern, serial)
        case _:
            return pattern


def _fill_operator(pattern: dict[str, JsonValue], serial: Iterator[int]) -> JsonValue:
    if "$exact" in pattern:
        return _fill(pattern["$exact"], serial)
    if "$anyOf" in pattern:
        return _fill(_items(pattern["$anyOf"])[0], serial)
    if "$each" in pattern or "$length" in pattern:
        size = pattern.get("$length", 1)
        return [_fill(pattern.get("$each", ANY), serial) for _ in range(size if isinstance(size, int) else 1)]
    return _fill(pattern["$set"] if "$set" in pattern else pattern["$contains"], serial)


def _items(value: JsonValue) -> list[JsonValue]:
    if not isinstance(value, list):
        raise ValueError(f"expected a list, got {value!r}")
    return value


def _difference(at: str, pattern: object, actual: object) -> str:
    return f"{at}: expected {pattern!r}, got {actual!r}"
