"""Start-up: `--help`, `--version`, every `COMMAND --help`, and a plan of nothing, against an empty Python.

Whole processes, interleaved in one run, medians: a ratio says how much of the wait is ours.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from reconciler.cli.app import COMMANDS
from tests.bench.results import Report, ratio
from tests.bench.whole import company, times

ROUNDS = 21
_NOTHING = "version: 1\norganization: acme\nmanage: {group_budgets: listed}\ngroup_budgets: []\n"
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
    _measure_plan(report, rounds)


def _measure_plan(report: Report, rounds: int) -> None:
    """A plan of nothing, eight requests, against a Python that only imports what it cannot do without."""
    with tempfile.TemporaryDirectory() as folder, company("8-users,2-groups") as live:
        policy = Path(folder) / "policy.yaml"
        policy.write_text(_NOTHING, encoding="utf-8")
        commands = {
            "plan": [*_PROGRAM, "plan", str(policy)],
            "imports": [sys.executable, "-c", "import httpx, yaml"],
            "nothing": [sys.executable, "-c", "pass"],
        }
        taken = times(commands, live.environment, rounds=rounds)
    # At most 2.5 x an empty Python, plus the imports: said as a ratio of the two sides.
    allowed = [1.5 * empty + imported for empty, imported in zip(taken["nothing"], taken["imports"], strict=True)]
    seconds = statistics.median(taken["plan"])
    what = f"plan of nothing ({seconds * 1000:.0f} ms), over 2.5 x `python -c pass` + imports of httpx and yaml"
    report("start", what, ratio(taken["plan"], allowed), 1.0)


def _time(command: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - started
