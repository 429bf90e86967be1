"""100,000 people in 1,000 groups, as the sandbox makes them: seeding, bulk reads, plans, status; all beside the server.

One company is seeded for all of it; the sandbox computes every answer on the same cores, so its time is in each second.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

from tests.bench import whole
from tests.bench.bench_sandbox import connected, report_bulk_reads
from tests.bench.results import Report, median, ratio
from tests.bench.share import Share
from tests.bench.whole import LIBRARIES, RECONCILER, Company, Run, company

WEIGHT, SLOW = 150, True
SEED = "100000-users,1000-groups"
OBVIOUS = Path(__file__).parent / "obvious.py"
OBVIOUS_PROMISE = 0.25
"""Of T11. Where not even half of the time is left that the obvious program takes by this, it is not begun."""


def run(report: Report, share: Share) -> None:
    """Measure T7, T11, T15 and T16, and the sandbox's own targets."""
    parts = share.parts(16, 12, 24, 28, 70)
    first, began = next(parts), time.monotonic()
    with tempfile.TemporaryDirectory() as name, company(SEED, everybody_has_one=False) as large:
        folder = Path(name)
        with connected(large.url, large.token, began) as server:
            server.get("/buildinfo")
            report("seed", f"seconds to seed and serve {SEED}", time.monotonic() - began, 30.0)
            report_bulk_reads(report, server, SEED, first)
        _measure_plan(report, folder, large, next(parts), has_overrides=False)
        _measure_plan(report, folder, large, next(parts), has_overrides=True)
        large.give_everybody_one()
        _measure_status(report, folder, large, next(parts))
        _measure_entries(report, folder, large, next(parts))


def _measure_plan(report: Report, folder: Path, large: Company, share: Share, *, has_overrides: bool) -> None:
    """T16: a plan of what is live, which sees no change."""
    file = folder / "large.yaml"
    file.write_text(large.policy(has_overrides=has_overrides), encoding="utf-8")
    runs = _runs([*RECONCILER, "plan", "--detailed-exitcode", str(file)], large, share)
    listed = "its group budgets and 10,000 overrides" if has_overrides else "its group budgets"
    what = f"plan of 100,000 people in 1,000 groups, {listed}"
    report("T16", f"{what}, peak memory, MB", median([took.peak_mb for took in runs]), 250)
    report("T16", f"{what}, its own CPU, s", median([took.cpu_s for took in runs]), 3.0)
    report("T16", f"{what}, in all, s", median([took.seconds for took in runs]), 5.0)


def _measure_status(report: Report, folder: Path, large: Company, share: Share) -> None:
    """T15: a status of everybody, where everybody has an override; and nobody a policy."""
    runs = _runs([*RECONCILER, "status"], large, share, cwd=_empty(folder))
    report("T15", "status of 100,000 people, s", median([took.seconds for took in runs]), 10.0)
    report("T15", "its peak memory, MB", median([took.peak_mb for took in runs]), 500)


def _measure_entries(report: Report, folder: Path, large: Company, share: Share) -> None:
    """T7, T11 and the rest of T16: an override for each person. The obvious program takes a minute, so it runs once."""
    policy, sent = folder / "large.yaml", folder / "large.json"
    policy.write_text(large.policy(), encoding="utf-8")
    plan = [*RECONCILER, "plan", str(policy)]
    first, requests = large.recorded(plan)
    sent.write_text(json.dumps(requests), encoding="utf-8")
    obvious = [sys.executable, str(OBVIOUS), str(policy), str(sent)]
    has_time = share.left_s > first.seconds / OBVIOUS_PROMISE / 2
    theirs = whole.run(obvious, large.environment) if has_time else None
    commands = {"libraries": [*LIBRARIES, str(policy), str(sent), "8"], "ours": plan}
    taken = whole.runs_of(commands, large.environment, share.rounds(), first={"ours": first})
    ours = taken["ours"]
    report(
        "T7", "plan with an override for each of them, peak memory, MB", median([took.peak_mb for took in ours]), 400
    )
    cpu_s = [took.cpu_s for took in ours]
    what = f"its own CPU ({statistics.median(cpu_s):.1f} s) / that of its libraries alone: events, requests, JSON"
    report("T16", what, ratio(cpu_s, [took.cpu_s for took in taken["libraries"]]), 2.5)
    seconds = [took.seconds for took in ours]
    what = f"it, in {statistics.median(seconds):.1f} s and {len(requests):,} requests / the obvious program"
    report("T11", what, ratio(seconds, [theirs.seconds]) if theirs else "no time", OBVIOUS_PROMISE)


def _runs(command: list[str], large: Company, share: Share, *, cwd: Path | None = None) -> list[Run]:
    return [whole.run(command, large.environment, cwd=cwd) for _ in share.rounds()]


def _empty(folder: Path) -> Path:
    (folder / "empty").mkdir()
    return folder / "empty"
