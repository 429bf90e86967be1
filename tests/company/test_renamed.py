"""A person or a group renamed while an override holds: the end that was reviewed comes all the same, or it is said."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
import time_machine

from reconciler.sandbox import Fault, Sandbox
from tests.cli.running import NOW, Shell
from tests.company import live
from tests.wire import send

LISTED = "version: 1\norganization: acme\nmanage: {group_budgets: listed, user_overrides: listed}\n"
AFTER = LISTED + "user_overrides: [{user: bob, group: platform, limit: $700, expires: 2026-11-23}]\n"
"""Ended twelve hours before NOW."""
BEFORE = NOW - timedelta(days=2)
DUE = ("apply", "--due", "--auto-approve")


def _send(sandbox: Sandbox, method: str, path: str, body: object) -> None:
    headers = {"Coder-Session-Token": sandbox.tokens["owner"]}
    send(method, f"{sandbox.url}/api/v2{path}", json=body, headers=headers)


def rename(sandbox: Sandbox, name: str, new: str) -> None:
    _send(sandbox, "PUT", f"/users/{live.user_id(sandbox, name)}/profile", {"username": new, "name": new})


def rename_group(sandbox: Sandbox, name: str, new: str) -> None:
    _send(sandbox, "PATCH", f"/groups/{live.group_id(sandbox, name)}", {"name": new})


def set_by_hand(sandbox: Sandbox, user: str, group: str, dollars: int) -> None:
    """Set an override as an Owner does in the browser: Coder's log has it, and no journal."""
    body = {"spend_limit_micros": dollars * 1_000_000, "group_id": live.group_id(sandbox, group)}
    _send(sandbox, "PUT", f"/users/{live.user_id(sandbox, user)}/ai/budget/override", body)


def of(sandbox: Sandbox, user: str) -> int | None:
    """Return the override of somebody, in dollars."""
    rows = sandbox.execute(
        "SELECT spend_limit_micros FROM user_ai_budget_overrides WHERE user_id = ?", (live.user_id(sandbox, user),)
    )
    return int(rows[0][0]) // 1_000_000 if rows else None


def grant(shell: Shell, sandbox: Sandbox, role: str = "user-admin") -> None:
    """Apply the grant two days ago, when its names were those of the policy."""
    shell.policy(AFTER)
    sandbox.set_now(BEFORE)
    with time_machine.travel(BEFORE, tick=False):
        assert shell.connect(sandbox, role).run("apply", "--auto-approve").code == 0
    sandbox.set_now(NOW)


def forget(shell: Shell) -> None:
    """Leave no journal, as on a runner of CI."""
    for path in (shell.folder / ".reconciler").glob("*.jsonl"):
        path.unlink()


@pytest.mark.parametrize("name", ["bob", "Bob"])
def test_a_journal_tells_who_was_renamed(shell: Shell, sandbox: Sandbox, name: str) -> None:
    """Whatever capitals the name had in Coder."""
    sandbox.execute("UPDATE users SET username = ? WHERE username = 'bob'", (name,))
    grant(shell, sandbox)
    rename(sandbox, name, "robert")
    ran = shell.run(*DUE)
    assert (ran.code, of(sandbox, "robert")) == (0, None), ran.out + ran.err
    assert "user/robert is 'bob' in the policy, by the journal .reconciler/" in ran.out
    again = shell.run(*DUE)
    assert (again.code, "1 to delete" in again.out) == (0, False)


def test_the_audit_log_tells_who_was_renamed(shell: Shell, sandbox: Sandbox) -> None:
    grant(shell, sandbox)
    forget(shell)
    rename(sandbox, "bob", "robert")
    drifted = shell.connect(sandbox, "auditor").run("drift")
    assert drifted.code == 2
    assert drifted.out.splitlines()[2].startswith("A date came")
    ran = shell.connect(sandbox, "owner").run(*DUE)
    assert (ran.code, of(sandbox, "robert")) == (0, None), ran.out + ran.err
    assert "user/robert is 'bob' in the policy, by the audit log" in ran.out


