"""Whole plans as a reviewer sees them: one for each hazard, and one that breaks every guardrail of the demo company.

`UPDATE_GOLDEN=1 python -m pytest tests/effects` writes the files anew.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import time_machine

from reconciler.cli.app import run
from reconciler.sandbox import Options, Sandbox
from tests.cli.goldens import assert_golden
from tests.effects.worlds import NOW

GOLDEN = Path(__file__).parent / "golden"
LISTED = "version: 1\norganization: acme\nmanage: {group_budgets: listed, user_overrides: listed}\n"
EXACT = LISTED.replace("listed", "exact")
PLANS = {
    "removes_limit": LISTED + "group_budgets: [{group: Everyone, limit: none}]\n",
    "blocks_users": LISTED + "group_budgets:\n  - {group: platform, limit: $90}\n  - {group: contractors, limit: $0}\n",
    "mass_change": EXACT + "group_budgets: [{group: Everyone, limit: $50}]\n",
    "emptied": EXACT + "user_overrides: [{user: ana, group: platform, limit: $1500}]\n",
    "guardrails": LISTED
    + "group_budgets:\n  - {group: platform, limit: $900}\n"
    + "user_overrides:\n  - {user: ana, group: platform, limit: $1500, expires: 2027-06-01}\n"
    + "guardrails: {max_limit: $800, max_exposure: $5000, require_reason_above: $500, max_override_days: 90}\n",
    "consented": LISTED
    + "group_budgets: [{group: platform, limit: $90}]\n"
    + "allow: [{hazard: BLOCKS_USERS, up_to: 3, reason: they left, expires: 2026-12-01}]\n",
    "expired": LISTED
    + "user_overrides:\n"
    + "  - {user: bob, group: platform, limit: $1500, expires: 2026-11-20}\n"
    + "  - {user: ana, group: platform, limit: $500, expires: 2026-11-30}\n",
}


@pytest.mark.parametrize("name", PLANS)
def test_a_plan_in_full(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("acme.yaml").write_text(PLANS[name], encoding="utf-8")
    with Sandbox(Options(now=NOW)) as sandbox, time_machine.travel(NOW, tick=False):
        monkeypatch.setenv("CODER_URL", sandbox.url)
        monkeypatch.setenv("CODER_SESSION_TOKEN", sandbox.tokens["user-admin"])
        code = run(["plan", "acme.yaml"])
        text = capsys.readouterr().out.replace(sandbox.url, "https://coder.example")
    assert code == (0 if name in ("consented", "expired") else 3)
    assert_golden(GOLDEN / f"{name}.txt", re.sub(r"Read \d+ requests? in [\d.]+ s", "Read 9 requests in 0.1 s", text))
