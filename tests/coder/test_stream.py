"""A list read while it arrives is the list that json.loads returns, wherever the pieces are cut."""

from __future__ import annotations

import json
import sys
import tracemalloc
from collections.abc import Iterator
from types import FrameType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.coder.stream import NotWhole, objects_of
from reconciler.strict_json import KeyTwice

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
)
items = st.dictionaries(st.sampled_from(["id", "members", "a"]), values, max_size=3) | values


def read(text: str | bytes, size: int = 7) -> list[object]:
    raw = text.encode() if isinstance(text, str) else text
    pieces = (raw[start : start + size] for start in range(0, len(raw), size))
    return list(objects_of(pieces, key="members", make=lambda item: item))


@given(st.lists(items, max_size=5), st.integers(1, 40), st.booleans(), st.sampled_from([None, 1]))
def test_it_is_what_json_says(value: list[object], size: int, is_ascii: bool, indent: int | None) -> None:
    text = json.dumps(value, ensure_ascii=is_ascii, indent=indent)
    assert read(text, size) == json.loads(text)


texts = st.integers() | st.text(alphabet='{}[],":\\id1', max_size=12)
alike = st.fixed_dictionaries({"id": texts}, optional={"a": values, "members": values})
unlike = st.fixed_dictionaries({"xy": texts}, optional={"id": values})


@given(
    st.lists(alike, max_size=9) | st.lists(alike | unlike, max_size=9),
    st.integers(1, 200),
    st.sampled_from([None, "members"]),
    st.booleans(),
)
def test_objects_that_begin_alike_are_read_in_runs(
    value: list[object], size: int, key: str | None, is_nested: bool
) -> None:
    text = json.dumps([{"members": value}] if is_nested else value, separators=(",", ":"))
    pieces = (text.encode()[start : start + size] for start in range(0, len(text.encode()), size))
    assert list(objects_of(pieces, key=key)) == json.loads(text)


@pytest.mark.parametrize(
    "text",
    [
        '[{"id":1,"x":[{"id":2},{"id":3}]},{"id":4}]',
        '[{"id":"},{\\"id\\":"},{"id":"},{"},{"id":2}]',
        '[{"id":1},{"id":2}, {"id":3},{"id":4} ,{"id":5}]',
        '[{"id":1},2,{"id":3},[{"id":4},{"id":5}],{"id":6},{"x":7},{}]',
        '[{"id":[{"a":1}]},{"xy":2},{"id":3},{"id":4}]',
    ],
)
@pytest.mark.parametrize("size", [1, 5, 17, 1000])
def test_a_run_ends_where_its_objects_end(text: str, size: int) -> None:
    for key, whole in ((None, text), ("members", f'[{{"members":{text}}},{{"members":{text}}}]')):
        pieces = (whole.encode()[start : start + size] for start in range(0, len(whole), size))
        assert list(objects_of(pieces, key=key)) == json.loads(whole)


@pytest.mark.parametrize(
    "text", ['[{"id":1},{"id":2}{"id":3}]', '[{"id":1},{"id":2]},{"id":3}]', '[{"id":1},,{"id":3}]']
)
def test_a_run_that_is_no_list_is_an_error(text: str) -> None:
    for key, whole in ((None, text), ("members", f'[{{"members":{text}}}]')):
        with pytest.raises(NotWhole):
            list(objects_of(iter([whole.encode()]), key=key))


def test_of_the_same_text_something_is_made_once() -> None:
    people = [{"id": number, "name": f"user-{number}"} for number in range(100)]
    text = json.dumps([{"members": people}] * 30, separators=(",", ":"))
    made = list[object]()

    def make(item: object) -> object:
        made.append(item)
        return item

    assert list(objects_of(iter([text.encode()]), key="members", make=make)) == json.loads(text)
    assert len(made) == 99 + 30, "the last of a list is read by itself"


def test_a_key_that_is_named_twice_is_found_in_each_text() -> None:
    people = ",".join(['{"id":1}', '{"id":2,"id":3}', '{"id":1}'])
    with pytest.raises(KeyTwice):
        read(f'[{{"members":[{people}]}}]', 1000)