def test_a_grant_that_followed_somebody_through_two_names_is_told_by_the_log_of_people(
    shell: Shell, sandbox: Sandbox
) -> None:
    """The policy was mended after the first renaming, and then there was nothing to write under the second name."""
    grant(shell, sandbox)
    forget(shell)
    rename(sandbox, "bob", "robert")
    rename(sandbox, "robert", "bobby")
    shell.policy(AFTER.replace("user: bob", "user: robert"))
    assert shell.run(*DUE).code == 4, "a User Admin cannot read it"
    ran = shell.connect(sandbox, "owner").run(*DUE)
    assert (ran.code, of(sandbox, "bobby")) == (0, None), ran.out


def test_a_grant_that_moved_to_another_group_is_told_by_the_group_alone(shell: Shell, sandbox: Sandbox) -> None:
    """The log of an update has what changed, and no amount that stayed as it was."""
    sandbox.set_now(BEFORE)
    set_by_hand(sandbox, "bob", "Everyone", 700)
    grant(shell, sandbox)
    forget(shell)
    rename(sandbox, "bob", "robert")
    ran = shell.connect(sandbox, "owner").run(*DUE)
    assert (ran.code, of(sandbox, "robert")) == (0, None), ran.out + ran.err


def test_a_journal_of_an_older_grant_does_not_stand_in_for_the_log(shell: Shell, sandbox: Sandbox) -> None:
    """The journal tells of $500; that it is $700 now was set by hand, so that there was nothing to write."""
    shell.policy(AFTER.replace("$700", "$500"))
    sandbox.set_now(BEFORE)
    with time_machine.travel(BEFORE, tick=False):
        assert shell.connect(sandbox, "owner").run("apply", "--auto-approve").code == 0
        set_by_hand(sandbox, "bob", "platform", 700)
    grant(shell, sandbox, "owner")
    rename(sandbox, "bob", "robert")
    ran = shell.run(*DUE)
    assert (ran.code, of(sandbox, "robert")) == (0, None), ran.out + ran.err


def test_an_older_grant_in_the_log_does_not_stand_in_for_who_was_called_so(shell: Shell, sandbox: Sandbox) -> None:
    """An older grant was written under the name of today; this one followed somebody to it from another."""
    sandbox.set_now(BEFORE)
    set_by_hand(sandbox, "bob", "platform", 300)
    rename(sandbox, "bob", "robert")
    set_by_hand(sandbox, "robert", "platform", 700)
    rename(sandbox, "robert", "bob")
    grant(shell, sandbox)
    rename(sandbox, "bob", "bobby")
    ran = shell.connect(sandbox, "owner").run(*DUE)
    assert (ran.code, of(sandbox, "bobby")) == (0, None), ran.out + ran.err


def test_somebody_with_a_like_override_is_no_suspect_where_the_log_knows_who_lost_the_name(
    shell: Shell, sandbox: Sandbox
) -> None:
    """Bob was renamed before anything was written for him; `apply --due` went on with 4 for an override of Dan's."""
    sandbox.set_now(BEFORE)
    rename(sandbox, "bob", "robert")
    set_by_hand(sandbox, "dan", "platform", 700)
    sandbox.set_now(NOW)
    shell.policy(AFTER)
    ran = shell.connect(sandbox, "owner").run(*DUE)
    assert (ran.code, of(sandbox, "dan")) == (0, 700), ran.out + ran.err
    assert "may still be live" not in ran.out


