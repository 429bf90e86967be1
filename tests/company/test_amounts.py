"""`2.500`, written for thousands, is $2.50: on the first of a month, when nobody has spent anything, a plan says so."""

from __future__ import annotations

import json

import pytest

from reconciler.sandbox import Sandbox
from tests.cli.running import Shell
from tests.company import live
from tests.company.changes import LISTED, plan

GROUP = "group_budgets:\n  - {group: design, limit: %s}\n"
ANA = "user_overrides:\n  - {user: ana, group: platform, limit: %s}\n"
LESS = "a hundredth or less; thousands are written 2500"
PAGES = ("markdown", "html", "github", "codequality")
MORE = "100 times as much or more"


@pytest.fixture(autouse=True)
def a_design_with_2500(sandbox: Sandbox) -> None:
    """Design has $2,500, and nobody has spent anything."""
    live.budget(sandbox, "design", 2500)
    sandbox.execute("DELETE FROM ai_daily_spend")


def told(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("Check the amount")]


def test_a_slip_of_the_decimal_point_is_told_with_its_place(shell: Shell, sandbox: Sandbox) -> None:
    text = plan(shell, sandbox, LISTED + GROUP % "2500", LISTED + GROUP % "2.500")
    says = f"group/acme/design goes from $2,500.00 to $2.50, {LESS}"
    assert told(text) == [f"Check the amount: {says} (policies/acme.yaml:5:13)."]
    notices = json.loads(plan(shell, sandbox, LISTED, LISTED + GROUP % "2.500", "--json"))["effects"]["notices"]
    assert ("check-amount", "group/acme/design") in [(row["kind"], row["address"]) for row in notices]
    pages = {name: plan(shell, sandbox, LISTED, LISTED + GROUP % "2.500", "--format", name) for name in PAGES}
    assert all("goes from $2,500.00 to $2.50" in page for page in pages.values())
    assert "::warning title=AI budgets%3A check-amount,file=policies/acme.yaml,line=5" in pages["github"]
    assert (
        f"- **warning** at `policies/acme.yaml:5`: `group/acme/design`: goes from $2,500.00 to $2.50, {LESS} "
        in (pages["markdown"])
    )


@pytest.mark.parametrize(
    ("limit", "says"),
    [
        ("$25.01", None),
        ("$25", f"goes from $2,500.00 to $25.00, {LESS}"),
        ("$249999", None),
        ("$250000", f"goes from $2,500.00 to $250,000.00, {MORE}"),
        ("$0", None),
        ("none", None),
    ],
)
def test_a_hundredth_is_far_and_what_blocks_is_meant(
    shell: Shell, sandbox: Sandbox, limit: str, says: str | None
) -> None:
    allow = ("--allow", "REMOVES_LIMIT=99", "--allow", "BLOCKS_USERS=99", "--allow", "MASS_CHANGE=99")
    text = plan(shell, sandbox, LISTED, LISTED + GROUP % limit, *allow)
    assert told(text) == ([f"Check the amount: group/acme/design {says} (policies/acme.yaml:5:13)."] if says else [])


def test_an_override_that_is_new_is_compared_with_what_limits_its_person_now(shell: Shell, sandbox: Sandbox) -> None:
    sandbox.execute("DELETE FROM user_ai_budget_overrides")
    live.budget(sandbox, "platform", 2500)
    text = plan(shell, sandbox, LISTED, LISTED + ANA % "2.500")
    assert told(text) == [f"Check the amount: user/ana goes from $2,500.00 to $2.50, {LESS} (policies/acme.yaml:5:12)."]


def test_a_limit_where_there_was_none_is_compared_with_nothing(shell: Shell, sandbox: Sandbox) -> None:
    sandbox.execute("DELETE FROM user_ai_budget_overrides")
    sandbox.execute("DELETE FROM group_ai_budgets")
    assert not told(plan(shell, sandbox, LISTED, LISTED + GROUP % "2.500" + ANA % "2.500"))
