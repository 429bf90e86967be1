"""A removal that is withheld for a name that fits nobody hides nothing that somebody did by hand."""

from __future__ import annotations

import html
from datetime import timedelta

import pytest

from reconciler.sandbox import Fault, Sandbox
from tests.cli.running import NOW, Shell
from tests.company import live
from tests.company.live import group_id, user_id
from tests.wire import send

LEAVER = "  - {user: somebody-who-left, group: platform, limit: $80}\n"


def _raise_by_hand(sandbox: Sandbox, user: str, dollars: int) -> None:
    sandbox.set_now(NOW - timedelta(hours=3))
    send(
        "PUT",
        f"{sandbox.url}/api/v2/users/{user_id(sandbox, user)}/ai/budget/override",
        json={"group_id": group_id(sandbox, "Everyone"), "spend_limit_micros": dollars * 1_000_000},
        headers={"Coder-Session-Token": sandbox.tokens["owner"], "User-Agent": "Mozilla/5.0"},
    )
    sandbox.set_now(NOW)


def _policy(shell: Shell, sandbox: Sandbox) -> None:
    """Everything that is live, under `exact`, and an entry of somebody who left."""
    text = shell.connect(sandbox, "owner").run("export", "acme").out
    shell.policy(text + LEAVER)


def test_what_was_set_by_hand_is_told_beside_somebody_who_left(shell: Shell, sandbox: Sandbox) -> None:
    _policy(shell, sandbox)
    _raise_by_hand(sandbox, "elsa", 9_000)
    ran = shell.run("drift")
    assert "Changed by hand: 1\n  user/elsa (Everyone)  policy no override (not listed)  live $9,000.00\n" in ran.out
    assert "      set to $9,000.00 by olivia on 2026-11-" in ran.out
    assert "1 removal withheld, because user/somebody-who-left in the policy may be an old name" in ran.out
    assert "Drift: 2 differences between live and the policy (1 hand, 1 orphan)." in ran.out
    assert shell.run("drift", "--fail-on", "hand").code == 2
    assert shell.run("drift", "--json").document["counts"]["hand"] == 1
    assert "1 removal withheld" in shell.run("apply", "--auto-approve").out
    assert shell.run("drift", "--fail-on", "hand").code == 2, "apply left it alone"


def test_accept_alone_takes_what_was_set_by_hand(shell: Shell, sandbox: Sandbox) -> None:
    _policy(shell, sandbox)
    _raise_by_hand(sandbox, "elsa", 9_000)
    ran = shell.run("drift", "--accept")
    assert "accepted into the policy: 1, left: 1." in ran.out
    assert shell.run("drift", "--json").document["counts"] == {
        "due": 0, "hand": 0, "orphan": 1, "pending": 0, "unknown": 0,
    }  # fmt: skip


def test_without_the_log_a_withheld_removal_is_no_difference(shell: Shell, sandbox: Sandbox) -> None:
    _policy(shell, sandbox)
    _raise_by_hand(sandbox, "elsa", 9_000)
    ran = shell.connect(sandbox, "user-admin").run("drift", "--json")
    assert ran.document["counts"] == {"due": 0, "hand": 0, "orphan": 1, "pending": 0, "unknown": 0}


def test_a_removal_that_this_change_asks_for_is_said_to_be_so(shell: Shell, sandbox: Sandbox) -> None:
    before = shell.connect(sandbox, "owner").run("export", "acme").out + LEAVER
    shell.policy(before, "before.yaml")
    shell.policy(before.replace("  - user: victor\n    group: Everyone\n    limit: $75.00\n", ""))
    ran = shell.run("plan", "--base", "before.yaml")
    assert "- user/victor (Everyone)  $75.00 -> no override    not in the policy\n" in ran.out


def test_metrics_count_what_was_set_by_hand(shell: Shell, sandbox: Sandbox) -> None:
    _policy(shell, sandbox)
    _raise_by_hand(sandbox, "elsa", 9_000)
    lines = shell.run("drift", "--format", "metrics").out.splitlines()
    assert 'reconciler_differences{organization="acme",origin="hand"} 1.0' in lines


@pytest.mark.parametrize("name", ["markdown", "html"])
def test_a_page_of_an_apply_with_nothing_to_do_says_what_it_left_out(shell: Shell, sandbox: Sandbox, name: str) -> None:
    """It said "nothing to apply", beside exit code 4, and no word of the entry or the removal."""
    _policy(shell, sandbox)
    _raise_by_hand(sandbox, "elsa", 9_000)
    ran = shell.run("apply", "--auto-approve", "--strict", "--format", name)
    assert ran.code == 4
    shown = html.unescape(ran.out.replace("`", ""))
    assert "Left out: 2 (user/elsa, user/somebody-who-left)." in shown
    assert "user/somebody-who-left cannot be applied: user 'somebody-who-left' is unknown" in shown
    assert "remove the entry if they left" in shown
    assert "1 removal withheld, because user/somebody-who-left in the policy may be an old name" in shown


