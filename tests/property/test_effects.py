"""Effective limits and effects against a brute-force count, and law 9, for every small world."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.action import Action
from reconciler.core.budget import GroupId, Reading, Unknown, UserId
from reconciler.core.gate.danger import Danger
from reconciler.core.gate.gate import judge
from reconciler.core.gate.verdict import FlagGrant, Grant, PolicyGrant, Verdict
from reconciler.core.people.assess import SpendAnswers, assess
from reconciler.core.people.effective import EffectiveLimits
from reconciler.core.people.effects import Effects
from reconciler.core.people.needs import Needs, needs, touched
from reconciler.core.policy import Hazard
from reconciler.core.snapshot import Effective, Snapshot, Unlimited
from tests.effects import brute
from tests.effects.dangers import dangers_to_people, mass_changes
from tests.effects.worlds import World, plans, spends, worlds
from tests.together import check_all

Actions = tuple[Action, ...]
PLANS_AND_SPEND = plans().flatmap(lambda drawn: st.tuples(st.just(drawn[0]), st.just(drawn[1]), spends(drawn[0])))


def effects_of(world: World, actions: Iterable[Action], spend: SpendAnswers) -> Effects:
    snapshot = world.snapshot()
    return assess(actions, snapshot, organizations=sorted(snapshot.directory.organizations)).effects(spend)


def _the_rule_limits_everybody_as_the_oracle_says(world: World, actions: Actions, _: SpendAnswers) -> None:
    snapshot = brute.apply(world.snapshot(), actions)
    limits = EffectiveLimits(snapshot.directory, snapshot.group_budgets, snapshot.user_overrides)
    for person in snapshot.directory.users:
        ours = limits.of(person)
        assert brute.effective(world, person, actions) == (None if isinstance(ours, Unknown) else ours)


@given(worlds(), st.data())
def test_what_is_claimed_in_partial_knowledge_is_true(world: World, data: st.DataObject) -> None:
    """Law 8: whoever is not unknown has exactly the limit that full knowledge gives them."""
    full = world.snapshot()
    people, groups = sorted(full.directory.users), sorted(full.directory.groups)
    hidden: dict[GroupId, frozenset[UserId]] = {}
    for group_id in data.draw(st.lists(st.sampled_from(groups), unique=True)):
        members = sorted(full.directory.members[group_id])
        if members:
            hidden[group_id] = frozenset(data.draw(st.lists(st.sampled_from(members), min_size=1, unique=True)))
    directory = replace(
        full.directory,
        members={group: people - hidden.get(group, frozenset()) for group, people in full.directory.members.items()},
        hidden_members={group: len(people) for group, people in hidden.items()},
    )
    unread = set(data.draw(st.lists(st.sampled_from(groups))))
    budgets: dict[GroupId, Reading] = {
        group: Unknown("unread") if group in unread else reading for group, reading in full.group_budgets.items()
    }
    overrides: dict[UserId, Reading] = {
        person: Unknown("unread") if data.draw(st.integers(0, 4)) == 0 else full.user_overrides[person]
        for person in people
    }
    limits = EffectiveLimits(directory, budgets, overrides)
    for person in people:
        ours, truth = limits.of(person), brute.effective(world, person)
        if isinstance(ours, Effective) and not isinstance(ours.limit_micros, Unlimited):
            assert truth == ours
        elif isinstance(ours, Effective):
            assert truth is not None
            assert isinstance(truth.limit_micros, Unlimited)


def _effects_equal_a_brute_force_count(world: World, actions: Actions, spend: SpendAnswers) -> None:
    people = sorted(world.directory().users)
    before = {person: brute.effective(world, person) for person in people}
    after = {person: brute.effective(world, person, actions) for person in people}
    members = [person for person in people if before[person] is not None]
    effects = effects_of(world, actions, spend)
    by_name = {one.user_id: one for one in effects.people}
    assert [person for person in people if before[person] != after[person]] == sorted(by_name)
    assert all((before[one.user_id], after[one.user_id]) == (one.before, one.after) for one in effects.people)
    exposure = effects.exposure
    assert effects.is_total
    assert (_sum(before, members), _sum(after, members)) == (exposure.before_micros, exposure.after_micros)
    assert (_unlimited(before), _unlimited(after)) == (exposure.unlimited_before, exposure.unlimited_after)
    assert (len(members), 0) == (exposure.people, exposure.unknown)
    assert sum(one.people for one in effects.transitions) == len(effects.people)
    blocked = [
        person
        for person in sorted(by_name)
        if _is_blocked(after[person], person, spend) and not _is_blocked(before[person], person, spend)
    ]
    assert blocked == [one.user_id for one in effects.blocked]
    assert [p for p in people if _is_free(before[p]) < _is_free(after[p])] == [one.user_id for one in effects.unlimited]


def _every_effect_has_a_cause_among_the_actions(world: World, actions: Actions, _: SpendAnswers) -> None:
    effects = effects_of(world, actions, {})
    assert all(one.causes for one in effects.people)
    assert {action.address for action in actions} >= set(effects.by_action)
    assert all(sum(t.people for t in one.transitions) == one.people for one in effects.by_action.values())


def _what_is_asked_for_is_enough_and_spend_is_asked_of_exactly_whom_it_concerns(
    world: World, actions: Actions, _: SpendAnswers
) -> None:
    full = world.snapshot()
    subjects = {action.subject.id for action in actions}
    bare = replace(
        full,
        group_budgets={key: one for key, one in full.group_budgets.items() if key in subjects},
        user_overrides={key: one for key, one in full.user_overrides.items() if key in subjects},
    )
    enough = _read(bare, full, actions)
    assert assess(actions, full).changes == assess(actions, enough).changes
    assert needs(actions, enough) == Needs(groups=(), users=())
    asked = {(group, user) for group, users in assess(actions, full).spend_questions().items() for user in users}
    concerned = {
        (side.group.id, change.user_id)
        for change in assess(actions, full).changes
        for side in (change.before, change.after)
        if not isinstance(side.limit_micros, Unlimited)
    }
    assert asked == concerned


def _only_touched_people_change(world: World, actions: Actions, _: SpendAnswers) -> None:
    everybody = touched(actions, world.directory())
    assert everybody >= {one.user_id for one in effects_of(world, actions, {}).people}


@given(PLANS_AND_SPEND)
def test_what_holds_of_every_plan(drawn: tuple[World, Actions, SpendAnswers]) -> None:
    """Five laws of one plan: drawing it costs three times what a law does."""
    laws = (
        _the_rule_limits_everybody_as_the_oracle_says,
        _effects_equal_a_brute_force_count,
        _every_effect_has_a_cause_among_the_actions,
        _what_is_asked_for_is_enough_and_spend_is_asked_of_exactly_whom_it_concerns,
        _only_touched_people_change,
    )
    check_all(lambda law: law(*drawn), {law.__name__: law for law in laws})


_POLICY_GRANTS = st.builds(
    PolicyGrant,
    hazard=st.sampled_from(Hazard),
    up_to=st.integers(1, 4),
    source=st.just("policy"),
    organization=st.sampled_from(["acme", "beta", "corp"]),
)
_GRANTS = st.lists(st.builds(FlagGrant, hazard=st.sampled_from(Hazard), up_to=st.integers(1, 4)))


@given(PLANS_AND_SPEND, _GRANTS, _GRANTS | st.lists(_POLICY_GRANTS))
def test_consent_never_adds_a_refusal(
    drawn: tuple[World, Actions, SpendAnswers], grants: list[Grant], more: list[Grant]
) -> None:
    """Law 9."""
    verdict = _verdict(*drawn, grants)
    hazards = [refusal.message.split(":")[0] for refusal in verdict.refusals]
    after = [refusal.message.split(":")[0] for refusal in verdict.with_grants(more).refusals]
    assert set(after) <= set(hazards)
    assert set(verdict.used) <= set(verdict.with_grants(more).used)


@given(PLANS_AND_SPEND, st.data())
def test_an_action_more_removes_nobody_from_a_danger_but_those_whose_limit_it_changes(
    drawn: tuple[World, Actions, SpendAnswers], data: st.DataObject
) -> None:
    """Law 9: `fewer` is the plan with one action turned into a no-op."""
    world, actions, spend = drawn
    fewer = actions[: data.draw(st.integers(0, len(actions)))]
    part, whole = (_counted(dangers_to_people(effects_of(world, one, spend))) for one in (fewer, actions))
    for hazard, person in part - whole:
        assert brute.effective(world, person, fewer) != brute.effective(world, person, actions), hazard
    managed: dict[str | None, int] = {name: data.draw(st.integers(0, 9)) for name in ("acme", "beta", "corp")}
    emptied = tuple(data.draw(st.lists(st.sampled_from(sorted({one.address for one in actions} | {"a"})))))
    few, many = (mass_changes(one, world.directory(), managed=managed, emptied=emptied) for one in (fewer, actions))
    assert _counted(few) <= _counted(many)


@given(PLANS_AND_SPEND, st.lists(_POLICY_GRANTS), _GRANTS)
def test_no_policy_consents_for_people_of_another_organization(
    drawn: tuple[World, Actions, SpendAnswers], grants: list[PolicyGrant], more: list[FlagGrant]
) -> None:
    verdict = _verdict(*drawn, [])
    given_all = verdict.with_grants([*grants, *more])
    hazards = {refusal.message.split(":")[0] for refusal in given_all.refusals}
    for hazard in Hazard:
        left = [
            danger.count
            for danger in verdict.dangers
            if danger.hazard is hazard
            and not any(
                (one.hazard, one.organization) == (hazard, danger.organization) and danger.count <= one.up_to
                for one in grants
            )
        ]
        allowed = max((one.up_to for one in more if one.hazard is hazard), default=0)
        assert (hazard in hazards) == (sum(left) > allowed)


def _counted(dangers: Iterable[Danger]) -> set[tuple[Hazard, str]]:
    """Certain ones of people, and deletes."""
    return {(danger.hazard, name) for danger in dangers for name in danger.counted}


def _verdict(world: World, actions: tuple[Action, ...], spend: SpendAnswers, grants: list[Grant]) -> Verdict:
    dangers = (
        *dangers_to_people(effects_of(world, actions, spend)),
        *mass_changes(actions, world.directory(), managed={"acme": 4}),
    )
    return judge(dangers, grants=grants)


def _read(snapshot: Snapshot, full: Snapshot, actions: tuple[Action, ...]) -> Snapshot:
    missing = needs(actions, snapshot)
    return replace(
        snapshot,
        group_budgets={**snapshot.group_budgets, **{one.id: full.group_budgets[one.id] for one in missing.groups}},
        user_overrides={**snapshot.user_overrides, **{one.id: full.user_overrides[one.id] for one in missing.users}},
    )


def _sum(limits: Mapping[UserId, Effective | None], people: list[UserId]) -> int:
    return sum(
        one.limit_micros
        for p in people
        if (one := limits[p]) is not None and not isinstance(one.limit_micros, Unlimited)
    )


def _unlimited(limits: Mapping[UserId, Effective | None]) -> int:
    return sum(_is_free(one) for one in limits.values())


def _is_free(effective: Effective | None) -> bool:
    return effective is not None and isinstance(effective.limit_micros, Unlimited)


def _is_blocked(effective: Effective | None, person: UserId, spend: SpendAnswers) -> bool:
    """Known for certain."""
    if effective is None or isinstance(effective.limit_micros, Unlimited):
        return False
    booked = spend.get(effective.group.id, {}).get(person, -1)
    return effective.limit_micros == 0 or booked >= effective.limit_micros
