"""`python -m tests.simulation`, `make simulate`: a range of worlds on all cores; results are added up in a file.

    python -m tests.simulation --worlds 100000            seeds 0 to 99,999
    python -m tests.simulation --start 100000             the next 100,000
    python -m tests.simulation --seed 4734                one world, which fails or not
    python -m tests.simulation --report                   what all runs so far have found

Every seed replays exactly: it decides the company, its policies, the faults, who goes on and when.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from tests.simulation.run import BrokenLawError, run_world

BATCH = 500
RESULTS = Path(".simulation.jsonl")
"""One line a range; ignored by Git."""


def run_range(seeds: range) -> tuple[Counter[str], list[str]]:
    """Run worlds; return what happened, and every law that was broken."""
    counts: Counter[str] = Counter()
    broken = []
    for seed in seeds:
        try:
            counts += run_world(seed)
        except BrokenLawError as error:
            broken.append(str(error))
    return counts, broken


def main() -> int:
    """Run, add the result to the file, and fail if a law was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation")
    parser.add_argument("--worlds", type=int, default=100_000)
    parser.add_argument("--start", type=int, default=0, help="the first seed")
    parser.add_argument("--seed", type=int, help="only this world")
    parser.add_argument("--report", action="store_true", help="add up what was run so far")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    arguments = parser.parse_args()
    if arguments.report:
        return _report()
    if arguments.seed is not None:
        counts, broken = run_range(range(arguments.seed, arguments.seed + 1))
    else:
        started = time.monotonic()
        counts, broken = _run_all(arguments.start, arguments.start + arguments.worlds, arguments.workers)
        row = {"start": arguments.start, "worlds": arguments.worlds, "counts": counts, "broken": broken}
        with RESULTS.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        print(f"{arguments.worlds:,} worlds in {time.monotonic() - started:.0f} s")
    return _tell(counts, broken)


def _run_all(start: int, end: int, workers: int) -> tuple[Counter[str], list[str]]:
    batches = [range(first, min(first + BATCH, end)) for first in range(start, end, BATCH)]
    counts: Counter[str] = Counter()
    broken: list[str] = []
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for some_counts, some_broken in pool.map(run_range, batches):
            counts += some_counts
            broken += some_broken
            print(f"\r{counts['worlds']:,} worlds, {len(broken)} laws broken", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return counts, broken


def _report() -> int:
    rows = [json.loads(line) for line in RESULTS.read_text(encoding="utf-8").splitlines()]
    counts = sum((Counter(row["counts"]) for row in rows), Counter[str]())
    print(f"{sum(row['worlds'] for row in rows):,} worlds in {len(rows)} ranges")
    return _tell(counts, [broken for row in rows for broken in row["broken"]])


def _tell(counts: Counter[str], broken: list[str]) -> int:
    print(", ".join(f"{name}: {number:,}" for name, number in sorted(counts.items())))
    print("\n".join([*broken[:20], f"{len(broken)} laws broken"]))
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
