"""`status` against what the sandbox's own SQL says, for every token and generation, and as every reader sees it."""

from __future__ import annotations

import csv
import re
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.budget import Budget, GroupId, Unknown, UserId
from reconciler.core.people.counting import overrides_of, take_census
from reconciler.core.people.effective import HIDDEN, EffectiveLimits
from reconciler.core.people.forecast import Basis, Pace
from reconciler.core.people.leaks import Restarted, leaks_of
from reconciler.core.people.standing import Standing
from reconciler.core.plan.status import OverrideSums
from reconciler.core.spend import DAY, Unpriced, Window, month_of
from reconciler.money import Micros
from reconciler.operations.status import find_status
from reconciler.sandbox import COST_CONTROL_EXPERIMENT, Fault
from tests.cli.goldens import assert_golden
from tests.cli.running import Shell
from tests.effects.reader import SnapshotReader
from tests.effects.worlds import NOW as AT
from tests.effects.worlds import World, limit, ref, spends, unlimited, usd, worlds
from tests.status.helpers import GOLDEN, NOW, company, document, settled

PAGES = {"text": "txt", "markdown": "md", "csv": "csv", "metrics": "prom"}
POLICY = """\
version: 1
organization: acme
user_overrides:
  - {user: ana, group: platform, limit: $1500, reason: migration, expires: 2026-12-01}
  - {user: victor, group: Everyone, limit: $75}
guardrails: {max_limit: $1000, require_reason_above: $500}
"""


def test_the_text_of_a_company(shell: Shell) -> None:
    with company(shell) as sandbox:
        ran = shell.run("status", *(f"--save={name}=status.{end}" for name, end in PAGES.items()), "--save=html=s.html")
        assert (ran.code, ran.err) == (0, "")
        assert_golden(GOLDEN / "status.text", settled(ran.out, sandbox))
        assert len(ran.out.splitlines()) <= 40
        for end in PAGES.values():
            assert_golden(
                GOLDEN / f"status.{end}", settled((shell.folder / f"status.{end}").read_text("utf-8"), sandbox)
            )
        page = (shell.folder / "s.html").read_text("utf-8")
        assert "may be spent a month" in page
        assert "<script" not in page


def test_the_page_does_not_count_people_without_a_limit_among_those_of_the_exposure(shell: Shell) -> None:
    seed = (
        "organizations: [{name: acme, default: true, groups: [{name: eng, members: [ana, bob], budget: 50}], "
        "members: [cleo, olivia]}]\n"
        "users: [{username: ana}, {username: bob}, {username: cleo}, {username: olivia, roles: [auditor]}]\n"
        "spend: [{user: ana, group: acme/eng, amount: 10}, {user: cleo, group: acme/Everyone, amount: 7.5}]\n"
        "tokens: {auditor: olivia}\n"
    )
    (shell.folder / "seed.yaml").write_text(seed, encoding="utf-8")
    with company(shell, seed=str(shell.folder / "seed.yaml")):
        ran = shell.run("status", "--save=html=s.html")
    page = (shell.folder / "s.html").read_text("utf-8")
    assert "2 people may spend $100 a month, spent $10 (10 %). 2 of 4 people have no limit and spent $7.50." in ran.out
    assert "by 2 people with a limit" in page
    assert "spent $7.50 besides" in page


def test_who_is_suspended_is_counted_and_does_not_go_on_spending(shell: Shell) -> None:
    """They cannot work, and were said to reach their limit in a few days."""
    days = "".join(
        f"  - {{user: {name}, group: acme/eng, amount: 100, day: 2026-11-{day}}}\n"
        for name in ("ana", "bob")
        for day in range(17, 23)
    )
    seed = (
        "organizations: [{name: acme, default: true, members: [olivia], "
        "groups: [{name: eng, members: [ana, bob], budget: 1000}]}]\n"
        "users: [{username: ana}, {username: bob, status: suspended}, {username: olivia, roles: [auditor]}]\n"
        f"tokens: {{auditor: olivia}}\nspend:\n{days}"
    )
    (shell.folder / "seed.yaml").write_text(seed, encoding="utf-8")
    shell.policy("version: 1\norganization: acme\ngroup_budgets: [{group: eng, limit: $900}]\n")
    with company(shell, seed=str(shell.folder / "seed.yaml")):
        ran = shell.run("status")
        assert "2 people may spend $2,000 a month, spent $1,200 (60 %); 1 will reach their limit" in ran.out
        planned = shell.run("plan", "--json").document
        assert [row["username"] for row in planned["forecast"]["people"]] == ["ana"]
        explained = shell.run("explain", "bob").out.splitlines()
        assert explained[1:3] == [
            "Spent $600.00 since 2026-11-01; $400.00 left, until 2026-12-01.",
            "Their account is suspended: they cannot work until it is activated, with budget left or not.",
        ]


