"""What effects cost: a plan that changes limits of 5,000 people against its bare requests, and 100,000 people alone.

The requests of such a plan are those of any other, and one for what people have spent.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from tests.bench.results import Report, median
from tests.bench.share import Share
from tests.bench.whole import Company, company, record

WEIGHT = 24
SIZE = "5000-users,200-groups"
_FEW = "SELECT group_id FROM group_ai_budgets JOIN groups ON id = group_id AND name <> 'Everyone' ORDER BY name LIMIT 5"
_CHANGED = {"a few teams": f"WHERE group_id IN ({_FEW})", "everybody": ""}


def run(report: Report, share: Share) -> None:
    """Measure and report."""
    parts = share.parts(8, 8, 8)
    with tempfile.TemporaryDirectory() as folder:
        for name, (whom, where) in zip(("E1", "E2"), _CHANGED.items(), strict=True):
            part = next(parts)
            with company(SIZE) as live:
                recorded = record(live, Path(folder), _changed(live, where))
                found = recorded.against_bare(live, 8, part)
            what = f"plan with effects on {whom} of 5,000 people, {recorded.requests} requests / bare"
            report(name, what, found, 1.9)
    outputs = [_large() for _ in next(parts).rounds()]
    seconds, megabytes, people, _ = (list(figures) for figures in zip(*outputs, strict=True))
    what = f"CPU seconds for the effects of 4,000 changes on 100,000 people ({people[0]:.0f} affected)"
    report("E3", what, median(seconds), 5.0)
    report("E4", "megabytes at the peak of that, the live state included", median(megabytes), 600.0)


def _large() -> list[float]:
    command = [sys.executable, "-m", "tests.bench.large"]
    return [float(word) for word in subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()]


def _changed(live: Company, where: str) -> str:
    """Return a policy that raises the limits of people who mostly have no override, which would hide them."""
    live.sql("DELETE FROM user_ai_budget_overrides WHERE spend_limit_micros % 7000000 <> 0")
    live.sql(f"UPDATE group_ai_budgets SET spend_limit_micros = spend_limit_micros * 2 {where}")
    policy = live.policy()
    live.sql(f"UPDATE group_ai_budgets SET spend_limit_micros = spend_limit_micros / 2 {where}")
    return policy
