"""Two thousand worlds in every run of the suite, and the promise that a seed replays exactly."""

from __future__ import annotations

import pytest

from tests.simulation.run import run_world

BATCH = 250


@pytest.mark.parametrize("start", range(0, 2_000, BATCH))
def test_no_law_breaks_in_any_world(start: int) -> None:
    happened = sum(run_world(seed)["worlds"] for seed in range(start, start + BATCH))
    assert happened == BATCH


def test_a_seed_replays_exactly() -> None:
    assert [run_world(seed) for seed in range(40)] == [run_world(seed) for seed in range(40)]


def test_the_worlds_are_not_all_alike() -> None:
    """What a world may meet, some world meets: else a law would hold for want of trouble."""
    counts = sum((run_world(seed) for seed in range(300)), run_world(300))
    for name in ("complete", "incomplete", "crashes", "refused or failed before a write"):
        assert counts[name] > 10, name
    assert counts["writes"] > 300
