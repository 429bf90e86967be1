"""What plans do to people, case by case: moves, blocks, fresh allowances, doubts, disagreements, exposure."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.core.action import Action
from reconciler.core.budget import ABSENT, Absent, GroupId, OrganizationId, Unknown, UserId
from reconciler.core.people.agreement import NOT_ENFORCED
from reconciler.core.people.assess import assess
from reconciler.core.people.effects import Effects, Transition
from reconciler.core.people.needs import Needs, needs
from reconciler.core.people.standing import Standing
from reconciler.core.people.sums import Exposure
from reconciler.core.snapshot import Effective
from tests.effects.worlds import (
    FIRST_SERVER,
    HIDING_SERVER,
    NEW_SERVER,
    NOW,
    OLD_SERVER,
    World,
    group_of,
    limit,
    set_group,
    set_user,
    unlimited,
    usd,
)

ACME = OrganizationId("acme")
TEAM = {"acme": ["ana", "bob", "eve"], "acme/eng": ["ana", "bob"], "acme/ops": ["bob"]}


def effects_of(world: World, *actions: Action, spend: dict[str, dict[str, int]] | None = None) -> Effects:
    answers = {
        GroupId(group): {UserId(person): usd(dollars) for person, dollars in people.items()}
        for group, people in (spend or {}).items()
    }
    return assess(actions, world.snapshot(), organizations=(ACME,)).effects(answers)


def names(people: object) -> list[str]:
    return [one.username for one in people]  # type: ignore[attr-defined]


def test_a_lowering_concerns_whom_the_budget_limits_and_equal_ones_are_folded() -> None:
    world = World(TEAM, {"acme/eng": 20, "acme": 5})
    effects = effects_of(world, set_group(world, "acme/eng", 10))
    folded = Transition(before=limit(20, "acme/eng"), after=limit(10, "acme/eng"), cause="group/acme/eng", people=2)
    assert (folded,) == effects.transitions
    assert effects.by_action["group/acme/eng"].people == 2
    assert (
        Exposure(
            before_micros=usd(45), after_micros=usd(25), unlimited_before=0, unlimited_after=0, people=3, unknown=0
        )
        == effects.exposure
    )


def test_a_move_without_another_amount_is_an_effect_with_a_fresh_allowance() -> None:
    world = World(TEAM, {"acme/eng": 20, "acme": 20})
    effects = effects_of(
        world, set_group(world, "acme", None), spend={"acme": {"ana": 19, "bob": 3}, "acme/eng": {"ana": 0, "bob": 0}}
    )
    assert names(effects.people) == ["ana", "bob", "eve"]
    assert names(effects.moved) == ["ana", "bob"]
    assert [usd(19), usd(3)] == [one.spend_before_micros for one in effects.moved]
    assert names(effects.unlimited) == ["eve"]
    assert not effects.blocked
    addresses = {limit.group.address for person in effects.people for limit in (person.before, person.after)}
    assert addresses == {"group/acme/Everyone", "group/acme/eng"}


def test_old_spend_on_the_new_group_blocks() -> None:
    world = World(TEAM, {"acme/eng": 20, "acme/ops": 10})
    spend = {"acme/eng": {"bob": 1}, "acme/ops": {"bob": 10}}
    effects = effects_of(world, set_group(world, "acme/eng", 5), spend=spend)
    assert names(effects.blocked) == ["bob"]
    assert names(effects.maybe_blocked) == ["ana"]
    assert effects.unknown == ("Spend of 1 person could not be read: not known whether they would be blocked now.",)


def test_somebody_blocked_already_is_not_blocked_by_the_plan_and_a_raise_unblocks() -> None:
    world = World(TEAM, {"acme/eng": 20, "acme": 1})
    spend = {"acme/eng": {"ana": 25, "bob": 45}}
    lower = effects_of(world, set_group(world, "acme/eng", 10), spend=spend)
    assert not lower.blocked
    raised = effects_of(world, set_group(world, "acme/eng", 40), spend=spend)
    assert names(raised.unblocked) == ["ana"]
    assert not raised.blocked


def test_zero_blocks_whatever_was_spent_and_a_raise_in_place_cannot_block() -> None:
    world = World(TEAM, {"acme/eng": 20})
    zero = effects_of(world, set_group(world, "acme/eng", 0))
    assert names(zero.blocked) == ["ana", "bob"]
    assert [one.standing_before for one in zero.people] == [Standing.UNKNOWN] * 2
    assert zero.unknown == ()
    raised = effects_of(world, set_group(world, "acme/eng", 30))
    assert raised.maybe_blocked == ()
    from_zero = World(TEAM, {"acme/eng": 0})
    assert effects_of(from_zero, set_group(from_zero, "acme/eng", 30)).maybe_blocked == ()


def test_what_is_not_known_on_an_old_server_is_said() -> None:
    world = World(TEAM, {"acme/eng": 20}, offers=OLD_SERVER)
    effects = effects_of(world, set_group(world, "acme/eng", 10))
    assert (effects.unknown) == (
        "This server does not say what people have spent (2.36 does): not known who would be blocked now.",
    )


def test_the_first_server_has_no_overrides_so_none_are_asked_for() -> None:
    world = World(TEAM, {"acme/eng": 20}, offers=FIRST_SERVER)
    snapshot = replace(world.snapshot(), user_overrides={})
    action = set_group(world, "acme/eng", None)
    assert Needs(groups=(), users=()) == needs((action,), snapshot)
    assert names(assess((action,), snapshot, organizations=(ACME,)).effects({}).unlimited) == ["ana", "bob"]


def test_an_override_names_its_own_source_and_its_end_the_fallback() -> None:
    world = World(TEAM, {"acme": 5}, {"ana": (50, "acme/eng")})
    effects = effects_of(world, set_user(world, "ana", None), set_user(world, "bob", (7, "acme/ops")))
    ana, bob = effects.people
    assert (limit(50, "acme/eng", by_override=True), limit(5, "acme"), ("user/ana",)) == (
        ana.before,
        ana.after,
        ana.causes,
    )
    assert (limit(5, "acme"), limit(7, "acme/ops", by_override=True)) == (bob.before, bob.after)


@pytest.mark.parametrize(
    ("budgets", "is_elsewhere", "follows"),
    [
        ({"acme": 5}, False, [limit(5, "acme")]),
        ({"acme": 5}, True, []),
        ({}, False, [unlimited()]),
        ({}, True, [unlimited()]),
    ],
)
def test_what_follows_an_end_is_told_where_no_budget_elsewhere_can_be_higher_or_nothing_here_limits(
    budgets: dict[str, int], is_elsewhere: bool, follows: list[Effective]
) -> None:
    world = World(TEAM, budgets, {"eve": (30, "acme")})
    snapshot, elsewhere = world.snapshot(), frozenset({UserId("ana")}) if is_elsewhere else frozenset()
    snapshot = replace(snapshot, directory=replace(snapshot.directory, elsewhere=elsewhere))
    ends_later = replace(set_user(world, "ana", (10, "acme")), expires=NOW)
    lasting, ended = set_user(world, "bob", (10, "acme")), replace(set_user(world, "eve", None), expires=NOW)
    effects = assess((ends_later, lasting, ended), snapshot).effects({})
    assert [(end.username, end.after) for end in effects.ends] == [("ana", after) for after in follows]


@pytest.mark.parametrize(("dollars", "told"), [(10, [NOT_ENFORCED]), (3, [])])
def test_that_budgets_are_not_enforced_is_told_where_a_limit_changes(dollars: int, told: list[str]) -> None:
    world = World({"acme": ["ana"], "acme/eng": ["ana"]}, {"acme": 5}, offers=FIRST_SERVER)
    unknown = effects_of(world, set_group(world, "acme/eng", dollars)).unknown
    assert [sentence for sentence in unknown if sentence == NOT_ENFORCED] == told


def test_a_cut_of_the_budget_that_somebody_leaves_for_an_override_is_no_cause() -> None:
    """The number of people at the group's action is that of the lines below: ana's new limit is her override's."""
    world = World(TEAM, {"acme/eng": 20})
    effects = effects_of(world, set_group(world, "acme/eng", 10), set_user(world, "ana", (50, "acme/eng")))
    assert effects.people[0].causes == ("user/ana",)
    assert effects.by_action["group/acme/eng"].people == 1


