"""Requests as a network sees them: rounds on the critical path, and requests for spend."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.bench import whole
from tests.bench.results import Report
from tests.bench.share import Share
from tests.bench.whole import RECONCILER, Company, company

WEIGHT = 5
ROUND_LATENCY_S = 0.2
"""Long enough for all requests of a round to arrive before the first answer leaves."""


def run(report: Report, _: Share) -> None:
    """Count T13 and T14, once: they do not differ from run to run."""
    with tempfile.TemporaryDirectory() as folder:
        _measure_rounds(report, Path(folder))
        _measure_spend(report, Path(folder))


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
