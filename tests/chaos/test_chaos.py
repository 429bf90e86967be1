"""Laws 2, 3, 5 and 6 and every journal line under faults: a few hundred runs; `make chaos` does thousands."""

from __future__ import annotations

import pytest
from _pytest.mark import ParameterSet

from tests.chaos.commands import Launcher
from tests.chaos.pairs import run_pair
from tests.chaos.run import Report, run_batch

BATCH = 5


def batches(runs: int) -> list[ParameterSet]:
    """Return where each batch begins; the random worlds hold no date, so other days than today see the first alone."""
    return [pytest.param(first, marks=[pytest.mark.today_only] if first else []) for first in range(0, runs, BATCH)]


@pytest.mark.parametrize("first", batches(150))
def test_faults_at_random_points(first: int, launcher: Launcher) -> None:
    """After any of them, one clean apply makes live what the policies say, and the journals tell the truth."""
    _require_clean(run_batch(range(first, first + BATCH), launcher), "")


@pytest.mark.parametrize("first", batches(75))
def test_nobody_is_harmed_on_the_way(first: int, launcher: Launcher) -> None:
    """Law 5, from the changes that the server's database recorded, several organizations included."""
    _require_clean(run_batch(range(first, first + BATCH), launcher, is_order=True), " --order")


@pytest.mark.parametrize("first", batches(10))
def test_of_two_at_once_each_tells_the_truth_about_itself(first: int, launcher: Launcher) -> None:
    """Law 6 and every journal line of both, what a `revert` of either takes back, and that one clean apply must do."""
    _require_clean([run_pair(seed, launcher) for seed in range(first, first + BATCH)], " --pairs")


def _require_clean(reports: list[Report], option: str) -> None:
    failed = [
        f"python -m tests.chaos --seed {report.seed}{option}: {problem}"
        for report in reports
        for problem in report.problems
    ]
    assert not failed
