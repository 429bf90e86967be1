"""Amounts that look like a slip of the decimal point: `2.500`, written for thousands, is $2.50.

A limit that goes to a hundredth of what it was, or to a hundred times as much, is announced. It may be meant, so that
nothing is refused for it; early in a month, when nobody has spent anything, nothing else would show it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from reconciler.core.action import Action, Origin
from reconciler.core.budget import Budget
from reconciler.core.directory import Group
from reconciler.core.notice import Notice, NoticeKind
from reconciler.core.people.effects import Effects
from reconciler.core.snapshot import Unlimited
from reconciler.money import Micros, format_usd

FACTOR = 100


def amount_notices(actions: Iterable[Action], effects: Effects, *, at: datetime) -> Iterator[Notice]:
    """Announce limits that change by `FACTOR` or more, at the instant `at` (UTC) of the plan.

    Where somebody changed live by hand, it goes back to an amount that was looked at before.
    """
    limits = _limits_before(effects)
    for action in actions:
        live, after = action.before, action.after
        if not isinstance(after, Budget) or action.origin is Origin.HAND:
            continue
        amounts = [live.limit_micros] if isinstance(live, Budget) else limits[action.address]
        before = next((amount for amount in amounts if _is_far(amount, after.limit_micros)), None)
        if before is not None:
            is_new = isinstance(action.subject, Group) and not isinstance(live, Budget)
            yield Notice(
                kind=NoticeKind.CHECK_AMOUNT,
                address=action.address,
                place=action.place,
                text=_say("takes people" if is_new else "goes", before, after.limit_micros),
                at=at,
            )


def _limits_before(effects: Effects) -> Mapping[str, list[Micros]]:
    """Return what limited the people whom each action limits from now on, by its address."""
    limits: defaultdict[str, list[Micros]] = defaultdict(list)
    for person in effects.people:
        if not isinstance(person.before.limit_micros, Unlimited):
            limits[person.causes[0]].append(person.before.limit_micros)
    return limits


def _is_far(before: Micros, after: Micros) -> bool:
    """$0 blocks, and is meant: from it and to it nothing is far."""
    return 0 < min(before, after) * FACTOR <= max(before, after)


def _say(verb: str, before: Micros, after: Micros) -> str:
    """Say it: a person goes from one amount to another, a budget does where the group had one before."""
    change = f"{verb} from {format_usd(before)} to {format_usd(after)}"
    if after > before:
        return f"{change}, {FACTOR} times as much or more"
    return f"{change}, a hundredth or less; thousands are written 2500"