def test_a_page_of_an_apply_that_could_not_read_everything_says_so(shell: Shell, sandbox: Sandbox) -> None:
    shell.connect(sandbox).policy(
        "version: 1\norganization: acme\nuser_overrides: [{user: elsa, group: design, limit: none}]\n"
    )
    sandbox.fault(Fault("status", path=f"*/users/{user_id(sandbox, 'elsa')}/ai/budget/override", status=500, times=99))
    sandbox.fault(Fault("status", path="*/members/ai/spend", status=500, times=99))
    ran = shell.run("apply", "--auto-approve", "--format", "markdown")
    assert ran.code == 1
    assert "nothing to apply in what could be read" in ran.out
    assert "Could not be read, and left alone: 1 (`user/elsa`)." in ran.out
    assert "To go on, run it again when what was left alone can be read." in ran.out


@pytest.mark.parametrize("managed", ["exact", "listed"])
def test_accept_keeps_the_grant_of_a_group_that_was_renamed(shell: Shell, sandbox: Sandbox, managed: str) -> None:
    """It took the entry out, to keep what is live; under `exact` the next apply removed the override."""
    text = shell.connect(sandbox, "owner").run("export", "acme").out
    text = text.replace("exact", managed).replace("limit: $1,500.00", "limit: $1,500.00\n    expires: 2027-01-15")
    shell.policy(text)
    path = f"{sandbox.url}/api/v2/groups/{group_id(sandbox, 'platform')}"
    send("PATCH", path, json={"name": "engine"}, headers={"Coder-Session-Token": sandbox.tokens["owner"]})
    ran = shell.run("drift", "--accept", "user/ana")
    policy = (shell.folder / "policies" / "acme.yaml").read_text()
    assert "expires: 2027-01-15" in policy
    if managed == "exact":
        assert "group: engine\n    limit: $1,500.00" in policy
        assert "ana cannot" not in shell.run("plan").out
    else:
        assert "write 'engine'" in ran.out


def test_accept_keeps_the_grant_of_a_person_who_was_renamed(shell: Shell, sandbox: Sandbox) -> None:
    text = shell.connect(sandbox, "owner").run("export", "acme").out
    shell.policy(text)
    path = f"{sandbox.url}/api/v2/users/{user_id(sandbox, 'ana')}/profile"
    send("PUT", path, json={"username": "anna", "name": ""}, headers={"Coder-Session-Token": sandbox.tokens["owner"]})
    ran = shell.run("drift", "--accept", "user/ana")
    assert "write 'anna'" in ran.out
    assert (shell.folder / "policies" / "acme.yaml").read_text() == text


def test_an_override_that_ended_with_its_group_is_said_to_have(shell: Shell, sandbox: Sandbox) -> None:
    shell.policy("version: 1\norganization: acme\nuser_overrides: [{user: ana, group: platform, limit: $1500}]\n")
    path = f"{sandbox.url}/api/v2/groups/{group_id(sandbox, 'platform')}"
    send("DELETE", path, headers={"Coder-Session-Token": sandbox.tokens["owner"]})
    says = "remove the entry if the group is gone: an override ends with its group, and `reconciler explain ana` says"
    assert says in shell.connect(sandbox, "owner").run("plan").out
    assert "remove the entry; the override ended with the group\n" in shell.run("drift").out


def test_a_group_that_was_deleted_is_not_looked_for_in_another_organization(shell: Shell, sandbox: Sandbox) -> None:
    shell.policy("version: 1\norganization: acme\ngroup_budgets: [{group: robotics, limit: $5}]\n")
    says = "remove the entry if the group is gone; if group/labs/robotics is meant, list it in a policy of that"
    assert says in shell.connect(sandbox, "owner").run("plan").out


def test_accept_keeps_the_budget_of_a_group_that_was_renamed(shell: Shell, sandbox: Sandbox) -> None:
    """It took the entry out "to keep what is live"; the next apply removed the budget, which no entry lists then."""
    text = shell.connect(sandbox, "owner").run("export", "acme").out
    shell.policy(text)
    path = f"{sandbox.url}/api/v2/groups/{group_id(sandbox, 'research')}"
    send("PATCH", path, json={"name": "lab"}, headers={"Coder-Session-Token": sandbox.tokens["owner"]})
    ran = shell.run("drift", "--accept", "group/acme/research")
    assert "write 'lab'" in ran.out
    assert (shell.folder / "policies" / "acme.yaml").read_text() == text


