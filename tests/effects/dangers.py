"""The table of hazards, asked in parts: what a plan does to people, and what it does to objects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from reconciler.core.action import Action
from reconciler.core.directory import Directory
from reconciler.core.gate.danger import Danger
from reconciler.core.gate.hazards import Grounds, count_dangers
from reconciler.core.people.effects import Effects
from reconciler.core.policy import Hazard
from tests.effects.worlds import World, effects_of_nothing


def dangers_to_people(
    effects: Effects, *, actions: Iterable[Action] = (), offers_spend: bool = True
) -> tuple[Danger, ...]:
    """Count the hazards that count people."""
    facts = Grounds(
        effects=effects,
        actions=tuple(actions),
        directory=World({}).directory(),
        offers_spend=offers_spend,
        managed={},
    )
    return tuple(danger for danger in count_dangers(facts) if danger.hazard is not Hazard.MASS_CHANGE)


def mass_changes(
    actions: Iterable[Action], directory: Directory, *, managed: Mapping[str | None, int], emptied: Sequence[str] = ()
) -> tuple[Danger, ...]:
    """Count the deletes of mass changes."""
    facts = Grounds(
        effects=effects_of_nothing(),
        actions=tuple(actions),
        directory=directory,
        offers_spend=True,
        managed=managed,
        emptied=tuple(emptied),
    )
    return count_dangers(facts)
