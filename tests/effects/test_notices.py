"""Announcements: what expires soon and what follows it, and entries without effect."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from reconciler.core.budget import ABSENT, Budget, GroupId, OrganizationId, Unknown, UserId
from reconciler.core.desired import Desired, Wanted
from reconciler.core.people.assess import assess
from reconciler.core.plan.notices import notices
from reconciler.core.policy import GroupBudgetEntry, UserOverrideEntry
from reconciler.errors import Place
from tests.effects.worlds import NOW, World, group_of, usd

ACME = OrganizationId("acme")
HERE = Place("policies/acme.yaml", 7, 5)
TEAM = {"acme": ["ana", "bob"], "acme/eng": ["ana", "bob"]}


def announced(world: World, expires: dict[str, datetime] | None = None, *, groups: bool = True) -> list[str]:
    """Announce for a policy that lists exactly what is live."""
    snapshot = world.snapshot()
    directory = snapshot.directory
    users, budgets = {}, {}
    for user_id, own in snapshot.user_overrides.items():
        if isinstance(own, Budget):
            entry = UserOverrideEntry(
                user=str(user_id),
                group="x",
                limit=own.limit_micros,
                reason="",
                starts=None,
                expires=(expires or {}).get(str(user_id)),
                place=HERE,
            )
            users[user_id] = Wanted(subject=directory.users[user_id], state=own, entry=entry, organization=ACME)
    for group_id, budget in snapshot.group_budgets.items():
        if isinstance(budget, Budget) and groups:
            budgets[group_id] = Wanted(
                subject=directory.groups[group_id],
                state=budget,
                entry=GroupBudgetEntry(group=str(group_id), limit=budget.limit_micros, reason="", place=HERE),
                organization=ACME,
            )
    desired = Desired(groups=budgets, users=users, exact_groups=frozenset(), exact_users=frozenset())
    found = notices(desired, directory, assess((), snapshot).after, at=NOW)
    return [f"{notice.kind} {notice.address} {notice.text} {notice.place}" for notice in found]


def test_an_override_that_ends_within_14_days_says_what_follows() -> None:
    soon, later = NOW + timedelta(days=14), NOW + timedelta(days=14, seconds=1)
    world = World(TEAM, {"acme": 5}, {"ana": (50, "acme"), "bob": (50, "acme")})
    assert announced(world, {"ana": soon, "bob": later}, groups=False) == [
        "expires-soon user/ana $50.00; then $5.00 (Everyone) policies/acme.yaml:7:5"
    ]
    alone = World(TEAM, {}, {"ana": (50, "acme")})
    assert announced(alone, {"ana": NOW + timedelta(1)}) == [
        "expires-soon user/ana $50.00; then no limit policies/acme.yaml:7:5"
    ]
    unread = World(TEAM, {"acme": Unknown("500")}, {"ana": (50, "acme")})
    assert announced(unread, {"ana": NOW + timedelta(1)}) == [
        "expires-soon user/ana $50.00; then an unknown limit "
        "(the budget of group/acme/Everyone is not known: 500) policies/acme.yaml:7:5"
    ]


def test_what_follows_is_not_spoken_of_where_nobody_asked() -> None:
    world = World(TEAM, {"acme": 5}, {"ana": (50, "acme")})
    snapshot = replace(world.snapshot(), group_budgets={})
    user, own = snapshot.directory.users[UserId("ana")], snapshot.user_overrides[UserId("ana")]
    assert isinstance(own, Budget)
    entry = UserOverrideEntry(
        user="ana", group="x", limit=own.limit_micros, reason="", starts=None, expires=NOW + timedelta(1), place=HERE
    )
    desired = Desired(
        groups={},
        users={user.id: Wanted(subject=user, state=own, entry=entry, organization=ACME)},
        exact_groups=frozenset(),
        exact_users=frozenset(),
    )
    (found,) = notices(desired, snapshot.directory, assess((), snapshot).after, at=NOW)
    assert found.text == "$50.00"


def test_an_override_equal_to_its_fallback_is_dead_unless_it_books_elsewhere() -> None:
    world = World(TEAM, {"acme/eng": 50}, {"ana": (50, "acme/eng"), "bob": (50, "acme")})
    assert announced(world, groups=False) == [
        "dead user/ana equals what they have without it: $50.00 (eng) policies/acme.yaml:7:5"
    ]


def test_a_budget_that_is_nobodys_effective_one_is_dead() -> None:
    world = World({**TEAM, "acme/ops": []}, {"acme": 5, "acme/eng": 50, "acme/ops": 1}, {"bob": (50, "acme")})
    assert announced(world) == [
        "dead group/acme/Everyone limits none of its 2 members: each has a higher budget elsewhere, or an override "
        "policies/acme.yaml:7:5",
        "dead group/acme/ops limits nobody: the group has no members policies/acme.yaml:7:5",
    ]
    one = World({**TEAM, "acme/ops": ["ana"]}, {"acme/eng": 50, "acme/ops": 1})
    assert announced(one) == [
        "dead group/acme/ops limits nobody: its one member has a higher budget elsewhere, or an override "
        "policies/acme.yaml:7:5"
    ]
    zero = World(TEAM, {"acme": 5, "acme/eng": 0})
    assert announced(zero) == [
        "dead group/acme/eng blocks none of its 2 members: each has a higher budget elsewhere, or an override "
        "policies/acme.yaml:7:5"
    ]
    everybody_overridden = World(TEAM, {"acme/eng": 5}, {"ana": (6, "acme"), "bob": (7, "acme")})
    assert announced(everybody_overridden) == [
        "dead group/acme/eng limits none of its 2 members: each has a higher budget elsewhere, or an override "
        "policies/acme.yaml:7:5"
    ]


def test_nothing_is_called_dead_that_may_be_alive() -> None:
    hidden = World({**TEAM, "acme/ops": []}, {"acme/ops": 1}, hidden={"acme/ops": 1})
    assert announced(hidden) == []
    unread = World(TEAM, {"acme/eng": 5}, {"ana": Unknown("500"), "bob": (7, "acme")})
    assert announced(unread) == []


def test_an_entry_that_wants_no_budget_is_neither() -> None:
    world = World(TEAM)
    snapshot = world.snapshot()
    user = snapshot.directory.users[UserId("ana")]
    entry = UserOverrideEntry(user="ana", group="eng", limit=usd(5), reason="", starts=None, expires=NOW, place=HERE)
    none = GroupBudgetEntry(group="eng", limit=ABSENT, reason="", place=HERE)
    desired = Desired(
        groups={GroupId("acme/eng"): Wanted(subject=group_of("acme/eng"), state=ABSENT, entry=none, organization=ACME)},
        users={user.id: Wanted(subject=user, state=ABSENT, entry=entry, has_expired=True, organization=ACME)},
        exact_groups=frozenset({ACME}),
        exact_users=frozenset(),
    )
    assert notices(desired, snapshot.directory, assess((), snapshot).after, at=NOW) == ()
