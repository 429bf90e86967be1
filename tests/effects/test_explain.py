"""Why somebody's limit is what it is: the facts, the text, and the command with a member's own token."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reconciler.cli.app import run
from reconciler.core.activity import Session, Tokens, UserSpend
from reconciler.core.budget import ABSENT, OrganizationId, Reading, Unknown, UserId
from reconciler.core.directory import Organization, Unlisted
from reconciler.core.people.agreement import MAYBE_ELSEWHERE, NOT_ENFORCED, UNCONFIRMED, UNSEEN
from reconciler.core.people.explain import explain
from reconciler.core.people.explanation import Activity, Explanation
from reconciler.core.people.forecast import Basis, Pace
from reconciler.core.policy import GroupBudgetEntry, Manage, Policy, UserOverrideEntry
from reconciler.core.snapshot import Effective
from reconciler.core.spend import DAY, Window, month_of
from reconciler.errors import Place, ReconcilerError
from reconciler.formats import document
from reconciler.formats.documents import dump, load
from reconciler.money import Micros
from reconciler.operations.explain import find_explanation
from reconciler.render.explanation import explanation_lines
from tests.coder.helpers import sandbox_and_reader
from tests.effects.worlds import FIRST_SERVER, NOW, OLD_SERVER, World, limit, resolved, unlimited, usd

START, END = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)
TEAM = {"acme": ["ana"], "acme/eng": ["ana"], "acme/ops": ["ana"], "acme/other": []}


def policy(*, expires: datetime | None, starts: datetime | None = None) -> Policy:
    return Policy(
        organization="acme",
        place=Place("a.yaml", 2, 1),
        group_budgets_managed=Manage.LISTED,
        user_overrides_managed=Manage.LISTED,
        group_budgets=(
            GroupBudgetEntry(group="eng", limit=usd(20), reason="", place=Place("a.yaml", 4, 3)),
            GroupBudgetEntry(group="ops", limit=ABSENT, reason="", place=Place("a.yaml", 5, 3)),
            GroupBudgetEntry(group="nosuch", limit=usd(1), reason="", place=Place("a.yaml", 6, 3)),
        ),
        user_overrides=(
            UserOverrideEntry(
                user="ANA",
                group="eng",
                limit=usd(50),
                reason="sprint",
                starts=starts,
                expires=expires,
                place=Place("a.yaml", 7, 3),
            ),
            UserOverrideEntry(
                user="bob",
                group="eng",
                limit=usd(50),
                reason="",
                starts=None,
                expires=None,
                place=Place("a.yaml", 8, 3),
            ),
        ),
        guardrails=(),
        allow=(),
    )


def explained(
    world: World,
    *,
    spent: int | None = None,
    says: Effective | None = None,
    sessions: tuple[Session, ...] | None = (),
    policies: tuple[Policy, ...] = (),
    is_self: bool = False,
) -> Explanation:
    snapshot = world.snapshot()
    spend = None if spent is None else UserSpend(spend=usd(spent), effective=says, period_start=START, period_end=END)
    user = snapshot.directory.users[UserId("ana")]
    looked_up = resolved(snapshot.directory, *policies)
    return explain(
        user, snapshot, Activity(at=NOW, spend=spend, sessions=sessions, since=START), looked_up, is_self=is_self
    )


def text(explanation: Explanation) -> list[str]:
    return [str(line) for line in explanation_lines(explanation)]


def test_an_override_with_what_it_hides_and_when_it_ends() -> None:
    world = World(TEAM, {"acme": 10, "acme/eng": 20}, {"ana": (50, "acme/eng")})
    tokens = Tokens(input=1000, output=200, cache_read=30, cache_write=4)
    sessions = (
        Session(id="1", started_at=START, client="codex", providers=("openai",), models=("gpt-5",), tokens=tokens),
        Session(id="2", started_at=START, client="codex", providers=("openai",), models=("gpt-5",), tokens=tokens),
        Session(
            id="3",
            started_at=START,
            client="claude-code",
            providers=("anthropic",),
            models=("claude-sonnet",),
            tokens=Tokens(input=1, output=2),
        ),
    )
    found = explained(
        world,
        spent=12,
        says=limit(50, "acme/eng", by_override=True),
        sessions=sessions,
        policies=(policy(expires=NOW + timedelta(39)),),
    )
    assert text(found) == [
        "ana may spend $50.00 a month, by an override booked on group/acme/eng.",
        "Spent $12.00 since 2026-11-01; $38.00 left, until 2026-12-01.",
        "",
        "Override: $50.00, booked on group/acme/eng. a.yaml:7:3 says $50.00 (sprint); "
        "expires 2027-01-01 00:00 UTC, in 39 days, then $20.00 by group/acme/eng.",
        "Groups, in the order of the rule:",
        "  > group/acme/eng         $20.00   a.yaml:4:3 says $20.00.",
        "    group/acme/Everyone    $10.00",
        "    group/acme/ops       no limit   a.yaml:5:3 says none.",
        "Why: an override wins over every group budget, be it higher or lower.",
        "",
        "AI sessions since 2026-11-01:",
        "  codex        openai     gpt-5          2 sessions  2,000 tokens in, 400 out, 68 cached",
        "  claude-code  anthropic  claude-sonnet  1 session   1 tokens in, 2 out",
    ]


def test_an_override_over_nothing_and_entries_of_other_days() -> None:
    world = World(TEAM, {}, {"ana": (50, "acme/eng")})
    over = text(explained(world, policies=(policy(expires=NOW - timedelta(3)),)))
    assert "expired 2026-11-20 00:00 UTC, 3 days ago, then no limit." in over[2]
    assert over[1] == ""  # nothing of what the server does not say
    elsewhere = replace(policy(expires=None), organization="beta", user_overrides=())
    assert text(explained(World(TEAM), policies=(elsewhere,))) == text(explained(World(TEAM)))
    coming = text(explained(World(TEAM), policies=(policy(expires=None, starts=NOW + timedelta(2)),)))
    assert coming[2] == "Override: none. a.yaml:7:3 says $50.00 (sprint); starts 2026-11-25 00:00 UTC, in 2 days."
    started = text(explained(World(TEAM), policies=(policy(expires=None, starts=NOW),)))
    assert started[2] == "Override: none. a.yaml:7:3 says $50.00 (sprint)."
    unknown = World(TEAM, {"acme/ops": Unknown("500")}, {"ana": (50, "acme")})
    ending = text(explained(unknown, policies=(policy(expires=NOW + timedelta(1)),)))
    assert ending[2].endswith("expires 2026-11-24 00:00 UTC, in 24 hours.")


def test_why_a_group_wins() -> None:
    assert text(explained(World(TEAM, {"acme": 10})))[-1] == "Why: it is their only budget."
    assert text(explained(World(TEAM, {"acme": 10, "acme/eng": 20})))[-1] == "Why: the highest of their 2 budgets."
    tie = "Why: the highest of their budgets; of 2 equal ones that of the group with the lowest id."
    assert text(explained(World(TEAM, {"acme": 10, "acme/eng": 10})))[-1] == tie


def test_of_equal_budgets_the_one_that_wins_is_explained() -> None:
    members, joined = {**TEAM, "beta": ["ana"]}, {("ana", "acme"): 1, ("ana", "beta"): 2}
    first = "of 2 equal ones that of the organization they joined first."
    two = World(members, {"acme": 10, "beta": 10}, joined=joined)
    assert text(explained(two))[-1] == f"Why: the highest of their budgets; {first}"
    three = World(members, {"acme": 10, "acme/eng": 10, "beta": 10}, joined=joined)
    assert text(explained(three))[-1].endswith("they joined first, and there of the group with the lowest id.")


def test_what_other_organizations_may_hold_is_not_claimed_by_who_may_not_read_them() -> None:
    world = World(TEAM, {"acme": 10}, {"ana": (50, "acme/eng")})
    admin = replace(world.snapshot(), deployment=replace(world.snapshot().deployment, roles=()))
    user, nothing = admin.directory.users[UserId("ana")], Activity(at=NOW, spend=None, sessions=(), since=START)
    found = explain(user, admin, nothing, is_self=False)
    assert (found.effective, found.fallback) == (limit(50, "acme/eng", by_override=True), Unknown(MAYBE_ELSEWHERE))
    assert text(found)[2] == "Override: $50.00, booked on group/acme/eng."
    assert explain(user, admin, nothing, is_self=True).fallback == limit(10, "acme")
    without = replace(admin, user_overrides={user.id: ABSENT})
    assert explain(user, without, nothing, is_self=False).effective == Unknown(UNCONFIRMED)
    assert explain(user, without, nothing, is_self=True).effective == limit(10, "acme"), "who asks knows their groups"
    told = replace(without, reported={user.id: limit(10, "acme")})
    assert explain(user, told, nothing, is_self=False).effective == limit(10, "acme")
    assert explain(user, told, nothing, is_self=False).reported == limit(10, "acme")
    says = UserSpend(spend=usd(1), effective=limit(10, "acme"), period_start=START, period_end=END)
    asked = replace(nothing, spend=says)
    assert explain(user, without, asked, is_self=False).effective == limit(10, "acme"), (
        "Coder was asked about them alone"
    )


def test_before_2_36_the_first_name_of_a_group_wins_among_equal_budgets_and_is_explained() -> None:
    """It said that the organization joined first, or the lowest id, had decided."""
    members = {**TEAM, "beta": ["ana"], "beta/eng": ["ana"]}
    joined = {("ana", "acme"): 1, ("ana", "beta"): 2}
    names = explained(World(members, {"acme/ops": 10, "beta/eng": 10}, joined=joined, offers=OLD_SERVER))
    assert names.effective == limit(10, "beta/eng")
    assert (
        text(names)[-1]
        == "Why: the highest of their budgets; of 2 equal ones that of the group whose name is first in the alphabet."
    )
    ids = explained(World(members, {"acme/eng": 10, "acme/ops": 10, "beta/eng": 10}, joined=joined, offers=OLD_SERVER))
    assert ids.effective == limit(10, "acme/eng")
    assert text(ids)[-1].endswith("whose name is first in the alphabet, and of these the one with the lowest id.")
    cases = explained(World({"acme": ["ana"], "acme/eng": ["ana"]}, {"acme": 10, "acme/eng": 10}, offers=OLD_SERVER))
    assert cases.effective == limit(10, "acme/eng")
    instead = "{}, if Coder's database sorts names by the codes of their characters"
    assert text(cases)[-1].endswith(f"in the alphabet ({instead.format('Everyone')}).")
    hyphens = {"acme": ["ana"], "acme/ops-eu": ["ana"], "acme/opsa": ["ana"]}
    codes = explained(World(hyphens, {"acme/ops-eu": 10, "acme/opsa": 10}, offers=OLD_SERVER))
    assert codes.effective == limit(10, "acme/opsa")
    assert text(codes)[-1].endswith(f"in the alphabet ({instead.format('ops-eu')}).")
    newer = explained(World(members, {"acme/ops": 10, "beta/eng": 10}, joined=joined))
    assert newer.effective == limit(10, "acme/ops")


@pytest.mark.parametrize("budgets", [{"acme": 10}, {}])
def test_a_higher_budget_that_this_token_may_not_read_is_what_limits_them(budgets: dict[str, int]) -> None:
    """It said first that they may spend what they may by the groups that can be read, and why; then what Coder says."""
    found = explained(World(TEAM, budgets), spent=1, says=limit(50, "beta/x"))
    lines = text(found)
    assert lines[0] == "ana may spend $50.00 a month, by the budget of group/beta/x."
    assert lines[1] == "Spent $1.00 since 2026-11-01; $49.00 left, until 2026-12-01."
    assert not any("> " in line or "But Coder" in line for line in lines)
    assert lines[-1].startswith("Why: Coder reports the budget of a group that this token may not read;")
    assert (found.is_disputed, found.effective) == (False, limit(50, "beta/x"))


@pytest.mark.parametrize(
    ("says", "override"),
    [
        (limit(50, "acme/eng"), ABSENT),
        (limit(50, "beta/x", by_override=True), ABSENT),
        (limit(50, "beta/x"), Unknown("HTTP 502")),
        (limit(50, "beta/x"), (10, "acme/eng")),
    ],
    ids=["a group that is seen", "an override", "an override that was not read", "a group under an override"],
)
def test_what_coder_says_against_the_rule_is_no_higher_budget_elsewhere(
    says: Effective, override: Reading | tuple[int, str]
) -> None:
    found = explained(World(TEAM, {"acme": 10}, {"ana": override}), spent=1, says=says)
    assert found.is_disputed
    assert found.effective != says


ONE = World(TEAM, {"acme": 10})


@pytest.mark.parametrize(
    ("world", "reads_all", "is_self", "says", "unread"),
    [
        (ONE, True, False, None, []),
        (ONE, False, False, None, [UNSEEN]),
        (ONE, False, True, None, []),
        (ONE, False, False, limit(10, "acme"), []),
        (ONE, False, False, limit(9, "acme"), [UNSEEN]),
        (World(TEAM, {"acme": 10}, {"ana": (50, "acme/eng")}), False, False, None, []),
        (World({"acme": []}, {}, {"ana": ABSENT}), False, True, None, [UNSEEN]),
        (World(TEAM, {"acme": 10}, offers=FIRST_SERVER), True, False, None, [NOT_ENFORCED]),
    ],
    ids=[
        "all is read", "another organization may limit them", "they ask themself", "Coder says the same",
        "Coder says another limit", "an override wins", "no group is seen", "nothing is enforced",
    ],
)  # fmt: skip
def test_budgets_that_were_not_read_are_told_where_they_can_matter(
    world: World, reads_all: bool, is_self: bool, says: Effective | None, unread: list[str]
) -> None:
    snapshot = world.snapshot()
    deployment = replace(snapshot.deployment, roles=snapshot.deployment.roles if reads_all else ())
    spend = UserSpend(spend=usd(1), effective=says, period_start=START, period_end=END)
    activity = Activity(at=NOW, spend=spend, sessions=(), since=START, unread=("The sessions were not read.",))
    user = snapshot.directory.users[UserId("ana")]
    found = explain(user, replace(snapshot, deployment=deployment), activity, is_self=is_self)
    assert found.unread == ("The sessions were not read.", *unread)


def test_who_asks_about_themself_is_not_sure_where_a_list_of_groups_failed() -> None:
    snapshot, beta = ONE.snapshot(), Organization(name="beta", id=OrganizationId("beta"), is_default=False)
    directory = replace(
        snapshot.directory,
        organizations={**snapshot.directory.organizations, beta.id: beta},
        failures={beta.id: Unlisted(reason="HTTP 500.", hint="try again")},
    )
    activity = Activity(at=NOW, spend=None, sessions=(), since=START)
    user = directory.users[UserId("ana")]
    found = explain(user, replace(snapshot, directory=directory), activity, is_self=True)
    assert [sentence.split(" 500")[0] for sentence in found.unread] == [
        "The groups of organization beta could not be read (HTTP"
    ]


def test_nobody_limits_them() -> None:
    lines = text(explained(World(TEAM), spent=7, says=unlimited(), sessions=None))
    assert lines[0] == "ana has no limit; spend is booked on group/acme/Everyone."
    assert lines[1] == "Spent $7.00 since 2026-11-01."
    assert lines[-1] == "Why: they have no override, and none of their groups has a budget."


def test_blocked_people_read_so() -> None:
    lines = text(explained(World(TEAM, {"acme": 10}), spent=12, says=limit(10, "acme")))
    assert lines[1] == "Spent $12.00 since 2026-11-01; blocked, until 2026-12-01."


def test_a_block_does_not_end_with_the_month() -> None:
    lines = text(explained(World({"acme": ["ana"]}, {"acme": 0}), spent=0, says=limit(0, "acme")))
    assert lines[1] == "Spent $0.00 since 2026-11-01; blocked in every month, until the limit is raised."


def test_who_is_blocked_is_told_whom_to_ask() -> None:
    """Nothing said it; and an override that somebody set by hand read like one that the policy lists."""
    own, groups = {"ana": (0, "acme/eng")}, {"acme": 10, "acme/eng": 20}
    listed = (policy(expires=None),)
    by_policy = text(
        explained(World(TEAM, groups, own), spent=50, says=limit(0, "acme/eng", by_override=True), policies=listed)
    )
    assert by_policy[-1] == "To work again: ask for a higher limit in a.yaml:7:3."
    by_hand = text(explained(World(TEAM, groups, own), spent=0, says=limit(0, "acme/eng", by_override=True)))
    assert by_hand[-1] == "To work again: ask an Owner or a User Admin of Coder for a higher limit."
    assert by_hand[3] == "Override: $0.00, booked on group/acme/eng."
    other = (replace(policy(expires=None), user_overrides=()),)
    not_listed = text(explained(World(TEAM, groups, own), spent=0, policies=other))
    assert not_listed[3].endswith(". No policy file that was read lists it.")
    by_group = text(explained(World(TEAM, groups), spent=20, says=limit(20, "acme/eng"), policies=other))
    assert by_group[-1] == "To work again: ask for a higher limit in a.yaml:4:3."
    roles = text(explained(World(TEAM, groups), spent=20, says=limit(20, "acme/eng")))
    assert roles[-1].startswith("To work again: ask an Owner, a User Admin or an Organization Admin of Coder")
    assert not any(line.startswith("To work") for line in text(explained(World(TEAM, groups), spent=19)))


@pytest.mark.parametrize(
    ("starts", "expires", "is_due"),
    [(None, None, True), (NOW, NOW + timedelta(1), True), (NOW + timedelta(1), None, False), (None, NOW, False)],
)
def test_who_is_blocked_until_the_policy_is_applied_is_told_so(
    starts: datetime | None, expires: datetime | None, is_due: bool
) -> None:
    """After the merge of a raise that nobody had applied yet, `explain` sent people to ask for that very raise."""
    listed = (policy(starts=starts, expires=expires),)
    applied = "To work again: ask for an apply of the policy: a.yaml:7:3 says $50.00, which is not live."
    by_group = text(explained(World(TEAM, {"acme/eng": 20}), spent=49, says=limit(20, "acme/eng"), policies=listed))
    assert by_group[-1] == (applied if is_due else "To work again: ask for a higher limit in a.yaml:4:3.")
    says = limit(0, "acme/eng", by_override=True)
    own = text(explained(World(TEAM, {}, {"ana": (0, "acme/eng")}), spent=49, says=says, policies=listed))
    assert own[-1] == (applied if is_due else "To work again: ask for a higher limit in a.yaml:7:3.")
    low = text(explained(World(TEAM, {"acme/eng": 10}), spent=15, says=limit(10, "acme/eng"), policies=listed))
    assert low[-1] == (applied if is_due else applied.replace("7:3 says $50", "4:3 says $20"))


def test_no_apply_is_asked_for_that_would_not_help() -> None:
    """An override wins over a group's entry; and where the server reports another limit, nobody knows what is live."""
    listed = (replace(policy(expires=None), user_overrides=()),)
    world = World(TEAM, {"acme/eng": 10}, {"ana": (0, "acme/eng")})
    own = text(explained(world, spent=15, says=limit(0, "acme/eng", by_override=True), policies=listed))
    assert own[-1] == "To work again: ask an Owner or a User Admin of Coder for a higher limit."
    disputed = text(explained(World(TEAM, {"acme/eng": 20}), spent=15, says=limit(10, "acme/eng"), policies=listed))
    assert disputed[-1] == "To work again: ask for a higher limit in a.yaml:4:3."


