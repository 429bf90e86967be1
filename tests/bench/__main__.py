"""`make bench`: run every bench and print its ratios beside what is promised. A report: it never fails for being slow.

A bench is a module `bench_*.py` with `run(report)`. Ratios are measured within one run, interleaved, as medians; one
that takes minutes says `SLOW = True` and is left out of `--quick`.
"""

from __future__ import annotations

import argparse
import importlib
import operator
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType


def report(target: str, what: str, measured: float, promised: float) -> None:
    """Print one result; a target whose name ends in `>` promises at least, any other at most."""
    holds, word = (operator.ge, "at least") if target.endswith(">") else (operator.le, "at most")
    verdict = "holds" if holds(measured, promised) else "MISSED"
    print(f"{target.rstrip('>'):<8}{what:<64}{measured:>12,.2f}   {word} {promised:,.2f}   {verdict}", flush=True)


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
    arguments = parser.parse_args()
    for module in benches(arguments.only, quick=arguments.quick):
        print(f"\n{module.__name__.rpartition('.')[2]}: {(module.__doc__ or '').splitlines()[0]}", flush=True)
        module.run(report)


if __name__ == "__main__":
    main()