def test_what_became_of_a_group_is_not_told_of_its_namesake_elsewhere(shell: Shell, sandbox: Sandbox) -> None:
    """A group of labs was deleted, and another was renamed: the entries of acme were to be removed, and to follow."""
    headers = {"Coder-Session-Token": sandbox.tokens["owner"]}
    labs = f"{sandbox.url}/api/v2/organizations/{group_id(sandbox, 'Everyone', 'labs')}/groups"
    for name in ("gone", "older"):
        send("POST", labs, json={"name": name}, headers=headers)
    send("DELETE", f"{sandbox.url}/api/v2/groups/{group_id(sandbox, 'gone', 'labs')}", headers=headers)
    older = f"{sandbox.url}/api/v2/groups/{group_id(sandbox, 'older', 'labs')}"
    send("PATCH", older, json={"name": "newer"}, headers=headers)
    shell.policy(
        "version: 1\norganization: acme\ngroup_budgets: [{group: gone, limit: $5}, {group: older, limit: $5}]\n"
    )
    ran = shell.connect(sandbox, "owner").run("drift")
    assert "group 'gone' is unknown in organization 'acme'\n" in ran.out
    assert "group 'older' is unknown in organization 'acme'\n" in ran.out
    assert ran.out.count("remove the entry if the group is gone") == 2


def test_an_override_on_a_group_of_another_organization_is_accepted_instead_of_the_entry_that_lists_the_person(
    shell: Shell, sandbox: Sandbox
) -> None:
    """Coder keeps one override a person: with the lines alone they would be listed twice."""
    live.override(sandbox, "felix", "Everyone", 80, organization="labs")
    head = "version: 1\norganization: {}\nmanage: {{group_budgets: listed, user_overrides: listed}}\nuser_overrides:\n"
    shell.policy(head.format("labs") + "  - {user: hugo, group: ml, limit: $2000}\n", "policies/labs.yaml")
    listed = shell.policy(head.format("acme") + "  - {user: felix, group: Everyone, limit: $30}\n")
    drifted = shell.connect(sandbox, "auditor").run("drift").out
    lines = "      - user: felix\n        group: Everyone\n        limit: $80.00\n"
    assert f"  user/felix  policies/labs.yaml, user_overrides\n{lines}" in drifted
    assert "      # instead of the entry at policies/acme.yaml:5:12\n" in drifted
    accepted = shell.run("drift", "--accept", "user/felix")
    assert "# instead of the entry at policies/acme.yaml:5:12" in accepted.out
    assert "felix" not in listed.read_text(encoding="utf-8")
    assert shell.run("drift").code == 0


def test_a_name_that_fits_two_groups_is_not_called_mistyped_or_old(shell: Shell, sandbox: Sandbox) -> None:
    """A group is named like the UUID of another: which of them the entry means is not known."""
    both = group_id(sandbox, "design")
    here = f"{sandbox.url}/api/v2/organizations/{group_id(sandbox, 'Everyone')}/groups"
    send("POST", here, json={"name": both}, headers={"Coder-Session-Token": sandbox.tokens["owner"]})
    text = "version: 1\norganization: acme\nmanage: {group_budgets: exact}\n"
    shell.connect(sandbox, "owner").policy(f"{text}group_budgets: [{{group: {both}, limit: $150}}]\n")
    ran = shell.run("plan")
    assert f"group {both!r} is ambiguous" in ran.out
    assert f"removals withheld, because group/acme/{both} in the policy may mean one of them:" in ran.out
    shell.policy(f"{text}group_budgets: [{{group: {both}, limit: $150}}, {{group: older, limit: $5}}]\n")
    assert f"{both}, group/acme/older in the policy may mean some of them:" in shell.run("plan").out
    shell.policy(f"{text}group_budgets: [{{group: {both}, limit: $150}}]\n")
    alone = shell.run("plan", "--exclude", f"group/acme/{both}").out
    assert f"withheld, because group/acme/{both} in the policy may mean one of them:" in alone, (
        "also where it is not told"
    )


def test_a_uuid_that_fits_nobody_is_not_called_an_old_name(shell: Shell, sandbox: Sandbox) -> None:
    """It withholds removals all the same: it may be that of somebody who is live, mistyped."""
    uuid = "user: 11111111-2222-4333-8444-555555555555"
    text = shell.connect(sandbox, "owner").run("export", "acme").out + LEAVER.replace("user: somebody-who-left", uuid)
    shell.policy(text)
    _raise_by_hand(sandbox, "elsa", 9_000)
    ran = shell.run("plan")
    alone = "because user/11111111-2222-4333-8444-555555555555 in the policy may be mistyped, and mean one of them:"
    assert alone in ran.out
    shell.policy(text + LEAVER)
    assert "in the policy may be mistyped, or old names of some of them:" in shell.run("plan").out