def test_both_sources_are_causes_when_both_change() -> None:
    world = World(TEAM, {"acme/eng": 20, "acme": 5})
    effects = effects_of(world, set_group(world, "acme/eng", None), set_group(world, "acme", 6))
    assert effects.people[0].causes == ("group/acme/Everyone", "group/acme/eng")
    assert effects.people[2].causes == ("group/acme/Everyone",)
    assert tuple(effects.by_action[one].people for one in ("group/acme/Everyone", "group/acme/eng")) == (3, 2)


def test_a_disagreement_is_named_and_nothing_is_claimed_about_them() -> None:
    world = World(TEAM, {"acme/eng": 20}, reported={"ana": limit(9, "acme"), "bob": limit(20, "acme/eng")})
    effects = effects_of(world, set_group(world, "acme/eng", None))
    (disagreement,) = effects.disagreements
    assert ("ana", limit(20, "acme/eng"), limit(9, "acme")) == (
        disagreement.username,
        disagreement.ours,
        disagreement.reported,
    )
    assert effects.checked == 2
    assert names(effects.people) == ["bob"]
    (unclear,) = effects.unclear
    assert (unclear.may_become_unlimited, unclear.may_become_blocked) == (True, False)
    assert effects.exposure.unknown == 1


def test_of_whom_coder_reports_another_limit_a_budget_of_zero_may_block_although_an_override_is_theirs() -> None:
    """We do not know what limits them, so their override proves nothing."""
    world = World(TEAM, {"acme/eng": 20}, {"ana": (30, "acme")}, reported={"ana": limit(9, "acme")})
    (unclear,) = effects_of(world, set_group(world, "acme/eng", 0)).unclear
    assert (unclear.username, unclear.may_become_unlimited, unclear.may_become_blocked) == ("ana", False, True)


