"""Start-up: `--help`, `--version`, every `COMMAND --help`, and a plan of nothing, against an empty Python.

Whole processes, interleaved in one run, medians: a ratio says how much of the wait is ours.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from reconciler.cli.app import COMMANDS
from tests.bench.results import Report, ratio
from tests.bench.share import Share
from tests.bench.whole import LIBRARIES, ONLY_HTTPX, company, times

WEIGHT = 20
MOST = 21
"""Rounds; each takes half a second."""
_NOTHING = "version: 1\norganization: acme\nmanage: {group_budgets: listed}\ngroup_budgets: []\n"
_PROGRAM = [sys.executable, "-m", "reconciler"]


def run(report: Report, share: Share) -> None:
    """Measure and report T8."""
    parts = share.parts(4, 6, 10)
    looked_up = {
        "--help": ([*_PROGRAM, "--help"], 2.0),
        "--version": ([*_PROGRAM, "--version"], 2.0),
        **{f"{name} --help": ([*_PROGRAM, name, "--help"], 4.5) for name in COMMANDS},
    }
    commands = {name: command for name, (command, _) in looked_up.items()}
    found = _times({f"{name} --help": commands[f"{name} --help"] for name in COMMANDS}, next(parts).rounds(most=3))
    slowest = max(COMMANDS, key=lambda name: statistics.median(found[f"{name} --help"]))
    shown_names = ("--help", "--version", f"{slowest} --help")
    empty = {"": [sys.executable, "-c", "pass"]}
    times = _times(empty | {name: commands[name] for name in shown_names}, next(parts).rounds(most=MOST))
    for name in shown_names:
        shown = f"{name} (the slowest of {len(COMMANDS)})" if name.startswith(slowest) else name
        report("T8", f"{shown}, over `python -c pass`", ratio(times[name], times[""]), looked_up[name][1])
    _measure_plan(report, next(parts))


def _measure_plan(report: Report, share: Share) -> None:
    """A plan of nothing, against a Python that only imports what it cannot do without.

    "2.5 x `python -c pass` plus the imports" can be read in two ways, so both are measured. By the second one the two
    libraries and the requests alone, without any program, leave nothing: that is said beside it.
    """
    with tempfile.TemporaryDirectory() as folder, company("8-users,2-groups") as live:
        policy, sent = Path(folder) / "policy.yaml", Path(folder) / "requests.json"
        policy.write_text(_NOTHING, encoding="utf-8")
        plan = [*_PROGRAM, "plan", str(policy)]
        sent.write_text(json.dumps(live.requests_of(plan)), encoding="utf-8")
        commands = {
            "plan": plan,
            "libraries": [*LIBRARIES, str(policy), str(sent), "8"],
            "imports": [sys.executable, "-c", f"{ONLY_HTTPX}; import httpx, yaml"],
            "nothing": [sys.executable, "-c", "pass"],
        }
        taken = times(commands, live.environment, share.rounds(most=MOST))
    ms = {name: statistics.median(seconds) * 1000 for name, seconds in taken.items()}
    both = [2.5 * imported for imported in taken["imports"]]  # it starts Python, too
    what = f"plan of nothing ({ms['plan']:.0f} ms), over 2.5 x `python -c` with imports of httpx and yaml"
    report("start", what, ratio(taken["plan"], both), 1.0)
    apart = [1.5 * empty + imported for empty, imported in zip(taken["nothing"], taken["imports"], strict=True)]
    floor = ms["libraries"] / statistics.median(apart) / 1000
    what = f"the same, over 2.5 x `python -c pass`, and those imports; httpx with its requests alone: {floor:.2f}"
    report("start", what, ratio(taken["plan"], apart), 1.0)


def _times(commands: Mapping[str, list[str]], rounds: Iterable[int]) -> dict[str, list[float]]:
    taken: dict[str, list[float]] = {name: [] for name in commands}
    for _ in rounds:
        for name, command in commands.items():
            taken[name].append(_time(command))
    return taken


def _time(command: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - started