def test_an_explanation_that_does_not_say_whether_it_read_policies_is_read() -> None:
    made = explained(World(TEAM, {"acme": 10}), policies=(policy(expires=None),))
    assert load(dump(made), source="") == made
    body = json.loads(dump(made))
    title = body["format"]
    for key in ("format", "version", "checksum", "has_policies"):
        del body[key]
    assert load(document.dump(title, 2, body), source="") == replace(made, has_policies=False)


def test_the_server_is_believed_and_what_is_not_known_is_said() -> None:
    disputed = text(explained(World(TEAM, {"acme": 10}), spent=1, says=limit(3, "beta/x")))
    assert disputed[1] == "But Coder itself reports $3.00, booked on group/beta/x. That limit holds."
    free = text(explained(World(TEAM, {"acme": 10}), spent=1, says=unlimited()))
    assert free[1] == "But Coder itself reports no limit, booked on group/acme/Everyone. That limit holds."
    unknown = explained(
        World(TEAM, {"acme": 1, "acme/ops": Unknown("HTTP 500")}, {"ana": Unknown("HTTP 502")}), spent=3
    )
    lines = text(unknown)
    assert lines[0] == "It is not known what limits ana: their override is not known: HTTP 502."
    assert lines[1] == "Spent $3.00 since 2026-11-01."
    assert lines[3] == "Override: not known (HTTP 502)."
    assert lines[6] == "    group/acme/ops       not known"
    assert not any(line.startswith("Why") for line in lines)
    assert unknown.left_micros is None