def test_a_full_name_that_somebody_lost_is_no_username(shell: Shell, sandbox: Sandbox) -> None:
    """Dan's full name was Bob, and he has what an entry of another, whose username was bob, granted."""
    for name in ("Bob", "Dan Miller"):
        _send(sandbox, "PUT", f"/users/{live.user_id(sandbox, 'dan')}/profile", {"username": "dan", "name": name})
    sandbox.execute("UPDATE users SET username = 'robert' WHERE username = 'bob'", ())
    sandbox.set_now(BEFORE)
    set_by_hand(sandbox, "dan", "platform", 700)
    sandbox.set_now(NOW)
    shell.policy(AFTER)
    ran = shell.connect(sandbox, "owner").run(*DUE)
    assert (ran.code, of(sandbox, "dan")) == (4, 700), ran.out + ran.err
    assert "may still be live: dan has exactly $700.00 on platform" in ran.out, ran.out


def test_a_name_that_two_people_had_is_no_evidence(shell: Shell, sandbox: Sandbox) -> None:
    grant(shell, sandbox)
    forget(shell)
    rename(sandbox, "bob", "robert")
    for person in ("robert", "sam"):
        rename(sandbox, person, "shared")
        rename(sandbox, "shared", f"{person}-2")
    shell.policy(AFTER.replace("user: bob", "user: shared"))
    assert (shell.connect(sandbox, "owner").run(*DUE).code, of(sandbox, "robert-2")) == (4, 700)


def test_what_nobody_recorded_stays_and_is_said(shell: Shell, sandbox: Sandbox) -> None:
    """A User Admin's token on a runner of CI: no journal, no audit log."""
    grant(shell, sandbox)
    forget(shell)
    rename(sandbox, "bob", "robert")
    ran = shell.run(*DUE)
    assert (ran.code, of(sandbox, "robert")) == (4, 700)
    assert "! user/bob  user 'bob' is unknown, and the grant that ended may still be live" in ran.out
    assert "robert has exactly $700.00 on platform" in ran.out
    assert "write `user: robert`, and the override ends" in ran.out
    assert "may be removed" not in ran.out, "without the entry it would stay for ever"
    assert shell.run("plan").code == 1
    assert shell.run("drift").code == 2
    shell.policy(AFTER, "base/acme.yaml")
    assert shell.run("plan", "--base", "base").code == 0, "it stood before, so it stops no pull request"
    shell.policy(AFTER.replace("user: bob", "user: robert"))
    mended = shell.run(*DUE)
    assert (mended.code, of(sandbox, "robert")) == (0, None), mended.out


def test_exit_4_also_beside_other_changes(shell: Shell, sandbox: Sandbox) -> None:
    grant(shell, sandbox)
    forget(shell)
    rename(sandbox, "bob", "robert")
    shell.policy(AFTER + "group_budgets: [{group: design, limit: $140}]\n")
    ran = shell.run("apply", "--auto-approve", "--json")
    assert (ran.code, ran.document["held_back"], ran.document["left_out"]) == (4, ["user/bob"], [])


def test_somebody_with_a_like_override_in_an_entry_is_no_suspect(shell: Shell, sandbox: Sandbox) -> None:
    grant(shell, sandbox)
    forget(shell)
    rename(sandbox, "bob", "robert")
    shell.policy(AFTER.replace("[{", "[{user: robert, group: platform, limit: $700}, {"))
    ran = shell.run("plan")
    assert ran.code == 0
    assert "Entries that may be removed from the policy: 1 (user/bob is gone, or has another name now" in ran.out


def test_somebody_who_left_is_no_suspect_and_no_orphan(shell: Shell, sandbox: Sandbox) -> None:
    grant(shell, sandbox)
    _send(sandbox, "DELETE", f"/users/{live.user_id(sandbox, 'bob')}", None)
    for _ in ("with the journal", "without"):
        ran = shell.run(*DUE)
        assert ran.code == 0, ran.out
        forget(shell)


