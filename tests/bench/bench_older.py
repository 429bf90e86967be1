"""The plan of bench_plan.py on Coder 2.36, where it takes four times as many requests."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.bench.bench_plan import measure_bulk_reads
from tests.bench.results import Report
from tests.bench.share import Share

WEIGHT, SLOW = 40, True


def run(report: Report, share: Share) -> None:
    """Measure T2."""
    with tempfile.TemporaryDirectory() as folder:
        measure_bulk_reads(report, Path(folder), "2.36", share)