def test_only_whoever_asks_about_themself_is_sure_of_their_groups() -> None:
    world = World(TEAM, {"acme": 10, "acme/other": 99}, hidden={"acme/other": 3})
    assert isinstance(explained(world).effective, Unknown)
    assert explained(world, is_self=True).effective == limit(10, "acme")


def test_people_without_groups_and_many_kinds_of_sessions() -> None:
    world = World({"acme": []}, overrides={"ana": ABSENT})
    sessions = tuple(
        Session(id=str(n), started_at=START, client=f"c{n:02}", providers=(), models=(), tokens=Tokens())
        for n in range(14)
    )
    lines = text(explained(world, sessions=sessions))
    assert lines[3] == "Groups: none that can be seen."
    assert lines[-1] == "  and 2 sessions of other kinds"
    assert len(lines) == 19


def test_an_override_on_a_group_that_cannot_be_seen() -> None:
    found = explained(World(TEAM, {}, {"ana": (5, "beta/x")}))
    assert text(found)[2] == "Override: $5.00, booked on beta/x."


@pytest.mark.parametrize("version", ["2026-05-29", "2.34", "2.35", "2.36", "2.37"])
def test_a_member_explains_their_own_limit_with_their_own_token(version: str) -> None:
    with sandbox_and_reader(version, role="member", now=NOW) as (sandbox, reader):
        found = find_explanation("me", reader, at=NOW)
        assert {request.method for request in sandbox.requests if request.path != "/api/v2/authcheck"} == {"GET"}
        with pytest.raises(ReconcilerError, match="User 'ana' is unknown"):
            find_explanation("ana", reader, at=NOW)
    assert (found.user.username, found.is_disputed) == ("mia", False)
    assert isinstance(found.effective, Effective)
    assert found.effective.limit_micros == usd(50)
    assert [one.address for one in found.candidates] == ["group/acme/Everyone"]
    assert found.period_start == START


