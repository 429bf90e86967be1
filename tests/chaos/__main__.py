"""`python -m tests.chaos`, `make chaos`: a range of runs on all cores; results are added up in a file.

python -m tests.chaos --runs 10000                    seeds 0 to 9,999, with faults
python -m tests.chaos --runs 10000 --order            the same seeds without faults: law 5 alone
python -m tests.chaos --runs 10000 --pairs            two at once, each looked at alone
python -m tests.chaos --seed 1513                     one run, told step by step
python -m tests.chaos --report                        what all runs so far have found
"""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path

from tests import ranges
from tests.chaos.commands import Launcher
from tests.chaos.pairs import run_pair, run_pairs
from tests.chaos.run import run, run_range

BATCH = 25
RESULTS = Path(".chaos.jsonl")
"""One line a range; ignored by Git."""


def main() -> int:
    """Run, add the result to the file, and fail if a run failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos")
    parser.add_argument("--runs", type=int, default=300)
    parser.add_argument("--start", type=int, default=0, help="the first seed")
    parser.add_argument("--seed", type=int, help="only this run, told step by step")
    parser.add_argument("--order", action="store_true", help="no faults: law 5 alone")
    parser.add_argument("--pairs", action="store_true", help="two at once")
    parser.add_argument("--report", action="store_true", help="add up what was run so far")
    parser.add_argument("--workers", type=int, default=0, help="processes; one a processor unless given")
    arguments = parser.parse_args()
    if arguments.report:
        return ranges.tell(ranges.read(RESULTS))
    if arguments.seed is not None:
        with Launcher() as launcher:
            if arguments.pairs:
                report = run_pair(arguments.seed, launcher)
            else:
                report = run(arguments.seed, launcher, is_order=arguments.order)
        print("\n".join([*report.story, *report.problems]))
        return 1 if report.problems else 0
    do_range = run_pairs if arguments.pairs else partial(run_range, is_order=arguments.order)
    seeds = ranges.batches(arguments.start, arguments.runs, size=BATCH)
    return ranges.tell(ranges.run_all(do_range, seeds, results=RESULTS, workers=arguments.workers))


if __name__ == "__main__":
    sys.exit(main())