def test_a_report_about_somebody_who_is_unknown_to_us_is_not_compared() -> None:
    world = World(TEAM, overrides={"ana": Unknown("500")}, reported={"ana": limit(9, "acme")})
    effects = effects_of(world)
    assert (effects.checked, effects.disagreements) == (0, ())


@pytest.mark.parametrize("everyone", [5, ABSENT])
def test_who_keeps_a_group_budget_does_not_become_unlimited_whatever_their_override_is(everyone: int | Absent) -> None:
    """As on a stock 2.35, which shows no overrides."""
    world = World(TEAM, {"acme/eng": 20, "acme": everyone}, overrides={"bob": Unknown("hidden")})
    unclear = {person.username: person for person in effects_of(world, set_group(world, "acme/eng", None)).unclear}
    assert unclear["bob"].may_become_unlimited is (everyone is ABSENT)


def test_people_who_cannot_be_computed_are_unclear_with_the_worst_that_may_happen() -> None:
    world = World(TEAM, {"acme/eng": 20, "acme/ops": Unknown("500")})
    (gone,) = effects_of(world, set_group(world, "acme/eng", None)).unclear
    assert (
        gone.username,
        gone.reason,
        gone.may_become_unlimited,
        gone.may_become_blocked,
    ) == ("bob", "the budget of group/acme/ops is not known: 500", True, False)
    (stopped,) = effects_of(world, set_group(world, "acme/eng", 0)).unclear
    assert (stopped.may_become_unlimited, stopped.may_become_blocked) == (False, True)
    (blocked,) = effects_of(world, set_user(world, "bob", (0, "acme"))).unclear
    assert (blocked.may_become_unlimited, blocked.may_become_blocked) == (False, True)


def test_hidden_members_of_a_changed_group_are_said_to_be_in_no_number() -> None:
    world = World(TEAM, {"acme/eng": 20}, hidden={"acme/eng": 2, "acme": 2})
    effects = effects_of(world, set_group(world, "acme/eng", 30))
    expected = "group/acme/eng has 2 members whom this token may not read; they are not counted."
    assert expected in effects.unknown
    assert names(effects.people) == ["ana", "bob"]
    assert effects.exposure.unknown == 3


def test_a_budget_of_a_group_that_hides_members_changes_whose_limit_is_known() -> None:
    world = World(TEAM, {"acme": 500, "acme/ops": 20}, hidden={"acme/ops": 1})
    known, unknown = effects_of(world), effects_of(world, set_group(world, "acme/ops", 600))
    assert (known.exposure.people, known.exposure.unknown) == (3, 0)
    assert (unknown.exposure.people, unknown.exposure.unknown) == (1, 2), "ana and eve may be the hidden member"


def test_exposure_is_total_only_if_everybody_was_read() -> None:
    world = World(TEAM, {"acme": 5, "acme/eng": 20})
    snapshot = replace(world.snapshot(), user_overrides={UserId("ana"): world.snapshot().user_overrides[UserId("ana")]})
    action = set_user(world, "ana", (1, "acme"))
    partial = assess((action,), snapshot, organizations=(ACME,))
    assert (partial.exposed.is_total, partial.exposed.organizations) == (False, ())
    assert (
        Exposure(before_micros=usd(20), after_micros=usd(1), unlimited_before=0, unlimited_after=0, people=1, unknown=0)
        == partial.exposed.exposure
    )
    missing = needs((action,), snapshot, everybody_in=(ACME,))
    assert [user.username for user in missing.users] == ["bob", "eve"]
    unread_group = replace(world.snapshot(), group_budgets={})
    assert not assess((), unread_group, organizations=(ACME,)).exposed.is_total
    assert not assess((), world.snapshot()).exposed.is_total


def test_what_limits_nobody_here_need_not_be_read_for_a_total_exposure() -> None:
    """Overrides on a server that has none, and the budgets of an organization with other people."""
    first = replace(World(TEAM, {"acme": 5}, offers=FIRST_SERVER).snapshot(), user_overrides={})
    assert assess((), first, organizations=(ACME,)).exposed.is_total
    two = World({"acme": ["ana"], "beta": ["bob"]}, {"acme": 5}).snapshot()
    of_acme = replace(two, group_budgets={GroupId("acme"): two.group_budgets[GroupId("acme")]})
    assert assess((), of_acme, organizations=(ACME,)).exposed.is_total


