"""`doctor` says in one line each what is in place, and fails where some command would."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from reconciler.sandbox import Fault, Options, Sandbox
from tests.cli.running import AS_IT_IS, RAISE_PLATFORM, Shell


def checks(text: str) -> dict[str, tuple[str, str]]:
    """Return level and message by name; the last line of a name counts."""
    lines = [line for line in text.splitlines() if not line.startswith(" ")]
    return {line[6:16].strip(): (line[:6].strip(), line[16:]) for line in lines}


def test_everything_is_in_place(coder: Shell) -> None:
    coder.policy(RAISE_PLATFORM)
    ran = coder.run("doctor")
    found = checks(ran.out)
    assert ran.code == 0
    levels = {name: level for name, (level, _) in found.items() if name != "clock"}
    assert levels == {
        "policies": "ok", "login": "ok", "server": "ok", "licence": "ok", "plan": "ok", "token": "ok",
        "read": "ok", "write": "ok", "authors": "note",
    }  # fmt: skip
    assert found["token"][1].startswith("ci-budgets (user-admin)")
    assert found["read"][1] == "2 organizations, 13 groups, 43 people"


def test_the_requests_of_a_plan_are_those_that_plan_sends(coder: Shell) -> None:
    coder.policy(RAISE_PLATFORM)
    message = checks(coder.run("doctor").out)["plan"][1]
    plan = coder.run("plan", "--no-forecast").out
    requests = message.removeprefix("a plan costs ").partition(" ")[0]
    assert f"Read {requests} requests" in plan
    assert message.endswith("requests without its forecast and has 1 change now")


def test_without_policies(coder: Shell) -> None:
    ran = coder.run("doctor")
    assert ran.code == 0
    assert checks(ran.out)["policies"][0] == "note"
    assert "plan" not in checks(ran.out)


def test_a_policy_with_problems_fails_and_the_rest_is_examined(coder: Shell) -> None:
    coder.policy("version: 1\norganization: acme\ngroup_budgets: [{group: x, limit: -1}]\n")
    ran = coder.run("doctor")
    assert ran.code == 1
    assert checks(ran.out)["policies"][0] == "fail"
    assert "run `reconciler validate`" in ran.out
    assert re.search(r"problems?, such as \S+:\d+:\d+: \w", ran.out), "the problem is told beside its place"
    assert checks(ran.out)["server"][0] == "ok"


def test_without_a_login(shell: Shell) -> None:
    ran = shell.run("doctor")
    assert ran.code == 1
    assert checks(ran.out)["login"] == ("fail", "There is no Coder URL.")


def test_a_wrong_token_is_not_shown(coder: Shell) -> None:
    coder.set(CODER_SESSION_TOKEN="very-secret-and-wrong")
    ran = coder.run("doctor")
    assert ran.code == 1
    assert checks(ran.out)["server"][0] == "fail"
    assert "very-secret-and-wrong" not in ran.out + ran.err


@pytest.mark.parametrize(("role", "write", "authors"), [("auditor", "note", "ok"), ("owner", "ok", "ok")])
def test_what_a_role_may_do(shell: Shell, company: Sandbox, role: str, write: str, authors: str) -> None:
    shell.connect(company, role).policy(AS_IT_IS)
    found = checks(shell.run("doctor").out)
    assert (found["write"][0], found["authors"][0]) == (write, authors)


def test_an_organization_that_may_not_be_read(coder: Shell) -> None:
    coder.policy(AS_IT_IS.replace("acme", "acne"))
    ran = coder.run("doctor")
    assert ran.code == 1
    assert "the policies name acne, which this token may not read" in ran.out


@pytest.mark.parametrize(
    ("url", "is_told"),
    [("http://coder.invalid", True), ("http://192.0.2.1:8080", True), ("https://coder.invalid", False)],
)
def test_a_token_that_can_be_read_on_the_way_is_told(shell: Shell, url: str, is_told: bool) -> None:
    """Nothing told that a URL with http sends the token unencrypted."""
    nowhere = "http://127.0.0.1:9"
    shell.set(CODER_URL=url, CODER_SESSION_TOKEN="x", HTTP_PROXY=nowhere, HTTPS_PROXY=nowhere)
    message = "note  login     the URL begins with http, so somebody on the way can read the token"
    assert (message in shell.run("doctor", "--max-wait", "0").out) == is_told


def test_a_proxy_is_named_without_its_password(coder: Shell) -> None:
    coder.set(CODER_URL="http://coder.invalid", HTTP_PROXY="http://ana:hidden-word@127.0.0.1:9")
    ran = coder.run("doctor", "--max-wait", "0")
    assert ran.code == 1
    assert checks(ran.out)["proxy"] == ("note", "requests go by http://127.0.0.1:9 (HTTP_PROXY)")
    assert "hidden-word" not in ran.out + ran.err


def test_a_deployment_without_a_licence(shell: Shell) -> None:
    with Sandbox(Options(licensed=False)) as sandbox:
        ran = shell.connect(sandbox).run("doctor")
    assert ran.code == 1
    assert checks(ran.out)["server"][0] == "fail"


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ({"expires_at": "2999-01-01T00:00:00Z"}, "ok    token     ci-budgets (user-admin), until 2999-01-01\n"),
        (
            {"expires_at": "2000-01-01T00:00:00Z"},
            "note  token     ci-budgets (user-admin), until 2000-01-01\n"
            "                make a new token soon: `coder tokens create`\n",
        ),
        (
            {"expires_at": "2000-01-01T00:00:00Z", "login_type": "token"},
            "note  token     ci-budgets (user-admin), until 2000-01-01\n"
            "                make a new token soon: `coder tokens create`\n",
        ),
        (
            {"expires_at": "2000-01-01T00:00:00Z", "login_type": "password"},
            "ok    token     ci-budgets (user-admin), until 2000-01-01, and longer with each use, as it came from a "
            "login\n",
        ),
        (
            {"scopes": ["user:read", "group:read"]},
            "note  token     ci-budgets (user-admin), limited to group:read, user:read\n"
            "                a token with scopes may lack rights that its user has: make a token without `--scope`\n",
        ),
    ],
)
def test_when_a_token_ends_and_what_it_is_limited_to(
    coder: Shell, company: Sandbox, key: dict[str, object], says: str
) -> None:
    company.fault(Fault("status", path="*/users/me/keys/*", status=200, body=key))
    assert says in coder.run("doctor").out


def test_what_the_server_says_about_its_licence_is_told(coder: Shell, company: Sandbox) -> None:
    body = {"features": {}, "warnings": ["Your license expires in 2 days."]}
    company.fault(Fault("status", path="*/entitlements", status=200, body=body))
    assert checks(coder.run("doctor").out)["licence"] == ("note", "Your license expires in 2 days.")


GHOST = "user_overrides: [{user: ghost, group: platform, limit: $5}]\n"


@pytest.mark.parametrize(
    ("entries", "path", "name"),
    [("", "*/users/me/keys/*", "token"), ("", "*/authcheck", "write"), (GHOST, "*/users/ghost", "plan")],
)
def test_a_check_that_gets_no_answer_fails_and_the_others_are_made(
    shell: Shell, entries: str, path: str, name: str
) -> None:
    with Sandbox(Options()) as sandbox:
        shell.connect(sandbox).policy(AS_IT_IS + entries)
        sandbox.fault(Fault("status", path=path, status=500, body={"message": "out of memory"}, times=999))
        ran = shell.run("doctor", "--max-wait", "0")
    found = checks(ran.out)
    assert ran.code == 1
    assert [other for other, (level, _) in found.items() if level == "fail"] == [name]
    assert "500 out of memory" in found[name][1]
    assert "authors" in found


def test_an_old_server_without_overrides(shell: Shell) -> None:
    with Sandbox(Options(coder_version="2.34")) as sandbox:
        ran = shell.connect(sandbox).run("doctor")
    assert ran.code == 0
    assert checks(ran.out)["server"][0] == "note"
    assert "no user overrides" in ran.out


def test_an_entry_that_cannot_be_applied_fails_and_says_what_to_do(coder: Shell) -> None:
    coder.policy(RAISE_PLATFORM.replace("platform", "platfrom"))
    ran = coder.run("doctor")
    assert ran.code == 1
    level, message = checks(ran.out)["plan"]
    assert level == "fail"
    assert "1 entry cannot be applied, such as policies/acme.yaml:5:12" in message


@pytest.mark.parametrize(("version", "says"), [("2.34", True), ("2.35", False), ("2.37", False)])
def test_a_server_that_only_stores_budgets_is_said_to_limit_nobody(shell: Shell, version: str, says: bool) -> None:
    """Without user overrides it is 2.34, which enforces nothing; stock 2.35 hides them, and is another case."""
    with Sandbox(Options(coder_version=version)) as sandbox:
        shell.connect(sandbox, "owner").policy(RAISE_PLATFORM)
        for command in (("doctor",), ("plan",), ("status",), ("explain", "bob")):
            assert ("it stores group budgets, and does not enforce them yet." in shell.run(*command).out) is says


@pytest.mark.parametrize("version", ["2.35", "2.37"])
def test_what_could_not_be_read_is_told_with_its_reason(shell: Shell, version: str) -> None:
    """Not only the advice to use another token, which is no use where an answer is cut off."""
    with Sandbox(Options(coder_version=version)) as sandbox:
        shell.connect(sandbox, "owner").policy(RAISE_PLATFORM)
        platform = sandbox.execute("SELECT id FROM groups WHERE name = 'platform'")[0][0]
        for path in (f"*/groups/{platform}/ai/budget", "*/organizations/*/groups/ai/spend"):
            sandbox.fault(Fault("status", path=path, status=500, body={"message": "out of memory"}, times=999))
        for command in (("doctor",), ("export", "acme")):
            ran = shell.run(*command)
            assert ran.code == 1
            assert "group/acme/platform: GET /api/v2/groups/" in ran.out + ran.err
            assert "500 out of memory" in ran.out + ran.err
            assert "or try again when Coder answers" in ran.out + ran.err


@pytest.mark.parametrize(
    ("role", "sharing", "says"),
    [
        (
            "member",
            "everyone",
            ["this token may not read 38 members of acme", "1 person; this token may not read every"],
        ),
        ("member", "none", ["acme may have more groups, which this token may not read"]),
        ("organization-admin", "everyone", ["39 people; this token may not read every organization"]),
        ("auditor", "none", ["2 organizations, 13 groups, 43 people\n"]),
    ],
)
def test_who_is_hidden_is_counted(shell: Shell, role: str, sharing: str, says: list[str]) -> None:
    """It said "1 organization, 10 groups, 1 person" of a token from which 38 people are hidden."""
    with Sandbox(Options()) as sandbox:
        sandbox.execute("UPDATE organizations SET workspace_sharing = ?", (sharing,))
        out = shell.connect(sandbox, role).run("doctor").out
    assert all(text in out for text in says), out
    assert ("may not read" in out.replace("may not read the audit log", "")) is (role != "auditor")


def test_an_account_in_no_organization_does_not_show_what_the_server_tells(shell: Shell, tmp_path: Path) -> None:
    """`doctor` said "no effective limits" of a 2.37."""
    company = tmp_path / "company.yaml"
    company.write_text(
        "organizations: [{name: acme, default: true, members: [ana], groups: [{name: Everyone, budget: 50}]}]\n"
        "users: [{username: ana, name: Ana}, {username: robot, name: Robot, roles: [user-admin]}]\n"
        "tokens: {user-admin: robot, member: ana}\n"
    )
    with Sandbox(Options(seed=str(company))) as sandbox:
        server = checks(shell.connect(sandbox).run("doctor").out)["server"][1]
    assert server.endswith("effective limits not known, as this account is in no organization that it may read")
