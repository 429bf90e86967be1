"""One organization whose list of groups fails takes the answers about others with it no more than it must."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
import time_machine

from reconciler.sandbox import Fault, Options, Sandbox
from tests.cli.running import NOW, Shell
from tests.company.live import group_id, leave_group, override, user_id

RESEARCH = "version: 1\norganization: acme\ngroup_budgets: [{group: research, limit: $700}]\n"
"""Three people; two of them are limited by a budget of labs."""
LABS = "version: 1\norganization: labs\ngroup_budgets: [{group: ml, limit: $1}]\n"
NOT_FOUND = "Resource not found or you do not have access to this resource"
MAY_NOT = "This token may not read every organization; budgets that people have elsewhere are not counted."


EVERY_RULE = pytest.mark.parametrize("sandbox", ["2.35", "2.36", "2.37"], indirect=True)


@pytest.fixture
def sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    version = getattr(request, "param", "2.36")
    options = Options(now=NOW, coder_version=version, experiments=("ai-gateway-cost-control",))
    with Sandbox(options) as sandbox, time_machine.travel(NOW, tick=False):
        yield sandbox


def _fail(sandbox: Sandbox, status: int, *, of: str = "labs") -> None:
    body = {"message": NOT_FOUND} if status == 404 else {"message": "out of memory"}
    path = f"*/organizations/{group_id(sandbox, 'Everyone', of)}/*"
    sandbox.fault(Fault("status", path=path, status=status, body=body, times=999))


@EVERY_RULE
@pytest.mark.parametrize("status", [404, 500])
def test_a_plan_goes_on_and_claims_nothing_of_whom_it_may_limit(status: int, shell: Shell, sandbox: Sandbox) -> None:
    shell.policy(RESEARCH)
    _fail(sandbox, status)
    shell.connect(sandbox, "owner")
    ran = shell.run("plan", "--json")
    effects = ran.document["effects"]
    assert [person["username"] for person in effects["unclear"]] == ["felix", "rosa"]
    text = shell.run("plan").out
    said = MAY_NOT if status == 404 else "The groups of organization labs could not be read (GET /api/v2/organizations/"
    assert said in text
    assert shell.run("status", "acme").code == 0
    assert said in shell.run("status").out
    assert shell.run("export", "acme").code == 0
    assert shell.run("explain", "carol").code == 0


JSON = {"content-type": "application/json"}
NOT_A_LIST = {
    "lost": (Fault("lost"), "the answer was lost or cut short (5 attempts)"),
    "cut": (Fault("truncate"), "the answer was lost or cut short (5 attempts)"),
    "busy": (Fault("status", status=504), "504 "),
    "a page": (Fault("raw", status=200, body="<html>", headers={"content-type": "text/html"}), "text/html, not JSON"),
    "half": (Fault("raw", status=200, body='[{"id": ', headers=JSON), "the answer is not whole or not JSON"),
    "another shape": (Fault("raw", status=200, body='[{"id": 1}]', headers=JSON), "is missing; expected a UUID"),
    "a key twice": (Fault("raw", status=200, body='[{"id": 1, "id": 1}]', headers=JSON), "names a key twice"),
}


@EVERY_RULE
@pytest.mark.parametrize("way", NOT_A_LIST)
def test_a_list_that_does_not_come_or_cannot_be_read_is_its_organizations_trouble(
    way: str, shell: Shell, sandbox: Sandbox
) -> None:
    fault, reason = NOT_A_LIST[way]
    labs = group_id(sandbox, "Everyone", "labs")
    sandbox.fault(replace(fault, path=f"*/organizations/{labs}/groups", times=999))
    shell.policy(RESEARCH)
    ran = shell.connect(sandbox, "owner").run("plan", "--json")
    assert [person["username"] for person in ran.document["effects"]["unclear"]] == ["felix", "rosa"]
    said = [text for text in ran.document["effects"]["unknown"] if text.startswith("The groups of organization labs")]
    assert reason in said[0]
    assert [shell.run(*words).code for words in (("status", "acme"), ("export", "acme"), ("explain", "ana"))] == [0] * 3
    shell.policy(LABS, "policies/labs.yaml")
    for arguments in (("plan",), ("drift",), ("status", "labs"), ("export", "labs")):
        ran = shell.run(*arguments)
        assert (ran.code, ran.out, reason in ran.err) == (1, "", True), arguments


@pytest.mark.parametrize("way", NOT_A_LIST)
def test_nobody_is_known_by_the_half_of_a_list(way: str, shell: Shell, sandbox: Sandbox) -> None:
    """Hugo is in labs alone. Had the half of its list made him known, he would have left the group of his entry."""
    labs = group_id(sandbox, "Everyone", "labs")
    sandbox.fault(replace(NOT_A_LIST[way][0], path=f"*/organizations/{labs}/groups", times=999))
    shell.policy(
        "version: 1\norganization: acme\nuser_overrides: [{user: hugo@acme.example, group: Everyone, limit: $1}]\n"
    )
    assert "try again when labs can be read" in shell.connect(sandbox, "owner").run("plan").out


@pytest.mark.parametrize("way", NOT_A_LIST)
def test_of_an_only_organization_one_sentence_is_said(way: str, shell: Shell) -> None:
    fault, reason = NOT_A_LIST[way]
    with Sandbox(Options(seed="20-users,5-groups", now=NOW)) as sandbox, time_machine.travel(NOW, tick=False):
        sandbox.fault(replace(fault, path="*/organizations/*/groups", times=999))
        ran = shell.connect(sandbox, "owner").run("status")
        assert (ran.code, ran.out, len(ran.err.strip().splitlines()), reason in ran.err) == (1, "", 2, True)


@pytest.mark.parametrize("way", NOT_A_LIST)
def test_where_it_is_not_listed_who_joined_when_a_tie_is_not_decided(way: str, shell: Shell, sandbox: Sandbox) -> None:
    """Felix and rosa have $1,000 in labs; acme's research gets as much, and who joined labs when is not known."""
    labs = group_id(sandbox, "Everyone", "labs")
    sandbox.fault(replace(NOT_A_LIST[way][0], path=f"*/organizations/{labs}/members", times=999))
    shell.policy(RESEARCH.replace("$700", "$1000"))
    effects = shell.connect(sandbox, "owner").run("plan", "--json").document["effects"]
    assert [(row["username"], row["reason"]) for row in effects["unclear"]] == [
        (name, "it is not known which of their organizations they joined first") for name in ("felix", "rosa")
    ]


