"""A plan of 5,000 people on a server without bulk reads, one request a person, as a whole process against bare ones."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.bench.results import Report
from tests.bench.share import Share
from tests.bench.whole import Recorded, company, record

WEIGHT, SLOW = 90, True
ROWS = ((0.0, 8, 1.25), (0.005, 16, 1.2), (0.05, 64, 1.1))
"""Seconds of latency, how many at once, and what is promised; a slower network needs more in flight to be busy."""


def run(report: Report, share: Share) -> None:
    """Measure T1."""
    recorded: Recorded | None = None
    with tempfile.TemporaryDirectory() as folder:
        for (latency_s, width, promise), part in zip(ROWS, share.parts(1, 1, 1), strict=True):
            with company("5000-users,200-groups", version="2.35", latency_s=latency_s) as live:
                if recorded is None:
                    recorded = record(live, Path(folder), live.policy(), width)
                    found = recorded.against_bare(live, width, part, first=recorded.took)
                else:
                    found = recorded.against_bare(live, width, part)
            how = f"{latency_s * 1000:.0f} ms, {width} wide, {recorded.requests:,} requests"
            report("T1", f"plan, 5,000 single reads, {how} / bare", found, promise)
