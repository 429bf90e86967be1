"""Which tests run on which of the other days."""

from __future__ import annotations

import warnings
from collections import Counter
from typing import Any, cast

import pytest

from tests.days.dealing import DAYS, chosen_for


class Test:
    """As much of a pytest.Item as the dealing asks for."""

    __test__ = False

    def __init__(self, *markers: str) -> None:
        self.markers = markers

    def get_closest_marker(self, name: str) -> Any:
        return name if name in self.markers else None


def test_each_test_has_one_day_and_a_marker_changes_that() -> None:
    plain, daily, today = [Test() for _ in range(20)], Test("every_day"), Test("today_only")
    tests = cast("list[pytest.Item]", [*plain[:3], daily, today, *plain[3:]])
    runs = Counter(test for day in DAYS for test in chosen_for(day, tests))
    assert runs == {cast("pytest.Item", test): 1 for test in plain} | {cast("pytest.Item", daily): len(DAYS)}


def test_the_days_have_names_of_their_own() -> None:
    assert len({day.name for day in DAYS}) == len(DAYS)


def test_days_that_run_at_once_may_clear_away_the_same_old_folder() -> None:
    """What pytest says then (its on_rm_rf_error), each warning being an error here."""
    refused = OSError(39, "Directory not empty", "/tmp/pytest-of-root/garbage-1")
    warnings.warn(
        pytest.PytestWarning(f"(rm_rf) error removing {refused.filename}\n{type(refused)}: {refused}"), stacklevel=1
    )
