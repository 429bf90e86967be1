"""An entry that is taken out where the policy manages what it lists ends nothing: what is live stays, and is told."""

from __future__ import annotations

import json

import time_machine

from reconciler.sandbox import Fault, Options, Sandbox
from tests.cli.running import NOW, Shell
from tests.company import live
from tests.company.changes import LISTED, plan

GROUP = "group_budgets:\n  - {group: design, limit: $150}\n"
ANA = "  - {user: ana, group: platform, limit: $1500}\n"
BEFORE = f"{LISTED}{GROUP}user_overrides:\n{ANA}"
NOTHING = LISTED + "user_overrides: []\n"
SAYS = "is not listed any more: it stays; to remove it, list it with `limit: none`"


def test_what_stays_without_its_entry_is_told_in_every_format(shell: Shell, sandbox: Sandbox) -> None:
    """Somebody who takes an override out to end it read "no changes", and the override went on for ever."""
    text = plan(shell, sandbox, BEFORE, NOTHING)
    assert f"Taken out of the policy: group/acme/design $150.00 {SAYS}." in text
    assert f"Taken out of the policy: user/ana $1,500.00 {SAYS}." in text
    assert text.endswith("\nNo changes; 2 limits stay without an entry.\n"), "and not that live matches the policy"
    comment = plan(shell, sandbox, BEFORE, NOTHING, "--format", "markdown")
    assert "### AI budgets: no changes, 2 limits stay without an entry" in comment
    assert f"`user/ana`: $1,500.00 {SAYS}" in comment
    for format_ in ("html", "github"):
        assert "$1,500.00 is not listed any more" in plan(shell, sandbox, BEFORE, NOTHING, "--format", format_)
    notices = json.loads(plan(shell, sandbox, BEFORE, NOTHING, "--json"))["effects"]["notices"]
    assert [(row["kind"], row["address"]) for row in notices] == [
        ("taken-out", "group/acme/design"),
        ("taken-out", "user/ana"),
    ]
    comment = plan(shell, sandbox, BEFORE, LISTED + GROUP.replace("$150", "$160"), "--format", "markdown")
    assert "1 change, 1 limit stays without an entry" in comment


def test_a_block_without_its_entry_stays(shell: Shell, sandbox: Sandbox) -> None:
    live.override(sandbox, "ana", "platform", 0)
    assert f"user/ana $0.00 {SAYS}." in plan(shell, sandbox, BEFORE.replace("$1500", "$0"), NOTHING)


def test_what_is_live_is_told(shell: Shell, sandbox: Sandbox) -> None:
    """The policy before may never have been applied, or somebody changed it by hand."""
    live.override(sandbox, "ana", "platform", 70)
    text = plan(shell, sandbox, BEFORE, NOTHING)
    assert f"user/ana $70.00 {SAYS}." in text
    none = BEFORE.replace("$1500", "none")
    assert f"user/ana $70.00 {SAYS}." in plan(shell, sandbox, none, NOTHING), "`none` was not applied yet"


def test_an_end_that_had_come_before_is_not_told_as_lost(shell: Shell, sandbox: Sandbox) -> None:
    ended = BEFORE.replace("$1500", "$1500, expires: 2026-11-01")
    text = plan(shell, sandbox, ended, NOTHING)
    assert f"Taken out of the policy: user/ana $1,500.00 {SAYS}." in text


def test_each_kind_is_told_where_it_is_listed(shell: Shell, sandbox: Sandbox) -> None:
    for exact, told in (("group_budgets", "user/ana"), ("user_overrides", "group/acme/design")):
        after = NOTHING.replace(f"{exact}: listed", f"{exact}: exact") + "group_budgets: []\n"
        allow = ("--allow", "REMOVES_LIMIT=99", "--allow", "MASS_CHANGE=99", "--allow", "BLOCKS_USERS=99")
        text = plan(shell, sandbox, BEFORE, after, *allow)
        assert [line.split()[5] for line in text.splitlines() if line.startswith("Taken out")] == [told]


def test_an_override_on_another_group_than_the_entry_says_stays_too(shell: Shell, sandbox: Sandbox) -> None:
    """Its person had left the group of the entry, and the plan took the override for gone with the membership."""
    live.override(sandbox, "sam", "design", 70)
    before = LISTED + "user_overrides:\n  - {user: sam, group: platform, limit: $90}\n"
    assert f"user/sam $70.00 {SAYS}." in plan(shell, sandbox, before, NOTHING)


def test_of_what_is_not_there_nothing_is_said(shell: Shell, sandbox: Sandbox) -> None:
    """`drift --accept` takes the entry out of what somebody removed by hand."""
    sandbox.execute("DELETE FROM user_ai_budget_overrides")
    sandbox.execute("DELETE FROM group_ai_budgets")
    assert "not listed any more" not in plan(shell, sandbox, BEFORE, NOTHING)


def test_an_override_of_another_organization_is_not_meant(shell: Shell, sandbox: Sandbox) -> None:
    live.override(sandbox, "rosa", "ml", 90, "labs")
    before = LISTED + "user_overrides:\n  - {user: rosa, group: Everyone, limit: none}\n"
    assert "not listed any more" not in plan(shell, sandbox, before, NOTHING)
    live.override(sandbox, "rosa", "Everyone", 90, "labs")
    live.delete_labs(sandbox, last="rosa")
    assert "not listed any more" not in plan(shell, sandbox, before, NOTHING), "nor where that one is deleted"


def test_where_a_removal_is_planned_or_nothing_is_known_nothing_is_said(shell: Shell, sandbox: Sandbox) -> None:
    exact = NOTHING.replace("listed", "exact") + "group_budgets: []\n"
    allow = ("--allow", "REMOVES_LIMIT=99", "--allow", "MASS_CHANGE=99", "--allow", "BLOCKS_USERS=99")
    assert "not listed any more" not in plan(shell, sandbox, BEFORE, exact, *allow)
    assert "not listed any more" not in plan(shell, sandbox, BEFORE, BEFORE)
    (shell.folder / "policies" / "theirs.yaml").symlink_to("nowhere")
    assert "not listed any more" not in plan(shell, sandbox, BEFORE, NOTHING), "it may be in what was not read"


def test_where_live_could_not_be_read_it_is_said_with_an_if(shell: Shell) -> None:
    options = Options(now=NOW, coder_version="2.35", experiments=("ai-gateway-cost-control",))
    with Sandbox(options) as sandbox, time_machine.travel(NOW, tick=False):
        path = f"*/users/{live.user_id(sandbox, 'ana')}/ai/budget"
        sandbox.fault(Fault("status", path=path, status=403, body={"message": "Forbidden"}, times=9))
        text = plan(shell, sandbox, BEFORE, NOTHING)
        assert "user/ana $1,500.00 is not listed any more: if it is live, it stays; to remove it" in text
        none = plan(shell, sandbox, BEFORE.replace("$1500", "none"), NOTHING)
        assert "user/ana" not in none, "there was to be none"
