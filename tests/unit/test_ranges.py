"""Results of long runs are added up over sittings."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from tests import ranges


def count(seeds: range, *, broken: int = -1) -> ranges.Batch:
    texts = tuple(f"seed {seed}" for seed in seeds if seed == broken)
    return ranges.Batch(
        kind="runs", start=seeds.start, number=len(seeds), counts={"even": sum(seed % 2 == 0 for seed in seeds)},
        broken=texts,
    )  # fmt: skip


def test_ranges_cover_every_seed_once() -> None:
    assert ranges.batches(5, 7, size=3) == [range(5, 8), range(8, 11), range(11, 12)]


def test_a_second_sitting_adds_up_and_a_repeated_range_counts_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results = tmp_path / "results.jsonl"
    ranges.run_all(partial(count, broken=3), ranges.batches(0, 10, size=5), results=results, workers=1)
    ranges.run_all(count, ranges.batches(10, 3, size=5), results=results, workers=1)
    assert ranges.tell(ranges.read(results)) == 1
    assert capsys.readouterr().out.splitlines() == [
        "runs: 13 runs in 3 ranges", "even: 7", "seed 3", "1 laws broken",
    ]  # fmt: skip
    ranges.run_all(count, ranges.batches(0, 5, size=5), results=results, workers=1)
    assert ranges.tell(ranges.read(results)) == 0
