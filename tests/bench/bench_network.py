"""A network as users have it: the width that finds itself, rounds on the critical path, requests for spend."""

from __future__ import annotations

import json
import statistics
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.bench import whole
from tests.bench.results import Report
from tests.bench.whole import RATE, RECONCILER, Company, company

SLOW = True
ROUNDS = 3
REQUESTS = 1500
WIDTHS = {0.0: (8, 16, 32, 64), 0.005: (8, 16, 32, 64), 0.05: (32, 64)}
"""Seconds of latency -> the fixed widths beside the default; at 50 ms no narrow one can be the best."""
ROUND_LATENCY_S = 0.2
"""Long enough for all requests of a round to arrive before the first answer leaves."""


def run(report: Report) -> None:
    """Measure T12, T13 and T14."""
    with tempfile.TemporaryDirectory() as folder:
        for latency_s, widths in WIDTHS.items():
            _measure_width(report, Path(folder), latency_s=latency_s, widths=widths)
        _measure_rounds(report, Path(folder))
        _measure_spend(report, Path(folder))


def _measure_width(report: Report, folder: Path, *, latency_s: float, widths: Sequence[int]) -> None:
    """T12: the default width against the best fixed one, in time and in flight."""
    with company("200-users,20-groups", latency_s=latency_s) as live:
        groups = [row[0] for row in live.sql("SELECT id FROM groups")]
        asked = [
            {"method": "GET", "path": f"/api/v2/groups/{groups[n % len(groups)]}/ai/budget", "body": None}
            for n in range(REQUESTS)
        ]
        file = folder / "requests.json"
        file.write_text(json.dumps(asked), encoding="utf-8")
        measured: dict[int | None, list[tuple[float, float]]] = {width: [] for width in (*widths, None)}
        for _ in range(ROUNDS):
            for width, rows in measured.items():
                rows.append(_rate(live, file, width))
    rates = {width: statistics.median(rate for rate, _ in rows) for width, rows in measured.items()}
    best = max(widths, key=lambda width: rates[width])
    smallest = next(width for width in widths if rates[width] >= 0.95 * rates[best])
    in_flight = statistics.median(mean for _, mean in measured[None])
    at = f"{latency_s * 1000:.0f} ms"
    what = f"{at}: requests/s at {best} in flight ({rates[best]:,.0f}) / by default ({rates[None]:,.0f})"
    report("T12", what, rates[best] / rates[None], 1.3)
    what = f"{at}: in flight by default ({in_flight:.1f}) / what the best needs ({smallest})"
    report("T12", what, in_flight / smallest, 1.2)


def _rate(live: Company, file: Path, width: int | None) -> tuple[float, float]:
    """Return requests a second, and how many were in flight on average; a width of None finds itself."""
    command = [*RATE, str(file), "auto" if width is None else str(width)]
    printed = subprocess.run(command, env=live.environment, capture_output=True, text=True, check=True).stdout
    rate, in_flight = map(float, printed.split())
    return rate, in_flight


def _measure_rounds(report: Report, folder: Path) -> None:
    """T13: the longest chain of requests of a plan of which each waited for the one before."""
    with company("40-users,6-groups", latency_s=ROUND_LATENCY_S) as live:
        policy = folder / "policy.yaml"
        policy.write_text(live.policy(), encoding="utf-8")
        report("T13", "rounds of a plan without changes on 2.37", _rounds(live, policy), 3)
        live.sql("UPDATE group_ai_budgets SET spend_limit_micros = spend_limit_micros + 1000000")
        report("T13", "rounds of a plan with changes on 2.37", _rounds(live, policy), 4)


def _rounds(live: Company, policy: Path) -> float:
    live.control("DELETE", "requests")
    whole.run([*RECONCILER, "plan", "--parallelism", "64", str(policy)], live.environment)
    return float(len(live.control("GET", "critical-path")))


def _measure_spend(report: Report, folder: Path) -> None:
    """T14: requests for spend where everybody is concerned. The forecast asks for seven days more, an export each."""
    with company("5000-users,200-groups") as live:
        policy = folder / "policy.yaml"
        policy.write_text(live.policy(), encoding="utf-8")
        live.sql("UPDATE user_ai_budget_overrides SET spend_limit_micros = 0")  # raises only: nothing is refused
        sent = live.requests_of([*RECONCILER, "plan", "--no-forecast", str(policy)])
    exports = sum("/ai/spend/export" in request["path"] for request in sent)
    what = f"exports an organization for the spend of 5,000 people, {len(sent)} requests in all"
    report("T14", what, float(exports), 3)
