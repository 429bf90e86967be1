"""The gate: what a hazard counts, which consent covers it, and how it is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler.core.action import Action, Cause, Origin
from reconciler.core.budget import ABSENT, Budget, GroupId, GroupRef, OrganizationId, Unknown, UserId
from reconciler.core.desired import Desired
from reconciler.core.directory import User
from reconciler.core.gate.breach import Breach
from reconciler.core.gate.danger import Danger
from reconciler.core.gate.gate import count_managed, emptied_sections, grants_of, judge, parse_allow
from reconciler.core.gate.hazards import HAZARDS, Grounds
from reconciler.core.gate.verdict import FlagGrant, PolicyGrant, Verdict
from reconciler.core.people.assess import assess
from reconciler.core.people.effects import Effects
from reconciler.core.plan.diff import diff
from reconciler.core.plan.resolve import resolve
from reconciler.core.policy import (
    Consent,
    GroupBudgetEntry,
    GuardrailName,
    Hazard,
    Manage,
    Policy,
    UserOverrideEntry,
)
from reconciler.errors import Place
from tests.effects.dangers import dangers_to_people, mass_changes
from tests.effects.worlds import NOW, World, effects_of_nothing, group_of, resolved, set_group, set_user, usd

PLACE = Place("policies/acme.yaml", 3, 5)
ACME = OrganizationId("acme")
TEAM = {"acme": ["ana", "bob"], "acme/eng": ["ana"], "acme/ops": ["bob"]}


def policy(
    *, allow: tuple[Consent, ...] = (), budgets: Manage = Manage.EXACT, overrides: Manage = Manage.EXACT
) -> Policy:
    return Policy(
        organization="acme",
        place=PLACE,
        group_budgets_managed=budgets,
        user_overrides_managed=overrides,
        group_budgets=(),
        user_overrides=(),
        guardrails=(),
        allow=allow,
    )


def effects_of(world: World, *actions: Action) -> Effects:
    return assess(actions, world.snapshot()).effects({})


def counted_and_behind(hazard: Hazard, world: World, *actions: Action) -> tuple[list[Danger], list[str]]:
    """Return what a hazard counts in a plan, and the addresses that are to blame; nobody's spend could be read."""
    grounds = Grounds(
        effects=effects_of(world, *actions),
        actions=actions,
        directory=world.directory(),
        offers_spend=True,
        managed={},
    )
    row = HAZARDS[hazard]
    return list(row.count(grounds)), list(row.behind(grounds))


def test_a_delete_that_leaves_a_lower_budget_endangers_nobody() -> None:
    world = World(TEAM, {"acme": 5, "acme/eng": 20})
    action, spend = set_group(world, "acme/eng", None), {GroupId("acme"): {UserId("ana"): usd(4)}}
    verdict = judge(dangers_to_people(assess((action,), world.snapshot()).effects(spend)))
    assert verdict.dangers == ()
    assert not verdict.is_refused


def test_people_who_become_unlimited_or_blocked_are_counted_and_refused_with_what_to_paste() -> None:
    world = World(TEAM, {"acme/eng": 20, "acme/ops": 20})
    actions = set_group(world, "acme/eng", None), set_group(world, "acme/ops", 0)
    refusals = judge(dangers_to_people(effects_of(world, *actions))).refusals
    assert [refusal.message for refusal in refusals] == [
        "REMOVES_LIMIT: 1 person would become unlimited (ana)",
        "BLOCKS_USERS: 1 person would be blocked now (bob)",
    ]
    assert "`--allow REMOVES_LIMIT=1`" in refusals[0].hint
    assert "`--allow BLOCKS_USERS=1`" in refusals[1].hint


def test_people_about_whom_nothing_is_known_count_where_the_worst_may_happen() -> None:
    world = World(TEAM, {"acme": Unknown("500"), "acme/eng": 20, "acme/ops": 20})
    actions = set_group(world, "acme/eng", None), set_group(world, "acme/ops", 0)
    unlimited, blocked = dangers_to_people(effects_of(world, *actions))
    assert (unlimited.organization, blocked.organization) == ("acme", "acme")
    assert (unlimited.counted, unlimited.uncertain, blocked.uncertain) == ((), ("ana",), ("bob",))
    (message, _) = [refusal.message for refusal in judge((unlimited, blocked)).refusals]
    assert message == "REMOVES_LIMIT: 1 person would become unlimited (perhaps ana)"


