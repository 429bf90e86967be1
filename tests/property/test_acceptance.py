"""Law: once what is live is accepted into the policy files, a plan is empty for the addresses that were accepted."""

from __future__ import annotations

import random
from dataclasses import replace

from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

from reconciler.core.plan.acceptance import Taking
from reconciler.core.plan.plan import Plan
from reconciler.core.policy import Manage, Policy
from reconciler.core.snapshot import Snapshot
from reconciler.errors import ReconcilerError
from reconciler.policy_file.accept import accept, propose
from reconciler.policy_file.load import load_texts
from reconciler.policy_file.write import dump
from tests.effects.worlds import World
from tests.property.strategies import plan_of, situations

Situation = tuple[World, Snapshot, tuple[Policy, ...]]


def written(policies: tuple[Policy, ...], order: random.Random) -> dict[str, str]:
    """Write each policy as two files, with its entries in any order."""
    texts: dict[str, str] = {}
    for policy in policies:
        groups, users = list(policy.group_budgets), list(policy.user_overrides)
        order.shuffle(groups)
        order.shuffle(users)
        half = len(users) // 2
        first = replace(policy, group_budgets=tuple(groups), user_overrides=tuple(users[:half]))
        second = replace(policy, group_budgets=(), user_overrides=tuple(users[half:]))
        texts |= {f"{policy.organization}-1.yaml": dump(first), f"{policy.organization}-2.yaml": dump(second)}
    return texts


def planned(texts: dict[str, str], snapshot: Snapshot) -> Plan:
    try:
        return plan_of(load_texts(texts), snapshot)
    except ReconcilerError:
        assume(False)
        raise


@settings(max_examples=200)
@given(situations(), st.randoms(use_true_random=False), st.booleans())
def test_what_was_accepted_is_no_difference(situation: Situation, order: random.Random, all_of_it: bool) -> None:
    _, snapshot, policies = situation
    texts = written(policies, order)
    plan = planned(texts, snapshot)
    proposed = propose(plan.actions, load_texts(texts), snapshot.directory)
    chosen = [item for item in proposed if item.acceptance.taking is not Taking.IMPOSSIBLE]
    if not all_of_it:
        chosen = [item for item in chosen if order.random() < 0.5]
    for item in chosen:
        event(item.acceptance.taking)
    changed = accept(chosen, texts)
    accepted = {item.acceptance.address for item in chosen}
    after = planned({**texts, **changed}, snapshot)
    assert accepted.isdisjoint(action.address for action in after.actions)
    left = {action for action in plan.actions if action.address not in accepted}
    assert {(a.address, a.before, a.after) for a in after.actions} == {(a.address, a.before, a.after) for a in left}


@settings(max_examples=50)
@given(situations())
def test_only_what_no_policy_can_say_is_impossible(situation: Situation) -> None:
    _, snapshot, policies = situation
    exact = tuple(
        replace(policy, group_budgets_managed=Manage.EXACT, user_overrides_managed=Manage.EXACT) for policy in policies
    )
    texts = written(exact, random.Random(1))
    plan = planned(texts, snapshot)
    organizations = {policy.organization for policy in policies}
    for item in propose(plan.actions, load_texts(texts), snapshot.directory):
        if item.acceptance.taking is Taking.IMPOSSIBLE:
            assert item.acceptance.problem.startswith("no policy file is for organization")
            assert not any(f"organization {name};" in item.acceptance.problem for name in organizations)
