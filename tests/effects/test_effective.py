"""The rule of effective limits, case by case, and what is not known."""

from __future__ import annotations

from dataclasses import replace

from reconciler.core.budget import GroupId, Unknown, UserId
from reconciler.core.people.effective import EffectiveLimits, alphabetical
from reconciler.core.snapshot import Effective
from tests.effects.worlds import World, limit, unlimited

TWO = {"acme": ["ana"], "beta": ["ana"]}


def of(world: World, person: str = "ana") -> Effective | Unknown:
    snapshot = world.snapshot()
    return EffectiveLimits(snapshot.directory, snapshot.group_budgets, snapshot.user_overrides).of(UserId(person))


def test_an_override_wins_in_both_directions() -> None:
    members = {"acme": ["ana"], "acme/eng": ["ana"]}
    assert limit(5, "acme/eng", by_override=True) == of(World(members, {"acme": 10}, {"ana": (5, "acme/eng")}))
    assert limit(20, "acme", by_override=True) == of(World(members, {"acme": 10}, {"ana": (20, "acme")}))


def test_the_highest_budget_wins_over_all_organizations() -> None:
    assert limit(30, "beta") == of(World(TWO, {"acme": 10, "beta": 30}))


def test_zero_is_a_budget_and_absent_is_none() -> None:
    assert limit(0, "acme") == of(World({"acme": ["ana"], "acme/eng": ["ana"]}, {"acme": 0}))


def test_equals_go_to_the_organization_joined_first_then_to_the_lowest_id() -> None:
    budgets = {"acme": 10, "beta": 10}
    assert limit(10, "beta") == of(World(TWO, budgets, joined={("ana", "acme"): 2, ("ana", "beta"): 1}))
    assert limit(10, "acme") == of(World(TWO, budgets, joined={("ana", "acme"): 1, ("ana", "beta"): 1}))
    assert limit(10, "acme/a") == of(
        World({"acme": ["ana"], "acme/b": ["ana"], "acme/a": ["ana"]}, {"acme/b": 10, "acme/a": 10})
    )


def test_the_name_of_a_group_decides_between_equals_before_2_36_and_its_id_since() -> None:
    world = World({"acme": ["ana"], "acme/a": ["ana"], "acme/b": ["ana"]}, {"acme/a": 10, "acme/b": 10})
    snapshot = world.snapshot()
    names = {GroupId("acme/a"): "zoo", GroupId("acme/b"): "ant"}
    groups = {id_: replace(group, name=names.get(id_, group.name)) for id_, group in snapshot.directory.groups.items()}
    directory = replace(snapshot.directory, groups=groups)
    for ties_by_name, winner in ((True, "ant"), (False, "zoo")):
        limits = EffectiveLimits(directory, snapshot.group_budgets, snapshot.user_overrides, ties_by_name=ties_by_name)
        effective = limits.of(UserId("ana"))
        assert isinstance(effective, Effective)
        assert effective.group.name == winner


def test_it_is_unknown_who_wins_between_equals_without_dates() -> None:
    tied = of(World({**TWO, "corp": ["ana"]}, {"acme": 10, "beta": 10, "corp": 10}))
    assert Unknown("it is not known which of their organizations they joined first") == tied
    assert limit(20, "acme") == of(World(TWO, {"acme": 20, "beta": 10}))
    for known in ("acme", "beta"):
        assert tied == of(World(TWO, {"acme": 10, "beta": 10}, joined={("ana", known): 1})), "of the other nothing is"


def test_unlimited_people_are_booked_on_everyone_of_the_default_organization_else_of_the_first() -> None:
    joined = {("ana", "acme"): 2, ("ana", "beta"): 1}
    assert unlimited("acme") == of(World(TWO, joined=joined))
    assert unlimited("beta") == of(World(TWO, joined=joined, default="none"))
    at_once = {("ana", "acme"): 1, ("ana", "beta"): 1}
    assert unlimited("acme") == of(World({"beta": ["ana"], "acme": ["ana"]}, joined=at_once, default="none"))
    assert unlimited("acme") == of(World({"acme/eng": ["ana"], "acme": ["ana"]})), "not on another group of it"
    assert Unknown("it is not known which of their organizations they joined first") == of(
        World({**TWO, "corp": ["ana"]}, default="none")
    )


def test_nobody_is_limited_outside_of_all_organizations() -> None:
    world = World({"acme": []}, overrides={"ana": Unknown("no answer")})
    assert Unknown("their override is not known: no answer") == of(world)
    snapshot = world.snapshot()
    limits = EffectiveLimits(snapshot.directory, snapshot.group_budgets, {})
    assert Unknown("they are in no organization that can be read") == limits.fallback(UserId("ana"))
    assert Unknown("their override is not known: it was not read") == limits.of(UserId("ana"))


