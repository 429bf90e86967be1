"""`2.500`, written for thousands, is $2.50: on the first of a month, when nobody has spent anything, a plan says so."""

from __future__ import annotations

import json

import pytest

from reconciler.render.notices import NOTICES_SHOWN
from reconciler.sandbox import Sandbox
from tests.cli.running import Shell
from tests.company import live
from tests.company.changes import LISTED, plan
from tests.wire import send

GROUP = "group_budgets:\n  - {group: design, limit: %s}\n"
ANA = "user_overrides:\n  - {user: ana, group: platform, limit: %s}\n"
IN_PLATFORM = (
    "EXISTS (SELECT 1 FROM group_members m JOIN groups g ON g.id = m.group_id "
    "WHERE m.user_id = u.id AND g.name = 'platform')"
)
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


def test_a_budget_that_is_new_takes_its_people_from_another_one(shell: Shell, sandbox: Sandbox) -> None:
    """Beside "no limit -> $2,500.00" the group was said to go from $10.00."""
    sandbox.execute("DELETE FROM user_ai_budget_overrides")
    live.budget(sandbox, "Everyone", 10)
    live.budget(sandbox, "design", None)
    text = plan(shell, sandbox, LISTED, LISTED + GROUP % "2500")
    says = f"group/acme/design takes people from $10.00 to $2,500.00, {MORE}"
    assert told(text) == [f"Check the amount: {says} (policies/acme.yaml:5:13)."]


def test_a_slip_is_told_however_many_other_notices_there_are(shell: Shell, sandbox: Sandbox) -> None:
    """It was the eleventh behind ten overrides that change nothing, and `1 more notice` stood in its place."""
    names = sorted(str(row[0]) for row in sandbox.execute(f"SELECT username FROM users u WHERE {IN_PLATFORM}"))
    assert len(names) > NOTICES_SHOWN
    live.budget(sandbox, "platform", 500)
    rows = "".join(f"  - {{user: {name}, group: platform, limit: $500}}\n" for name in names)
    text = plan(shell, sandbox, LISTED, LISTED + GROUP % "2.500" + "user_overrides:\n" + rows)
    assert "more notice" in text
    assert len(told(text)) == 1


def test_what_goes_back_to_the_policy_after_somebody_changed_it_is_not_told(shell: Shell, sandbox: Sandbox) -> None:
    """It is the policy's amount, which was looked at before."""
    shell.policy(LISTED + GROUP % "2500")
    path = f"{sandbox.url}/api/v2/groups/{live.group_id(sandbox, 'design')}/ai/budget"
    send("PUT", path, json={"spend_limit_micros": 5}, headers={"Coder-Session-Token": sandbox.tokens["owner"]})
    drift = shell.connect(sandbox, "auditor").run("drift", "--json").document
    assert [action["origin"] for action in drift["plan"]["actions"]] == ["hand"]
    assert "check-amount" not in json.dumps(drift)
    denied = shell.connect(sandbox, "user-admin").run("drift", "--json").document
    assert [action["origin"] for action in denied["plan"]["actions"]] == ["unknown"]
    assert "check-amount" in json.dumps(denied)


def test_a_limit_where_there_was_none_is_compared_with_nothing(shell: Shell, sandbox: Sandbox) -> None:
    sandbox.execute("DELETE FROM user_ai_budget_overrides")
    sandbox.execute("DELETE FROM group_ai_budgets")
    assert not told(plan(shell, sandbox, LISTED, LISTED + GROUP % "2.500" + ANA % "2.500"))
