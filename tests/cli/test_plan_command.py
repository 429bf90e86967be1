"""What `plan`, `drift`, `validate`, `export` and `schema` say and read: golden texts, scope options, requests sent."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.sandbox import Sandbox
from tests.cli.goldens import assert_golden
from tests.cli.running import AS_IT_IS, AT, BLOCKS_BOB, COMPANY, HERE, RAISE_PLATFORM, Shell

EXAMPLES = HERE.parent.parent / "reconciler" / "examples"
EVERY_KIND = """\
version: 1
organization: acme
manage: {group_budgets: exact, user_overrides: exact}
group_budgets:
  - {group: Everyone, limit: 50}
  - {group: platform, limit: 1000, reason: agents in CI}
  - {group: eng, limit: 0.000001}
  - {group: data, limit: 100}
  - {group: design, limit: 149.99}
  - {group: contractors, limit: 100}
  - {group: research, limit: none}
user_overrides:
  - {user: ana, group: eng, limit: 2500, reason: sprint, expires: 2027-01-01}
  - {user: bob, group: platform, limit: 1500, expires: 2026-11-20}
  - {user: mona, group: data, limit: 350, starts: 2027-01-01}
  - {user: eve, group: data, limit: 350, starts: 2026-01-01}
"""
GOLDEN = {
    "company": (None, []),
    "minimal": ((EXAMPLES / "minimal.yaml").read_text(encoding="utf-8"), []),
    "every-kind": (EVERY_KIND, []),
    "every-kind-people": (EVERY_KIND, ["--effects", "people"]),
    "every-kind-colored": (EVERY_KIND, ["--color", "always", "--effects", "none"]),
    "no-changes": (AS_IT_IS, []),
}


def same_everywhere(text: str, sandbox: Sandbox) -> str:
    """Take the port and the time that it took out of a text."""
    text = text.replace(sandbox.url, "http://coder.example")
    return re.sub(r"Read \d+ requests? in \d+\.\d s", "Read 9 requests in 0.1 s", text)


@pytest.mark.parametrize("name", GOLDEN)
@pytest.mark.parametrize("command", ["plan", "drift"])
def test_the_text_is_as_it_was_reviewed(coder: Shell, company: Sandbox, command: str, name: str) -> None:
    policy, options = GOLDEN[name]
    if policy is None:
        shutil.copytree(EXAMPLES / "company", coder.folder / "policies")
    else:
        coder.policy(policy)
    ran = coder.run(command, *options, *AT)
    assert_golden(HERE / "golden" / f"{command}-{name}.txt", same_everywhere(ran.out, company))


@pytest.mark.parametrize(
    ("options", "addresses"),
    [
        (["--only", "group/acme/platform"], {"group/acme/platform"}),
        (["--only", "user/*"], {"user/ana", "user/bob", "user/eve", "user/victor"}),
        (["--only", "user/*", "--exclude", "user/b*"], {"user/ana", "user/eve", "user/victor"}),
        (["--exclude", "user/*", "--exclude", "group/acme/[!p]*"], {"group/acme/platform"}),
        (["--only", "group/acme/p*", "--only", "user/eve"], {"group/acme/platform", "user/eve"}),
        (["--only", "user/eve", "--exclude", "group/*"], {"user/eve"}),
    ],
)
def test_only_and_exclude(coder: Shell, options: list[str], addresses: set[str]) -> None:
    coder.policy(EVERY_KIND)
    document = coder.run("plan", "--json", *options, *AT).document
    assert {action["address"] for action in document["actions"]} == addresses


def test_a_glob_that_matches_nothing_is_told(coder: Shell) -> None:
    """A misspelt address must not pass for a policy that live budgets match."""
    coder.policy(RAISE_PLATFORM)
    for option in ("--only", "--exclude"):
        ran = coder.run("drift", option, "group/acme/plaform", *AT)
        assert f"{option} 'group/acme/plaform' matches nothing that the policy manages" in ran.err
        if option == "--only":
            assert (ran.code, ran.out) == (1, "")
            assert "Nothing to compare: no address is left." in ran.err


@pytest.mark.parametrize("option", ["--only", "--exclude"])
@pytest.mark.parametrize(
    ("glob", "says"),
    [
        ("bob", "an address is user/NAME or group/ORGANIZATION/NAME, as plans print it, such as 'group/acme/*'"),
        ("platform", "an address is user/NAME"),
        ("group/platform", "an address is user/NAME"),
        ("users/*", "an address is user/NAME"),
        ("user/bob,user/ana", "write the option once for each address, and `?` for a comma in a name"),
        ("user/bob user/ana", "write the option once for each address"),
        ("user/bob,ana", "write the option once for each address"),
    ],
)
def test_what_no_address_can_fit_is_refused(coder: Shell, option: str, glob: str, says: str) -> None:
    """`apply --exclude bob --auto-approve` wrote bob's limit, below a note that nothing matches."""
    coder.policy(BLOCKS_BOB)
    ran = coder.run("apply", option, glob, "--auto-approve", "--allow", "BLOCKS_USERS=1")
    assert (ran.code, ran.out) == (1, "")
    assert f"Invalid value for '{option}': {glob!r}: {says}" in " ".join(ran.err.split())


