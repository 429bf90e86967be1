"""Paths of the command line: standard input, and what looks like a policy and is not read."""

from __future__ import annotations

import io
import json
import sys
from typing import Any

import pytest

from reconciler.cli import planning, to_apply
from reconciler.sandbox import Sandbox
from tests.cli.running import AS_IT_IS, AT, COMPANY, RAISE_PLATFORM, Shell

EXACT = "version: 1\norganization: acme\nmanage: {group_budgets: exact}\n"
DESIGN = "version: 1\norganization: acme\ngroup_budgets: [{group: design, limit: $140}]\n"


def test_no_limit_is_raised_while_what_may_hold_guardrails_was_not_read(shell: Shell) -> None:
    """A link to the guardrails that led nowhere (a submodule that was not checked out): $9,000 was applied, with 0."""
    with Sandbox(COMPANY) as sandbox:
        shell.connect(sandbox)
        shell.policy(RAISE_PLATFORM)
        link = shell.folder / "policies" / "guardrails.yaml"
        link.symlink_to("../shared/guardrails.yaml")
        for command in (
            ["plan"],
            ["apply", "--auto-approve"],
            ["apply", "--auto-approve", "--allow", "BLOCKS_USERS=9"],
        ):
            ran = shell.run(*command)
            assert ran.code == 3
            assert (
                "UNREAD_POLICY: 1 limit would be set or raised, and what was not read may hold gua" in ran.out + ran.err
            )
            assert "if that is meant, pass `--allow UNREAD_POLICY=1`\n" in ran.out + ran.err
        assert shell.run("plan", "-o", "saved.plan").code == 3
        assert shell.run("apply", "saved.plan", "--auto-approve").code == 3, "it names the files that were read"
        link.unlink()
        assert shell.run("apply", "saved.plan", "--auto-approve").code == 3, "nobody has planned with what is there now"
        link.symlink_to("../shared/guardrails.yaml")
        shell.policy(RAISE_PLATFORM.replace("$1,000", "$499"))
        assert shell.run("apply", "--auto-approve").code == 0, "what is lowered breaks no guardrail"
        shell.policy(RAISE_PLATFORM)
        assert shell.run("apply", "--auto-approve", "--allow", "UNREAD_POLICY=1").code == 0
        shell.policy(f"{RAISE_PLATFORM}allow: [{{hazard: UNREAD_POLICY, up_to: 9, reason: me}}]\n")
        assert "to UNREAD_POLICY only `--allow UNREAD_POLICY=N` consents, for one run" in shell.run("plan").err


def test_a_grant_that_is_due_waits_while_something_was_not_read_and_stops_no_end(coder: Shell) -> None:
    entries = "  - {user: dan, group: platform, limit: $900, starts: 2026-11-23}\n"
    entries += "  - {user: bob, group: platform, limit: $400, expires: 2026-11-22}\n"
    coder.policy(f"version: 1\norganization: acme\nuser_overrides:\n{entries}")
    (coder.folder / "policies" / "guardrails.yaml").symlink_to("nowhere.yaml")
    ran = coder.run("plan", *AT, "--json", "--allow", "BLOCKS_USERS=1")
    assert [row["action"]["address"] for row in ran.document["held_back"]] == ["user/dan"]
    assert [row["address"] for row in ran.document["actions"]] == ["user/bob"]


@pytest.mark.parametrize("command", ["plan", "drift"])
def test_while_a_file_is_hidden_nothing_is_removed_for_not_being_listed(coder: Shell, command: str) -> None:
    coder.policy(EXACT, "policies/head.yaml")
    coder.policy(DESIGN, "policies/.design.yaml")
    ran = coder.run(command, *AT)
    assert "Not read: policies/.design.yaml: a name in its path begins with a dot" in ran.err
    assert "? policies/.design.yaml  not read: a name in its path begins with a dot" in ran.out
    assert "removals withheld" in ran.out
    assert "No changes in what could be read" in ran.out
    assert ran.code == 1
    coder.policy(DESIGN, "policies/design.yaml")
    (coder.folder / "policies" / ".design.yaml").unlink()
    ran = coder.run("plan", *AT)
    assert "not read" not in ran.out + ran.err
    assert "- group/acme/" in ran.out


