"""`make bench`: run every bench and print its ratios beside what is promised. A report: it never fails for being slow.

    make bench                    everything; about ten minutes on two cores
    make bench BENCH=--quick      two minutes
    make bench BENCH=plan         the benches whose name has `plan`
    make bench BENCH=--write      everything, and the table of docs/explanation/performance.md

A bench is a module `bench_*.py` with `run(report)`. Ratios are measured within one run, interleaved, as medians; one
that takes minutes says `SLOW = True` and is left out of `--quick`.
"""

from __future__ import annotations

import argparse
import importlib
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from tests.bench.results import Results, machine


def benches(only: str, *, quick: bool) -> Iterator[ModuleType]:
    """Yield the benches whose name contains `only`."""
    for file in sorted(Path(__file__).parent.glob("bench_*.py")):
        if only in file.stem:
            module = importlib.import_module(f"tests.bench.{file.stem}")
            if not (quick and getattr(module, "SLOW", False)):
                yield module


def main() -> None:
    """Run them."""
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("only", nargs="?", default="", help="part of a bench's name")
    parser.add_argument("--quick", action="store_true", help="leave out those that take minutes")
    parser.add_argument("--write", action="store_true", help="write the table of docs/explanation/performance.md")
    arguments = parser.parse_args()
    results = Results()
    print(machine())
    for module in benches(arguments.only, quick=arguments.quick):
        print(f"\n{module.__name__.rpartition('.')[2]}: {(module.__doc__ or '').splitlines()[0]}", flush=True)
        started_s = time.monotonic()
        module.run(results)
        print(f"{time.monotonic() - started_s:13.0f} s in all", flush=True)
        if arguments.write:
            results.write()


if __name__ == "__main__":
    main()
