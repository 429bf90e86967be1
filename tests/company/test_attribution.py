"""Who changed what differs, of more subjects than are asked about one by one."""

from __future__ import annotations

import re
from datetime import timedelta

import time_machine

from reconciler.operations.attribution import MOST
from reconciler.sandbox import Fault, Options, Sandbox
from tests.cli.running import NOW, Shell
from tests.company.live import budget, group_id, override, user_id
from tests.wire import send

GROUPS = 3 * MOST


def _world(shell: Shell, sandbox: Sandbox) -> None:
    """Every group has a budget; the policy wants another one; an Owner clicked the first ten."""
    rows = sandbox.execute("SELECT g.name, g.id, o.name FROM groups g JOIN organizations o ON o.id = g.organization_id "
                           "WHERE g.name <> 'Everyone' ORDER BY g.name")  # fmt: skip
    names = [str(row[0]) for row in rows]
    assert len(names) >= GROUPS
    entries = "".join(f"  - {{group: {name}, limit: $70}}\n" for name in names)
    manage = "manage: {group_budgets: listed, user_overrides: listed}\n"
    shell.policy(f"version: 1\norganization: {rows[0][2]}\n{manage}group_budgets:\n{entries}")
    sandbox.set_now(NOW - timedelta(days=1))
    headers = {"Coder-Session-Token": sandbox.tokens["owner"]}
    for row in rows[-10:]:
        path = f"{sandbox.url}/api/v2/groups/{row[1]}/ai/budget"
        send("PUT", path, json={"spend_limit_micros": 5}, headers=headers)
    sandbox.set_now(NOW)


def test_every_one_of_many_differences_has_its_origin(shell: Shell) -> None:
    with Sandbox(Options(now=NOW, seed="80-users,70-groups")) as sandbox, time_machine.travel(NOW, tick=False):
        _world(shell, sandbox)
        sandbox.forget_requests()
        ran = shell.connect(sandbox, "auditor").run("drift", "--json")
        asked = sum("/audit?" in request.path for request in sandbox.requests)
        denied = shell.connect(sandbox, "user-admin").run("drift")
    plan, changes = ran.document["plan"], ran.document["last_changes"]
    assert len(plan["actions"]) > GROUPS
    assert sum(action["origin"] == "hand" for action in plan["actions"]) == 10
    assert (changes["not_asked"], changes["reason"], len(changes["changes"])) == (0, "", 10)
    assert asked == 1, "one page of the log told it all"
    assert "Who changed it is not known: this token may not read the audit log" in denied.out


def test_an_override_on_another_group_is_told_in_every_format(shell: Shell) -> None:
    """Policy and live say the same amount; what differs is the group, on which spend is counted."""
    policy = "version: 1\norganization: acme\nuser_overrides: [{user: ana, group: platform, limit: $1500}]\n"
    shell.policy(policy)
    with Sandbox(Options(now=NOW)) as sandbox, time_machine.travel(NOW, tick=False):
        override(sandbox, "ana", "Everyone", 1_500)
        shell.connect(sandbox, "auditor")
        assert "user/ana (platform)  policy $1,500.00  live $1,500.00 on Everyone\n" in shell.run("drift").out
        assert "| $1,500 | $1,500 on `Everyone` |" in shell.run("drift", "--format", "markdown").out
        for name in ("html", "github", "codequality"):
            assert "$1,500.00 on Everyone" in shell.run("drift", "--format", name).out, name
        for name in ("text", "markdown", "html", "junit"):
            assert "moves from Everyone" in shell.run("plan", "--format", name).out, name
        shell.connect(sandbox)
        ran = shell.run("apply", "--auto-approve")
        assert "  updated        user/ana  $1,500.00 -> $1,500.00, moves from Everyone\n" in ran.out


def test_groups_of_two_organizations_are_told_apart_in_every_format(shell: Shell) -> None:
    """Each organization has its Everyone, and other names stand in several, too."""
    shell.policy(
        "version: 1\norganization: acme\n"
        "group_budgets: [{group: Everyone, limit: $1200}]\n"
        "user_overrides: [{user: felix, group: Everyone, limit: $1500}]\n"
    )
    with Sandbox(Options(now=NOW)) as sandbox, time_machine.travel(NOW, tick=False):
        override(sandbox, "felix", "Everyone", 1_500, "labs")
        budget(sandbox, "Everyone", 1_100, "labs")
        shell.connect(sandbox)
        for name in ("text", "markdown", "html", "junit"):
            page = re.sub("`|<wbr>", "", shell.run("plan", "--format", name).out)
            assert "moves from labs/Everyone" in page, name
        assert "user/felix (acme/Everyone)" in shell.run("plan").out
        page = shell.run("plan", "--format", "markdown").out
        assert "| $1,100 (`labs/Everyone`) | $1,200 (`acme/Everyone`) | `group/acme/Everyone` |" in page
        assert ",1100.00,1200.00,labs/Everyone,acme/Everyone,no," in shell.run("plan", "--format", "csv").out
        page = shell.run("plan", "--format", "html").out
        assert "acme/Everyone (" in page
        assert "labs/Everyone (" in page
        page = shell.run("status", "--format", "html").out
        assert ">labs/ml<" in page
        assert shell.run("plan", "-o", "a.plan").code == 0
        override(sandbox, "felix", "platform", 1_500)
        stale = shell.run("apply", "a.plan", "--auto-approve").err
        assert "the plan saw $1,500.00 (labs/Everyone), live is $1,500.00 (acme/platform)" in stale


