"""Guardrails: rules of a policy about itself, held at plan time against every entry, changed or not.

    max_limit              no entry has a higher limit
    max_exposure           the known effective limits of the organization's people, after the plan, add up to no more
    require_reason_above   an entry with a higher limit says why
    max_override_days      an override ends, and at most so many days after it starts or, if it holds already, after now
                           (the clock's, not the instant that is planned for)

A guardrail speaks of amounts. `limit: none` is not one, so no guardrail is broken by it: what it does to people is the
hazard REMOVES_LIMIT. For the same reason unlimited people are in no sum of max_exposure: a sum cannot say that they are
too many, and a policy that is on the way from no limits to limits must be able to take its first step. The breach, and
the plan's line of exposure, say how many there are.

People whose limit is not known are another matter: they may have any, so max_exposure cannot be said to hold.

No consent covers a broken guardrail: change the entry, or have its owner change the guardrail. Guardrails of several
files all hold, so a file apart, with owners of its own, cannot be loosened by another.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import assert_never

from reconciler.core.budget import Absent
from reconciler.core.desired import ResolvedPolicy
from reconciler.core.gate.verdict import Breach
from reconciler.core.people.effects import Effects, Exposure
from reconciler.core.policy import Entry, Guardrail, GuardrailName, UserOverrideEntry
from reconciler.money import format_usd
from reconciler.words import count, count_people


def check_guardrails(policies: Iterable[ResolvedPolicy], effects: Effects, *, now: datetime) -> tuple[Breach, ...]:
    """Return every breach: in the order of policies, guardrails and entries. `now` (UTC) is the real time."""
    return tuple(
        breach
        for policy in policies
        for guardrail in policy.guardrails
        for breach in _check(guardrail, policy, effects, now)
    )


def limits_exposure(policies: Iterable[ResolvedPolicy]) -> bool:
    """Whether the limits of everybody in the organizations must be read, because a guardrail bounds their sum."""
    return any(guardrail.name is GuardrailName.MAX_EXPOSURE for policy in policies for guardrail in policy.guardrails)


def _check(guardrail: Guardrail, policy: ResolvedPolicy, effects: Effects, now: datetime) -> Iterator[Breach]:
    match guardrail.name:
        case GuardrailName.MAX_LIMIT:
            yield from _max_limit(guardrail, policy)
        case GuardrailName.MAX_EXPOSURE:
            yield from _max_exposure(guardrail, policy, effects)
        case GuardrailName.REQUIRE_REASON_ABOVE:
            yield from _require_reason(guardrail, policy)
        case GuardrailName.MAX_OVERRIDE_DAYS:
            yield from _max_override_days(guardrail, policy, now)
        case _:
            assert_never(guardrail.name)


def _max_limit(guardrail: Guardrail, policy: ResolvedPolicy) -> Iterator[Breach]:
    for entry in _entries(policy):
        if not isinstance(entry.limit, Absent) and entry.limit > guardrail.value:
            over = f"over the max_limit of {format_usd(guardrail.value)}"
            yield _breach(guardrail, entry, f"{format_usd(entry.limit)} for {_who(entry)} is {over}", "lower the limit")


def _require_reason(guardrail: Guardrail, policy: ResolvedPolicy) -> Iterator[Breach]:
    for entry in _entries(policy):
        if not isinstance(entry.limit, Absent) and entry.limit > guardrail.value and not entry.reason.strip():
            above = f"a limit above {format_usd(guardrail.value)} needs one"
            message = f"{format_usd(entry.limit)} for {_who(entry)} has no reason, and {above}"
            yield _breach(guardrail, entry, message, "say why in `reason`")


def _max_override_days(guardrail: Guardrail, policy: ResolvedPolicy, now: datetime) -> Iterator[Breach]:
    longest = timedelta(days=guardrail.value)
    for entry in _entries(policy):
        if isinstance(entry.limit, Absent) or not isinstance(entry, UserOverrideEntry):
            continue
        starts = now if entry.starts is None else max(entry.starts, now)
        if entry.expires is None:
            message = f"the override of {entry.user} never expires, and may last {guardrail.value} days"
        elif entry.expires - starts > longest:
            days = -((starts - entry.expires) // timedelta(days=1))
            message = f"the override of {entry.user} lasts {days} more days, and may last {guardrail.value}"
        else:
            continue
        latest = (starts + longest).strftime("%Y-%m-%d")
        yield _breach(guardrail, entry, message, f"let it expire by {latest}")


def _max_exposure(guardrail: Guardrail, policy: ResolvedPolicy, effects: Effects) -> Iterator[Breach]:
    exposure = _exposure_of(policy, effects)
    limit = f"max_exposure is {format_usd(guardrail.value)}"
    if exposure is None:
        message, hint = (
            f"{limit}, and the exposure of {policy.organization.name} is not known",
            "use a token that may read it",
        )
    elif exposure.after_micros > guardrail.value:
        unlimited = count(exposure.unlimited_after, "unlimited person", "unlimited people")
        apart = f", not counting {unlimited}" if exposure.unlimited_after else ""
        total = format_usd(exposure.after_micros)
        message = f"the exposure of {policy.organization.name} would be {total}{apart}; {limit}"
        hint = "lower limits of groups with many members"
    elif exposure.unknown:
        people = count_people(exposure.unknown)
        known = f"; those that are known add up to {format_usd(exposure.after_micros)}" if exposure.people else ""
        message = f"{limit}, and the limits of {people} of {policy.organization.name} are not known{known}"
        hint = "use a token that may read them, or try again when Coder answers"
    else:
        return
    yield Breach(
        guardrail=guardrail.name,
        place=guardrail.place,
        message=message,
        guardrail_place=guardrail.place,
        hint=hint,
    )


def _exposure_of(policy: ResolvedPolicy, effects: Effects) -> Exposure | None:
    by_id = {organization.organization_id: organization.exposure for organization in effects.organizations}
    return by_id.get(policy.organization.id)


def _breach(guardrail: Guardrail, entry: Entry, message: str, hint: str) -> Breach:
    return Breach(
        guardrail=guardrail.name,
        place=entry.place,
        message=message,
        guardrail_place=guardrail.place,
        hint=hint,
    )


def _entries(policy: ResolvedPolicy) -> tuple[Entry, ...]:
    return tuple(listed.entry for listed in policy.listed)


def _who(entry: Entry) -> str:
    return f"user {entry.user}" if isinstance(entry, UserOverrideEntry) else f"group {entry.group}"