def test_spend_that_could_not_be_read_counts_unless_the_server_has_none() -> None:
    world = World(TEAM, {"acme/eng": 20, "acme/ops": 20})
    effects = effects_of(world, set_group(world, "acme/eng", 10), set_group(world, "acme/ops", 30))
    (blocked,) = dangers_to_people(effects)
    assert (blocked.counted, blocked.uncertain) == ((), ("ana",))
    assert dangers_to_people(effects, offers_spend=False) == ()


def test_consent_is_capped_and_the_largest_one_holds() -> None:
    danger = Danger(hazard=Hazard.BLOCKS_USERS, counted=("ana", "bob"), uncertain=("eve",))
    one, two, three = (FlagGrant(hazard=Hazard.BLOCKS_USERS, up_to=number) for number in (1, 2, 3))
    other = FlagGrant(hazard=Hazard.REMOVES_LIMIT, up_to=9)
    verdict = judge((danger,), grants=(one, two, other))
    assert verdict.refusals[0].message == (
        "BLOCKS_USERS: 3 people would be blocked now (ana, bob, perhaps eve); consent covers 2"
    )
    allowed = verdict.with_grants((three, two))
    assert (allowed.refusals, allowed.used, str(three)) == ((), (three,), "BLOCKS_USERS=3")
    assert len(allowed.grants) == 4
    assert (verdict.uncovered, allowed.uncovered) == ((danger,), ())


TWO = {"acme": ["ana"], "beta": ["kim", "lee"], "corp": ["mia"]}


def test_consent_of_a_policy_covers_its_own_organization_alone() -> None:
    world = World(TWO, {"acme": 20, "beta": 20})
    dangers = dangers_to_people(effects_of(world, set_group(world, "acme", 0), set_group(world, "beta", 0)))
    assert [(danger.organization, danger.count) for danger in dangers] == [("acme", 1), ("beta", 2)]
    acme, beta = (
        PolicyGrant(hazard=Hazard.BLOCKS_USERS, up_to=9, source="policy", organization=name)
        for name in ("acme", "beta")
    )
    (refusal,) = judge(dangers, grants=(acme,)).refusals
    assert refusal.message == "BLOCKS_USERS: 2 people would be blocked now (beta: kim, lee)"
    assert "`--allow BLOCKS_USERS=2`" in refusal.hint
    (both,) = judge(dangers, grants=(FlagGrant(hazard=Hazard.BLOCKS_USERS, up_to=2),)).refusals
    assert both.message.endswith("3 people would be blocked now (acme: ana; beta: kim, lee); consent covers 2")
    assert "`--allow BLOCKS_USERS=3`" in both.hint
    verdict = judge(dangers, grants=(acme, beta))
    assert (verdict.refusals, len(verdict.used)) == ((), 2)


def test_allow_covers_what_no_policy_does_all_organizations_together() -> None:
    dangers = [
        Danger(hazard=Hazard.BLOCKS_USERS, counted=("ana",), organization=name) for name in ("acme", "beta", None)
    ]
    acme, given = (
        PolicyGrant(hazard=Hazard.BLOCKS_USERS, up_to=1, source="policy", organization="acme"),
        FlagGrant(hazard=Hazard.BLOCKS_USERS, up_to=2),
    )
    assert judge(dangers, grants=(acme, given)).refusals == ()
    (refusal,) = judge(dangers, grants=(given,)).refusals
    assert "(acme: ana; beta: ana; organization not known: ana)" in refusal.message


def test_an_override_belongs_to_the_organization_on_which_it_is_booked() -> None:
    world = World(TWO, {}, {"ana": (5, "acme"), "kim": (5, "beta"), "lee": (5, "acme"), "mia": (9, "gone")})
    actions = (
        set_user(world, "ana", (0, "acme")),
        set_user(world, "kim", None),
        set_user(world, "lee", (0, "beta")),
        set_user(world, "mia", (0, "gone")),
    )
    counted = {
        (danger.hazard, danger.organization): danger.counted
        for danger in dangers_to_people(effects_of(world, *actions))
    }
    assert counted == {
        (Hazard.REMOVES_LIMIT, "beta"): ("kim",),
        (Hazard.BLOCKS_USERS, "acme"): ("ana",),
        (Hazard.BLOCKS_USERS, "beta"): ("lee",),
        (Hazard.BLOCKS_USERS, None): ("mia",),
    }


