"""The order in which actions run, so that nobody is stopped on the way (law 5).

*Harmless*: at no moment during an apply is anybody's effective limit below the lower of their before and after. A limit
comes from a person's override, else from the highest budget among their groups, else there is none; so an action can
lower somebody only by putting a lower override or the first budget on them, by lowering a budget, or by taking away an
override or the highest of several budgets. The order that keeps the law was found by exhaustive search over small
worlds, and is a property test:

    1  overrides, create and update   whoever has one after the plan is at their after from here on
    2  group budgets, raise           can only lift
    3  group budgets, create          highest limit first: the first budget on a person is their highest new one
    4  group budgets, delete          lowest live limit first: the highest one protects until the end
    5  group budgets, lower           every other budget is at its after already
    6  overrides, delete              what they fall back to is final

Phases are barriers: a phase in which something failed stops the later ones. Inside a phase a *step* is what may run at
once; phases 3 and 4 have a step per limit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import IntEnum
from itertools import groupby
from typing import assert_never

from reconciler.core.action import Action, Kind
from reconciler.core.budget import Budget
from reconciler.core.directory import User


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


def phase_of(action: Action) -> Phase:
    """Return the phase in which an action runs. Raises ValueError for a no-op, which never runs."""
    is_user = isinstance(action.subject, User)
    match action.kind:
        case Kind.NO_OP:
            raise ValueError(f"{action.address} is a no-op and has no phase")
        case Kind.DELETE:
            return Phase.OVERRIDE_DELETES if is_user else Phase.GROUP_DELETES
        case _ if is_user:
            return Phase.OVERRIDE_WRITES
        case Kind.CREATE:
            return Phase.GROUP_CREATES
        case Kind.UPDATE:
            return Phase.GROUP_RAISES if _limit(action.after) > _limit(action.before) else Phase.GROUP_LOWERINGS
        case _:
            assert_never(action.kind)


_STEP_BY_LIMIT: dict[Phase, Callable[[Action], int]] = {
    Phase.GROUP_CREATES: lambda action: -_limit(action.after),
    Phase.GROUP_DELETES: lambda action: _limit(action.before),
}


def _rank(action: Action) -> tuple[int, int]:
    phase = phase_of(action)
    by_limit = _STEP_BY_LIMIT.get(phase)
    return phase, by_limit(action) if by_limit else 0


def _sort_key(action: Action) -> tuple[tuple[int, int], str, str]:
    return _rank(action), action.address, str(action.subject.id)


def _limit(state: object) -> int:
    return state.limit_micros if isinstance(state, Budget) else 0
