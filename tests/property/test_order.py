"""Law 5: at no moment during an apply is anybody's effective limit below the lower of their before and after."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.action import Action
from reconciler.core.people.standing import amount_or_any
from reconciler.core.plan.order import in_order, schedule
from tests.effects import brute
from tests.effects.worlds import World, plans, set_group


def amounts(world: World, done: list[Action] | tuple[Action, ...]) -> dict[str, float]:
    limits = {str(person): brute.effective(world, person, done) for person in world.directory().users}
    return {person: amount_or_any(effective) for person, effective in limits.items() if effective is not None}


def is_harmless(world: World, moments: list[Action]) -> bool:
    """Replay actions one by one and look at everybody after each."""
    before, after = amounts(world, ()), amounts(world, moments)
    for number in range(1, len(moments)):
        now = amounts(world, moments[:number])
        if any(now[person] < min(before[person], after[person]) for person in now):
            return False
    return True


@given(plans(), st.data())
def test_no_interleaving_of_the_schedule_harms_anybody(
    drawn: tuple[World, tuple[Action, ...]], data: st.DataObject
) -> None:
    world, actions = drawn
    moments = [action for step in schedule(actions) for action in data.draw(st.permutations(step.actions))]
    assert is_harmless(world, moments)


@given(plans(), st.data())
def test_the_order_of_the_input_makes_no_difference(
    drawn: tuple[World, tuple[Action, ...]], data: st.DataObject
) -> None:
    """Law 4."""
    _, actions = drawn
    assert in_order(actions) == in_order(data.draw(st.permutations(actions)))
    phases = [step.phase for step in schedule(actions)]
    assert phases == sorted(phases)


def test_the_check_notices_a_naive_order() -> None:
    """Deletes first: bob falls from $20 to $10 on the way to $30."""
    world = World(
        {"acme": ["bob"], "acme/eng": ["bob"], "acme/ops": ["bob"]},
        {"acme/eng": 20, "acme": 10},
        joined={("bob", "acme"): 1},
    )
    actions = [set_group(world, "acme/eng", None), set_group(world, "acme/ops", 30)]
    assert not is_harmless(world, actions)
    assert is_harmless(world, list(in_order(actions)))