def test_no_policy_speaks_for_somebody_whom_two_organizations_touch_and_nobody_can_tell() -> None:
    members = {"acme": ["ana"], "beta": ["ana"], "corp": ["ana"]}
    world = World(members, {"acme": 5, "beta": 5, "corp": Unknown("500")})
    actions = set_group(world, "acme", None), set_group(world, "beta", None)
    assert [(one.organization, one.uncertain) for one in dangers_to_people(effects_of(world, *actions))] == [
        (None, ("ana",))
    ]
    world = World(members, {"acme": 5, "corp": Unknown("500")})
    assert dangers_to_people(effects_of(world, actions[0]))[0].organization == "acme"


def test_a_mass_change_of_one_organization_is_not_hidden_by_another() -> None:
    live, directory = Budget(usd(1), GroupRef(GroupId("x"))), World({}).directory()
    acme = [Action(subject=group_of(f"acme/g{number}"), before=live, after=ABSENT) for number in range(3)]
    beta = [Action(subject=group_of(f"beta/g{number}"), before=live, after=ABSENT) for number in range(2)]
    large = mass_changes((*acme, *beta), directory, managed={"acme": 4, "beta": 90})
    assert [(danger.organization, danger.count) for danger in large] == [("acme", 3)]
    whole = mass_changes((*acme, *beta), directory, managed={"acme": 10, "beta": 2})
    assert [(danger.organization, danger.count) for danger in whole] == [("acme", 3), ("beta", 2)]


def test_overrides_that_end_as_reviewed_are_no_mass_change() -> None:
    live, directory = Budget(usd(1), GroupRef(GroupId("acme"))), World({"acme": []}).directory()
    users = [User(username=name, id=UserId(name)) for name in ("ana", "bob", "eve")]
    deletes = [Action(subject=user, before=live, after=ABSENT) for user in users]
    ends = [replace(action, cause=Cause.EXPIRED, origin=Origin.DUE) for action in deletes]
    assert [danger.count for danger in mass_changes(deletes, directory, managed={"acme": 3})] == [3]
    assert mass_changes(ends, directory, managed={"acme": 3}) == ()


def test_an_override_whose_group_is_gone_counts_beside_those_of_an_organization() -> None:
    live, lost = Budget(usd(1), GroupRef(GroupId("acme"))), Budget(usd(1), GroupRef(GroupId("gone")))
    people = [
        (User(username=f"{on.group.id}{n}", id=UserId(f"{on.group.id}{n}")), on) for on in (live, lost) for n in "123"
    ]
    deletes = [Action(subject=user, before=on, after=ABSENT) for user, on in people]
    large = mass_changes(deletes, World({"acme": []}).directory(), managed={"acme": 3, None: 3})
    assert [(danger.organization, danger.count) for danger in large] == [(None, 3), ("acme", 3)]


@pytest.mark.parametrize("dollars", [0, 5], ids=["blocked", "perhaps blocked"])
def test_whom_the_reviewed_end_of_their_override_blocks_is_not_behind_a_refusal(dollars: int) -> None:
    """Else the end is held back as long as a change of somebody else is refused."""
    world = World({"acme": ["ana", "bob"]}, {"acme": dollars}, {"ana": (20, "acme"), "bob": (20, "acme")})
    end = replace(set_user(world, "ana", None), cause=Cause.EXPIRED, origin=Origin.DUE)
    counted, behind = counted_and_behind(Hazard.BLOCKS_USERS, world, end, set_user(world, "bob", None))
    assert [*counted[0].counted, *counted[0].uncertain] == ["bob"]
    assert behind == ["user/bob"]


