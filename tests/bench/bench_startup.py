"""How long looking something up takes: `--help`, `--version` and every `COMMAND --help`, against an empty Python.

Whole processes, interleaved in one run, medians: a ratio says how much of the wait is ours.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

from reconciler.cli.app import COMMANDS
from tests.bench.results import Report, ratio

ROUNDS = 21
_PROGRAM = [sys.executable, "-m", "reconciler"]


def run(report: Report, *, rounds: int = ROUNDS) -> None:
    """Measure and report T8."""
    looked_up = {
        "--help": ([*_PROGRAM, "--help"], 2.0),
        "--version": ([*_PROGRAM, "--version"], 2.0),
        **{f"{name} --help": ([*_PROGRAM, name, "--help"], 4.5) for name in COMMANDS},
    }
    nothing = [sys.executable, "-c", "pass"]
    times: dict[str, list[float]] = {name: [] for name in ("", *looked_up)}
    for _ in range(rounds):
        times[""].append(_time(nothing))
        for name, (command, _promised) in looked_up.items():
            times[name].append(_time(command))
    slowest = max(COMMANDS, key=lambda name: statistics.median(times[f"{name} --help"]))
    for name in ("--help", "--version", f"{slowest} --help"):
        shown = f"{name} (the slowest of {len(COMMANDS)})" if name.startswith(slowest) else name
        report("T8", f"{shown}, over `python -c pass`", ratio(times[name], times[""]), looked_up[name][1])


def _time(command: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - started
