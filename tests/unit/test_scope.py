"""`--only` and `--exclude` as a pure filter."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.scope import EVERYTHING, Scope, parse_glob

ANA, ENG = ("user/ana@example.com", "user/ana"), ("group/acme/eng",)


def test_a_subject_is_in_or_out_by_any_of_its_addresses() -> None:
    assert EVERYTHING.includes(*ANA)
    for name in ANA:
        assert Scope(only=(name,)).includes(*ANA)
        assert not Scope(exclude=(name,)).includes(*ANA)
    assert not Scope(only=("group/*",)).includes(*ANA)
    assert not Scope(only=("user/*",), exclude=("user/a*",)).includes(*ANA)


def test_a_selection_names_the_globs_that_match_nothing() -> None:
    scope = Scope(only=("user/*", "user/bob"), exclude=("team/*",))
    selection = scope.select([ANA, ENG])
    assert selection.unmatched == (("--exclude", "team/*"), ("--only", "user/bob"))
    assert not selection.is_empty
    assert scope.select([ENG]).is_empty
    assert scope.select([ANA]) == scope.select(iter([ANA])), "a selection keeps nothing of what it saw"


def test_without_globs_nothing_is_empty() -> None:
    assert EVERYTHING.select([]) == EVERYTHING.select([ANA])
    assert not EVERYTHING.select([]).is_empty


@given(st.text("ab/*?[]", max_size=6), st.sampled_from(["a/", "ab/", "b"]), st.text("ab/", max_size=3))
def test_what_may_be_included_leaves_out_nothing_that_is(glob: str, beginning: str, end: str) -> None:
    for scope in (Scope(only=(glob,)), Scope(exclude=(glob,)), Scope(only=("a*",), exclude=(glob,))):
        assert scope.may_include(beginning) or not scope.includes(beginning + end)


def test_what_cannot_be_included_is_known() -> None:
    assert not Scope(only=("group/acme/*", "user/ana")).may_include("group/labs/")
    assert not Scope(exclude=("*/labs/*",)).may_include("group/labs/")
    assert Scope(exclude=("group/labs/Everyone",)).may_include("group/labs/")


ADDRESSES = ("user/ana", "user/ana@example.com", "group/acme/eng", "group/acme/acme/eng", "user/user/ana")


@pytest.mark.parametrize(
    "glob", ["", *ADDRESSES, "*", "*ana", "u*", "[ug]*", "user/*", "g?oup/acme/eng", "group/a[!b]*"]
)
def test_a_glob_that_an_address_may_fit_is_taken(glob: str) -> None:
    assert parse_glob(glob) == glob


def test_a_group_whose_name_has_a_comma_is_meant_as_the_refusal_says() -> None:
    """A directory of a company may name groups `CN=eng,OU=it`, which read as two addresses."""
    with pytest.raises(ValueError, match="`\\?` for a comma in a name"):
        parse_glob("group/acme/CN=eng,OU=it")
    assert Scope(only=(parse_glob("group/acme/CN=eng?OU=it"),)).includes("group/acme/CN=eng,OU=it")


@given(st.text("uergo/a*?[]!, ", max_size=9))
def test_a_glob_that_is_refused_fits_no_address(glob: str) -> None:
    try:
        parse_glob(glob)
    except ValueError:
        assert not any(Scope(only=(glob,)).includes(address) for address in ADDRESSES)