@pytest.mark.parametrize("end", ["]", ',{"y":[{}]}]'])
def test_what_is_no_run_is_not_looked_through_for_each_value(end: str) -> None:
    """A list in one piece of 100 kB whose first object begins unlike the others took a quarter of the square of it."""
    raw = ('[{"id":1}' + ',{"x":1}' * 10_000 + end).encode()
    searches = 0

    def count(_: FrameType, event: str, function: object) -> None:
        nonlocal searches
        searches += event == "c_call" and getattr(function, "__name__", "") == "rfind"

    sys.setprofile(count)
    try:
        values = list(objects_of(iter([raw]), key=None))
    finally:
        sys.setprofile(None)
    assert values == json.loads(raw)
    assert searches < 10


def test_what_is_made_of_an_item_stands_in_its_place() -> None:
    text = '[{"id": 1, "members": [1, 2], "n": [3]}, {"members": null}, {"members": {"a": 1}}]'
    found = list(objects_of(iter([text.encode()]), key="members", make=str))
    assert found == [{"id": 1, "members": ["1", "2"], "n": [3]}, {"members": None}, {"members": {"a": 1}}]


@pytest.mark.parametrize("text", ["null", " null ", "[]", " [ ] "])
def test_null_and_an_empty_list_are_empty(text: str) -> None:
    assert read(text, 1) == []


@pytest.mark.parametrize(
    "text",
    [
        "", "[", "[1", "[1,", "[1,]", "[,1]", "[1 2]", "[1]]", "[1] 2", "{}", "5", "nul", '[{"a"]', '[{"a" 1}]',
        '[{"a": }]', "[1.", "[1e", "[1.]", "[-]",
        '[{"a": 1,}]', "[{1: 2}]", '[{"members": [1}]', '[{"members": [1 2]}]', '[{"members": [', "[tru]",
        '["\\x"]', "\ufeff[]",
    ],
)  # fmt: skip
@pytest.mark.parametrize("size", [1, 3, 100])
def test_what_is_not_whole_or_not_a_list_is_an_error(text: str, size: int) -> None:
    with pytest.raises(NotWhole):
        read(text, size)


@pytest.mark.parametrize(
    "text",
    [
        '[{"a": 1, "a": 1}]', '[{"members": [], "members": [1]}]', '[{"members": [{"a": 1, "b": {}, "a": 2}]}]',
        '[{"x": {"y": [{"a": "a\\":", "a": 0}]}}, {}]', '[[{"a": 1, "\\u0061": 2}]]', '[{"a" :1,"a"\n: 2}, {"a": [',
    ],
)  # fmt: skip
@pytest.mark.parametrize("size", [1, 3, 100])
def test_an_object_names_a_key_once(text: str, size: int) -> None:
    with pytest.raises(KeyTwice):
        read(text, size)


@given(st.lists(items, max_size=3), st.data())
def test_a_text_that_is_cut_is_never_taken_for_whole(value: list[object], data: st.DataObject) -> None:
    text = json.dumps(value)
    cut = data.draw(st.integers(0, len(text) - 1))
    with pytest.raises(NotWhole):
        read(text[:cut])


@pytest.mark.parametrize("raw", [b'["\xff"]', b'["\xc3', b"[" * 100_000])
def test_hostile_bytes_are_an_error(raw: bytes) -> None:
    with pytest.raises(NotWhole):
        read(raw, 10_000)


def test_a_long_list_is_never_held() -> None:
    """20 MB in pieces of 64 kB: the most that is held is a few pieces and what was made."""
    item = json.dumps({"id": 1, "name": "x" * 400}).encode()
    group = b'{"id": 1, "members": [' + b",".join([item] * 1_000) + b"]}"

    def pieces() -> Iterator[bytes]:
        yield b"[" + group
        for _ in range(45):
            yield b"," + group
        yield b"]"

    tracemalloc.start()
    count = sum(1 for _ in objects_of(pieces(), key="members", make=lambda item: None))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 46
    assert peak < 5_000_000