def test_many_breaches_of_one_guardrail_hide_no_other(shell: Shell) -> None:
    people = ("ana", "bob", "carol", "dan", "erin")
    entries = "".join(f"  - {{user: {name}, group: platform, limit: $700, reason: agreed}}\n" for name in people)
    shell.policy(
        f"version: 1\norganization: acme\nuser_overrides:\n{entries}"
        "  - {user: frank, group: platform, limit: $700, expires: 2026-12-01}\n"
        "guardrails: {max_override_days: 30, require_reason_above: $500}\n"
    )
    with company(shell, seed="demo", role="user-admin"):
        ran = shell.run("status", "--save=html=s.html")
    assert ran.out.count("max_override_days: ") == 4
    assert "max_override_days: 2 more breaches; --json lists all of them." in ran.out
    assert "require_reason_above: " in ran.out
    page = (shell.folder / "s.html").read_text("utf-8")
    assert page.count("max_override_days: ") == 5
    assert "more breaches" not in page, "the page lists all of them"


def test_the_demo_company_with_a_policy(shell: Shell) -> None:
    shell.policy(POLICY)
    with company(shell, seed="demo", role="user-admin") as sandbox:
        ran = shell.run("status")
        assert_golden(GOLDEN / "demo.text", settled(ran.out, sandbox))
        body = shell.run("status", "--json").document
    assert body["override_sums"] == {
        "total": 4, "never_ending": 1, "not_listed": 2, "ending_soon": 1, "changing_nothing": 0,
    }  # fmt: skip
    assert [breach["guardrail"] for breach in body["breaches"]] == ["max_limit"]


def test_an_override_that_has_ended_and_is_still_there_is_not_said_to_end(shell: Shell) -> None:
    """As where the hourly apply has not run since."""
    shell.policy(POLICY.replace("2026-12-01", "2026-11-01"))
    with company(shell, seed="demo", role="user-admin"):
        ran = shell.run("status")
    assert "; ended or ending within 14 days: 1 (ana (ended 2026-11-01, still there, then $500))." in ran.out


def test_overrides_are_counted_by_what_needs_a_look() -> None:
    world = World({"acme": ["ana"]}, {"acme": 20}, {"ana": (50, "acme")})
    status = find_status((), SnapshotReader(world.snapshot()), at=AT)
    (own,) = status.overrides
    for_good = replace(own, is_listed=True)
    in_time = [replace(for_good, expires=AT + timedelta(days=days)) for days in (-1, 14, 15)]
    idle = replace(own, budget=Budget(usd(20), ref("acme")))
    assert replace(status, overrides=(own, for_good, *in_time, idle)).override_sums == OverrideSums(
        total=6, never_ending=1, not_listed=2, ending_soon=2, changing_nothing=1
    )


def test_an_override_that_changes_nothing_is_named(shell: Shell) -> None:
    seed = (
        "organizations: [{name: acme, default: true, members: [olivia], "
        "groups: [{name: eng, members: [ana, bob], budget: 50}]}]\n"
        "users: [{username: ana}, {username: bob}, {username: olivia, roles: [auditor]}]\n"
        "overrides: [{user: ana, group: acme/eng, limit: 50}, {user: bob, group: acme/eng, limit: 60}]\n"
        "tokens: {auditor: olivia}\n"
    )
    (shell.folder / "seed.yaml").write_text(seed, encoding="utf-8")
    with company(shell, seed=str(shell.folder / "seed.yaml")):
        out = shell.run("status").out
    assert "\nOverrides: 2; changing nothing: 1 (ana). Only a policy says when they end: pass --policies PATH.\n" in out


@pytest.mark.parametrize("version", ["2.36", "2.37"])
@pytest.mark.parametrize("role", ["owner", "user-admin", "auditor"])
def test_everybody_has_the_limit_and_spend_that_the_server_has(shell: Shell, version: str, role: str) -> None:
    with company(shell, role=role, seed="150-users,9-groups,2-organizations", coder_version=version) as sandbox:
        body = shell.run("status", "--json").document
        effective = {user: (group, amount) for user, _, amount, _, group in sandbox.effective()}
        spent = {
            (user, group): micros
            for user, group, micros in sandbox.execute(
                "SELECT user_id, group_id, sum(cost_micros) FROM ai_daily_spend WHERE day >= '2026-11-01' GROUP BY 1, 2"
            )
        }
    assert len(body["people"]) == 150
    for person in body["people"]:
        group, amount = effective[person["user_id"]]
        shown = person["effective"]["limit_micros"]
        assert (shown if isinstance(shown, int) else None) == amount, person
        assert person["spend_micros"] == spent.get((person["user_id"], group), 0)
    assert body["total"]["spent_micros"] + body["total"]["unlimited_spent_micros"] == sum(
        person["spend_micros"] for person in body["people"]
    )
    assert body["total"]["people"] == sum(group["sums"]["people"] for group in body["groups"])


