"""`--only` and `--exclude` as a pure filter."""

from __future__ import annotations

from reconciler.core.scope import EVERYTHING, Scope

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
