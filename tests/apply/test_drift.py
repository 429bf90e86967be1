"""Drift says what differs, and who changed it where Coder's audit log may be read."""

from __future__ import annotations

import json
import shutil

from tests.apply.site import Site
from tests.wire import send

NOT_APPLIED = "Not applied since the policy moved, taken back, or set by another policy"


def _somebody_sets_platform(site: Site, micros: int, *, user_agent: str = "curl/8.5.0") -> None:
    send(
        "PUT",
        f"{site.sandbox.url}/api/v2/groups/{site.id_of('platform')}/ai/budget",
        json={"spend_limit_micros": micros},
        headers={"Coder-Session-Token": site.sandbox.tokens["owner"], "User-Agent": user_agent},
    )


def test_who_changed_it_is_told(site: Site) -> None:
    site.policy("platform: $500")
    _somebody_sets_platform(site, 9_000_000_000)
    site.role = "auditor"

    said = site.run("drift")

    assert said.code == 2
    assert "Changed by hand: 1" in said.out
    assert "policy $500.00  live $9,000.00" in said.out
    assert "set from $500.00 to $9,000.00 by olivia on " in said.out
    assert said.out.splitlines()[-1].endswith("(1 hand).")
    assert site.run("drift", "--fail-on", "due,orphan").code == 0
    assert site.run("drift", "--fail-on", "hand", "--fail-on", "due").code == 2, "each use names more"
    (change,) = site.run("drift", "--json").document["last_changes"]["changes"]
    assert (change["address"], change["change"]["by"]) == ("group/acme/platform", "olivia")


def test_what_we_applied_ourselves_is_a_policy_that_moved(site: Site) -> None:
    site.policy("platform: $600")
    assert site.apply().code == 0
    site.policy("platform: $700")
    site.role = "owner"

    said = site.run("drift")

    assert f"{NOT_APPLIED}: 1" in said.out
    assert "set from $500.00 to $600.00 by ci-budgets on " in said.out
    assert "which is ours: a journal here has it" in said.out
    shutil.rmtree(site.folder / ".reconciler")
    assert "which is ours according to its User-Agent\n" in site.run("drift").out
    assert site.apply().code == 0
    site.policy("platform: $800")
    shutil.rmtree(site.folder / ".reconciler")
    assert "which is ours according to its User-Agent and its account\n" in site.run("drift").out


def test_of_what_a_revert_wrote_no_drift_says_that_it_was_never_applied(site: Site) -> None:
    """Nor of what another policy set: a User-Agent tells that this tool wrote it, and not by which policy."""
    site.policy("platform: $600")
    assert site.apply().code == 0
    assert site.run("revert", str(site.journals[0]), "--auto-approve", "--allow", "BLOCKS_USERS=9").code == 0
    site.role = "owner"

    said = site.run("drift")

    assert f"{NOT_APPLIED}: 1" in said.out
    for page in ("text", "markdown", "html"):
        assert "never applied" not in site.run("drift", "--format", page).out


def test_a_journal_does_not_vouch_for_what_another_account_did_in_its_name(site: Site) -> None:
    site.policy("platform: $600")
    assert site.apply().code == 0
    (journal,) = (site.folder / ".reconciler").glob("*.jsonl")
    digest = journal.name.split("-")[1]
    _somebody_sets_platform(site, 9_000_000_000, user_agent=f"reconciler/0.1.0 plan/{digest}")
    site.role = "auditor"

    said = site.run("drift")

    assert "set from $600.00 to $9,000.00 by olivia on " in said.out
    assert "which is ours according to its User-Agent\n" in said.out


def test_without_the_right_it_is_said_that_nobody_knows(site: Site) -> None:
    site.policy("platform: $600")

    said = site.run("drift")

    assert said.code == 2
    assert "Who changed it is not known: " in said.out
    assert ".." not in said.out


def test_no_difference_asks_no_audit_log(site: Site) -> None:
    site.policy("platform: $500")

    said = site.run("drift", "--json")

    assert said.code == 0
    assert [request for request in site.sandbox.requests if "/audit" in request.path] == []
    assert json.loads(said.out)["last_changes"] == {"changes": [], "reason": "", "not_asked": 0}
    assert site.run("drift", "--quiet").out == ""
