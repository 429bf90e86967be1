"""What a policy does at a later date is told to those who review it now: `apply --due` does it then, beside nobody."""

from __future__ import annotations

import json

from reconciler.sandbox import Sandbox
from tests.cli.running import Shell
from tests.company.changes import LISTED, plan
from tests.company.live import group_id, user_id

BEFORE = LISTED + "user_overrides:\n  - {user: ana, group: platform, limit: $1500, expires: 2027-01-15}\n"
GRANT = "  - {user: dan, group: platform, limit: $1200, starts: 2026-12-01, expires: 2027-02-01}\n"
STARTS = "$1,200.00 (platform) until 2027-02-01 00:00 UTC"


def test_a_grant_that_starts_later_is_told_in_every_format(shell: Shell, sandbox: Sandbox) -> None:
    """A comment said "no changes", and next week the person had $1,200."""
    text = plan(shell, sandbox, BEFORE, BEFORE + GRANT)
    assert f"Starts 2026-12-01 00:00 UTC, in 7 days: user/dan {STARTS} (policies/acme.yaml:6:12)." in text
    comment = plan(shell, sandbox, BEFORE, BEFORE + GRANT, "--format", "markdown")
    assert "### AI budgets: no changes now, 1 at a later date" in comment
    assert f"`user/dan`: starts 2026-12-01; {STARTS}" in comment
    assert STARTS in plan(shell, sandbox, BEFORE, BEFORE + GRANT, "--format", "html")
    assert STARTS in plan(shell, sandbox, BEFORE, BEFORE + GRANT, "--format", "github")
    (notice,) = json.loads(plan(shell, sandbox, BEFORE, BEFORE + GRANT, "--json"))["effects"]["notices"]
    assert (notice["kind"], notice["at"], notice["is_standing"]) == ("starts-later", "2026-12-01T00:00:00Z", False)
    assert (notice["until"], notice["user_id"]) == ("2027-02-01T00:00:00Z", user_id(sandbox, "dan"))
    group = {"id": group_id(sandbox, "platform"), "organization": "acme", "name": "platform"}
    assert notice["wanted"] == {"type": "budget", "limit_micros": 1_200_000_000, "group": group}
    none = "  - {user: dan, group: gone, limit: none, starts: 2026-12-01}\n"
    (notice,) = json.loads(plan(shell, sandbox, BEFORE, BEFORE + none, "--json"))["effects"]["notices"]
    assert (notice["wanted"], notice["until"]) == ({"type": "absent"}, None)
    unknown = plan(shell, sandbox, BEFORE, BEFORE + GRANT.replace("platform", "plattform"), "--json")
    assert json.loads(unknown)["effects"]["notices"][0]["wanted"] is None


def test_a_grant_that_stood_before_is_no_news(shell: Shell, sandbox: Sandbox) -> None:
    standing = f"Entries that start later: 1 (user/dan on 2026-12-01, in 7 days: {STARTS})."
    moved = "# a line above\n" + BEFORE + GRANT
    assert standing in plan(shell, sandbox, BEFORE + GRANT, moved)
    assert "### AI budgets: no changes\n" in plan(shell, sandbox, BEFORE + GRANT, moved, "--format", "markdown")
    assert standing in shell.run("plan").out
    higher = plan(shell, sandbox, BEFORE + GRANT.replace("1200", "900"), BEFORE + GRANT)
    assert f"user/dan {STARTS} (policies/acme.yaml:6:12)." in higher


def test_what_would_stop_a_later_grant_today_is_told(shell: Shell, sandbox: Sandbox) -> None:
    """A group's name with a typing error was found by nobody until the day came."""
    misspelt = plan(shell, sandbox, BEFORE, BEFORE + GRANT.replace("platform", "plattform"))
    assert "could not be applied today: group 'plattform' is unknown in organization 'acme'" in misspelt
    elsewhere = plan(shell, sandbox, BEFORE, BEFORE + GRANT.replace("platform", "design"))
    assert "could not be applied today: dan is not a member of group/acme/design" in elsewhere
    ended = plan(shell, sandbox, BEFORE, BEFORE + "  - {user: dan, group: gone, limit: none, starts: 2026-12-01}\n")
    assert "user/dan no override (policies" in ended


