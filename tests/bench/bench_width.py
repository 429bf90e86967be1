"""The transport in requests a second: no collapse when wide, busy in a slow network, a width that finds itself."""

from __future__ import annotations

import json
import statistics
import subprocess
import tempfile
from pathlib import Path

from tests.bench.results import Report, median, ratio
from tests.bench.share import Share
from tests.bench.whole import RATE, Company, company

WEIGHT, SLOW = 120, True
WIDTHS = {0.0: (8, 16, 32, 64), 0.005: (8, 16, 32, 64), 0.05: (32, 64)}
"""Seconds of latency -> the fixed widths beside the default; at 50 ms no narrow one can be the best."""
LEAST = {0.0: 3, 0.005: 3, 0.05: 1}
"""Rounds: with fewer, a disturbed one makes a narrow width look slow, and the default less wasteful than it is."""
REQUESTS = {0.0: 1536, 0.005: 1536, 0.05: 3072}
"""Of which each width has whole rounds, and enough for the default to find itself."""

Rates = dict[int | None, list[tuple[float, float]]]
"""By width, None for the one that finds itself: requests a second and how many were in flight, for each round."""


def run(report: Report, share: Share) -> None:
    """Measure T3, T4 and T12, all from the same rounds."""
    with tempfile.TemporaryDirectory() as folder:
        for latency_s, part in zip(WIDTHS, share.parts(*(1 for _ in WIDTHS)), strict=True):
            rates = _rates(Path(folder), latency_s, part)
            _report_default(report, latency_s, rates)
            at_64 = [rate for rate, _ in rates[64]]
            if latency_s == min(WIDTHS):
                at_8 = [rate for rate, _ in rates[8]]
                what = f"requests/s at 64 in flight ({_middle(at_64):,.0f}) / at 8 ({_middle(at_8):,.0f})"
                report("T3>", what, ratio(at_64, at_8), 0.85)
            if latency_s == max(WIDTHS):
                what = f"requests/s at 50 ms and 64 in flight ({_middle(at_64):,.0f}) / width over latency"
                report("T4>", what, median([rate * latency_s / 64 for rate in at_64]), 0.9)


def _rates(folder: Path, latency_s: float, share: Share) -> Rates:
    """Ask for groups' budgets at each width; they take turns."""
    with company("200-users,20-groups", latency_s=latency_s) as live:
        groups = [row[0] for row in live.sql("SELECT id FROM groups")]
        asked = [
            {"method": "GET", "path": f"/api/v2/groups/{groups[n % len(groups)]}/ai/budget", "body": None}
            for n in range(REQUESTS[latency_s])
        ]
        file = folder / "requests.json"
        file.write_text(json.dumps(asked), encoding="utf-8")
        measured: Rates = {width: [] for width in (*WIDTHS[latency_s], None)}
        for _ in share.rounds(least=LEAST[latency_s]):
            for width, rounds in measured.items():
                rounds.append(_rate(live, file, width))
    return measured


def _rate(live: Company, file: Path, width: int | None) -> tuple[float, float]:
    command = [*RATE, str(file), "auto" if width is None else str(width)]
    printed = subprocess.run(command, env=live.environment, capture_output=True, text=True, check=True).stdout
    rate, in_flight = map(float, printed.split())
    return rate, in_flight


def _report_default(report: Report, latency_s: float, measured: Rates) -> None:
    """T12: the default width against the best fixed one, in time and in flight."""
    rates = {width: [rate for rate, _ in rounds] for width, rounds in measured.items()}
    best = max(WIDTHS[latency_s], key=lambda width: _middle(rates[width]))
    smallest = next(width for width in WIDTHS[latency_s] if _middle(rates[width]) >= 0.95 * _middle(rates[best]))
    in_flight = [mean for _, mean in measured[None]]
    at = f"{latency_s * 1000:.0f} ms"
    by_default = f"by default ({_middle(rates[None]):,.0f})"
    what = f"{at}: requests/s at {best} in flight ({_middle(rates[best]):,.0f}) / {by_default}"
    report("T12", what, ratio(rates[best], rates[None]), 1.3)
    what = f"{at}: in flight by default ({_middle(in_flight):.1f}) / what the best needs ({smallest})"
    report("T12", what, median([mean / smallest for mean in in_flight]), 1.2)


def _middle(rounds: list[float]) -> float:
    return statistics.median(rounds)