def test_behind_a_refusal_is_what_does_it_to_each_person_that_is_counted() -> None:
    """A due action that is not behind it would be applied without consent."""
    teams = {"acme": ["ana", "bob", "eve", "kim", "zoe"], "acme/eng": ["ana", "eve"], "acme/ops": ["bob", "kim"]}
    hidden = Unknown("it could not be read")
    world = World(teams, {"acme/eng": 20, "acme/ops": 20}, {"eve": hidden, "kim": hidden})
    until_next_month = replace(set_user(world, "zoe", (10, "acme")), expires=NOW + timedelta(days=31))
    actions = set_group(world, "acme/eng", None), set_group(world, "acme/ops", 0), until_next_month
    counted, behind = counted_and_behind(Hazard.REMOVES_LIMIT, world, *actions)
    assert [(danger.counted, danger.uncertain) for danger in counted] == [(("ana", "zoe"), ("eve",))]
    assert behind == ["user/zoe", "group/acme/eng", "user/eve"]
    counted, behind = counted_and_behind(Hazard.BLOCKS_USERS, world, *actions)
    assert [(danger.counted, danger.uncertain) for danger in counted] == [(("bob",), ("kim", "zoe"))]
    assert behind == ["group/acme/ops", "user/zoe", "user/kim"]


def test_who_may_become_unlimited_counts_in_their_own_organization_alone() -> None:
    teams = {"acme": ["ana"], "acme/eng": ["ana"], "beta": ["bob"], "beta/eng": ["bob"]}
    hidden = Unknown("it could not be read")
    world = World(teams, {"acme/eng": 20, "beta/eng": 20}, {"ana": hidden, "bob": hidden})
    actions = set_group(world, "acme/eng", None), set_group(world, "beta/eng", None)
    dangers = dangers_to_people(effects_of(world, *actions))
    assert [(danger.organization, danger.uncertain) for danger in dangers] == [("acme", ("ana",)), ("beta", ("bob",))]


def test_people_who_are_not_seen_are_counted_over_all_groups_of_an_organization() -> None:
    world = World(TEAM, {"acme/eng": 20, "acme/ops": 20}, hidden={"acme/eng": 2, "acme/ops": 3})
    dangers = dangers_to_people(effects_of(world, set_group(world, "acme/eng", 10), set_group(world, "acme/ops", 10)))
    (unseen,) = [danger for danger in dangers if danger.hazard is Hazard.UNSEEN_PEOPLE]
    assert (unseen.count, unseen.organization) == (5, "acme")


def test_while_a_policy_was_not_read_what_is_set_or_raised_counts_and_nothing_else() -> None:
    """What was not read may hold guardrails, and these are about higher limits."""
    world = World(TEAM, {"acme/eng": 20, "acme/ops": 20}, {"bob": (20, "acme/ops")})
    actions = (
        set_group(world, "acme", 5),
        set_group(world, "acme/eng", 30),
        set_group(world, "acme/ops", 10),
        set_user(world, "bob", None),
    )
    read, passed_over = (
        Grounds(
            effects=effects_of_nothing(),
            actions=actions,
            directory=world.directory(),
            offers_spend=True,
            managed={},
            is_whole=is_whole,
        )
        for is_whole in (True, False)
    )
    row = HAZARDS[Hazard.UNREAD_POLICY]
    assert [danger.counted for danger in row.count(read)] == [()]
    assert [danger.counted for danger in row.count(passed_over)] == [("group/acme/Everyone", "group/acme/eng")]


def test_long_lists_of_names_end() -> None:
    danger = Danger(hazard=Hazard.MASS_CHANGE, counted=tuple(f"group/acme/g{number}" for number in range(7)))
    (refusal,) = judge((danger,)).refusals
    assert refusal.message.startswith("MASS_CHANGE: 7 live budgets would be deleted (group/acme/g0, ")
    assert refusal.message.endswith("group/acme/g4 and 2 more)")


HERE = Place("a.yaml", 1, 1)


def test_consent_of_a_policy_is_to_its_hazard_alone_and_until_it_ends() -> None:
    blocked = Danger(hazard=Hazard.BLOCKS_USERS, counted=("ana", "bob"), organization="acme")
    unlimited = Danger(hazard=Hazard.REMOVES_LIMIT, counted=("eve",), organization="acme")
    consent = PolicyGrant(
        hazard=Hazard.REMOVES_LIMIT, up_to=9, source="policy", organization="acme", expires=NOW + timedelta(seconds=1)
    )
    few = replace(consent, hazard=Hazard.BLOCKS_USERS, up_to=1, expires=None)
    verdict = judge((blocked, unlimited), grants=(few, consent))
    assert (verdict.uncovered, verdict.used) == ((blocked,), (consent,))
    (refusal,) = verdict.refusals
    assert "; consent covers 1" in refusal.message
    assert verdict.without_ended(NOW) == verdict
    ended = verdict.without_ended(NOW + timedelta(seconds=1))
    assert (ended.uncovered, ended.grants) == ((unlimited, blocked), (few,))
    assert "consent covers" not in ended.refusals[0].message