def test_somebody_who_joins_later_is_told_with_the_amount(shell: Shell, sandbox: Sandbox) -> None:
    joins = GRANT.replace("dan", "newcomer")
    text = plan(shell, sandbox, BEFORE, BEFORE + joins)
    assert f"user/newcomer {STARTS}; the name is not known yet (policies/acme.yaml:6:12)." in text
    comment = plan(shell, sandbox, BEFORE, BEFORE + joins, "--format", "markdown")
    assert "### AI budgets: no changes now, 1 at a later date" in comment
    standing = plan(shell, sandbox, BEFORE + joins, BEFORE + joins)
    assert (
        f"for names not known yet: 1 (user/newcomer on 2026-12-01, in 7 days: {STARTS}; the name is not known yet)."
        in standing
    )
    (notice,) = json.loads(plan(shell, sandbox, BEFORE, BEFORE + joins, "--json"))["effects"]["notices"]
    assert (notice["kind"], notice["wanted"]["limit_micros"]) == ("awaited", 1_200_000_000)
    assert (notice["until"], notice["user_id"]) == ("2027-02-01T00:00:00Z", None)


def test_who_may_be_hidden_is_not_said_to_be_nobody(shell: Shell, sandbox: Sandbox) -> None:
    """A member's token does not see dan, who is there."""
    shell.policy(BEFORE + GRANT)
    text = shell.connect(sandbox, "member").run("plan").out
    assert f"user/dan on 2026-12-01, in 7 days: {STARTS}; the name is not known yet" in text


def test_an_end_that_a_change_moves_is_told(shell: Shell, sandbox: Sandbox) -> None:
    never = BEFORE.replace(", expires: 2027-01-15", "")
    says = "user/ana $1,500.00 never ends; before this change it was to end 2027-01-15 00:00 UTC"
    assert says in plan(shell, sandbox, BEFORE, never)
    longer = plan(shell, sandbox, BEFORE, BEFORE.replace("01-15", "12-31"), "--format", "markdown")
    assert "### AI budgets: no changes now, 1 at a later date" in longer
    assert "ends 2027-12-31 00:00 UTC; before this change it was to end 2027-01-15 00:00 UTC" in longer
    raised = plan(shell, sandbox, BEFORE, never.replace("1500", "1600"))
    assert "before this change" not in raised
    assert "ends 2027-01-15 00:00 UTC; before this change it had no end" in plan(shell, sandbox, never, BEFORE)
    for after, at in ((never, "2026-11-23T12:00:00Z"), (BEFORE.replace("01-15", "12-31"), "2027-12-31T00:00:00Z")):
        (notice,) = json.loads(plan(shell, sandbox, BEFORE, after, "--json"))["effects"]["notices"]
        assert (notice["kind"], notice["at"]) == ("end-moved", at)
    none = BEFORE.replace("$1500", "none").replace("user: ana", "user: dan")
    assert "before this change" not in plan(shell, sandbox, none, none.replace("01-15", "12-31")), "nothing was to end"
    ended = BEFORE.replace("2027-01-15", "2026-11-20")
    assert "ends 2027-01-15 00:00 UTC; before this change it ended 2026-11-20 00:00 UTC" in plan(
        shell, sandbox, ended, BEFORE
    )