def test_under_exact_the_next_apply_removes_it_and_says_nothing_else(shell: Shell, sandbox: Sandbox) -> None:
    grant(shell, sandbox)
    forget(shell)
    rename(sandbox, "bob", "robert")
    exact = AFTER.replace("user_overrides: listed", "user_overrides: exact").replace(
        "[{", "[{user: victor, group: Everyone, limit: $75}, {"
    )
    shell.policy(exact)
    ran = shell.run("plan")
    assert "! user/bob" not in ran.out
    assert "- user/robert (platform)" in ran.out
    assert shell.run(*DUE).code == 4, "the hourly run removes nothing that is merely not listed"


def test_two_people_of_one_name_are_told_apart(shell: Shell, sandbox: Sandbox) -> None:
    """bob is renamed, and somebody else is called bob now."""
    grant(shell, sandbox)
    rename(sandbox, "bob", "robert")
    rename(sandbox, "sam", "bob")
    ran = shell.run(*DUE)
    assert (ran.code, of(sandbox, "robert")) == (0, None), ran.out


SWAPPED = LISTED + (
    "user_overrides: [{user: bob, group: platform, limit: $700, expires: 2026-11-23},"
    " {user: ana, group: platform, limit: $300}]\n"
)


def swap(sandbox: Sandbox, one: str, other: str) -> None:
    """Give two people each other's names."""
    rename(sandbox, one, "between")
    rename(sandbox, other, one)
    rename(sandbox, "between", other)


@pytest.mark.parametrize("has_journal", [True, False])
def test_who_has_the_name_of_a_grant_today_keeps_an_override_of_their_own(
    shell: Shell, sandbox: Sandbox, has_journal: bool
) -> None:
    """Two people swap names while a grant of one holds; the log says that each override is older than the end."""
    shell.policy(SWAPPED)
    sandbox.set_now(BEFORE)
    with time_machine.travel(BEFORE, tick=False):
        assert shell.connect(sandbox, "user-admin").run("apply", "--auto-approve").code == 0
    sandbox.set_now(NOW)
    swap(sandbox, "ana", "bob")
    if not has_journal:
        forget(shell)
    ran = shell.connect(sandbox, "owner").run(*DUE)
    assert (of(sandbox, "bob"), of(sandbox, "ana")) == (300, 700), ran.out
    assert ("Left alone: user/bob" in ran.out) is not has_journal
    drifted = shell.run("drift")
    assert "Not applied since" not in drifted.out, "both were applied, under the names of that day"
    assert "ended 2026-11-23" not in drifted.out or not has_journal
    assert "under the name 'ana'" in drifted.out or has_journal


def test_a_new_person_with_the_name_of_one_who_left_keeps_an_override_of_their_own(
    shell: Shell, sandbox: Sandbox
) -> None:
    grant(shell, sandbox)
    _send(sandbox, "DELETE", f"/users/{live.user_id(sandbox, 'bob')}", None)
    rename(sandbox, "sam", "bob")
    live.override(sandbox, "bob", "design", 123)
    ran = shell.run("apply", "--auto-approve")
    assert (ran.code, of(sandbox, "bob")) == (0, 123), ran.out


def test_a_new_person_who_gets_what_was_given_to_one_who_left_is_told(shell: Shell, sandbox: Sandbox) -> None:
    """An entry in force is for whoever has its name today; a plan gave it to a newcomer without a word."""
    shell.policy(AFTER.replace("expires: 2026-11-23", "expires: 2027-03-01"))
    said = "user/bob $700.00 (platform) until 2027-03-01 00:00 UTC was another person's of this name, by the journal"
    first = shell.connect(sandbox, "user-admin").run("apply", "--auto-approve")
    assert (first.code, said in first.out) == (0, False)
    _send(sandbox, "DELETE", f"/users/{live.user_id(sandbox, 'bob')}", None)
    ids = live.user_id(sandbox, "sam"), live.group_id(sandbox, "platform")
    rename(sandbox, "sam", "bob")
    sandbox.execute("INSERT INTO group_members (user_id, group_id) VALUES (?, ?)", ids)
    ran = shell.run("plan", "--save", "markdown=plan.md")
    assert "Perhaps meant for another person" in ran.out, ran.out
    assert said in " ".join(ran.out.split()), ran.out
    assert "if another person is meant, remove the entry, or write their UUID" in (shell.folder / "plan.md").read_text()
    assert shell.run("apply", "--auto-approve").code == 0
    sandbox.execute("UPDATE user_ai_budget_overrides SET spend_limit_micros = 5")
    assert said not in shell.run("plan").out, "both had it"