def test_a_drift_says_of_how_many_it_is_not_known(shell: Shell, sandbox: Sandbox) -> None:
    """It compared the limits of whom it knows, and said nothing of felix and rosa."""
    shell.policy(RESEARCH)
    _fail(sandbox, 500)
    shell.connect(sandbox, "owner")
    said = "1 person has another limit than the policy gives; of 2 more it is not known."
    for format_ in ("text", "markdown", "html"):
        assert said in shell.run("drift", "--format", format_).out
    said = "Members whom this token may not read are not counted."
    assert said not in shell.run("drift").out
    assert said in shell.connect(sandbox, "member").run("drift").out
    shell.connect(sandbox, "owner")
    leave_group(sandbox, "quinn", "research")
    assert "Of 2 people it is not known whether the policy gives them another limit." in shell.run("drift").out


@pytest.mark.parametrize("status", [403, 404, 500])
@pytest.mark.parametrize(
    "arguments", [("plan",), ("drift",), ("status", "labs"), ("export", "labs"), ("export", "--all", "-o", "all")]
)
def test_who_asks_about_it_is_told(arguments: tuple[str, ...], status: int, shell: Shell, sandbox: Sandbox) -> None:
    shell.policy(RESEARCH)
    shell.policy(LABS, "policies/labs.yaml")
    _fail(sandbox, status)
    ran = shell.connect(sandbox, "owner").run(*arguments)
    assert ran.code == 1
    said = "The groups of organization labs cannot be read" if status == 404 else f"{status} out of memory"
    assert said in ran.err


@pytest.mark.parametrize("status", [404, 500])
def test_what_is_left_out_need_not_be_read(status: int, shell: Shell, sandbox: Sandbox) -> None:
    shell.policy(RESEARCH)
    shell.policy(LABS, "policies/labs.yaml")
    _fail(sandbox, status)
    shell.connect(sandbox, "owner")
    for scope in (("--only", "group/acme/*"), ("--exclude", "*/labs/*")):
        ran = shell.run("plan", *scope)
        assert "~ group/acme/research  $800.00 -> $700.00" in ran.out
        assert "labs/ml" not in ran.out
    shell.policy(LABS.replace("group_budgets", "manage: {group_budgets: exact}\ngroup_budgets"), "policies/labs.yaml")
    assert shell.run("plan", "--only", "group/*").code == 1, "what is managed exactly is asked for, too"