@pytest.mark.parametrize(
    ("names", "says"),
    [
        ([], ["38 people of acme"]),
        (["acme"], ["38 people of acme"]),
        (["mia"], []),
        (["platform"], ["12 people of group/acme/platform"]),
        (["mia", "platform", "group/acme/data"], ["5 people of group/acme/data", "12 people of group/acme/platform"]),
    ],
)
def test_hidden_members_are_counted_of_what_was_asked_for(shell: Shell, names: list[str], says: list[str]) -> None:
    """`status mia` told of 38 people of the organization that they are not counted."""
    with company(shell, role="member", seed="demo"):
        unknown = shell.run("status", *names, "--json").document["unknown"]
    end = " may not be read with this token; they are not counted."
    assert [sentence.removesuffix(end) for sentence in unknown if sentence.endswith(end)] == says


def test_a_member_sees_what_a_member_may_see(shell: Shell) -> None:
    with company(shell, role="member", seed="demo") as sandbox:
        ran = shell.run("status", "me-and-nobody")
        assert ran.code == 1
        ran = shell.run("status")
        assert_golden(GOLDEN / "member.text", settled(ran.out, sandbox))
        assert ran.code == 0


def test_of_nobody_it_does_not_say_that_there_is_too_little_spend(shell: Shell) -> None:
    """Of a group whose members are hidden no spend is asked for, so nothing is known of its days."""
    with company(shell, role="member", seed="demo"):
        ran = shell.run("status", "platform")
    assert ran.code == 0
    assert "may not be read with this token; they are not counted." in ran.out
    assert "days of spend" not in ran.out


def test_an_old_server_says_limits_and_no_spend(shell: Shell) -> None:
    with company(shell, coder_version="2.35", experiments=(COST_CONTROL_EXPERIMENT,)) as sandbox:
        ran = shell.run("status")
        assert_golden(GOLDEN / "old.text", settled(ran.out, sandbox))
        body = shell.run("status", "--json").document
    assert body["total"]["exposure_micros"] > 0
    assert body["total"]["spend_unknown"] == body["total"]["people"] == 60
    assert body["leaks"]["unpriced"] is None


