"""Corners of the core that no larger test comes to: each a case that a company meets once in a while."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import timedelta
from typing import Any

import pytest

from reconciler.core.action import Action, Origin
from reconciler.core.budget import ABSENT, Budget, GroupId, Unknown, UserId
from reconciler.core.gate.breach import Breach
from reconciler.core.gate.danger import Danger
from reconciler.core.gate.hazards import Grounds
from reconciler.core.gate.verdict import FlagGrant, Verdict
from reconciler.core.people.assess import assess
from reconciler.core.people.census import OverrideStatus, PersonStatus, Sums
from reconciler.core.people.counting import add_up
from reconciler.core.people.effective import EffectiveLimits
from reconciler.core.people.effects import PersonEffect
from reconciler.core.people.forecast import Basis, Pace, forecast
from reconciler.core.people.leaks import Leaks, _restarted
from reconciler.core.people.moves import Moves, moves
from reconciler.core.people.replay import Month, replay_month
from reconciler.core.people.standing import Standing, is_near, standing
from reconciler.core.plan.due import due_refusals
from reconciler.core.plan.resolve import resolve
from reconciler.core.plan.status import Status
from reconciler.core.policy import GroupBudgetEntry, GuardrailName, Hazard, Manage, Policy
from reconciler.core.scope import Scope
from reconciler.core.snapshot import Effective
from reconciler.core.spend import Window
from reconciler.errors import Place
from reconciler.money import Micros
from tests.effects.worlds import (
    NOW,
    World,
    effects_of_nothing,
    group_of,
    limit,
    ref,
    set_group,
    set_user,
    unlimited,
    usd,
)

ANA = UserId("ana")
WEEK = Window(start=NOW - timedelta(days=7), end=NOW)
HERE = Place("acme.yaml", 7, 5)


def person(**change: object) -> PersonEffect:
    made = PersonEffect(
        user_id=ANA,
        username="ana",
        before=limit(10, "acme/eng"),
        after=limit(20, "acme/eng"),
        spend_before_micros=usd(15),
        spend_after_micros=usd(15),
        causes=("group/acme/eng",),
        organization="acme",
    )
    return replace(made, **change)  # type: ignore[arg-type]


def test_who_is_blocked_already_or_has_no_limit_is_not_in_a_forecast() -> None:
    pace = Pace(basis=Basis.LAST_DAYS, window=WEEK, spent={ANA: usd(70)})
    end = NOW + timedelta(days=9)
    blocked = forecast([person()], pace, period_end=end, at=NOW)
    assert (blocked.considered, blocked.would_have, len(blocked.people)) == (1, 0, 1)
    free = forecast([person(after=unlimited())], pace, period_end=end, at=NOW)
    assert (free.considered, free.people) == (1, ())


def test_a_removal_raises_no_budget() -> None:
    group = group_of("acme/eng")
    assert not Action(subject=group, before=Budget(usd(5), group.ref), after=ABSENT).is_raise


@pytest.mark.parametrize(
    ("fallback", "changes_nothing"),
    [
        (limit(5, "acme"), True),
        (limit(6, "acme"), False),
        (limit(5, "acme/eng"), False),
        (unlimited(), False),
        (Unknown("it was not read"), False),
    ],
)
def test_an_override_changes_nothing_where_the_same_amount_on_the_same_group_would_follow(
    fallback: Effective | Unknown, changes_nothing: bool
) -> None:
    status = OverrideStatus(
        user_id=ANA,
        username="ana",
        budget=Budget(usd(5), ref("acme")),
        fallback=fallback,
        is_listed=False,
        expires=None,
    )
    assert status.changes_nothing is changes_nothing


def test_a_limit_of_nothing_blocks_whatever_was_spent_and_from_85_percent_on_a_limit_is_near() -> None:
    hidden = Unknown("it could not be read")
    assert standing(limit(0, "acme"), hidden) is Standing.BLOCKED
    assert standing(limit(1, "acme"), hidden) is Standing.UNKNOWN
    cents: list[Micros | Unknown] = [Micros(usd(85) - 10_000), usd(85), Micros(usd(100) - 10_000), usd(100), hidden]
    assert [is_near(limit(100, "acme"), spent) for spent in cents] == [False, True, True, False, False]


def test_what_is_used_is_told_of_a_limit_and_a_spend_that_are_known_and_each_person_is_added_up_once() -> None:
    hidden, spent = Unknown("it could not be read"), usd(30)
    cases: list[tuple[Effective | Unknown, Micros | Unknown, int | None]] = [
        (limit(40, "acme"), spent, 75),
        (limit(35, "acme"), spent, 85),
        (limit(30, "acme"), spent, 100),
        (limit(0, "acme"), usd(0), 100),
        (limit(40, "acme"), hidden, None),
        (unlimited(), spent, None),
        (unlimited(), hidden, None),
        (hidden, hidden, None),
    ]
    people = [
        PersonStatus(
            user_id=ANA, username="ana", account="active", effective=effective, spend_micros=spend,
            per_day_micros=None, reaches_at=None,
        )
        for effective, spend, _ in cases
    ]  # fmt: skip
    assert [row.used_percent for row in people] == [percent for _, _, percent in cases]
    assert add_up(people) == Sums(
        people=8, unlimited=2, unknown=1, exposure_micros=usd(145), spent_micros=usd(90), unlimited_spent_micros=spent,
        spend_unknown=3, near=1, blocked=2, reaching=0,
    )  # fmt: skip
    assert add_up(people).used_percent == 62
    assert add_up(people[5:]).used_percent is None


def test_who_booked_nothing_did_not_start_again() -> None:
    assert _restarted([], {GroupId("acme"): {ANA: usd(0)}}) == ()


def test_of_people_whose_limit_is_not_known_or_stays_no_move_is_told() -> None:
    before = World({"acme": ["ana", "bob"], "acme/eng": []}, {"acme": 5})
    after = World({"acme": ["ana", "bob"], "acme/eng": ["ana"]}, {"acme": 5})
    assert moves(before.snapshot(), after.snapshot()) == Moves(found=(), not_known=0, reads_all=True)
    hidden = World({"acme": ["ana", "bob"], "acme/eng": ["ana"]}, {"acme": 5, "acme/eng": Unknown("no answer")})
    assert moves(before.snapshot(), hidden.snapshot()) == Moves(found=(), not_known=1, reads_all=True)


def test_a_replay_leaves_out_whose_limit_is_not_known_and_offers_no_limit_that_stops_nobody() -> None:
    world = World({"acme": ["ana", "bob"], "acme/eng": ["bob"]}, {"acme": 5, "acme/eng": Unknown("no answer")})
    snapshot = world.snapshot()
    limits = EffectiveLimits(snapshot.directory, snapshot.group_budgets, snapshot.user_overrides)
    month = Month(window=WEEK, parts=[(WEEK, {ANA: usd(10_000_000)})])
    replayed = replay_month(month, snapshot.directory, before=limits, after=limits, people=[ANA, UserId("bob")])
    assert [(group.group.name, group.people) for group in replayed.groups] == [("Everyone", 1)]
    assert all(choice.stopped == 1 for choice in replayed.groups[0].choices)


def test_nearest_to_their_limit_is_who_reaches_it_first_then_who_used_most_and_nobody_who_is_blocked() -> None:
    def one(name: str, spent: int, *, day: int | None = None, dollars: int | None = 100) -> PersonStatus:
        effective = unlimited() if dollars is None else limit(dollars, "acme")
        reaches_at = None if day is None else NOW + timedelta(days=day)
        return PersonStatus(
            user_id=UserId(name), username=name, account="active", effective=effective, spend_micros=usd(spent),
            per_day_micros=None, reaches_at=reaches_at,
        )  # fmt: skip

    nobody: dict[str, Any] = {field.name: 0 for field in fields(Sums)}
    status = Status(
        deployment=World({"acme": []}).snapshot().deployment, at=NOW, snapshot_at=None, names=(),
        period=Window(start=NOW - timedelta(days=22), end=NOW + timedelta(days=8)), pace=None,
        total=Sums(**nobody), groups=(), overrides=(), has_policies=False, breaches=(),
        unknown=(), leaks=Leaks(unpriced=(), unpriced_requests=0, idle_groups=(), restarted=()),
        people=(
            one("ana", 86), one("bob", 90), one("carol", 90), one("dan", 10, day=5), one("eve", 20, day=2),
            one("felix", 99, day=5), one("gone", 100, day=1), one("half", 50), one("ivy", 5, dollars=None),
        ),
    )  # fmt: skip
    assert [row.username for row in status.nearest] == ["eve", "felix", "dan", "bob", "carol", "ana"]


def test_a_broken_guardrail_holds_a_due_action_back_and_no_other() -> None:
    world = World({"acme": ["ana", "bob"]}, {"acme": 5})
    due = replace(set_user(world, "ana", (9, "acme")), origin=Origin.DUE)
    other = set_user(world, "bob", (9, "acme"))
    facts = Grounds(
        effects=effects_of_nothing(),
        actions=(due, other),
        directory=world.directory(),
        offers_spend=True,
        managed={},
    )
    breach = Breach(
        guardrail=GuardrailName.MAX_LIMIT,
        address=due.address,
        place=HERE,
        message="$9.00 is over the max_limit of $8.00",
        guardrail_place=HERE,
        hint="lower the limit",
    )
    elsewhere = replace(breach, address="group/acme/eng")
    (held,) = due_refusals(facts, Verdict(breaches=(elsewhere, breach)))
    assert (held.action, held.message) == (due, breach.message)
    stands = replace(breach, is_standing=True)
    assert due_refusals(facts, Verdict(breaches=(elsewhere, stands))) == [], "what stands refuses nothing"


def test_a_refused_hazard_holds_back_the_due_action_behind_it_and_no_other() -> None:
    teams = {"acme": ["ana", "bob", "eve"], "acme/eng": ["ana"], "acme/ops": ["bob"]}
    world = World(teams, {"acme/eng": 5, "acme/ops": 5})
    due = replace(set_group(world, "acme/eng", None), origin=Origin.DUE)
    harmless = replace(set_user(world, "eve", (9, "acme")), origin=Origin.DUE)
    other = set_group(world, "acme/ops", None)
    grounds = Grounds(
        effects=assess((due, harmless, other), world.snapshot()).effects({}),
        actions=(due, harmless, other),
        directory=world.directory(),
        offers_spend=False,
        managed={},
    )
    danger = Danger(hazard=Hazard.REMOVES_LIMIT, counted=("ana", "bob"), organization="acme")
    (held,) = due_refusals(grounds, Verdict(dangers=(danger,)))
    assert (held.action, held.message) == (due, "REMOVES_LIMIT: 2 people would become unlimited (ana, bob)")
    consent = FlagGrant(hazard=Hazard.REMOVES_LIMIT, up_to=2)
    assert due_refusals(grounds, Verdict(dangers=(danger,), grants=(consent,))) == []


def test_an_orphan_that_is_out_of_scope_is_none() -> None:
    entry = GroupBudgetEntry(group="gone", limit=usd(5), reason="", place=HERE)
    policy = Policy(
        organization="acme",
        place=HERE,
        group_budgets_managed=Manage.LISTED,
        user_overrides_managed=Manage.LISTED,
        group_budgets=(entry,),
        user_overrides=(),
        guardrails=(),
        allow=(),
    )
    directory = World({"acme": ["ana"]}).directory()
    without = Scope(exclude=("group/acme/gone",))
    assert resolve((policy,), directory, at=NOW).orphans
    assert not resolve((policy,), directory, at=NOW, scope=without).orphans
    absence = replace(policy, group_budgets=(replace(entry, limit=ABSENT),))
    assert resolve((absence,), directory, at=NOW).vacancies
    assert not resolve((absence,), directory, at=NOW, scope=without).vacancies
