"""`python -m tests.simulation`, `make simulate`: a range of worlds on all cores; results are added up in a file.

    python -m tests.simulation --worlds 100000            seeds 0 to 99,999
    python -m tests.simulation --start 100000             the next 100,000
    python -m tests.simulation --seed 4734                one world, which fails or not
    python -m tests.simulation --report                   what all runs so far have found

Every seed replays exactly: it decides the company, its policies, the faults, who goes on and when.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests import ranges
from tests.simulation.run import run_range

BATCH = 500
RESULTS = Path(".simulation.jsonl")
"""One line a range; ignored by Git."""


def main() -> int:
    """Run, add the result to the file, and fail if a law was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation")
    parser.add_argument("--worlds", type=int, default=100_000)
    parser.add_argument("--start", type=int, default=0, help="the first seed")
    parser.add_argument("--seed", type=int, help="only this world")
    parser.add_argument("--report", action="store_true", help="add up what was run so far")
    parser.add_argument("--workers", type=int, default=0, help="processes; one a processor unless given")
    arguments = parser.parse_args()
    if arguments.report:
        return ranges.tell(ranges.read(RESULTS))
    if arguments.seed is not None:
        return ranges.tell([run_range(range(arguments.seed, arguments.seed + 1))])
    seeds = ranges.batches(arguments.start, arguments.worlds, size=BATCH)
    return ranges.tell(ranges.run_all(run_range, seeds, results=RESULTS, workers=arguments.workers))


if __name__ == "__main__":
    sys.exit(main())