def test_apply_is_incomplete_while_a_file_that_may_list_more_was_not_read(shell: Shell) -> None:
    with Sandbox(COMPANY) as sandbox:
        shell.connect(sandbox)
        exact = EXACT + "group_budgets: [{group: Everyone, limit: $49}]\nallow:\n"
        shell.policy(exact + "  - {hazard: BLOCKS_USERS, up_to: 99, reason: a test}\n", "policies/head.yaml")
        shell.policy(DESIGN, "policies/.design.yaml")
        ran = shell.run("apply", "--auto-approve")
        assert ran.code == 4
        assert "Could not be read, and left alone: 1 (policies/.design.yaml)." in ran.out + ran.err
        shell.policy(DESIGN, "policies/design.yaml")
        (shell.folder / "policies" / ".design.yaml").unlink()
        assert "not read" not in shell.run("plan").out


def test_a_hidden_file_beside_what_is_listed_stops_nothing(coder: Shell) -> None:
    coder.policy(AS_IT_IS)
    coder.policy(DESIGN, "policies/.design.yaml")
    ran = coder.run("plan", *AT)
    assert ran.code == 0
    assert "Not read: policies/.design.yaml" in ran.err
    for command in (["plan"], ["drift"], ["apply", "--auto-approve"]):
        ran = coder.run(*command, *AT)
        assert "? policies/.design.yaml  not read: a name in its path begins with a dot" in ran.out, command
        assert ran.out.endswith("No changes in what could be read.\n"), command


def test_validate_does_not_call_valid_what_it_did_not_read(shell: Shell) -> None:
    shell.policy(DESIGN, "policies/design.yaml")
    assert shell.run("validate").code == 0
    shell.policy(DESIGN, "policies/.people.yaml")
    ran = shell.run("validate")
    assert ran.code == 1
    assert "? policies/.people.yaml  not read: a name in its path begins with a dot" in ran.out
    assert "Not everything was read. Valid in what was read: 1 file, 1 organization, 1 group budget" in ran.out
    document = json.loads(shell.run("validate", "--json").out)
    assert [missed["path"] for missed in document["not_read"]] == ["policies/.people.yaml"]


def test_a_policy_from_standard_input(coder: Shell, company: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    for command in (["validate", "-"], ["plan", "-", *AT], ["drift", "-", *AT]):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(AS_IT_IS.encode())))
        assert coder.run(*command).code == 0
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"version: 1\n")))
    ran = coder.run("validate", "-")
    assert (ran.code, ran.err.split(" ")[0]) == (1, "<stdin>:1:1:")


def test_a_fragment_alone_removes_nothing(coder: Shell) -> None:
    coder.policy(DESIGN, "fragment.yaml")
    ran = coder.run("plan", "fragment.yaml", *AT)
    assert "0 to delete" in ran.out


@pytest.mark.parametrize("name", ["text", "json", "markdown", "html", "github", "codequality", "junit"])
@pytest.mark.parametrize("command", ["plan", "drift"])
def test_every_page_names_what_was_not_read_and_what_is_withheld_for_it(coder: Shell, command: str, name: str) -> None:
    """A comment said "0 changes, not everything could be read", and neither what nor what was withheld."""
    coder.policy(EXACT, "policies/head.yaml")
    coder.policy(DESIGN, "policies/.design.yaml")
    ran = coder.run(command, "--format", name, *AT)
    assert ran.code == 1
    assert "policies/.design.yaml" in ran.out
    assert "begins with a dot" in ran.out
    if name not in ("text", "json"):
        withheld = "removals withheld, because not everything could be read: group/acme/"
        assert withheld in ran.out.replace("`", "")
    if name == "junit":
        assert 'failures="1"' in ran.out
    coder.policy(AS_IT_IS, "policies/head.yaml")
    ran = coder.run(command, "--format", name, *AT)
    assert ran.code == 0
    assert name == "text" or "policies/.design.yaml" in ran.out
    assert "withheld, because" not in ran.out


