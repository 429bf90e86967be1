"""Counted nouns, lists of names, and the name that was probably meant."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler import words
from reconciler.words import NearNames, any_of, count, did_you_mean, listed, shortened

KNOWN = ["platform", "limit", "reason", "Everyone", "ana", "jsmith", "standard", "power", "BLOCKS_USERS"]
LETTERS = "abcdefghijklmnop"


def test_counts() -> None:
    assert [count(n, "file") for n in (0, 1, 2, 1_000)] == ["0 files", "1 file", "2 files", "1,000 files"]
    assert [count(n, "person", "people") for n in (1, 3)] == ["1 person", "3 people"]


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "1 s"), (31, "31 s"), (7_199, "7,199 s"), (7_200, "2 hours"), (1e9, "11,574 days")]
)
def test_a_wait_is_told_as_max_wait_is_given_and_a_long_one_as_a_span(seconds: float, text: str) -> None:
    assert words.wait(seconds) == text


def test_lists_of_names() -> None:
    assert listed(["ana", "bob"]) == "ana, bob"
    assert listed(list("abcdefg")) == "a, b, c, d, e and 2 more"
    assert listed(["a", "b"], total=1_002) == "a, b and 1,000 more"
    assert [any_of("a"), any_of("ab"), any_of("abc")] == ["a", "a or b", "a, b or c"]
    assert [shortened("abc", 3), shortened("abcd", 3)] == ["abc", "abc..."]


@pytest.mark.parametrize(
    ("text", "meant"),
    [("platfrom", "platform"), ("plattform", "platform"), ("platfrm", "platform"), ("platform", "platform"),
     ("j-smyth", "jsmith"), ("stnadrd", "standard"), ("powre", "power"), ("anna", "ana"), ("annna", "ana"),
     ("everyone", "Everyone"), ("blocks_users", "BLOCKS_USERS"), ("limit_usd", "limit"),
     ("stand", "standard"), ("reasons", "reason"),
     ("", ""), ("x", ""), ("bob", ""), ("sta", ""), ("marketing", ""), ("a" * 1_000_000, "")],
)  # fmt: skip
def test_what_was_meant(text: str, meant: str) -> None:
    assert NearNames(KNOWN).nearest(text) == meant
    assert did_you_mean(text, KNOWN) == (f"did you mean {meant!r}?" if meant else "")


@given(st.lists(st.text("abAB", min_size=1, max_size=7)), st.text("abAB", max_size=7), st.randoms())
def test_law_4_order_decides_nothing(names: list[str], text: str, order: random.Random) -> None:
    near = NearNames(names).nearest(text)
    order.shuffle(names)
    assert near == NearNames(names).nearest(text)
    assert near in ["", *names]


@given(st.text(LETTERS, min_size=4, max_size=12), st.integers(0, 11), st.sampled_from(LETTERS))
def test_a_single_slip_is_recognized(name: str, at: int, letter: str) -> None:
    at %= len(name)
    other = ["zzzz", "yyyyyyyyy"]
    for text in (name[:at] + letter + name[at:], name[:at] + letter + name[at + 1 :], name[:at] + name[at + 1 :]):
        if len(text) >= 3:
            assert NearNames([name, *other]).nearest(text) == name


def test_a_thousand_leavers_of_five_thousand_are_cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counts steps, not seconds: they grow with the names that exist plus those that do not, not with the product."""
    steps = 0
    without_letters = words._without_letters

    def counted(text: str, most: int) -> Iterator[tuple[int, str]]:
        nonlocal steps
        for item in without_letters(text, most):
            steps += 1
            yield item

    monkeypatch.setattr(words, "_without_letters", counted)
    near = NearNames(f"person-{n:04}" for n in range(5_000))
    assert [near.nearest(f"leaver+{n:04}") for n in range(1_000)] == [""] * 1_000
    assert steps < 5_000 * 13 + 1_000 * 80


def test_more_names_than_the_index_takes_have_no_near_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(words, "MAX_NAMES_COMPARED", 2)
    assert NearNames(["limit", "group"]).nearest("limits") == "limit"
    assert NearNames(["limit", "group", "user"]).nearest("limits") == ""
