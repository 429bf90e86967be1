"""`revert` asks the guardrails of the policy, as warnings: the way back stays open."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import time_machine

from reconciler.sandbox import Options, Sandbox
from tests.cli.running import NOW, Shell

LISTED = "version: 1\norganization: acme\nmanage: {group_budgets: listed, user_overrides: listed}\n"
CUT = LISTED + (
    "group_budgets: [{group: platform, limit: $400}]\n"
    "user_overrides: [{user: bob, group: platform, limit: $700, reason: sprint, expires: 2026-12-01}]\n"
)
GUARDRAILS = (
    'guardrails: {max_limit: $450, max_exposure: "$1,000", require_reason_above: $450, max_override_days: 30}\n'
)


@pytest.fixture
def journal(shell: Shell) -> Iterator[Path]:
    """A run that lowered platform from $500 to $400, and bob from $1,500 to $700."""
    with Sandbox(Options(now=NOW)) as sandbox, time_machine.travel(NOW, tick=False):
        shell.policy(CUT)
        assert shell.connect(sandbox).run("apply", "--auto-approve", "--allow", "BLOCKS_USERS=9").code == 0
        (path,) = (shell.folder / ".reconciler").glob("*.jsonl")
        yield path


def test_what_the_way_back_breaks_is_a_warning(shell: Shell, journal: Path) -> None:
    shell.policy(CUT + GUARDRAILS)
    ran = shell.run("revert", journal, "--auto-approve")
    assert ran.code == 0, ran.out + ran.err
    for text in (
        "Guardrails that the revert breaks; it is not refused for them:",
        "max_limit: 2 entries in 1 file, first policies/acme.yaml:2:15: $1,500.00 for user bob is over the max_limit",
        "$1,500.00 for user bob has no reason",
        "the override of bob never expires; max_override_days allows 30 days",
        "the exposure of acme would be $",
    ):
        assert text in ran.out, text
    assert "Apply complete: 0 created, 2 updated, 0 deleted." in ran.out


def test_what_the_policy_wants_itself_has_its_reason_and_its_end(shell: Shell, journal: Path) -> None:
    shell.policy(CUT.replace("$700, reason", "$1500, reason") + GUARDRAILS.replace("max_limit: $450, ", ""))
    ran = shell.run("revert", journal, "--auto-approve")
    assert ran.code == 0
    assert "user bob" not in ran.out
    assert "the override of bob" not in ran.out


def test_a_policy_with_errors_does_not_close_the_way_back(shell: Shell, journal: Path) -> None:
    shell.policy(CUT.replace("$400", "plenty"))
    ran = shell.run("revert", journal, "--auto-approve")
    assert ran.code == 0
    assert "Guardrails are not asked, because the policy has errors: " in ran.err
    named = shell.run("revert", journal, "--auto-approve", "--policies", "policies")
    assert named.code == 1


def test_other_organizations_and_other_folders_are_asked_only_by_name(shell: Shell, journal: Path) -> None:
    shell.policy(LISTED.replace("acme", "labs") + "group_budgets: []\n" + GUARDRAILS)
    shell.policy(CUT + GUARDRAILS, "elsewhere/acme.yaml")
    assert "max_limit" not in shell.run("revert", journal).out
    assert "over the max_limit" in shell.run("revert", journal, "--policies", "elsewhere").out


def test_nothing_more_is_read_without_guardrails(shell: Shell, journal: Path) -> None:
    ran = shell.run("revert", journal)
    assert "max_" not in ran.out
