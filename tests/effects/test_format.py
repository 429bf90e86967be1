"""Effects and verdict survive a saved plan (law 7), and JSON says what text says without computing anything."""

from __future__ import annotations

import json
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from reconciler.core.action import Action
from reconciler.core.gate.gate import judge
from reconciler.core.gate.verdict import Grant
from reconciler.core.people.assess import SpendAnswers, assess
from reconciler.core.plan.plan import Plan
from reconciler.formats.plan import dump_plan, load_plan
from tests.effects.dangers import dangers_to_people, mass_changes
from tests.effects.worlds import NOW, World, plans, set_group, spends

SCHEMA = Path(__file__).parents[2] / "schemas" / "plan.v3.schema.json"
PLANS_AND_SPEND = plans().flatmap(lambda drawn: st.tuples(st.just(drawn[0]), st.just(drawn[1]), spends(drawn[0])))


def plan_of(world: World, actions: tuple[Action, ...], spend: SpendAnswers, grants: tuple[Grant, ...] = ()) -> Plan:
    snapshot = world.snapshot()
    effects = assess(actions, snapshot, organizations=sorted(snapshot.directory.organizations)).effects(spend)
    verdict = judge(
        (*dangers_to_people(effects), *mass_changes(actions, snapshot.directory, managed={"acme": 3})), grants=grants
    )
    return Plan(
        deployment=snapshot.deployment,
        at=NOW,
        actions=actions,
        unchanged=0,
        unreadable=(),
        withheld=(),
        effects=effects,
        verdict=verdict,
    )


@settings(deadline=None)
@given(PLANS_AND_SPEND)
def test_a_saved_plan_carries_its_effects(drawn: tuple[World, tuple[Action, ...], SpendAnswers]) -> None:
    plan = plan_of(*drawn)
    assert load_plan(dump_plan(plan), source="it") == plan


def test_json_says_who_is_blocked_and_what_to_paste() -> None:
    world = World({"acme": ["ana"], "acme/eng": ["ana"]}, {"acme/eng": 20})
    document = json.loads(dump_plan(plan_of(world, (set_group(world, "acme/eng", 0),), {})))
    Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8"))).validate(document)
    (person,) = document["effects"]["people"]
    assert (person["standing_after"], person["becomes_blocked"], person["has_moved"]) == ("blocked", True, False)
    (danger,) = document["verdict"]["dangers"]
    assert (danger["count"], danger["consent"], document["verdict"]["is_refused"]) == (1, "BLOCKS_USERS=1", True)
