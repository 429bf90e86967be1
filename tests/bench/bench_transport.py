"""The transport itself, in requests a second: no collapse when wide, and busy where the network is slow."""

from __future__ import annotations

import json
import statistics
import subprocess
import tempfile
from pathlib import Path

from tests.bench.results import Report
from tests.bench.whole import RATE, Company, company

ROUNDS = 3
LATENCY_S, WIDTH = 0.05, 64


def run(report: Report) -> None:
    """Measure T3 and T4."""
    with tempfile.TemporaryDirectory() as folder:
        with company("200-users,20-groups") as live:
            at_8, at_64 = _rates(live, Path(folder), count=3000, widths=(8, 64))
        report("T3>", f"requests/s at 64 in flight ({at_64:,.0f}) / at 8 ({at_8:,.0f})", at_64 / at_8, 0.85)
        with company("200-users,20-groups", latency_s=LATENCY_S) as live:
            (rate,) = _rates(live, Path(folder), count=3200, widths=(WIDTH,))
        bound = WIDTH / LATENCY_S
        report("T4>", f"requests/s at 50 ms and 64 in flight ({rate:,.0f}) / width over latency", rate / bound, 0.9)


def _rates(live: Company, folder: Path, *, count: int, widths: tuple[int, ...]) -> list[float]:
    """Return the median requests a second for each width; they take turns."""
    groups = [row[0] for row in live.sql("SELECT id FROM groups")]
    asked = [
        {"method": "GET", "path": f"/api/v2/groups/{groups[n % len(groups)]}/ai/budget", "body": None}
        for n in range(count)
    ]
    file = folder / "requests.json"
    file.write_text(json.dumps(asked), encoding="utf-8")
    rates: dict[int, list[float]] = {width: [] for width in widths}
    for _ in range(ROUNDS):
        for width in widths:
            command = [*RATE, str(file), str(width)]
            said = subprocess.run(command, env=live.environment, capture_output=True, text=True, check=True)
            rates[width].append(float(said.stdout.split()[0]))
    return [statistics.median(rates[width]) for width in widths]
