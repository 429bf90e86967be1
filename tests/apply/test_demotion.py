"""Law 5 where a token loses its rights: whole processes; the database records everybody's limit at each change."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from reconciler.sandbox import COST_CONTROL_EXPERIMENT, Fault, Options, Sandbox
from tests.apply.site import SEVEN, Site
from tests.chaos.commands import Launcher

DEMOTE = "UPDATE users SET roles = '[]' WHERE username = 'ci-budgets'"
MEMBERS = """
    SELECT user_id, group_id FROM group_members
    UNION SELECT user_id, organization_id FROM organization_members
"""
LIMITS = f"""
    CREATE VIEW limits AS SELECT username, coalesce(
        (SELECT spend_limit_micros FROM user_ai_budget_overrides WHERE user_id = users.id),
        (SELECT max(spend_limit_micros) FROM group_ai_budgets b JOIN ({MEMBERS}) m ON m.group_id = b.group_id
         WHERE m.user_id = users.id)
    ) AS micros FROM users
"""


def limits(sandbox: Sandbox, table: str = "limits") -> dict[str, float]:
    """Return the lowest limit of each person in a view or table of limits; infinite where there is none."""
    lowest: dict[str, float] = {}
    for name, micros in sandbox.execute(f"SELECT username, micros FROM {table}"):
        lowest[name] = min(lowest.get(name, math.inf), math.inf if micros is None else micros)
    return lowest


def record_limits(sandbox: Sandbox) -> None:
    """Have the database write down everybody's limit after every change of a budget or an override."""
    sandbox.execute(LIMITS)
    sandbox.execute("CREATE TABLE moments (username TEXT, micros INTEGER)")
    for table in ("group_ai_budgets", "user_ai_budget_overrides"):
        for event in ("INSERT", "UPDATE", "DELETE"):
            sandbox.execute(
                f"CREATE TRIGGER moments_{table}_{event} AFTER {event} ON {table} BEGIN "
                "INSERT INTO moments SELECT username, micros FROM limits; END"
            )


def least_limits(version: str, folder: Path, launcher: Launcher) -> tuple[dict[str, float], list[int]]:
    """Return the lower of everybody's limits before and after an undisturbed apply, and the numbers of its writes."""
    with Sandbox(Options(coder_version=version, experiments=(COST_CONTROL_EXPERIMENT,))) as sandbox:
        site = Site(sandbox, folder, launcher)
        site.policy(*SEVEN)
        sandbox.execute(LIMITS)
        before = limits(sandbox)
        assert site.apply("--parallelism", "1").code == 0
        after = limits(sandbox)
        writes = [number for number, request in enumerate(sandbox.requests) if request.method in ("PUT", "DELETE")]
    assert len(writes) == len(SEVEN)
    return {name: min(before[name], after[name]) for name in before}, writes


@pytest.mark.parametrize("version", ["2.35", "2.37"])
def test_law_5_a_token_that_is_demoted_before_a_write_harms_nobody(
    version: str, tmp_path: Path, launcher: Launcher
) -> None:
    """The read just before that write is the last that sees everything."""
    least, writes = least_limits(version, tmp_path, launcher)
    for position, request in enumerate(writes):
        folder = tmp_path / str(position)
        folder.mkdir()
        with Sandbox(Options(coder_version=version, experiments=(COST_CONTROL_EXPERIMENT,))) as sandbox:
            site = Site(sandbox, folder, launcher)
            site.policy(*SEVEN)
            record_limits(sandbox)
            sandbox.fault(Fault("change", after=request, sql=DEMOTE))
            said = site.apply("--parallelism", "1")
            assert said.code == 4, said
            assert "Verified" not in said.out, said
            assert "Traceback" not in said.err, said
            assert len(site.writes) >= position, said
            lowest = limits(sandbox, "moments") if position else {}
            assert not {name for name, usd in lowest.items() if usd < least[name]}, said
            done = [address for address, result in site.results.items() if result == "done"]
            assert len(done) == position, said