def test_groups_that_swapped_names_are_not_said_to_wait_for_an_apply(shell: Shell, sandbox: Sandbox) -> None:
    shell.policy(LISTED + "group_budgets: [{group: platform, limit: $750}, {group: design, limit: $160}]\n")
    assert shell.connect(sandbox, "user-admin").run("apply", "--auto-approve").code == 0
    rename_group(sandbox, "platform", "between")
    rename_group(sandbox, "design", "platform")
    rename_group(sandbox, "between", "design")
    pages = ("--save", "markdown=drift.md", "--save", "html=drift.html")
    drifted = shell.connect(sandbox, "auditor").run("drift", *pages)
    assert drifted.code == 2
    assert "Differs, and nothing shows why: 2" in drifted.out
    assert "under the name 'platform'" in drifted.out
    assert "| `ci-budgets; the name then was 'platform'` |" in (shell.folder / "drift.md").read_text()
    assert "ci-budgets; the name then was &#39;platform&#39;" in (shell.folder / "drift.html").read_text()


@pytest.mark.parametrize("has_journal", [True, False])
def test_a_group_renamed_during_a_grant(shell: Shell, sandbox: Sandbox, has_journal: bool) -> None:
    grant(shell, sandbox)
    if not has_journal:
        forget(shell)
    rename_group(sandbox, "platform", "infra")
    ran = shell.run(*DUE)
    assert (ran.code, of(sandbox, "bob")) == (0, None), ran.out + ran.err


def test_a_group_renamed_whose_name_is_given_to_a_new_group(shell: Shell, sandbox: Sandbox) -> None:
    grant(shell, sandbox)
    rename_group(sandbox, "platform", "infra")
    _send(sandbox, "POST", f"/organizations/{live.group_id(sandbox, 'Everyone')}/groups", {"name": "platform"})
    ran = shell.run(*DUE)
    assert (ran.code, of(sandbox, "bob")) == (0, None), "the journal knows the group by its id"


def test_person_and_group_renamed(shell: Shell, sandbox: Sandbox) -> None:
    grant(shell, sandbox)
    rename(sandbox, "bob", "robert")
    rename_group(sandbox, "platform", "infra")
    journal = next((shell.folder / ".reconciler").glob("*.jsonl")).read_text(encoding="utf-8")
    forget(shell)
    ran = shell.run(*DUE)
    assert (ran.code, of(sandbox, "robert")) == (4, 700)
    assert "robert has exactly $700.00 on infra" in ran.out
    (shell.folder / ".reconciler" / "then.jsonl").write_text(journal, encoding="utf-8")
    assert (shell.run(*DUE).code, of(sandbox, "robert")) == (0, None)


def test_what_was_raised_by_hand_meanwhile_is_left_alone(shell: Shell, sandbox: Sandbox) -> None:
    grant(shell, sandbox)
    rename(sandbox, "bob", "robert")
    live.override(sandbox, "robert", "platform", 900)
    ran = shell.run(*DUE)
    assert (ran.code, of(sandbox, "robert")) == (0, 900), "no date explains $900"
    assert "Renamed since: 1 (user/robert is 'bob'" in shell.run("drift").out
    assert (shell.run("apply", "--auto-approve").code, of(sandbox, "robert")) == (0, 900), "no entry lists it"