def test_globs_that_leave_nothing_out_or_everything_are_told_apart(coder: Shell) -> None:
    """What a policy without entries leaves out is nothing, so it is as fine as without the option."""
    coder.policy("version: 1\norganization: acme\n")
    assert coder.run("plan", "--exclude", "user/*", *AT).code == coder.run("plan", *AT).code == 0
    coder.policy(RAISE_PLATFORM)
    ran = coder.run("plan", "--exclude", "group/*", *AT)
    assert ran.code == 1
    assert "--only and --exclude together leave out everything that the policy manages" in ran.err


def test_at_looks_at_the_policy_of_that_day(coder: Shell) -> None:
    coder.policy(EVERY_KIND)

    def of(user: str, time: str) -> list[tuple[str, int | None]]:
        actions = coder.run("plan", "--json", "--only", f"user/{user}", "--at", time).document["actions"]
        return [(one["kind"], one["after"].get("limit_micros")) for one in actions]

    assert of("mona", "2026-12-31T23:59:59Z") == []
    assert of("mona", "2027-01-01") == [("create", 350_000_000)]
    assert of("mona", "2027-01-01T01:00:00+02:00") == []
    assert of("ana", "2026-12-31T23:59:59.999999Z") == [("update", 2_500_000_000)]
    assert of("ana", "2027-01-01T00:00:00Z") == [("delete", None)]


@pytest.mark.parametrize("command", [["plan"], ["drift"], ["export", "acme"]])
def test_what_only_looks_sends_nothing_that_writes(coder: Shell, company: Sandbox, command: list[str]) -> None:
    coder.policy(EVERY_KIND)
    company.forget_requests()
    coder.run(*command)
    assert {request.method for request in company.requests} == {"GET"}


@pytest.mark.parametrize("command", ["plan", "drift", "apply"])
def test_a_broken_policy_costs_no_request(coder: Shell, company: Sandbox, command: str) -> None:
    coder.policy(EVERY_KIND.replace("150", "-150").replace("1500", "1e3"))
    company.forget_requests()
    assert coder.run(command).code == 1
    assert company.requests == ()


def test_unknown_names_are_reported_together_with_their_lines(coder: Shell) -> None:
    coder.policy(EVERY_KIND.replace("group: data, limit: 100", "group: dat, limit: 100").replace("eve", "evee"))
    ran = coder.run("plan", *AT)
    assert ran.code == 1
    assert "      policies/acme.yaml:8:" in ran.out
    assert "remove the entry if the group is gone; did you mean 'data'?" in ran.out
    assert "remove the entry if they left; did you mean 'eve'?" in ran.out
    assert ran.out.splitlines()[-1].endswith("2 entries cannot be applied.") or ran.code == 3


def test_more_requests_than_allowed(coder: Shell) -> None:
    coder.policy(EVERY_KIND)
    ran = coder.run("plan", "--max-requests", "3", *AT)
    assert (ran.code, ran.out) == (1, "")
    assert "may send 3 requests" in ran.err


def test_validate_counts_and_asks_no_server(shell: Shell) -> None:
    shell.policy(EVERY_KIND)
    ran = shell.run("validate")
    assert ran.out == "Valid: 1 file, 1 organization, 7 group budgets, 4 user overrides.\n"
    document = shell.run("validate", "--json").document
    assert (document["organizations"], document["group_budgets"], document["exit_code"]) == (["acme"], 7, 0)


@pytest.mark.parametrize("organization", ["acme", "labs"])
def test_what_is_exported_is_no_drift(coder: Shell, organization: str) -> None:
    """Law 7."""
    coder.policy(coder.run("export", organization).out)
    ran = coder.run("drift", *AT)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.endswith("No changes. Live budgets match the policy.\n")


def test_export_needs_to_know_the_organization(coder: Shell) -> None:
    several = coder.run("export")
    unknown = coder.run("export", "acne")
    assert (several.code, several.out, unknown.code, unknown.out) == (1, "", 1, "")
    assert "name one: acme, labs" in several.err
    assert "Organization 'acne' is unknown" in unknown.err