def test_everybody_is_found_by_name_address_and_id() -> None:
    with sandbox_and_reader(now=NOW) as (_, reader):
        ana = find_explanation("ANA@acme.example", reader, at=NOW)
        assert find_explanation(ana.user.id, reader, at=NOW) == ana
        twin = replace(ana.user, username="twin", id=UserId("x"))
        directory = reader.directory()
        reader._directory = replace(directory, users={**directory.users, twin.id: twin})
        with pytest.raises(ReconcilerError, match="ambiguous") as raised:
            find_explanation("ana@acme.example", reader, at=NOW)
    assert raised.value.hint == "name one: ana, twin"
    assert ana.left_micros == usd(1500) - 148_350_000


def test_the_command_prints_text_or_one_document(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.yaml").write_text("version: 1\norganization: acme\ngroup_budgets: [{group: data, limit: 100}]\n")
    with sandbox_and_reader(role="auditor") as (sandbox, _):
        monkeypatch.setenv("CODER_URL", sandbox.url)
        monkeypatch.setenv("CODER_SESSION_TOKEN", sandbox.tokens["auditor"])
        assert run(["explain", "eve"]) == 0
        plain = capsys.readouterr().out
        assert run(["explain", "eve", "mine.yaml", "--json"]) == 0
        document = json.loads(capsys.readouterr().out)
    assert plain.startswith("eve may spend $100.00 a month, by the budget of group/acme/data.\n")
    assert document["format"] == "reconciler explanation"
    assert document["candidates"][0]["entries"][0]["place"]["line"] == 3
    assert document["usage"][0]["client"] == "codex"
    assert "Explain this query" not in json.dumps(document)


def test_where_overrides_are_hidden_the_groups_are_explained_and_the_limit_is_not_known() -> None:
    with sandbox_and_reader("2.35", now=NOW, experiments=()) as (_, reader):
        found = find_explanation("ana", reader, at=NOW)
    assert text(found)[0] == (
        "It is not known what limits ana: their override is not known: this server does not show overrides."
    )
    assert [one.wins for one in found.candidates] == [True, False, False]


@pytest.mark.parametrize(
    ("spent", "paced", "sentence"),
    [
        (10, 7, "At the pace of the last 7 days, $1 a day, it lasts until 2026-12-01."),
        (10, 140, "At the pace of the last 7 days, $20 a day, it is used up on 2026-11-25."),
        (10, 0, "Spent $10.00 since 2026-11-01; $40.00 left, until 2026-12-01."),
        (50, 140, "Spent $50.00 since 2026-11-01; blocked, until 2026-12-01."),
    ],
)
def test_how_long_it_lasts(spent: int, paced: int, sentence: str) -> None:
    world = World(TEAM, {"acme": 50})
    snapshot = world.snapshot()
    window = Window(start=NOW - 7 * DAY, end=NOW)
    pace = Pace(basis=Basis.LAST_DAYS, window=window, spent={UserId("ana"): usd(paced)})
    spend = UserSpend(spend=usd(spent), effective=limit(50, "acme"), period_start=START, period_end=month_of(NOW).end)
    activity = Activity(at=NOW, spend=spend, sessions=None, since=START, pace=pace)
    explanation = explain(snapshot.directory.users[UserId("ana")], snapshot, activity, is_self=False)
    lines = text(explanation)
    assert sentence == lines[lines.index("") - 1]
    assert (explanation.reaches_at is not None) == ("used up" in sentence)


def test_what_is_left_and_what_was_spent_are_the_limit_although_cents_are_cut_off() -> None:
    found = explained(World(TEAM, {"acme": 50}), spent=10)
    found = replace(found, spend=Micros(10_005_000))
    assert text(found)[1] == "Spent $10.00 since 2026-11-01; $40.00 left, until 2026-12-01."


def test_who_is_suspended_is_not_told_to_ask_for_a_higher_limit() -> None:
    blocked = explained(World(TEAM, {"acme": 10}), spent=10)
    assert "To work again: ask an Owner, a User Admin or an Organization Admin of Coder for a higher limit." in text(
        blocked
    )
    suspended = text(replace(blocked, user=replace(blocked.user, status="suspended")))
    assert (
        suspended[2] == "Their account is suspended: they cannot work until it is activated, with budget left or not."
    )
    assert not any("To work again" in line for line in suspended)


def test_of_a_snapshot_it_is_said_first_that_the_server_was_not_asked() -> None:
    found = replace(explained(World(TEAM, {"acme": 10})), snapshot_at=NOW)
    assert text(found)[0] == "From a snapshot of 2026-11-23; the server was not asked."


@pytest.mark.parametrize(
    ("world", "says", "is_told"),
    [
        (World(TEAM, {"acme": 50}), None, True),
        (World(TEAM, {"acme": 500}), limit(50, "beta/x"), True),
        (World(TEAM), None, False),
        (World(TEAM, {"acme": Unknown("HTTP 500")}), None, False),
    ],
    ids=["the rule", "Coder against the rule", "no limit", "not known"],
)
def test_when_a_limit_is_reached_is_told_of_the_limit_that_holds(
    world: World, says: Effective | None, is_told: bool
) -> None:
    snapshot = world.snapshot()
    pace = Pace(basis=Basis.LAST_DAYS, window=Window(start=NOW - 7 * DAY, end=NOW), spent={UserId("ana"): usd(140)})
    spend = UserSpend(spend=usd(10), effective=says, period_start=START, period_end=END)
    activity = Activity(at=NOW, spend=spend, sessions=None, since=START, pace=pace)
    found = explain(snapshot.directory.users[UserId("ana")], snapshot, activity, is_self=False)
    assert found.reaches_at == (NOW + 2 * DAY if is_told else None)
    assert explain(found.user, snapshot, replace(activity, spend=None), is_self=False).reaches_at is None


def test_the_sessions_with_most_tokens_come_first_and_each_kind_is_added_up() -> None:
    def session(client: str, read: int, written: int) -> Session:
        tokens = Tokens(input=read, output=written, cache_read=1, cache_write=2)
        return Session(id="s", started_at=START, client=client, providers=("p", "q"), models=("m",), tokens=tokens)

    usage = explained(
        ONE, sessions=(session("a", 30, 1), session("b", 20, 20), session("c", 20, 5), session("c", 5, 20))
    ).usage
    assert usage is not None
    assert [(row.client, row.provider, row.sessions, row.tokens) for row in usage] == [
        ("c", "p, q", 2, Tokens(input=25, output=25, cache_read=2, cache_write=4)),
        ("b", "p, q", 1, Tokens(input=20, output=20, cache_read=1, cache_write=2)),
        ("a", "p, q", 1, Tokens(input=30, output=1, cache_read=1, cache_write=2)),
    ]