@EVERY_RULE
def test_an_override_there_is_not_taken_for_that_of_a_deleted_organization(shell: Shell, sandbox: Sandbox) -> None:
    shell.policy("version: 1\norganization: acme\nuser_overrides: [{user: hugo, group: Everyone, limit: none}]\n")
    _fail(sandbox, 404)
    ran = shell.connect(sandbox, "owner").run("plan")
    assert "$2,000.00 -> no limit" not in ran.out


def test_where_no_list_came_the_error_is_told(shell: Shell, sandbox: Sandbox) -> None:
    shell.policy(RESEARCH)
    sandbox.fault(Fault("status", path="*/organizations/*/groups", status=500, times=999))
    ran = shell.connect(sandbox, "owner").run("plan", "--max-wait", "0")
    assert (ran.code, "/groups: 500 " in ran.err) == (1, True)


def test_a_token_that_ended_ends_the_run(shell: Shell, sandbox: Sandbox) -> None:
    shell.policy(RESEARCH)
    path = f"*/organizations/{group_id(sandbox, 'Everyone', 'labs')}/groups"
    sandbox.fault(Fault("status", path=path, status=401, times=999))
    ran = shell.connect(sandbox, "owner").run("plan")
    assert (ran.code, "401" in ran.err) == (1, True)


@pytest.mark.parametrize("status", [403, 500])
def test_a_snapshot_of_less_than_all_is_not_made(status: int, shell: Shell, sandbox: Sandbox) -> None:
    _fail(sandbox, status)
    assert shell.connect(sandbox, "owner").run("snapshot", "-o", "live.json").code == 1
    assert not (shell.folder / "live.json").exists()


@pytest.mark.parametrize("status", [404, 500])
def test_a_saved_plan_and_a_journal_wait_for_what_could_not_be_read(
    status: int, shell: Shell, sandbox: Sandbox
) -> None:
    """A group in a list that failed is not "gone", and a revert that leaves it alone is not done."""
    said = "The groups of organization labs cannot be read" if status == 404 else "/groups: 500 out of memory"
    shell.policy(RESEARCH)
    shell.policy(LABS.replace("$1}", "$1100}"), "policies/labs.yaml")
    shell.connect(sandbox, "owner")
    assert shell.run("plan", "-o", "saved.plan").code == 0
    _fail(sandbox, status)
    ran = shell.run("apply", "saved.plan", "--auto-approve")
    assert (ran.code, said in ran.err, "gone" in ran.err) == (1, True, False)
    sandbox.forget_faults()
    assert shell.run("apply", "saved.plan", "--auto-approve", "--journal", "run.jsonl").code == 0
    _fail(sandbox, status)
    ran = shell.run("revert", "run.jsonl", "--auto-approve")
    assert (ran.code, said in ran.err, "gone" in ran.err) == (1, True, False)
    sandbox.forget_faults()
    assert "Apply complete: 0 created, 2 updated, 0 deleted." in shell.run("revert", "run.jsonl", "--auto-approve").out


def test_doctor_says_why_the_groups_cannot_be_read(shell: Shell, sandbox: Sandbox) -> None:
    shell.policy(RESEARCH)
    _fail(sandbox, 500)
    out = shell.connect(sandbox, "owner").run("doctor").out
    assert "note  read      the groups of labs cannot be read: GET /api/v2/organizations/" in out
    assert "the groups of labs cannot be read\n" not in out


@pytest.mark.parametrize("status", [404, 500])
@pytest.mark.parametrize(
    ("managed", "scope"),
    [
        ("manage: {group_budgets: exact}", ("--only", "group/labs/ml", "--only", "group/acme/research")),
        ("manage: {group_budgets: exact}", ("--only", "*/ml", "--only", "group/acme/research")),
        ("manage: {group_budgets: exact}", ("--exclude", "group/labs/Everyone")),
        ("manage: {user_overrides: exact}", ("--only", "user/hugo", "--only", "group/acme/research")),
        ("manage: {user_overrides: exact}", ("--exclude", "user/[a-g]*")),
        ("group_budgets: [{group: ID, limit: $1}]", ("--only", "group/labs/ml", "--only", "group/acme/research")),
        (
            "user_overrides: [{user: hugo@acme.example, group: ml, limit: $1}]",
            ("--only", "user/hugo", "--only", "group/acme/research"),
        ),
    ],
)
def test_what_may_be_in_scope_there_is_not_clean(
    managed: str, scope: tuple[str, ...], status: int, shell: Shell, sandbox: Sandbox
) -> None:
    """Which groups and people it has, nobody knows: a scope that may mean one of them is not passed over."""
    managed = managed.replace("ID", group_id(sandbox, "ml", "labs"))
    shell.policy(RESEARCH.replace("$700", "$800"))
    shell.policy(f"version: 1\norganization: labs\n{managed}\n", "policies/labs.yaml")
    shell.connect(sandbox, "owner")
    assert shell.run("drift", *scope).code == 2
    _fail(sandbox, status)
    assert shell.run("drift", *scope).code == 1