def test_an_override_that_ends_leaves_no_unlimited_person_in_any_format(shell: Shell) -> None:
    """Victor falls back to the budget of Everyone: "no limit" would be the opposite of what happened."""
    shell.policy("version: 1\norganization: acme\nuser_overrides: [{user: victor, group: Everyone, limit: none}]\n")
    with Sandbox(Options(now=NOW)) as sandbox, time_machine.travel(NOW, tick=False):
        shell.connect(sandbox)
        assert "$75.00 -> no override    falls back to Everyone ($50.00)" in shell.run("plan").out
        assert shell.run("apply", "--auto-approve", "--journal", "run.jsonl").code == 0
        for name in ("text", "markdown", "html", "csv"):
            page = shell.run("show", "run.jsonl", "--format", name).out
            assert "no override" in page, name
            assert "no limit" not in page, name
            assert "unlimited" not in page, name


def test_an_override_that_no_policy_lists_is_explained_by_who_set_it(shell: Shell, sandbox: Sandbox) -> None:
    """Somebody who asks why they have $70 learns whom to ask."""
    shell.policy("version: 1\norganization: acme\ngroup_budgets: [{group: design, limit: 5}]\n")
    sandbox.set_now(NOW - timedelta(days=1))
    path = f"{sandbox.url}/api/v2/users/{user_id(sandbox, 'ana')}/ai/budget/override"
    set_to = {"group_id": group_id(sandbox, "platform"), "spend_limit_micros": 70_000_000}
    send("PUT", path, json=set_to, headers={"Coder-Session-Token": sandbox.tokens["owner"], "User-Agent": "curl/8"})
    sandbox.set_now(NOW)
    says = (
        "No policy file that was read lists it. It was set from $1,500.00 to $70.00 by olivia on 2026-11-22 12:00 UTC"
    )
    told = shell.connect(sandbox, "auditor").run("explain", "ana")
    assert f"{says} with curl/8.\n" in told.out
    assert shell.run("explain", "ana", "--json").document["set_by"]["by"] == "olivia"
    denied = shell.connect(sandbox, "user-admin").run("explain", "ana")
    assert denied.out.count("No policy file that was read lists it.\n") == 1, "and nothing of the log"
    listed = "version: 1\norganization: acme\nuser_overrides: [{user: ana, group: platform, limit: $1500}]\n"
    shell.policy(listed)
    sandbox.forget_requests()
    assert "olivia" not in shell.connect(sandbox, "auditor").run("explain", "ana").out
    assert not [request.path for request in sandbox.requests if "/audit" in request.path], "the entry says why"


def test_who_set_another_amount_than_the_live_one_did_not_set_it(shell: Shell, sandbox: Sandbox) -> None:
    """What group sync and races write has no entry in the log."""
    shell.policy("version: 1\norganization: acme\ngroup_budgets: [{group: design, limit: 5}]\n")
    path = f"{sandbox.url}/api/v2/users/{user_id(sandbox, 'ana')}/ai/budget/override"
    headers = {"Coder-Session-Token": sandbox.tokens["owner"]}
    send(
        "PUT", path, json={"group_id": group_id(sandbox, "platform"), "spend_limit_micros": 5_000_000}, headers=headers
    )
    override(sandbox, "ana", "platform", 70)
    assert shell.connect(sandbox, "auditor").run("explain", "ana", "--json").document["set_by"] is None
    send("DELETE", path, headers=headers)
    override(sandbox, "ana", "platform", 70)
    assert shell.run("explain", "ana", "--json").document["set_by"] is None


def test_who_set_an_override_is_told_of_less_than_a_cent_and_of_another_group(shell: Shell, sandbox: Sandbox) -> None:
    """The log tells an amount to the cent, and none where only the group changed."""
    shell.policy("version: 1\norganization: acme\ngroup_budgets: [{group: design, limit: 5}]\n")
    path = f"{sandbox.url}/api/v2/users/{user_id(sandbox, 'ana')}/ai/budget/override"
    headers = {"Coder-Session-Token": sandbox.tokens["owner"], "User-Agent": "curl/8"}
    for number, (group, says) in enumerate((("platform", "set from $1,500.00 to $70.00"), ("eng", "set"))):
        sandbox.set_now(NOW + timedelta(minutes=number))
        body = {"group_id": group_id(sandbox, group), "spend_limit_micros": 70_001_000}
        send("PUT", path, json=body, headers=headers)
        assert f" It was {says} by olivia on " in shell.connect(sandbox, "auditor").run("explain", "ana").out


def test_a_log_that_does_not_answer_takes_nothing_else_from_an_explanation(shell: Shell, sandbox: Sandbox) -> None:
    shell.policy("version: 1\norganization: acme\ngroup_budgets: [{group: design, limit: 5}]\n")
    for status, code in ((500, 0), (401, 1)):
        sandbox.fault(Fault("status", path="*/audit*", status=status, body={"message": "No."}, times=99))
        ran = shell.connect(sandbox, "auditor").run("explain", "ana")
        assert (ran.code, "No policy file that was read lists it.\n" in ran.out) == (code, code == 0), ran.err
        sandbox.forget_faults()