@pytest.mark.parametrize("later", ["another file", "another text", "no file"])
def test_nothing_is_written_where_the_policy_files_changed_meanwhile(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, later: str
) -> None:
    """A `git checkout` beside an apply: what it has not written yet is not listed, and `exact` would remove it."""
    first = shell.policy(RAISE_PLATFORM)
    second = shell.policy("version: 1\norganization: acme\n", "policies/second.yaml")
    plan_of = planning.plan_of

    def plan_while_files_change(*arguments: Any, **options: Any) -> Any:
        planned = plan_of(*arguments, **options)
        match later:
            case "another file":
                shell.policy("version: 1\norganization: acme\n", "policies/third.yaml")
            case "another text":
                first.write_text(RAISE_PLATFORM + "# more\n")
            case _:
                second.unlink()
        return planned

    with Sandbox(COMPANY) as sandbox:
        shell.connect(sandbox)
        with monkeypatch.context() as patched:
            patched.setattr(to_apply, "plan_of", plan_while_files_change)
            ran = shell.run("apply", "--auto-approve", *AT)
        assert ran.code == 3
        assert "The policy files changed while the plan was made; nothing was written" in ran.err
        assert not [request for request in sandbox.requests if request.method in ("PUT", "DELETE")]
        assert shell.run("apply", "--auto-approve", *AT).code == 0


def test_a_file_beside_the_one_that_is_named_is_told_where_what_it_lists_would_be_removed(coder: Shell) -> None:
    """`apply policies/groups.yaml` removed the override that policies/people.yaml lists, as "not in the policy"."""
    head = "version: 1\norganization: acme\n"
    groups = head + "manage: {user_overrides: exact}\nuser_overrides:\n  - {user: ana, group: platform, limit: $1500}\n"
    file = coder.policy(groups, "policies/groups.yaml")
    coder.policy(head + "user_overrides:\n  - {user: bob, group: platform, limit: $1500}\n", "policies/people.yaml")
    coder.policy(head.replace("acme", "labs"), "policies/labs.yaml")
    coder.policy("other: text\n", "policies/other.yaml")
    says = (
        "Note: policies/groups.yaml:2:15: policies/people.yaml is of 'acme', too, and was not named, so `exact` "
        "removes what only it lists; name the folder, to read all.\n"
    )
    alone = coder.run("plan", "policies/groups.yaml", *AT)
    assert "- user/bob (platform)" in alone.out
    assert says in alone.err
    (coder.folder / "policies" / "other.yaml").unlink()
    for paths in (["policies"], ["policies/groups.yaml", "policies/people.yaml"]):
        assert "Note:" not in coder.run("plan", *paths, *AT).err
    file.write_text(groups.replace("exact", "listed"))
    assert "Note:" not in coder.run("plan", "policies/groups.yaml", *AT).err


def test_a_file_beside_that_lists_nothing_of_what_is_exact_is_not_told(coder: Shell) -> None:
    """It said of overrides that `exact` removes them, where only group budgets are managed exactly."""
    head = "version: 1\norganization: acme\n"
    coder.policy(head + "manage: {group_budgets: exact}\ngroup_budgets: []\n", "policies/groups.yaml")
    people = "manage:\n  group_budgets: listed\nuser_overrides:\n  - {user: bob, group: platform, limit: $1500}\n"
    coder.policy(head + people, "policies/people.yaml")
    assert "Note:" not in coder.run("validate", "policies/groups.yaml").err
    long = f"{head}tiers:\n  {'a' * 70_000}: $1\n"
    for text in (head + "group_budgets: [{group: design, limit: $1}]\n", long):
        coder.policy(text, "policies/people.yaml")
        assert "policies/people.yaml is of 'acme', too" in coder.run("validate", "policies/groups.yaml").err