@pytest.mark.parametrize(
    "scope", [("--only", "group/acme/*"), ("--only", "group/acme/research"), ("--exclude", "*/labs/*")]
)
def test_what_cannot_be_in_scope_there_is_left_out(scope: tuple[str, ...], shell: Shell, sandbox: Sandbox) -> None:
    shell.policy(RESEARCH)
    shell.policy("version: 1\norganization: labs\nmanage: {group_budgets: exact}\n", "policies/labs.yaml")
    _fail(sandbox, 500)
    ran = shell.connect(sandbox, "owner").run("plan", *scope)
    assert (ran.code, "~ group/acme/research  $800.00 -> $700.00" in ran.out) == (0, True)


@pytest.mark.parametrize("role", ["owner", "organization-admin"])
@pytest.mark.parametrize("sandbox", ["2.36", "2.37"], indirect=True)
def test_status_claims_no_limit_of_whom_it_limits(role: str, shell: Shell, sandbox: Sandbox) -> None:
    """Felix and rosa have $1,000 in labs, and it is not said that research of acme limits them to $800."""
    if role == "owner":
        _fail(sandbox, 500)
    truth = {str(name): (limit, group) for _, name, limit, _, group in sandbox.effective()}
    shell.connect(sandbox, role)
    document = shell.run("status", "--json").document
    rows = {row["username"]: row["effective"] for row in document["people"]}
    unknown = sorted(name for name, effective in rows.items() if "reason" in effective)
    assert (unknown, document["total"]["unknown"]) == (["felix", "rosa"], 2)
    known = {name: (row["limit_micros"], row["group"]["id"]) for name, row in rows.items() if name not in unknown}
    assert known == {name: truth[name] for name in known}
    ran = shell.run("status")
    assert "37 people may spend $10,625 a month" in ran.out
    assert "The limits of 2 people are not known: the server does not say what limits them; it may be" in ran.out
    assert "Spend of 2 people" not in ran.out, "nobody asked for it"


def test_an_override_is_not_said_to_change_nothing_where_a_budget_may_be_hidden(shell: Shell, sandbox: Sandbox) -> None:
    override(sandbox, "felix", "research", 800)
    shell.connect(sandbox, "owner")
    _fail(sandbox, 500)
    rows = shell.run("status", "--json").document["overrides"]
    assert [row["fallback"] for row in rows if row["username"] == "felix"] == [
        {"type": "unknown", "reason": "they may have a budget in an organization that cannot be read"}
    ]


@EVERY_RULE
@pytest.mark.parametrize("role", ["owner", "organization-admin"])
def test_an_explanation_says_that_it_may_decide_and_what_is_left_of_its_limit(
    role: str, shell: Shell, sandbox: Sandbox
) -> None:
    if role == "owner":
        _fail(sandbox, 500)
    shell.connect(sandbox, role)
    said = "budgets that people have there are not counted" if role == "owner" else MAY_NOT
    assert said in shell.run("explain", "felix").out
    assert said not in shell.run("explain", "ana").out, "an override wins over budgets anywhere"
    if shell.run("status", "--json").document["deployment"]["offers"]["bulk_reads"]:
        document = shell.run("explain", "felix", "--json").document
        assert document["reported"]["limit_micros"] == 1_000_000_000
        assert document["effective"] == document["reported"] | {"type": "effective"}, "it said $800.00 of acme first"
        assert document["left_micros"] == 1_000_000_000 - document["spend"]
        assert said not in shell.run("explain", "carol").out, "the server confirms it"