def test_no_consent_covers_a_broken_guardrail() -> None:
    breach = Breach(
        address="group/acme/eng",
        guardrail=GuardrailName.MAX_LIMIT,
        place=HERE,
        message="too much",
        guardrail_place=HERE,
        hint="lower it",
    )
    verdict = judge((), grants=[FlagGrant(hazard=hazard, up_to=99) for hazard in Hazard], breaches=(breach,))
    assert [refusal.message for refusal in verdict.refusals] == ["a.yaml:1:1: too much"]
    assert verdict.with_grants([FlagGrant(hazard=Hazard.BLOCKS_USERS, up_to=999)]).breaches == (breach,)
    assert verdict.with_admissions(Verdict()).breaches == verdict.without_ended(NOW).breaches == (breach,)
    assert not Verdict().is_refused


@pytest.mark.parametrize(
    ("deletes", "managed", "emptied", "counted"),
    [(3, 9, (), 3), (3, 10, (), 0), (2, 2, (), 0), (1, 100, ("group/acme/g0",), 1), (4, 13, (), 4), (0, 0, (), 0)],
)
def test_a_mass_change_is_more_than_30_percent_and_three_or_an_emptied_section(
    deletes: int, managed: int, emptied: tuple[str, ...], counted: int
) -> None:
    live = Budget(usd(1), GroupRef(GroupId("x")))
    actions = [Action(subject=group_of(f"acme/g{number}"), before=live, after=ABSENT) for number in range(deletes)]
    created = Action(subject=group_of("acme/new"), before=ABSENT, after=live)
    found = mass_changes((*actions, created), World({}).directory(), managed={"acme": managed}, emptied=emptied)
    assert sum(danger.count for danger in found) == counted


def test_what_is_managed_is_what_diff_looks_at() -> None:
    world = World(
        {**TEAM, "beta": ["kim"]}, {"acme": 1, "acme/eng": 2, "beta": 3}, {"ana": (4, "acme"), "kim": (5, "beta")}
    )
    snapshot = world.snapshot()
    nothing = Desired(groups={}, users={}, exact_groups=frozenset({ACME}), exact_users=frozenset({ACME}))
    assert count_managed(nothing, snapshot) == {"acme": 3}
    assert len(diff(nothing, snapshot).actions) == 3
    assert (
        count_managed(Desired(groups={}, users={}, exact_groups=frozenset(), exact_users=frozenset()), snapshot) == {}
    )
    entries = [UserOverrideEntry(user=name, group="Everyone", limit=ABSENT, place=PLACE) for name in ("ana", "bob")]
    lists = replace(
        policy(budgets=Manage.LISTED, overrides=Manage.LISTED),
        group_budgets=(GroupBudgetEntry(group="Everyone", limit=ABSENT, place=PLACE),),
        user_overrides=tuple(entries),
    )
    listed = resolve([lists], world.directory(), at=NOW).desired
    assert count_managed(listed, snapshot) == {"acme": 2}, "what is listed and live: bob has no override"
    stranger = replace(
        snapshot, user_overrides={UserId("ana"): Budget(usd(4), GroupRef(GroupId("gone")))}, group_budgets={}
    )
    assert count_managed(nothing, stranger) == {}


def test_an_emptied_section_is_recognized_by_kind_and_organization() -> None:
    world = World({**TEAM, "beta": []}, {"acme": 1, "beta": 1}, {"ana": (4, "acme")})
    directory = world.directory()
    actions = [
        replace(action, cause=Cause.NOT_LISTED)
        for action in (set_group(world, "acme", None), set_group(world, "beta", None), set_user(world, "ana", None))
    ]
    assert emptied_sections(resolved(directory, policy()), actions, directory) == ("group/acme/Everyone", "user/ana")
    assert emptied_sections(resolved(directory, policy(budgets=Manage.LISTED)), actions, directory) == ("user/ana",)
    listed = [replace(action, cause=Cause.LISTED) for action in actions]
    assert emptied_sections(resolved(directory, policy()), listed, directory) == ()
    lost = Action(
        subject=User(username="x", id=UserId("x")),
        before=Budget(usd(1), GroupRef(GroupId("gone"))),
        after=ABSENT,
        cause=Cause.NOT_LISTED,
    )
    assert emptied_sections(resolved(directory, policy()), [lost], directory) == ()