def test_an_end_that_goes_with_its_entry_is_told(shell: Shell, sandbox: Sandbox) -> None:
    """Where overrides are `listed`, the grant stays without its entry, for ever, and the comment said "no changes"."""
    without = LISTED + "user_overrides: []\n"
    comment = plan(shell, sandbox, BEFORE, without, "--format", "markdown")
    assert "### AI budgets: no changes, 1 limit stays without an entry" in comment, (
        "and never changes at any later date"
    )
    says = "it stays and never ends; before this change it was to end 2027-01-15 00:00 UTC; to remove it"
    assert f"`user/ana`: $1,500.00 is not listed any more: {says}" in comment
    removed = plan(shell, sandbox, BEFORE, BEFORE.replace("limit: $1500, expires: 2027-01-15", "limit: none"))
    assert "is not listed any more" not in removed
    assert "is not listed any more" not in plan(shell, sandbox, BEFORE, without, "--only", "group/*", code=1)
    exact = without.replace("user_overrides: listed", "user_overrides: exact")
    assert "is not listed any more" not in plan(shell, sandbox, BEFORE, exact, code=3)
    endless = "user_overrides:\n  - {user: dan, group: platform, limit: $5}\n"
    for other in (
        endless,
        endless.replace("$5", "none, expires: 2027-01-15"),
        endless.replace("$5", "$5, expires: 2026-11-20"),
        endless.replace("platform, limit: $5", "design, limit: $5, expires: 2027-01-15"),
    ):
        said = plan(shell, sandbox, LISTED + other, without)
        assert "is not listed any more" not in said, "it is not live, granted nothing, or could not be applied"
    (shell.folder / "policies" / "theirs.yaml").symlink_to("nowhere")
    assert "is not listed any more" not in plan(shell, sandbox, BEFORE, without), "it may be in what was not read"


def test_an_end_that_goes_behind_a_later_start_is_told(shell: Shell, sandbox: Sandbox) -> None:
    """Somebody renewed a grant from February on, and in January its person kept the one that was to end."""
    renewed = BEFORE.replace("limit: $1500, expires: 2027-01-15", "limit: $900, starts: 2027-02-01")
    stays = "user/ana $1,500.00 stays until its entry starts, 2027-02-01 00:00 UTC; before this change it"
    advice = "to end it, put the new entry into the policy after that (policies/acme.yaml:5:12)."
    assert f"{stays} was to end 2027-01-15 00:00 UTC; {advice}" in plan(shell, sandbox, BEFORE, renewed)
    exact = ("user_overrides: listed", "user_overrides: exact")
    said = plan(shell, sandbox, BEFORE.replace(*exact), renewed.replace(*exact))
    assert stays in said, "what starts later leaves things alone there, too"
    notices = json.loads(plan(shell, sandbox, BEFORE, renewed, "--json"))["effects"]["notices"]
    assert [(row["kind"], row["at"]) for row in notices] == [
        ("starts-later", "2027-02-01T00:00:00Z"),
        ("end-moved", "2027-02-01T00:00:00Z"),
    ]
    ended = BEFORE.replace("2027-01-15", "2026-11-20")
    assert f"{stays} ended 2026-11-20 00:00 UTC" in plan(shell, sandbox, ended, renewed)
    for other in (
        BEFORE.replace("2027-01-15", "2027-02-01"),
        BEFORE.replace(", expires: 2027-01-15", ""),
        BEFORE.replace("$1500", "none"),
        BEFORE.replace("user: ana", "user: bob"),
        renewed,
    ):
        assert "stays until its entry starts" not in plan(shell, sandbox, other, renewed), "nothing was to end before"
    sandbox.execute("DELETE FROM user_ai_budget_overrides")
    assert "stays until its entry starts" not in plan(shell, sandbox, BEFORE, renewed), "it is not live"


def test_a_removal_has_no_end(shell: Shell, sandbox: Sandbox) -> None:
    """A comment said "no override" and "until 2027-01-15" of `limit: none`, as if the override would come back."""
    none = BEFORE.replace("$1500", "none")
    assert "2027-01-15" not in plan(shell, sandbox, BEFORE, none)
    assert "2027-01-15" not in plan(shell, sandbox, BEFORE, none, "--format", "markdown")
    (action,) = json.loads(plan(shell, sandbox, BEFORE, none, "--json"))["actions"]
    assert (action["kind"], action["expires"]) == ("delete", None)


def test_of_an_entry_that_cannot_be_applied_no_end_is_told(shell: Shell, sandbox: Sandbox) -> None:
    """A plan said "user/dan $1,200.00 ends 2027-03-01" beside "Coder would refuse the override"."""
    outside = BEFORE + "  - {user: dan, group: design, limit: $1200, expires: 2027-02-01}\n"
    text = plan(shell, sandbox, outside, outside.replace("02-01", "03-01"))
    assert "! user/dan  dan is not a member of group/acme/design" in text
    assert "Another end" not in text
