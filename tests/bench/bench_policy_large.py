"""Policy files of 100,000 entries: reading them with positions, checking them, and how that grows."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from reconciler.policy_file.load import load
from tests.bench.bench_policy import report_reading, written
from tests.bench.results import Report, in_turn, ratio
from tests.bench.share import Share

WEIGHT, SLOW = 40, True
ENTRIES = 100_000


def run(report: Report, share: Share) -> None:
    """Measure T5 and T6."""
    parts = share.parts(3, 1)
    with tempfile.TemporaryDirectory() as name:
        small, large = (written(Path(name), entries) for entries in (ENTRIES // 10, ENTRIES))
        report_reading(report, large, 0.16, next(parts))
        ways = [lambda: load([str(large)]), lambda: load([str(small)])]
        times = in_turn(ways, next(parts).rounds(), clock=time.process_time)
        report("T6", f"loading {ENTRIES:,} entries, over {ENTRIES // 10:,}", ratio(*times), 12.0)
