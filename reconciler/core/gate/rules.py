"""Guardrails that entries are held against one by one, without a server. guardrails.py has the theory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import assert_never

from reconciler.core.budget import Absent
from reconciler.core.gate.breach import Breach
from reconciler.core.policy import Entry, Guardrail, GuardrailName, Policy, UserOverrideEntry
from reconciler.money import format_usd
from reconciler.words import count, spoken

IsStanding = Callable[[str, Entry], bool]
"""Whether this change is not to blame for what an entry, at this address, breaks."""


def check_policies(
    policies: Iterable[Policy], *, now: datetime, base: Iterable[Policy] | None = None
) -> tuple[Breach, ...]:
    """Return the breaches that show without a server; without a base all of them count as standing."""
    before = None if base is None else {address: entry for policy in base for address, entry in policy.entries}
    return tuple(
        breach
        for policy in policies
        for guardrail in policy.guardrails
        for breach in check_entries(
            guardrail,
            policy.entries,
            now=now,
            is_standing=lambda address, entry: before is None or is_kept(entry, before.get(address), now=now),
        )
    )


def check_entries(
    guardrail: Guardrail, entries: Iterable[tuple[str, Entry]], *, now: datetime, is_standing: IsStanding
) -> Iterator[Breach]:
    """Yield the breaches of a guardrail by entries and their addresses; max_exposure is broken by none of them."""
    for address, entry in entries:
        broken = _broken_by(guardrail, entry, now)
        if broken is not None:
            message, hint = broken
            yield Breach(
                guardrail=guardrail.name,
                address=address,
                place=entry.place,
                message=message,
                guardrail_place=guardrail.place,
                hint=hint,
                is_standing=is_standing(address, entry),
            )


def _broken_by(guardrail: Guardrail, entry: Entry, now: datetime) -> tuple[str, str] | None:
    """Return what is wrong with an entry and what to do; None if it keeps the guardrail."""
    if isinstance(entry.limit, Absent):
        return None
    match guardrail.name:
        case GuardrailName.MAX_LIMIT:
            return _too_high(guardrail.value, entry, entry.limit)
        case GuardrailName.REQUIRE_REASON_ABOVE:
            return _without_reason(guardrail.value, entry, entry.limit)
        case GuardrailName.MAX_OVERRIDE_DAYS:
            return _too_long(guardrail.value, entry, entry.limit, now)
        case GuardrailName.MAX_EXPOSURE:  # of a sum; guardrails.py
            return None
        case _:
            assert_never(guardrail.name)


def _too_high(most_micros: int, entry: Entry, limit_micros: int) -> tuple[str, str] | None:
    if limit_micros <= most_micros:
        return None
    over = f"is over the max_limit of {format_usd(most_micros)}"
    return f"{format_usd(limit_micros)} for {_who(entry)} {over}", "lower the limit"


def _without_reason(most_micros: int, entry: Entry, limit_micros: int) -> tuple[str, str] | None:
    if limit_micros <= most_micros or entry.reason.strip():
        return None
    above = f"a limit above {format_usd(most_micros)} needs one"
    return f"{format_usd(limit_micros)} for {_who(entry)} has no reason, and {above}", "say why in `reason`"


def _too_long(most_days: int, entry: Entry, limit_micros: int, now: datetime) -> tuple[str, str] | None:
    if not isinstance(entry, UserOverrideEntry) or limit_micros == 0:
        return None
    longest = timedelta(days=most_days)
    starts = now if entry.starts is None else max(entry.starts, now)
    if entry.expires is None:
        message = (
            f"the override of {spoken(entry.user)} never expires; max_override_days allows {count(most_days, 'day')}"
        )
    elif entry.expires - starts > longest:
        days = -((starts - entry.expires) // timedelta(days=1))
        message = f"the override of {spoken(entry.user)} lasts {days} more days; max_override_days allows {most_days}"
    else:
        return None
    return message, f"set `expires` to {(starts + longest).strftime('%Y-%m-%d')} or earlier"


def is_kept(entry: Entry, before: Entry | None, *, now: datetime) -> bool:
    """Whether the policy before had an entry already: no lower, no shorter, and with no better reason."""
    return before is not None and not _is_worse(entry, before, now)


def _is_worse(entry: Entry, before: Entry, now: datetime) -> bool:
    """Whether an entry goes further than the same entry of the policy before: higher, longer, or with less reason."""
    if isinstance(entry.limit, Absent):
        return False
    if isinstance(before.limit, Absent) or entry.limit > before.limit or (before.reason and not entry.reason):
        return True
    if not isinstance(entry, UserOverrideEntry) or not isinstance(before, UserOverrideEntry):
        return False
    if max(entry.starts or now, now) < max(before.starts or now, now):
        return True
    return before.expires is not None and (entry.expires is None or entry.expires > before.expires)


def _who(entry: Entry) -> str:
    return f"user {spoken(entry.user)}" if isinstance(entry, UserOverrideEntry) else f"group {spoken(entry.group)}"
