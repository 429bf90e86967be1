"""Documents with a name, a version and a checksum: one clear error for each way to be wrong."""

from __future__ import annotations

import json

import pytest

from reconciler.errors import FileError
from reconciler.formats.document import HINT_AGAIN, dump, load, name_of, parse_object

TEXT = dump("reconciler test", 3, {"b": "naïve €", "a": [1, {"c": None}]})


def test_there_and_back() -> None:
    assert load(TEXT, "reconciler test", 3, source="x") == (3, {"b": "naïve €", "a": [1, {"c": None}]})
    assert "naïve €" in TEXT, "readable as it is"
    assert list(json.loads(TEXT)) == ["format", "version", "b", "a", "checksum"]
    assert TEXT.endswith("}\n")


def test_half_of_a_character_survives() -> None:
    """Python's stand-in for a byte of a file name that is not UTF-8."""
    text = dump("reconciler test", 3, {"path": "caf\udce9"})
    text.encode("utf-8")
    assert load(text, "reconciler test", 3, source="x") == (3, {"path": "caf\udce9"})


@pytest.mark.parametrize(
    ("text", "says", "hint"),
    [
        ("", "x is not JSON: Expecting value, line 1", HINT_AGAIN),
        ("{", "x is not complete: it breaks off in the middle", HINT_AGAIN),
        (TEXT[:-4], "x is not complete: it breaks off in the middle", HINT_AGAIN),
        (TEXT[: TEXT.index("null") + 2], "x is not complete: it breaks off in the middle", HINT_AGAIN),
        (TEXT.replace('"version":', '"version"'), "x is not JSON: Expecting ':' delimiter, line 3", HINT_AGAIN),
        (TEXT + "hello", "x is not JSON: Extra data", HINT_AGAIN),
        ("hello", "x is not JSON: Expecting value, line 1", HINT_AGAIN),
        ("[]", "x is not a JSON object", HINT_AGAIN),
        ("[" * 100_000, "x is not JSON that this tool wrote", HINT_AGAIN),
        ('{"a": ' + "1" * 5_000 + "}", "x is not JSON that this tool wrote", HINT_AGAIN),
        ("{}", "x is not a reconciler test", ""),
        (dump("reconciler plan", 3, {}), "x is not a reconciler test", "its format is 'reconciler plan'"),
        (dump("reconciler test", 4, {}), "x has format version 4, and this", "use a newer reconciler"),
        (dump("reconciler test", 2, {}), "x has format version 2, and this", ""),
        (TEXT.replace("3", '"3"', 1), "x has format version '3', and this", ""),
        (TEXT.replace("null", "0"), "x was edited by hand or damaged", "make it again; do not edit it"),
        (TEXT.replace("checksum", "checksun"), "x was edited by hand or damaged", "make it again; do not edit it"),
    ],
)
def test_each_way_to_be_wrong(text: str, says: str, hint: str) -> None:
    with pytest.raises(FileError) as raised:
        load(text, "reconciler test", 3, source="x")
    assert raised.value.message.startswith(says)
    assert hint == raised.value.hint


def test_layout_is_no_damage() -> None:
    assert load(json.dumps(json.loads(TEXT), sort_keys=True), "reconciler test", 3, source="x")


def test_the_name_is_seen_in_a_text_that_was_cut() -> None:
    assert name_of(TEXT[:40]) == "reconciler test"
    assert name_of("version: 1\n") == ""
    assert parse_object('{"a": 1}', source="x") == {"a": 1}