def test_a_forged_journal_ends_nobody_elses_override(shell: Shell, sandbox: Sandbox) -> None:
    """It says that sam was called bob, and got what the entry of bob grants."""
    grant(shell, sandbox)
    live.override(sandbox, "sam", "design", 123)
    (path,) = (shell.folder / ".reconciler").glob("*.jsonl")
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace(live.user_id(sandbox, "bob"), live.user_id(sandbox, "sam")), encoding="utf-8")
    ran = shell.run("apply", "--auto-approve")
    assert (ran.code, of(sandbox, "sam"), of(sandbox, "bob")) == (0, 123, None), ran.out


def test_under_exact_somebody_known_by_a_record_is_unlisted_all_the_same(shell: Shell, sandbox: Sandbox) -> None:
    grant(shell, sandbox)
    rename(sandbox, "bob", "robert")
    live.override(sandbox, "robert", "platform", 900)
    shell.policy(AFTER.replace("user_overrides: listed", "user_overrides: exact"))
    planned = shell.run("plan", "--json").document["actions"]
    assert [row["cause"] for row in planned if row["address"] == "user/robert"] == ["not-listed"]


def test_who_is_excluded_by_their_name_of_today_is_left_alone(shell: Shell, sandbox: Sandbox) -> None:
    grant(shell, sandbox)
    rename(sandbox, "bob", "robert")
    ran = shell.run(*DUE, "--exclude", "user/robert")
    assert (ran.code, of(sandbox, "robert")) == (0, 700), ran.out
    assert "matches nothing" not in ran.out + ran.err


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text.replace('"reconciler journal"', '"something else"'),
        lambda text: text[: len(text) // 3],
        lambda text: text.replace("deployment", "deploiement"),
        lambda text: "\x00" * 100 + text,
    ],
)
def test_a_journal_that_cannot_be_read_is_no_evidence(shell: Shell, sandbox: Sandbox, damage: object) -> None:
    grant(shell, sandbox)
    rename(sandbox, "bob", "robert")
    (path,) = (shell.folder / ".reconciler").glob("*.jsonl")
    path.write_text(damage(path.read_text(encoding="utf-8")), encoding="utf-8")  # type: ignore[operator]
    assert (shell.run(*DUE).code, of(sandbox, "robert")) == (4, 700)


def test_a_journal_of_another_deployment_or_another_amount_is_no_evidence(shell: Shell, sandbox: Sandbox) -> None:
    grant(shell, sandbox)
    rename(sandbox, "bob", "robert")
    sandbox.execute("UPDATE deployment SET id = '0a5c4a0e-4000-4000-8000-00000000dead'")
    assert (shell.run(*DUE).code, of(sandbox, "robert")) == (4, 700)


def test_a_link_in_the_folder_of_journals_is_not_followed(shell: Shell, sandbox: Sandbox, tmp_path: Path) -> None:
    grant(shell, sandbox)
    rename(sandbox, "bob", "robert")
    (path,) = (shell.folder / ".reconciler").glob("*.jsonl")
    path.rename(shell.folder / "elsewhere.jsonl")
    path.symlink_to(shell.folder / "elsewhere.jsonl")
    assert (shell.run(*DUE).code, of(sandbox, "robert")) == (4, 700)


@pytest.mark.parametrize(("status", "code"), [(500, 4), (401, 1)])
def test_a_log_that_fails_takes_no_answer_with_it(shell: Shell, sandbox: Sandbox, status: int, code: int) -> None:
    """A token that is no longer accepted does."""
    grant(shell, sandbox)
    forget(shell)
    rename(sandbox, "bob", "robert")
    body = {"message": "You are signed out or your session has expired." if status == 401 else "An error."}
    sandbox.fault(Fault("status", path="*/audit*", status=status, body=body))
    ran = shell.connect(sandbox, "owner").run(*DUE)
    assert (ran.code, of(sandbox, "robert")) == (code, 700)
