"""Which due actions a refusal is about: they are held back alone, so that a date never stops anybody else's change."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

from reconciler.core.action import Action, Origin
from reconciler.core.gate.verdict import Verdict
from reconciler.core.people.effects import Effects
from reconciler.core.plan.plan import HeldBack
from reconciler.core.policy import Hazard


def due_refusals(actions: Sequence[Action], effects: Effects, verdict: Verdict) -> list[HeldBack]:
    """Return the due actions that the refusals of a plan are about, in the order of the actions.

    Consent to a hazard counts all people together, so every due action behind a refused hazard is held back.
    """
    due = {action.address: action for action in actions if action.origin is Origin.DUE}
    if not due or not verdict.is_refused:
        return []
    refused: dict[str, HeldBack] = {}
    ends = {(action.address,) for action in actions if action.is_due_end}
    for hazard in verdict.refused_hazards:
        for address in _behind(hazard, effects, ends):
            if address in due:
                refusal = verdict.refusal_of(hazard)
                refused.setdefault(address, HeldBack(action=due[address], message=refusal.message, hint=refusal.hint))
    for breach in verdict.breaches:
        if breach.address in due and not breach.is_standing:
            refused[breach.address] = HeldBack(action=due[breach.address], message=breach.message, hint=breach.hint)
    return [refused[action.address] for action in actions if action.address in refused]


def _behind(hazard: Hazard, effects: Effects, ends: Collection[tuple[str, ...]]) -> Iterator[str]:
    """Yield the addresses of the actions that endanger people with a hazard; `ends` are consent to blocking."""
    match hazard:
        case Hazard.REMOVES_LIMIT:
            yield from (end.address for end in effects.later_unlimited)
            people = effects.unlimited
            unclear = [person for person in effects.unclear if person.may_become_unlimited]
        case Hazard.BLOCKS_USERS:
            blocked = (*effects.blocked, *effects.maybe_blocked)
            people = tuple(person for person in blocked if person.causes not in ends)
            unclear = [person for person in effects.unclear if person.may_become_blocked]
        case Hazard.UNSEEN_PEOPLE | Hazard.MASS_CHANGE:
            return
    yield from _causes(person.causes for person in people)
    yield from (f"user/{person.username}" for person in unclear)


def _causes(causes: Iterable[tuple[str, ...]]) -> Iterator[str]:
    for addresses in causes:
        yield from addresses