@pytest.mark.parametrize(("name", "version"), [("policy", 1), ("plan", 3), ("journal", 2)])
def test_schema_prints_the_published_file(shell: Shell, name: str, version: int) -> None:
    ran = shell.run("schema", name)
    assert ran.out == (HERE.parent.parent / "schemas" / f"{name}.v{version}.schema.json").read_text(encoding="utf-8")
    assert json.loads(ran.out)["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_color_is_only_color(coder: Shell) -> None:
    coder.policy(EVERY_KIND)
    plain = coder.run("plan", *AT).out
    for variables, options, is_colored in [
        ({}, [], False),
        ({}, ["--color", "always"], True),
        ({"FORCE_COLOR": "1"}, [], True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, [], False),
        ({"NO_COLOR": "1"}, ["--color", "always"], True),
        ({"NO_COLOR": "", "FORCE_COLOR": "1"}, ["--color", "never"], False),
    ]:
        for name in ("NO_COLOR", "FORCE_COLOR"):
            coder.monkeypatch.delenv(name, raising=False)
        out = coder.set(**variables).run("plan", *options, *AT).out
        assert ("\x1b[" in out) == is_colored
        assert _untimed(re.sub(r"\x1b\[[\d;]*m", "", out)) == _untimed(plain)
    assert "\x1b" not in coder.run("plan", "--json", "--color", "always", *AT).out


def _untimed(text: str) -> str:
    return re.sub(r"in \d+\.\d s", "", text)


def test_folders_and_files_are_merged(coder: Shell, tmp_path: Path) -> None:
    shutil.copytree(EXAMPLES / "company", tmp_path / "policies")
    whole = coder.run("plan", "--json", *AT).document
    files = sorted(map(str, (tmp_path / "policies").iterdir()))
    by_file = coder.run("plan", "--json", *reversed(files), *AT).document
    assert whole["digest"] == by_file["digest"]
    assert [one["address"] for one in whole["actions"]] == [one["address"] for one in by_file["actions"]]


def test_who_may_be_hidden_from_this_token_is_not_said_to_have_left(shell: Shell, company: Sandbox) -> None:
    """A member of Coder sees nobody but themself, and was told to remove the entries of everybody else."""
    entry = "version: 1\norganization: acme\nuser_overrides: [{user: dan, group: platform, limit: $5}]\n"
    shell.connect(company, "member").policy(entry)
    ran = shell.run("plan")
    assert ran.code == 1
    assert "user 'dan' is unknown" in ran.out
    assert "they may be one of the 38 members of acme whom this token may not read: use another token;" in ran.out


def test_an_end_of_who_may_be_hidden_is_not_said_to_be_there(shell: Shell, company: Sandbox) -> None:
    """It said that they are gone, that the entry may be removed, and `drift` that live matches; `--accept` took it out.

    dan stands in the company and has no override; bob has one.
    """
    entries = (
        "[{user: bob, group: platform, limit: none}, {user: dan, group: platform, limit: $5, expires: 2026-01-01}]"
    )
    policy = shell.connect(company, "member").policy(f"version: 1\norganization: acme\nuser_overrides: {entries}\n")
    text = policy.read_text()
    for arguments in (("plan",), ("drift",), ("apply", "--auto-approve")):
        ran = shell.run(*arguments, *AT)
        assert ran.code == {"plan": 1, "drift": 2, "apply": 0}[arguments[0]]
        assert "gone" not in ran.out
        for name in ("bob", "dan"):
            assert f"user {name!r} is unknown" in ran.out
    assert ran.out.count("they may be one of the 38 members of acme whom this token may not read") == 2
    accepted = shell.run("drift", "--accept", "user/bob")
    assert "not possible: user 'bob' is unknown; they may be one of" in accepted.out
    assert policy.read_text() == text


@pytest.mark.parametrize(("version", "orphans"), [("2.34", ["eve"]), ("2.35", ["bob", "dan", "eve"])])
def test_an_end_is_there_where_there_are_no_overrides_and_not_known_where_they_are_not_shown(
    shell: Shell, version: str, orphans: list[str]
) -> None:
    """2.34 has none: another token was advised. A stock 2.35 shows none: it said that live matches, and bob has one."""
    entries = (
        "{user: bob, group: platform, limit: none}, {user: dan, group: platform, limit: $5, expires: 2026-01-01}, "
        "{user: eve, group: data, limit: $5}"
    )
    shell.policy(f"version: 1\norganization: acme\nuser_overrides: [{entries}]\n")
    with Sandbox(replace(COMPANY, coder_version=version)) as sandbox:
        document = shell.connect(sandbox, "member").run("plan", *AT, "--json").document
        owners = shell.connect(sandbox, "owner").run("plan", *AT, "--json").document
    for plan in (document, owners):
        assert [row["address"] for row in plan["orphans"]] == [f"user/{name}" for name in orphans]
    is_hidden = version == "2.35"
    keep = "keep the entry: the override may be there, and after the upgrade `user_overrides: exact` removes one"
    assert ((keep in owners["orphans"][0]["hint"]), "remove the entry" in owners["orphans"][0]["hint"]) == (
        is_hidden,
        not is_hidden,
    )


@pytest.mark.parametrize(("version", "is_hidden"), [("2.34", False), ("2.35", True)])
def test_what_is_not_shown_is_not_said_to_match(shell: Shell, version: str, is_hidden: bool) -> None:
    """A stock 2.35 shows no override, and "live budgets match the policy" was said where `exact` lists none."""
    shell.policy(AS_IT_IS.replace("user_overrides: listed", "user_overrides: exact"))
    with Sandbox(replace(COMPANY, coder_version=version)) as sandbox:
        shell.connect(sandbox)
        plan, drift = shell.run("plan", *AT), shell.run("drift", *AT)
        pages = [shell.run("drift", *AT, "--format", form).out for form in ("markdown", "html")]
    assert (plan.code, drift.code) == (0, 0)
    said = "ive group budgets match the policy; this Coder does not show user overrides"
    for text in (plan.out.splitlines()[-1], drift.out.splitlines()[-1], *pages):
        assert (said in text, "ive budgets match the policy" in text) == (is_hidden, not is_hidden)


def test_a_group_that_may_be_hidden_is_not_said_to_be_gone(shell: Shell) -> None:
    """Without workspace sharing a member sees the own groups alone; `drift` said that live matches."""
    entries = "[{group: finance, limit: none}, {group: nowhere, limit: $5}]"
    policy = shell.policy(f"version: 1\norganization: acme\ngroup_budgets: {entries}\n")
    text = policy.read_text()
    with Sandbox(COMPANY) as sandbox:
        sandbox.execute("UPDATE organizations SET workspace_sharing = 'none'")
        shell.connect(sandbox, "member")
        ran = shell.run("drift", *AT)
        assert ran.code == 2
        assert "gone, or has another name" not in ran.out
        for name in ("finance", "nowhere"):
            assert f"group {name!r} is unknown in organization 'acme'" in ran.out
        assert ran.out.count("it may be a group of acme that this token may not read: use another token") == 4
        shell.run("drift", "--accept", "group/acme/finance")
        assert policy.read_text() == text


@pytest.mark.parametrize(("sharing", "code"), [("none", 1), ("everyone", 0)])
def test_where_groups_may_be_hidden_no_exact_policy_matches(sharing: str, code: int, shell: Shell) -> None:
    """A plan said that live matches, and 2.34 exported a policy that removes the budgets of groups it does not show."""
    shell.policy("version: 1\norganization: acme\nmanage: {group_budgets: exact}\ngroup_budgets: []\n")
    said = "there may be groups that this token may not read, so their budgets are not known"
    with Sandbox(replace(COMPANY, coder_version="2.34")) as sandbox:
        sandbox.execute("UPDATE organizations SET workspace_sharing = ?", (sharing,))
        sandbox.execute(
            "DELETE FROM group_ai_budgets WHERE group_id NOT IN (SELECT id FROM groups WHERE name = 'platform')"
        )
        shell.connect(sandbox, "member").run("snapshot", "-o", "s.json")
        ran = shell.run("export", "acme")
        assert (ran.code, said in ran.err) == (code, code == 1)
        for more in ((), ("--live", "s.json")):
            ran = shell.run("plan", *more, *AT)
            assert (said in ran.out, "match the policy" in ran.out) == (code == 1, False)


def test_parts_of_no_month_are_a_mistake(coder: Shell) -> None:
    """`--replay-days 1` without a month was taken and did nothing."""
    coder.policy(AS_IT_IS)
    ran = coder.run("plan", "--replay-days", "1", *AT)
    assert ran.code == 1
    assert "--replay-days says how a month is read; name the month by --replay YYYY-MM" in ran.err


@pytest.mark.parametrize(
    "arguments", [("plan", "--only", "group/acme/research"), ("drift", "--exclude", "group/acme/platform")]
)
def test_of_a_part_nothing_is_claimed_about_the_whole(coder: Shell, arguments: tuple[str, ...]) -> None:
    """It said "Live budgets match the policy" of a policy that differs."""
    coder.policy(RAISE_PLATFORM + "  - {group: research, limit: $800}\n")
    ran = coder.run(*arguments, *AT)
    assert ran.code == 0
    assert ran.out.endswith("No changes in the part of the policy that was asked for.\n")
    assert "match the policy" not in coder.run(*arguments, *AT, "--format", "markdown").out
    document = coder.run(*arguments, *AT, "--json").document
    assert document.get("plan", document)["covers"] == "part"


def test_explain_takes_the_address_that_plans_print(coder: Shell) -> None:
    by_name, by_address = (coder.run("explain", name, "--json").document for name in ("dan", "user/dan"))
    assert by_name["user"] == by_address["user"]
    assert "User 'nobody' is unknown" in coder.run("explain", "user/nobody").err
