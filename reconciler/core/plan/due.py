"""What a date asks for and does not get: due actions that a refusal is about, and what `apply --due` passes over.

A due action that is refused is held back alone, so that a date never stops anybody else's change. An entry whose date
came and whose subject live shows otherwise than that date explains (origin.py) is left to a person, and said.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from reconciler.core.action import Action, Cause, Origin
from reconciler.core.describe import describe
from reconciler.core.desired import Desired
from reconciler.core.directory import User
from reconciler.core.gate.hazards import HAZARDS, Grounds
from reconciler.core.gate.verdict import Verdict
from reconciler.core.plan.origin import RECENT, date_of
from reconciler.core.plan.plan import HeldBack
from reconciler.money import format_usd
from reconciler.words import spoken


def due_refusals(grounds: Grounds, verdict: Verdict) -> list[HeldBack]:
    """Return the due actions that the refusals of a plan are about, in the order of the actions.

    Consent to a hazard counts all people together, so every due action behind a refused hazard is held back.
    """
    due = {action.address: action for action in grounds.actions if action.origin is Origin.DUE}
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


def passed_over(actions: Iterable[Action], desired: Desired, *, at: datetime) -> Iterator[str]:
    """Yield a sentence for each entry that ended, or began within a week, and whose action no date explains.

    `actions` have their origins; `at` is the instant of the plan (UTC).
    """
    for action in actions:
        date = date_of(action)
        has_ended = action.cause is Cause.EXPIRED
        if date is None or action.origin is Origin.DUE or not (has_ended or at - date < RECENT):
            continue
        word = "ended" if has_ended else "began"
        live = f"live is {describe(action.before, action.subject, beside=action.after)}"
        yield f"{spoken(action.address)}: its entry {word} {date:%Y-%m-%d}, and {live}{_instead(action, desired)}"


def _instead(action: Action, desired: Desired) -> str:
    """Say what live is not: what the entry granted, or what it wants since it began."""
    if action.cause is not Cause.EXPIRED:
        return f", not {describe(action.after, action.subject, beside=action.before)}"
    grant = desired.ended.get(action.subject.id) if isinstance(action.subject, User) else None
    if grant is None or grant.is_live(action.before):
        return ", set since then"
    return f", not the {format_usd(grant.limit_micros)} that it granted"
