"""Live state that no PUT may create: what is exported is what is live, and what is nobody's can be removed."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from reconciler.sandbox import Options, Sandbox
from tests.cli.running import NOW, Shell
from tests.company import live

LISTED = "version: 1\norganization: acme\nmanage: {group_budgets: listed, user_overrides: listed}\n"
VERSIONS = ("2.36", "2.37")
STATES: dict[str, Callable[[Sandbox], None]] = {
    "an override without its membership": lambda sandbox: live.leave_group(sandbox, "bob", "platform", in_a_race=True),
    "an override on a deleted organization": lambda sandbox: _labs_is_gone(sandbox),
    "twins": lambda sandbox: live.add_twin(sandbox, "Platform", 7),
    "a group member outside of the organization": lambda sandbox: live.leave_organization_in_a_race(sandbox, "sam"),
}


def _labs_is_gone(sandbox: Sandbox) -> None:
    """Rosa is in acme too, and her override stands on Everyone of labs."""
    live.override(sandbox, "rosa", "Everyone", 90, "labs")
    live.delete_labs(sandbox, last="rosa")


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("state", STATES)
def test_law_7_a_plan_of_what_was_exported_is_empty(state: str, version: str, shell: Shell) -> None:
    with Sandbox(Options(now=NOW, coder_version=version)) as sandbox:
        STATES[state](sandbox)
        shell.connect(sandbox)
        exported = shell.run("export", "acme")
        assert exported.code == 0
        shell.policy(exported.out)
        for command in ("plan", "drift"):
            ran = shell.run(command)
            assert (ran.code, ran.out.splitlines()[-1]) == (0, "No changes. Live budgets match the policy.")


@pytest.mark.parametrize("version", VERSIONS)
def test_an_override_on_a_deleted_organization_is_named_and_can_be_removed(version: str, shell: Shell) -> None:
    with Sandbox(Options(now=NOW, coder_version=version)) as sandbox:
        _labs_is_gone(sandbox)
        shell.connect(sandbox)
        exported = shell.run("export", "acme")
        assert "user/rosa has $90.00 on a group of a deleted organization" in exported.err
        shell.policy(exported.out)
        named = "1 (user/rosa $90.00 on a group of a deleted organization)"
        assert named in shell.run("plan").out
        assert named in shell.run("drift").out
        shell.policy(LISTED + "user_overrides: [{user: rosa, group: Everyone, limit: none}]\n")
        assert "- user/rosa" in shell.run("plan").out
        assert shell.run("apply", "--auto-approve").code == 0
        assert sandbox.execute("SELECT 1 FROM user_ai_budget_overrides o JOIN users u ON u.id = o.user_id "
                               "WHERE u.username = 'rosa'") == []  # fmt: skip


def test_somebody_outside_of_the_organization_is_not_limited_by_its_groups(shell: Shell) -> None:
    with Sandbox(Options(now=NOW)) as sandbox:
        live.leave_organization_in_a_race(sandbox, "sam")
        shell.connect(sandbox).policy(LISTED + "group_budgets: [{group: design, limit: $1}]\n")
        out = shell.run("plan").out
    assert "2 people fall" in out or "2 people" in out
    assert "sam" not in out, "sam has spent $12.50, and no budget of acme reaches him"


@pytest.mark.parametrize("version", VERSIONS)
def test_the_override_of_somebody_who_left_the_organization_is_removed_by_an_entry(version: str, shell: Shell) -> None:
    """As docs/explanation/known-unknown.md says: `exact` does not find it, since nobody lists overrides."""
    with Sandbox(Options(now=NOW, coder_version=version)) as sandbox:
        live.override(sandbox, "dan", "platform", 333)
        live.leave_group(sandbox, "dan", "platform", in_a_race=True)
        live.leave_organization_in_a_race(sandbox, "dan")
        shell.connect(sandbox).policy(LISTED.replace("user_overrides: listed", "user_overrides: exact"))
        assert "user/dan" not in shell.run("plan").out
        assert "Override: $333.00, booked on group/acme/platform." in shell.run("explain", "dan").out
        shell.policy(LISTED + "user_overrides: [{user: dan, group: platform, limit: none}]\n")
        assert "user/dan (platform)  $333.00 -> no override" in shell.run("plan").out
