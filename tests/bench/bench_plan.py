"""A plan of 5,000 people by bulk reads, a whole process: against its bare requests, the fastest client, curl and jq."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from tests.bench import whole
from tests.bench.results import Report, ratio
from tests.bench.share import Share
from tests.bench.whole import RECONCILER, Recorded, company, record, times

WEIGHT = 35
SIZE = "5000-users,200-groups"
PROMISES = {0.0: 1.9, 0.005: 1.7, 0.05: 1.25}
"""By seconds of latency."""
SCRIPT = Path(__file__).parent / "obvious.sh"
FLOOR = [sys.executable, "-m", "tests.bench.floor"]


def run(report: Report, share: Share) -> None:
    """Measure T2, and beside it the floor and the obvious script."""
    parts = share.parts(5, 2)
    with tempfile.TemporaryDirectory() as folder:
        measure_bulk_reads(report, Path(folder), "2.37", next(parts))
        _measure_peers(report, Path(folder), next(parts))


def measure_bulk_reads(report: Report, folder: Path, version: str, share: Share) -> None:
    """T2, on one version of Coder."""
    recorded: Recorded | None = None
    for (latency_s, promise), part in zip(PROMISES.items(), share.parts(1, 1, 1), strict=True):
        with company(SIZE, version=version, latency_s=latency_s) as live:
            recorded = recorded or record(live, folder, live.policy())
            found = recorded.against_bare(live, 8, part)
        what = (
            f"plan on {version}, bulk reads, {latency_s * 1000:.0f} ms, 8 wide, {recorded.requests:,} requests / bare"
        )
        report("T2", what, found, promise)


def _measure_peers(report: Report, folder: Path, share: Share) -> None:
    with company(SIZE) as live:
        policy, sent, paths = (folder / name for name in ("policy.yaml", "requests.json", "paths"))
        policy.write_text(live.policy(), encoding="utf-8")
        plan = [*RECONCILER, "plan", "--parallelism", "8", str(policy)]
        requests = live.requests_of(plan)
        sent.write_text(json.dumps(whole.in_waves(requests)), encoding="utf-8")
        commands = {"plan": plan}
        if find_spec("pyreqwest"):
            commands["floor"] = [*FLOOR, str(sent), "8"]
            whole.run(commands["floor"], live.environment)  # no other bench has loaded it
        if shutil.which("curl") and shutil.which("jq"):
            reads = [request["path"] for request in requests if request["method"] == "GET"]
            paths.write_text("\n".join(reads) + "\n", encoding="utf-8")
            commands["script"] = ["sh", str(SCRIPT), str(paths)]
        taken = times(commands, live.environment, share.rounds())
    for peer, what, promise in (("floor", "the fastest client", 5.0), ("script", "curl and jq, one by one", 0.5)):
        if peer in taken:
            report(peer, f"plan on 2.37, bulk reads, 0 ms / {what}", ratio(taken["plan"], taken[peer]), promise)
