"""Why a limit is what it is: the tier that an entry names, and its reason, in every format and in the journal."""

from __future__ import annotations

import json
import subprocess

import pytest

from tests.cli.running import AT, BLOCKS_BOB, Shell

TIERS = """\
version: 1
organization: acme
manage: {group_budgets: listed, user_overrides: listed}
tiers: {senior: $1000, junior: $120}
group_budgets:
  - {group: platform, limit: senior, reason: agents in CI}
  - {group: design, limit: junior}
  - {group: research, limit: $777}
user_overrides:
  - {user: dan, group: platform, limit: senior, expires: 2026-11-01}
"""


@pytest.mark.parametrize("name", ["text", "json", "markdown", "html", "csv", "junit"])
def test_a_tier_and_a_reason_are_why(coder: Shell, name: str) -> None:
    coder.policy(TIERS)
    coder.run("plan", *AT, "-o", "a.plan")
    page = coder.run("show", "a.plan", "--format", name).out
    if name == "json":
        whys = {action["address"]: (action["tier"], action["reason"]) for action in json.loads(page)["actions"]}
        assert whys["group/acme/platform"] == ("senior", "agents in CI")
        assert whys["group/acme/design"] == ("junior", "")
        assert whys["group/acme/research"] == ("", "")
        return
    assert "tier senior" in page
    assert "tier junior" in page
    assert "agents in CI" in page
    assert page.count("tier senior") == page.count("agents in CI"), "an entry that ended is not why"


def test_tiers_may_stand_in_another_file(coder: Shell) -> None:
    head, entries = TIERS.split("group_budgets:\n", 1)
    common, _, tiers = head.partition("tiers")
    coder.policy(f"{common}group_budgets:\n{entries}")
    coder.policy(f"{common}tiers{tiers}", "policies/tiers.yaml")
    document = coder.run("plan", *AT, "--json").document
    assert {action["tier"] for action in document["actions"]} == {"senior", "junior", ""}


def test_drift_explain_and_a_journal_say_it_too(own: Shell) -> None:
    own.policy(TIERS)
    assert "policy $1,000.00 (tier senior)" in own.run("drift", *AT).out
    assert "`tier senior; agents in CI`" in own.run("drift", *AT, "--format", "markdown").out
    assert "says $1,000.00 (tier senior; agents in CI)" in own.run("explain", "bob").out
    applied = own.run("apply", "--auto-approve", "--journal", "run.jsonl", *AT)
    assert applied.code == 0, applied.err
    told = own.run("show", "run.jsonl").out
    assert "$500.00 -> $1,000.00\n      tier senior; agents in CI\n" in told


def test_a_journal_tells_who_which_policy_and_why(own: Shell) -> None:
    """In CI: the actor, and where the run can be looked up."""
    own.policy(TIERS)
    git = ["git", "-c", "user.name=ana", "-c", "user.email=ana@example.com", "-c", "init.defaultBranch=main"]
    for arguments in (["init", "-q"], ["add", "policies"], ["commit", "-q", "-m", "budgets"]):
        subprocess.run([*git, *arguments], cwd=own.folder, check=True)
    revision = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=own.folder, check=True, capture_output=True, text=True
    ).stdout.strip()
    own.set(GITLAB_CI="true", GITLAB_USER_LOGIN="octocat", CI_JOB_URL="https://gitlab.example/acme/budgets/-/jobs/17")
    assert own.run("apply", "--auto-approve", "--journal", "run.jsonl", *AT).code == 0
    for name in ("text", "json", "markdown", "html"):
        page = own.run("show", "run.jsonl", "--format", name).out
        for fact in (revision, "octocat in https://gitlab.example/acme/budgets/-/jobs/17", "agents in CI", "senior"):
            assert fact in page
    reverted = own.run("revert", "run.jsonl", "--auto-approve")
    assert f"The policy of that run, at {revision[:12]}, said" in reverted.err
    assert "if it still does, revert that commit, or the next apply does it again." in reverted.err


def test_a_refusal_is_said_once(coder: Shell) -> None:
    """The plan is on the same screen as the error."""
    coder.policy(BLOCKS_BOB)
    ran = coder.run("apply", "--auto-approve", *AT)
    assert ran.code == 3
    assert (ran.out + ran.err).count("1 person would be blocked now (bob)") == 1
    assert ran.err.endswith("Error: The plan is refused for 1 reason; nothing was written.\n")
    assert "BLOCKS_USERS: 1 person would be blocked now (bob)" in coder.run("apply", *AT, "--json").err


def test_json_and_text_of_an_apply_say_the_same(own: Shell) -> None:
    """What the text shows before the run is in the document, and the document is shown as that text."""
    own.policy(TIERS)
    planned = own.run("plan", *AT, "--json").document
    ran = own.run("apply", "--auto-approve", "--save", "text=apply.txt", "--json", *AT)
    assert ran.code == 0
    assert ran.document["plan"]["effects"]["exposure"] == planned["effects"]["exposure"]
    assert ran.document["plan"]["actions"] == planned["actions"]
    (own.folder / "apply.json").write_text(ran.out)
    shown = own.run("show", "apply.json").out
    assert shown == (own.folder / "apply.txt").read_text()
    for sentence in ("Exposure of the ", "tier senior; 10 people", "Verified: ", "Apply complete: "):
        assert sentence in shown
    again = own.run("apply", "--auto-approve", "--json", *AT)
    assert again.document["plan"]["unchanged"] == ran.document["plan"]["unchanged"] + len(planned["actions"])