def test_a_server_that_shows_no_overrides_is_said_to_be_the_reason(shell: Shell) -> None:
    """The 2.35 that people run: nobody's limit is known, and that is not 0 people in each group."""
    with company(shell, seed="demo", coder_version="2.35"):
        out = shell.run("status", "--save=csv=s.csv", "--save=html=s.html").out
        person = shell.run("status", "mia", "--format", "markdown").out
    assert "\nThe limits of 43 people are not known.\n" in out
    assert "This Coder does not show overrides (2.36 does), so what limits its people is not known.\n" in out
    assert ["acme/platform", "$500"] in [line.split() for line in out.splitlines()]
    assert not re.search(r"(people|person|mia) may spend", out + person)
    with (shell.folder / "s.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 43
    remark = f"not known: their override is not known: {HIDDEN.reason}"
    assert {(row["limit_usd"], row["standing"], row["remark"]) for row in rows} == {("", "", remark)}
    page = (shell.folder / "s.html").read_text("utf-8")
    assert "Promised and spent" not in page, "there is nothing to draw"
    assert "Spend against the limit" not in page


class _WithoutSpend(SnapshotReader):
    def spend(self, asked: object) -> dict[GroupId, dict[UserId, Micros]]:
        return {}


def test_what_is_not_known_is_counted() -> None:
    everyone = {"acme": ["ana", "bob"]}
    reported = World(everyone, {"acme": 20}, reported={"ana": limit(9, "acme")})
    status = find_status((), SnapshotReader(reported.snapshot()), at=AT)
    assert (
        "For 1 person Coder reports a different limit than we compute; the one Coder reports is shown."
        in status.unknown
    )
    assert [row.effective for row in status.people] == [limit(9, "acme"), limit(20, "acme")]
    unread = World(everyone, {"acme": 20}, {"ana": Unknown("500")})
    assert (
        "Overrides of 1 person could not be read." in find_status((), SnapshotReader(unread.snapshot()), at=AT).unknown
    )
    silent = find_status((), _WithoutSpend(unread.snapshot()), at=AT)
    assert "Spend of 1 person could not be read." in silent.unknown, "of ana nothing is asked"


@pytest.mark.parametrize(
    ("names", "people"),
    [
        (["ana"], ["ana"]),
        (["user/ana", "ANA", "ana@acme.example"], ["ana"]),
        (["group/acme/interns"], ["ivan", "ines"]),
        (["acme/interns", "ana"], ["ana", "ines", "ivan"]),
        (["interns"], ["ines", "ivan"]),
    ],
)
def test_names_choose(shell: Shell, names: list[str], people: list[str]) -> None:
    with company(shell, seed="demo"):
        body = shell.run("status", *names, "--json").document
    assert body["names"] == names
    if "interns" not in " ".join(names):
        assert [person["username"] for person in body["people"]] == people
    else:
        assert {"ana"} & set(people) <= {person["username"] for person in body["people"]}
        assert len(body["people"]) < 10


@pytest.mark.parametrize("name", ["anna", "group/acme/platfrom", "nowhere/platform", "user/", "group/"])
def test_a_name_that_fits_nobody(shell: Shell, name: str) -> None:
    with company(shell, seed="demo"):
        ran = shell.run("status", name)
    assert ran.code == 1
    assert repr(name) in ran.err


def test_csv_and_json_say_the_same(shell: Shell) -> None:
    with company(shell):
        shell.run("status", "--save=csv=s.csv", "--save=json=s.json")
    rows = list(csv.DictReader((shell.folder / "s.csv").read_text("utf-8").splitlines()))
    people = document(shell.folder / "s.json")["people"]
    assert [row["username"] for row in rows] == [person["username"] for person in people]
    assert [row["standing"] for row in rows] == [person["standing"] for person in people]
    assert [row["used_percent"] for row in rows] == [
        "" if person["used_percent"] is None else str(person["used_percent"]) for person in people
    ]


@given(worlds().flatmap(lambda world: st.tuples(st.just(world), spends(world))))
def test_groups_add_up_to_the_whole(case: tuple[World, dict[GroupId, dict[UserId, Micros]]]) -> None:
    world, spend = case
    snapshot = world.snapshot()
    limits = EffectiveLimits(snapshot.directory, snapshot.group_budgets, snapshot.user_overrides)
    people = frozenset(user for members in snapshot.directory.members.values() for user in members)
    pace = Pace(
        basis=Basis.LAST_DAYS,
        window=Window(start=AT - 7 * DAY, end=AT),
        spent={user: Micros(10 * micros) for users in spend.values() for user, micros in users.items()},
    )
    census = take_census(people, snapshot, limits, spend, pace=pace, period_end=month_of(AT).end, at=AT)
    for name in type(census.total).__slots__:
        whole = getattr(census.total, name)
        assert whole == sum(getattr(group.sums, name) for group in census.groups) + (
            census.total.unknown if name in ("people", "unknown", "spend_unknown") else 0
        )
    for person in census.people:
        assert (person.reaches_at is not None) <= (person.standing is Standing.FREE)
        if person.reaches_at is not None:
            assert AT < person.reaches_at < month_of(AT).end


def test_a_model_that_is_free_on_purpose_is_no_leak(shell: Shell) -> None:
    with company(shell, role="owner") as sandbox:
        model, on = "qwen3-coder-480b", "2026-01-01T00:00:00.000000Z"
        assert f"No price: {model}" in shell.run("status").out
        sandbox.execute(
            "INSERT OR REPLACE INTO ai_model_prices (provider, model, source, input_price, output_price, "
            "cache_read_price, cache_write_price, created_at, updated_at) "
            f"VALUES ('openai', '{model}', 'custom', 0, 0, 0, 0, '{on}', '{on}')"
        )
        assert model not in shell.run("status").out
        (row,) = shell.run("status", "--json").document["leaks"]["unpriced"]
        assert (row["model"], row["is_free"]) == (model, True)
        shell.run("snapshot", "-o", "live.json")
        assert model not in shell.run("status", "--live", "live.json").out


def test_leaks() -> None:
    world = World(
        {"acme": ["ana", "bob", "eve"], "acme/eng": ["ana", "bob"], "acme/ops": ["ana"], "acme/old": ["bob"]},
        {"acme/eng": 100, "acme/ops": 50, "acme/old": 10},
        {"bob": (200, "acme/old")},
    )
    snapshot = world.snapshot()
    limits = EffectiveLimits(snapshot.directory, snapshot.group_budgets, snapshot.user_overrides)
    people = [UserId(name) for name in ("ana", "bob", "eve")]
    booked = {
        GroupId("acme/eng"): {UserId("ana"): usd(5), UserId("bob"): usd(1)},
        GroupId("acme/ops"): {UserId("ana"): usd(7)},
        GroupId("acme"): {UserId("ana"): usd(1), UserId("eve"): usd(9)},
        GroupId("acme/old"): {UserId("bob"): usd(3)},
    }
    census = take_census(people, snapshot, limits, booked, pace=None, period_end=month_of(AT).end, at=AT)
    unpriced = (Unpriced(model="own", provider="cluster", people=1, tokens=5),)
    leaks = leaks_of(census, snapshot, booked=booked, unpriced=unpriced)
    assert leaks.unpriced == unpriced
    assert leaks.idle_groups == (ref("acme/ops"),)
    assert leaks.restarted == (
        Restarted(user_id=UserId("ana"), username="ana", counted_micros=usd(5), spent_micros=usd(13), groups=3),
        Restarted(user_id=UserId("bob"), username="bob", counted_micros=usd(3), spent_micros=usd(4), groups=2),
    )
    assert census.total.unlimited == 1
    assert leaks_of(census, snapshot, booked=None, unpriced=None).restarted is None
    unread = EffectiveLimits(snapshot.directory, snapshot.group_budgets, {}, otherwise=HIDDEN)
    unclear = take_census(people, snapshot, unread, booked, pace=None, period_end=month_of(AT).end, at=AT)
    assert leaks_of(unclear, snapshot, booked=booked, unpriced=()).idle_groups == (), "nobody knows whom they limit"
    part = take_census(people[1:], snapshot, limits, booked, pace=None, period_end=month_of(AT).end, at=AT)
    assert leaks_of(part, snapshot, booked=booked, unpriced=()).idle_groups == ()


def test_an_override_that_changes_nothing() -> None:
    world = World({"acme": ["ana", "bob"], "acme/eng": ["ana", "bob"]}, {"acme/eng": 100}, {"ana": (100, "acme/eng")})
    snapshot = world.snapshot()
    limits = EffectiveLimits(snapshot.directory, snapshot.group_budgets, snapshot.user_overrides)
    (row,) = overrides_of([UserId("ana"), UserId("bob")], snapshot, limits, ends={UserId("ana"): NOW})
    assert (row.changes_nothing, row.is_listed, row.expires) == (True, True, NOW)
    assert row.fallback == limit(100, "acme/eng")
    assert unlimited() != row.fallback


def test_a_price_list_in_another_shape_counts_for_nothing(shell: Shell) -> None:
    with company(shell, role="owner") as sandbox:
        sandbox.fault(Fault("status", path="*/model-prices", status=200, body={"prices": 5}))
        ran = shell.run("status")
    assert (ran.code, "No price: qwen3-coder-480b" in ran.out) == (0, True)


@pytest.mark.parametrize("experimental", [False, True])
def test_requests_without_a_price_are_counted_by_the_server_itself(shell: Shell, experimental: bool) -> None:
    """2.38 says it, below one prefix or the other."""
    with company(shell, coder_version="2.38", experimental_spend_route=experimental) as sandbox:
        rows = sandbox.execute(
            "SELECT sum(unpriced_usage_count) FROM ai_daily_spend s JOIN groups g ON g.id = s.group_id "
            "WHERE day >= ? AND day <= ?",
            (f"{NOW:%Y-%m}-01", f"{NOW:%Y-%m-%d}"),
        )
        ran = shell.run("status", "--json")
        text = shell.run("status")
        shell.run("snapshot", "-o", "live.json")
        again = shell.run("status", "--json", "--live", "live.json")
    assert int(rows[0][0]) > 0
    assert ran.document["leaks"]["unpriced_requests"] == int(rows[0][0])
    assert again.document["leaks"]["unpriced_requests"] == int(rows[0][0])
    assert f"Without a price: {int(rows[0][0]):,} requests of this period, by Coder's own count" in text.out


@pytest.mark.parametrize("body", [{}, {"totals": None}, {"totals": {"cost_micros": 1}}, {"totals": {"x": "y"}}])
def test_a_spend_by_user_in_another_shape_counts_for_nothing(shell: Shell, body: dict[str, object]) -> None:
    with company(shell, coder_version="2.38") as sandbox:
        sandbox.fault(Fault("status", path="*/ai/spend/users*", status=200, body=body))
        ran = shell.run("status", "--json")
    assert (ran.code, ran.document["leaks"]["unpriced_requests"]) == (0, None)