def test_an_unread_budget_puts_its_members_in_doubt_unless_an_override_ends_it() -> None:
    members = {"acme": ["ana", "bob", "eve"], "acme/eng": ["ana", "eve"], "acme/ops": ["ana"]}
    world = World(members, {"acme": 10, "acme/eng": Unknown("500")}, {"eve": (1, "acme")})
    assert Unknown("the budget of group/acme/eng is not known: 500") == of(world)
    assert limit(10, "acme") == of(world, "bob")
    assert limit(1, "acme", by_override=True) == of(world, "eve")


def test_a_hidden_member_may_be_anybody_of_the_organization_who_has_no_more() -> None:
    members = {"acme": ["ana", "bob"], "acme/eng": ["bob"], "acme/big": ["ana"], "beta": ["kim"]}
    world = World(members, {"acme": 10, "acme/eng": 50}, hidden={"acme/eng": 1, "gone": 2})
    reason = Unknown("members of group/acme/eng are hidden; they may be one of them")
    assert reason == of(world)
    assert limit(50, "acme/eng") == of(world, "bob")
    assert unlimited("beta") == of(world, "kim")
    richer = World(members, {"acme": 10, "acme/eng": 50, "acme/big": 60}, hidden={"acme/eng": 1})
    assert limit(60, "acme/big") == of(richer)
    absent = World(members, {"acme": 10}, hidden={"acme/eng": 1})
    assert limit(10, "acme") == of(absent)


def test_of_several_doubts_the_highest_counts_and_of_equal_ones_the_first_by_its_text() -> None:
    for groups in (("acme/eng", "acme/ops"), ("acme/ops", "acme/eng")):
        members = {"acme": ["ana"], **{group: ["ana"] for group in groups}}
        unread = World(members, {group: Unknown("500") for group in groups})
        assert Unknown("the budget of group/acme/eng is not known: 500") == of(unread)
        hiding = {"acme": ["ana"], **{group: [] for group in groups}}
        world = World(hiding, {"acme": 30, "acme/eng": 20, "acme/ops": 40}, hidden=dict.fromkeys(groups, 1))
        assert Unknown("members of group/acme/ops are hidden; they may be one of them") == of(world)


def test_where_everyone_hides_members_nobody_can_be_ruled_out() -> None:
    members = {"acme": ["ana"], "beta": ["kim"]}
    world = World(members, {"acme": 10, "beta": 20}, hidden={"acme": 1})
    assert limit(20, "beta") == of(world, "kim")
    unread = World(members, {"acme": Unknown("500"), "beta": 20}, hidden={"acme": 1})
    assert Unknown("members of group/acme are hidden; they may be one of them") != of(unread, "ana")
    assert isinstance(of(unread, "kim"), Unknown)


def test_before_2_36_the_first_by_name_wins_a_tie() -> None:
    world = World(
        {"acme": ["ana"], "acme/zoo": ["ana"], "beta": ["ana"], "beta/ant": ["ana"]},
        {"acme/zoo": 10, "beta/ant": 10},
    )
    snapshot = world.snapshot()
    limits = EffectiveLimits(snapshot.directory, snapshot.group_budgets, snapshot.user_overrides, ties_by_name=True)
    assert limits.of(UserId("ana")) == limit(10, "beta/ant")


def test_names_are_in_the_order_of_the_database_of_most_companies() -> None:
    """As a real 2.35.2 chose among equal budgets, on PostgreSQL with the locale en_US.UTF-8."""
    seen = ["1a", "1-A", "a1", "a10", "a2", "ab", "aB", "A-b", "Ab", "AB", "ab-c", "abc", "ab-C", "aerzte", "alpha"]
    seen += ["b", "B", "domain"]
    seen += ["DomainA", "Domain Users", "eng-2", "Entwickler", "Everyone", "zeta", "Zeta"]
    assert sorted(sorted(seen), key=alphabetical) == seen


def test_before_2_36_an_unlimited_person_of_two_organizations_is_unlimited_all_the_same() -> None:
    snapshot = World({"beta": ["ana"], "corp": ["ana"]}).snapshot()
    limits = EffectiveLimits(snapshot.directory, snapshot.group_budgets, snapshot.user_overrides, ties_by_name=True)
    effective = limits.of(UserId("ana"))
    assert isinstance(effective, Effective)
    assert effective.is_unlimited


def test_a_group_limits_only_people_who_are_in_its_organization() -> None:
    world = World({"acme": ["bob"], "acme/eng": ["ana", "bob"], "beta": ["ana"]}, {"acme/eng": 10})
    assert of(world, "bob") == limit(10, "acme/eng")
    effective = of(world, "ana")
    assert isinstance(effective, Effective)
    assert effective.is_unlimited
    hidden = World({"acme": ["bob"], "acme/eng": ["ana"], "beta": ["ana"]}, {"acme/eng": 10}, hidden={"acme": 1})
    assert of(hidden, "ana") == limit(10, "acme/eng"), "members of acme are hidden, and ana may be one of them"
