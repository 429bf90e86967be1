"""`python -m tests.chaos`, `make chaos`: many runs on all cores; a seed that fails is printed, and can be run again."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context

from tests.chaos.run import Report, run_batch

_BATCH = 25


def main() -> int:
    """Run, report, and fail if any run failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos")
    parser.add_argument("--runs", type=int, default=300)
    parser.add_argument("--start", type=int, default=0, help="the first seed")
    parser.add_argument("--seed", type=int, help="only this run, told step by step")
    parser.add_argument("--order", action="store_true", help="no faults: law 5 alone")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    arguments = parser.parse_args()
    if arguments.seed is not None:
        (report,) = run_batch(range(arguments.seed, arguments.seed + 1), is_order=arguments.order)
        print("\n".join(report.story))
        return _summary([report], time.monotonic())
    started = time.monotonic()
    end = arguments.start + arguments.runs
    batches = [range(first, min(first + _BATCH, end)) for first in range(arguments.start, end, _BATCH)]
    reports: list[Report] = []
    with ProcessPoolExecutor(arguments.workers, mp_context=get_context("spawn")) as pool:
        for batch in pool.map(partial(run_batch, is_order=arguments.order), batches):
            reports += batch
            failed = sum(bool(report.problems) for report in reports)
            print(f"\r{len(reports):,} runs, {failed} failed", end="", file=sys.stderr, flush=True)
    return _summary(reports, started)


def _summary(reports: list[Report], started: float) -> int:
    print(file=sys.stderr)
    failed = [report for report in reports if report.problems]
    for report in failed[:20]:
        print(f"seed {report.seed}:")
        print("\n".join(f"  {problem}" for problem in report.problems))
    counts = sum((report.counts for report in reports), Counter[str]())
    print(", ".join(f"{name}: {number:,}" for name, number in sorted(counts.items())))
    print(f"{len(reports):,} runs in {time.monotonic() - started:.0f} s, {len(failed)} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
