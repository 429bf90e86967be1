"""Frozen dataclasses to JSON and back: every rule of the codec, and what a misfit says."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from typing import Any, NewType

import pytest

from reconciler.formats.codec import decode, encode

Id = NewType("Id", str)


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True, slots=True)
class Cat:
    lives: int


@dataclass(frozen=True, slots=True)
class BigDog:
    name: Id


@dataclass(frozen=True, slots=True)
class House:
    pet: Cat | BigDog
    rent: int | Cat
    guest: Cat | None
    colour: Colour
    since: datetime
    rooms: tuple[int, ...]
    keys: Mapping[Id, bool]
    note: str | None


NOVEMBER = datetime(2026, 11, 1, tzinfo=UTC)
HOUSE = House(
    BigDog(Id("Rex")), 5, None, Colour.RED, NOVEMBER, (1, 2), {Id("b"): True, Id("a"): False}, ""
)  # fmt: skip
DATA: dict[str, Any] = {
    "pet": {"type": "big-dog", "name": "Rex"},
    "rent": 5,
    "guest": None,
    "colour": "red",
    "since": "2026-11-01T00:00:00Z",
    "rooms": [1, 2],
    "keys": {"a": False, "b": True},
    "note": "",
}


def test_there_and_back() -> None:
    assert encode(HOUSE) == DATA
    assert list(encode(HOUSE)) == list(DATA)
    assert list(encode(HOUSE)["keys"]) == ["a", "b"], "keys of a mapping are sorted"
    assert decode(House, DATA) == HOUSE


def test_members_of_unions() -> None:
    other = {**DATA, "pet": {"type": "cat", "lives": 9}, "rent": {"type": "cat", "lives": 1}, "guest": {"lives": 2}}
    house = decode(House, other)
    assert (Cat(9), Cat(1), Cat(2)) == (house.pet, house.rent, house.guest)
    assert other == encode(house)


def test_times_are_written_in_utc() -> None:
    there = timezone(timedelta(hours=2))
    assert encode(datetime(2026, 11, 1, 2, tzinfo=there)) == "2026-11-01T00:00:00Z"
    for text in ("2026-11-01T02:00:00+02:00", "2026-11-01T00:00:00", "2026-11-01"):
        assert decode(datetime, text) == datetime(2026, 11, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"pet": {"type": "cow"}}, "pet.type must be 'cat' or 'big-dog', not 'cow'"),
        ({"pet": {"name": "Rex"}}, "pet.type must be 'cat' or 'big-dog', not None"),
        ({"pet": {"type": "cat", "lives": 1.0}}, "pet.lives must be a whole number, not 1.0"),
        ({"pet": {"type": "cat", "lives": True}}, "pet.lives must be a whole number, not True"),
        ({"pet": 5}, "pet must be an object, not 5"),
        ({"rent": "5"}, "rent must be a whole number, not '5'"),
        ({"guest": []}, "guest must be an object, not []"),
        ({"colour": "green"}, "colour must be 'red' or 'blue', not 'green'"),
        ({"colour": ["red"]}, "colour must be 'red' or 'blue', not ['red']"),
        ({"since": "soon"}, "since must be an RFC 3339 time, not 'soon'"),
        ({"since": 17}, "since must be an RFC 3339 time, not 17"),
        ({"since": "0001-01-01T00:00:00+14:00"}, "since must be an RFC 3339 time"),
        ({"rooms": {"0": 1}}, "rooms must be an array, not {'0': 1}"),
        ({"rooms": [1, None]}, "rooms[1] must be a whole number, not None"),
        ({"keys": [1]}, "keys must be an object, not [1]"),
        ({"keys": {"a": 1}}, "keys.a must be true or false, not 1"),
        ({"note": 5}, "note must be text, not 5"),
        ({"note": [0] * 100}, "note must be text, not " + repr([0] * 100)[:60] + "..."),
        ({"extra": 1}, "extra is not a known key"),
    ],
)
def test_a_misfit_is_named_with_its_path(change: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match="^" + re.escape(says)):
        decode(House, {**DATA, **change})


def test_what_is_missing_or_nothing_at_all() -> None:
    with pytest.raises(ValueError, match=r"^note is missing$"):
        decode(House, {key: value for key, value in DATA.items() if key != "note"})
    with pytest.raises(ValueError, match=r"^the document must be an object, not None$"):
        decode(House, None)
