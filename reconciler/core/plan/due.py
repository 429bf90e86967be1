"""Which due actions a refusal is about: they are held back alone, so that a date never stops anybody else's change."""

from __future__ import annotations

from reconciler.core.action import Origin
from reconciler.core.gate.hazards import HAZARDS, Grounds
from reconciler.core.gate.verdict import Verdict
from reconciler.core.plan.plan import HeldBack


def due_refusals(grounds: Grounds, verdict: Verdict) -> list[HeldBack]:
    """Return the due actions that the refusals of a plan are about, in the order of the actions.

    Consent to a hazard counts all people together, so every due action behind a refused hazard is held back.
    """
    due = {action.address: action for action in grounds.actions if action.origin is Origin.DUE}
    if not due or not verdict.is_refused:
        return []
    refused: dict[str, HeldBack] = {}
    for hazard in verdict.refused_hazards:
        for address in HAZARDS[hazard].behind(grounds):
            if address in due:
                refusal = verdict.refusal_of(hazard)
                refused.setdefault(address, HeldBack(action=due[address], message=refusal.message, hint=refusal.hint))
    for breach in verdict.breaches:
        if breach.address in due and not breach.is_standing:
            refused[breach.address] = HeldBack(action=due[breach.address], message=breach.message, hint=breach.hint)
    return [refused[action.address] for action in grounds.actions if action.address in refused]
