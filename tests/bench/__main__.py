"""`make bench`: run every bench and print its ratios beside what is promised. A report: it never fails for being slow.

    make bench                    everything, in ten minutes
    make bench BENCH=--quick      what two minutes allow
    make bench BENCH=plan         the benches whose name has `plan`, each in its share of the ten minutes
    make bench BENCH=--write      everything, and the table of docs/explanation/performance.md

A bench is a module `bench_*.py` with `run(report, share)` and the `WEIGHT` of its share: what three rounds of it take,
in seconds, on the machine of that table. Ratios are measured within one run, interleaved, as medians; a bench of
which one round takes too long for two minutes says `SLOW = True` and is left out of `--quick`.
"""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from tests.bench.results import Results, machine
from tests.bench.share import Share

ALL_S, QUICK_S = 600, 120
TO_BE_USED, SHORT = 0.95, 0.005
"""Of the time: what the benches share, the rest being for what a last round takes more than it had; a short round."""


def benches() -> Sequence[ModuleType]:
    """Return all of them."""
    files = sorted(Path(__file__).parent.glob("bench_*.py"))
    return [importlib.import_module(f"tests.bench.{file.stem}") for file in files]


def main() -> None:
    """Run them."""
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("only", nargs="?", default="", help="part of a bench's name")
    parser.add_argument("--quick", action="store_true", help="in two minutes, without those that are slow")
    parser.add_argument("--write", action="store_true", help="write the table of docs/explanation/performance.md")
    arguments = parser.parse_args()
    if arguments.write and (arguments.quick or arguments.only):
        parser.error("--write is for all benches at once: leave out --quick and the name")
    every = [bench for bench in benches() if not (arguments.quick and _is_slow(bench))]
    chosen = [bench for bench in every if arguments.only in _name(bench)]
    if not chosen:
        parser.error(f"no bench has {arguments.only!r} in its name; there are: {_names(every)}")
    results = measure(chosen, every, all_s=QUICK_S if arguments.quick else ALL_S)
    print(f"\n{results.verdict()}")
    if arguments.quick:
        print(f"Left out: {_names([bench for bench in benches() if _is_slow(bench)])}.")
    if arguments.write:
        results.write()


def measure(chosen: Sequence[ModuleType], every: Sequence[ModuleType], *, all_s: float) -> Results:
    """Run the chosen ones in their share of the time that all of them have."""
    results = Results(allowed_s=all_s * sum(bench.WEIGHT for bench in chosen) / sum(bench.WEIGHT for bench in every))
    print(machine())
    whole = Share(TO_BE_USED * results.allowed_s, short_s=SHORT * all_s)
    for bench, share in zip(chosen, whole.parts(*(bench.WEIGHT for bench in chosen)), strict=True):
        print(f"\n{_name(bench)}: {(bench.__doc__ or '').splitlines()[0]}", flush=True)
        had_s = share.left_s
        bench.run(results, share)
        print(f"{had_s - share.left_s:13.0f} s, of {had_s:.0f}", flush=True)
    return results


def _is_slow(bench: ModuleType) -> bool:
    return getattr(bench, "SLOW", False)


def _name(bench: ModuleType) -> str:
    return bench.__name__.rpartition(".")[2].removeprefix("bench_")


def _names(some: Sequence[ModuleType]) -> str:
    return ", ".join(map(_name, some))


if __name__ == "__main__":
    main()