def test_members_of_two_organizations_count_in_both_and_once_in_all() -> None:
    world = World({"acme": ["ana"], "beta": ["ana", "bob"]}, {"acme": 10})
    snapshot = world.snapshot()
    found = assess((), snapshot, organizations=(OrganizationId("beta"), ACME))
    assert [("acme", usd(10), 0), ("beta", usd(10), 1)] == [
        (one.organization, one.exposure.after_micros, one.exposure.unlimited_after)
        for one in found.exposed.organizations
    ]
    assert (usd(10), 1) == (found.exposed.exposure.after_micros, found.exposed.exposure.unlimited_after)


def test_groups_with_the_same_limit_have_a_row_each_and_overrides_one_together() -> None:
    teams = {"acme": ["ana", "bob", "eve", "kim"], "acme/eng": ["ana", "eve"], "acme/ops": ["bob", "kim"]}
    overrides = {"eve": (20, "acme/eng"), "kim": (20, "acme/ops")}
    world = World(teams, {"acme/eng": 20, "acme/ops": 20}, overrides)
    effects = effects_of(world, set_group(world, "acme/eng", 30))
    assert [(row.label, row.people_before, row.before_micros, row.after_micros) for row in effects.groups] == [
        ("eng", 1, usd(20), usd(30)), ("ops", 1, usd(20), usd(20)), ("own overrides", 2, usd(40), usd(40)),
    ]  # fmt: skip
    assert [(row.limit_micros, row.people_before, row.people_after) for row in effects.limits] == [
        (usd(20), 4, 3), (usd(30), 0, 1),
    ]  # fmt: skip


def test_hidden_members_are_not_known_in_their_own_organization_and_in_all() -> None:
    world = World({"acme": ["ana"], "beta": ["bob"]}, hidden={"acme": 2, "beta": 5})
    exposed = assess((), world.snapshot(), organizations=(ACME, OrganizationId("beta"))).exposed
    assert [row.exposure.unknown for row in exposed.organizations] == [2, 5]
    assert exposed.exposure.unknown == 7


def test_a_person_who_is_in_no_directory_goes_by_id() -> None:
    world = World({"acme": ["ana"]}, {"acme": 10})
    snapshot = world.snapshot()
    stranger = replace(snapshot, directory=replace(snapshot.directory, users={}))
    (person,) = assess((set_group(world, "acme", None),), stranger).effects({}).people
    assert ("ana", unlimited()) == (person.username, person.after)
    assert Needs(groups=(), users=()) == needs((set_group(world, "acme", None),), stranger)


def test_groups_that_hide_members_are_read_too() -> None:
    world = World({"acme": ["ana"], "acme/eng": []}, {"acme": 10}, hidden={"acme/eng": 1})
    snapshot = replace(
        world.snapshot(), group_budgets={GroupId("acme"): world.snapshot().group_budgets[GroupId("acme")]}
    )
    assert (group_of("acme/eng"),) == needs((set_group(world, "acme", 5),), snapshot).groups


def test_nothing_is_claimed_where_overrides_may_exist_and_are_not_shown() -> None:
    world = World(TEAM, {"acme/eng": 20}, offers=HIDING_SERVER)
    snapshot, actions = replace(world.snapshot(), user_overrides={}), (set_group(world, "acme/eng", None),)
    assert needs(actions, snapshot).users == ()
    effects = assess(actions, snapshot, organizations=(ACME,)).effects({})
    assert effects.people == ()
    assert {one.reason for one in effects.unclear} == {
        "their override is not known: this server does not show overrides"
    }
    assert {one.may_become_unlimited for one in effects.unclear} == {True}
    assert effects.exposure.people == 0


def test_whom_the_server_could_confirm_and_did_not_is_counted() -> None:
    world = World(TEAM, {"acme/eng": 20}, offers=NEW_SERVER, reported={"ana": limit(20, "acme/eng")})
    action, snapshot = set_group(world, "acme/eng", 30), world.snapshot()
    one = "Coder did not report the limits of 1 person; ours could not be checked."
    assert one in assess((action,), snapshot).effects({}).unknown
    two = "Coder did not report the limits of 2 people; ours could not be checked."
    assert two in assess((action,), replace(snapshot, reported={})).effects({}).unknown
    unclear = replace(snapshot, user_overrides={**snapshot.user_overrides, UserId("bob"): Unknown("500")})
    assert one in assess((action,), replace(unclear, reported={})).effects({}).unknown, "of bob ours says nothing"
    whole = {UserId(name): limit(20, "acme/eng") for name in ("ana", "bob")}
    said = assess((action,), replace(snapshot, reported=whole)).effects({}).unknown
    assert not [sentence for sentence in said if "checked" in sentence]
