"""The order in which actions run, so that nobody is stopped on the way (law 5).

*Harmless*: at no moment during an apply is anybody's effective limit below the lower of their before and after. A limit
comes from a person's override, else from the highest budget among their groups, else there is none; so an action can
lower somebody only by putting a lower override or the first budget on them, by lowering a budget, or by taking away an
override or the highest of several budgets. The order that keeps the law was found by exhaustive search over small
worlds, and is a property test:

    1  overrides, create and update   people who have one after the plan are at their after from here on
    2  group budgets, raise           can only lift
    3  group budgets, create          highest limit first: the first budget on a person is their highest new one
    4  group budgets, delete          lowest live limit first: the highest one protects until the end
    5  group budgets, lower           every other budget is at its after already
    6  overrides, delete              what they fall back to is final

Phases are barriers: a phase in which something failed stops the later ones. Inside a phase a *step* is what may run at
once; phases 3 and 4 have a step per limit.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from itertools import groupby

from reconciler.core.action import Action, Kind
from reconciler.core.budget import Absent, Budget
from reconciler.core.directory import User
from reconciler.dataclass import dataclass


class Phase(IntEnum):
    """The six phases, in the order in which they run."""

    OVERRIDE_WRITES = 1
    GROUP_RAISES = 2
    GROUP_CREATES = 3
    GROUP_DELETES = 4
    GROUP_LOWERINGS = 5
    OVERRIDE_DELETES = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Actions that may run at once, sorted by address."""

    phase: Phase
    actions: tuple[Action, ...]


def schedule(actions: Iterable[Action]) -> tuple[Step, ...]:
    """Arrange actions into steps; no-ops are left out. Law 4: the order in which they come makes no difference."""
    ordered = sorted((action for action in actions if action.kind is not Kind.NO_OP), key=_sort_key)
    return tuple(
        Step(phase=Phase(phase), actions=tuple(group))
        for (phase, _), group in groupby(ordered, key=lambda action: _rank(action))
    )


def in_order(actions: Iterable[Action]) -> tuple[Action, ...]:
    """Return the actions in the order of their steps."""
    return tuple(action for step in schedule(actions) for action in step.actions)


def _rank(action: Action) -> tuple[Phase, int]:
    """Return the phase, and inside it the order of steps: what has the same rank may run at once."""
    if isinstance(action.subject, User):
        return (Phase.OVERRIDE_DELETES if action.kind is Kind.DELETE else Phase.OVERRIDE_WRITES), 0
    match action.before, action.after:
        case Absent(), Budget(limit_after):
            return Phase.GROUP_CREATES, -limit_after
        case Budget(limit_before), Absent():
            return Phase.GROUP_DELETES, limit_before
        case Budget(limit_before), Budget(limit_after) if limit_after > limit_before:
            return Phase.GROUP_RAISES, 0
        case _:
            return Phase.GROUP_LOWERINGS, 0


def _sort_key(action: Action) -> tuple[tuple[Phase, int], str, str]:
    return _rank(action), action.address, str(action.subject.id)