def test_consents_of_a_policy_hold_until_they_expire() -> None:
    open_ended = Consent(hazard=Hazard.MASS_CHANGE, up_to=5, reason="", expires=None, place=PLACE)
    later = Consent(
        hazard=Hazard.BLOCKS_USERS, up_to=2, reason="contractors leave", expires=NOW + timedelta(seconds=1), place=PLACE
    )
    over = Consent(hazard=Hazard.REMOVES_LIMIT, up_to=1, reason="", expires=NOW, place=PLACE)
    policies = resolved(World({"acme": []}).directory(), policy(allow=(open_ended, later, over)))
    assert grants_of(policies, now=NOW) == (
        PolicyGrant(hazard=Hazard.MASS_CHANGE, up_to=5, source="policies/acme.yaml:3:5", organization="acme"),
        PolicyGrant(
            hazard=Hazard.BLOCKS_USERS,
            up_to=2,
            source="policies/acme.yaml:3:5 (contractors leave)",
            organization="acme",
            expires=later.expires,
        ),
    )


def test_allow_is_read_strictly() -> None:
    assert parse_allow("BLOCKS_USERS=2") == FlagGrant(hazard=Hazard.BLOCKS_USERS, up_to=2)
    with pytest.raises(
        ValueError,
        match="'BLOCKS' is not a hazard; the hazards are REMOVES_LIMIT, BLOCKS_USERS, UNSEEN_PEOPLE, MASS_CHANGE",
    ):
        parse_allow("BLOCKS=2")
    for text in (
        "BLOCKS_USERS",
        "BLOCKS_USERS=",
        "BLOCKS_USERS=0",
        "BLOCKS_USERS=-1",
        "BLOCKS_USERS=all",
        "BLOCKS_USERS=٣",
    ):
        with pytest.raises(ValueError, match="BLOCKS_USERS=N, for at most N people"):
            parse_allow(text)
    with pytest.raises(ValueError, match="MASS_CHANGE=N, for at most N live budgets"):
        parse_allow("MASS_CHANGE=x")


def test_one_delete_is_said_as_one() -> None:
    (refusal,) = judge(
        mass_changes(
            [Action(subject=group_of("acme"), before=Budget(usd(1), GroupRef(GroupId("acme"))), after=ABSENT)],
            World({}).directory(),
            managed={"acme": 1},
            emptied=("group/acme/Everyone",),
        )
    ).refusals
    assert refusal.message == "MASS_CHANGE: 1 live budget would be deleted (group/acme/Everyone)"


def test_the_table_of_hazards_has_a_row_for_each_name() -> None:
    assert list(HAZARDS) == list(Hazard)
    assert all(row.about.endswith(".") and row.title and row.would for row in HAZARDS.values())


def test_what_a_saved_plan_admits_is_added_where_only_a_policy_can_count_it() -> None:
    def danger(hazard: Hazard, *names: str) -> Danger:
        return Danger(hazard=hazard, counted=names, organization="acme")

    fresh = Verdict(dangers=(danger(Hazard.BLOCKS_USERS, "bob"), danger(Hazard.MASS_CHANGE, "a", "b")))
    for admitted, counted in ((("x",), ("a", "b")), (("x", "y"), ("a", "b")), (("x", "y", "z"), ("x", "y", "z"))):
        saved = Verdict(dangers=(danger(Hazard.BLOCKS_USERS, "ana", "bob"), danger(Hazard.MASS_CHANGE, *admitted)))
        found = [(row.hazard, row.counted) for row in fresh.with_admissions(saved).dangers]
        assert found == [(Hazard.BLOCKS_USERS, ("bob",)), (Hazard.MASS_CHANGE, counted)]
    one = Verdict(dangers=(danger(Hazard.MASS_CHANGE, "x"),))
    assert Verdict().with_admissions(one).dangers == one.dangers, "of an emptied section one delete counts"