@EVERY_RULE
def test_of_whom_it_limits_no_override_is_compared_with_what_they_have(shell: Shell, sandbox: Sandbox) -> None:
    """Felix has $1,000 of labs: an override is not instead of acme's $800, nor followed by it, nor equal to it."""
    entry = "{user: felix, group: research, limit: $AMOUNT, expires: 2026-12-01}"
    text = f"version: 1\norganization: acme\nuser_overrides: [{entry}]\n"
    shell.policy(text.replace("AMOUNT", "100"))
    shell.connect(sandbox, "owner")
    effects = shell.run("plan", "--json").document["effects"]
    assert [row["after"]["limit_micros"] for row in effects["ends"]] == [1_000_000_000]
    _fail(sandbox, 500)
    effects = shell.run("plan", "--json").document["effects"]
    assert (effects["people"], effects["ends"], len(effects["unclear"])) == ([], [], 1)
    assert not effects["unclear"][0]["may_become_blocked"]
    assert any("budgets that people have there are not counted" in sentence for sentence in effects["unknown"])
    shell.policy(text.replace("AMOUNT", "0"))
    effects = shell.run("plan", "--json").document["effects"]
    assert [row["may_become_blocked"] for row in effects["unclear"]] == [True]
    override(sandbox, "felix", "research", 800)
    shell.policy(text.replace("AMOUNT", "800"))
    notices = shell.run("plan", "--json").document["effects"]["notices"]
    assert [(row["kind"], row["text"]) for row in notices] == [("expires-soon", "$800.00")]


@pytest.mark.parametrize("status", [404, 500])
def test_an_e_mail_address_that_only_it_knows_is_nobody_who_left(status: int, shell: Shell, sandbox: Sandbox) -> None:
    hugo = sandbox.execute("SELECT email FROM users WHERE username = 'hugo'")[0][0]
    entry = "version: 1\norganization: acme\nuser_overrides: [{user: NAME, group: research, limit: LIMIT}]\n"
    shell.connect(sandbox, "owner")
    _fail(sandbox, status)
    for name, limit in (("hugo", "$5"), (hugo, "$5"), ("hugo", "none"), (hugo, "none")):
        shell.policy(entry.replace("NAME", name).replace("LIMIT", limit))
        out = shell.run("plan").out
        assert "remove the entry if they left;" not in out
        assert "may be removed" not in out
    shell.policy(entry.replace("NAME", hugo).replace("LIMIT", "$5"))
    assert "try again when labs can be read" in shell.run("plan").out


@pytest.mark.parametrize("role", ["owner", "user-admin"])
@pytest.mark.parametrize("sandbox", ["2.36", "2.37"], indirect=True)
def test_an_override_that_blocks_whom_it_limits_now_is_counted(role: str, shell: Shell, sandbox: Sandbox) -> None:
    """What an override blocks is certain, whatever limits rosa now: her spend on the override's group is known."""
    spent = (group_id(sandbox, "research"), user_id(sandbox, "rosa"))
    sandbox.execute("UPDATE ai_daily_spend SET group_id = ? WHERE user_id = ?", spent)
    _fail(sandbox, 500)
    policy = "version: 1\norganization: acme\nuser_overrides: [{user: rosa, group: research, limit: $LIMIT}]\n"
    shell.policy(policy.replace("LIMIT", "100"))
    ran = shell.connect(sandbox, role).run("plan")
    assert (ran.code, "BLOCKS_USERS=1" in ran.out) == (3, True)
    shell.policy(policy.replace("LIMIT", "900"))
    assert shell.run("plan").code == 0


@pytest.mark.parametrize("sandbox", ["2.37"], indirect=True)
def test_where_no_organization_can_be_read_nothing_is_claimed(shell: Shell, sandbox: Sandbox) -> None:
    """`status` counted 0 people, and said that this server does not say what people have spent."""
    sandbox.execute("DELETE FROM organization_members WHERE user_id = ?", (user_id(sandbox, "oscar"),))
    shell.policy(RESEARCH)
    shell.connect(sandbox, "organization-admin")
    said = "this token may read no organization: make its user a member of one, or use the token of an Owner"
    commands = [
        ("plan",),
        ("drift",),
        ("status",),
        ("export", "--all", "-o", "all"),
        ("export", "acme"),
        ("init", "new"),
    ]
    for arguments in [*commands, ("snapshot", "-o", "live.json")]:
        ran = shell.run(*arguments)
        assert (ran.code, ran.out, said in ran.err, "None" in ran.err) == (1, "", True, False), arguments
    doctor = shell.run("doctor").out
    assert said in doctor
    assert "no bulk reads" not in doctor


def test_an_explanation_says_why_it_shows_no_group(shell: Shell, sandbox: Sandbox) -> None:
    """An override decides, and what it wins over could not be read."""
    _fail(sandbox, 500, of="acme")
    out = shell.connect(sandbox, "owner").run("explain", "ana").out
    assert "Groups: none that can be seen." in out
    assert "The groups of organization acme could not be read" in out
