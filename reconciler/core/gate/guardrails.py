"""Guardrails: rules of a policy about itself, held against every entry, changed or not.

    max_limit              no entry has a higher limit
    max_exposure           the known effective limits of the organization's people, after the plan, add up to no more
    require_reason_above   an entry with a higher limit says why
    max_override_days      an override ends, and at most so many days after it starts or, if it holds already, after now
                           (the clock's, not the instant that is planned for); one of $0 raises nothing and may stay

A guardrail refuses a step in the wrong direction, and warns of what stands. A breach is *standing* if this change is
not to blame for it:

    always            the plan does not create the entry's budget, and does not raise it
    with a base       and the policy before had the entry, no lower, no longer, and with no better reason
    max_exposure      the plan does not raise the sum; where it is not known, the plan only lowers budgets

An apply knows no policy before, so a plan that does refuses no less: what was merged against its refusal is refused in
the plans of later changes, too, until the entry is mended, and not first in their applies.

So a guardrail can be introduced while half of the entries break it, and an emergency cut is never refused because
something else is too high; where the plan would raise that as well, the cut goes alone, with `--only`.

A guardrail speaks of amounts. `limit: none` is not an amount, so no guardrail is broken by it: what it does to people
is the hazard REMOVES_LIMIT. For the same reason unlimited people are in no sum of max_exposure: a sum cannot say that
they are too many, and a policy that is on the way from no limits to limits must be able to take its first step. The
breach, and the plan's line of exposure, say how many there are. People whose limit is not known are another matter:
they may have any, so max_exposure cannot be said to hold.

No consent covers a broken guardrail: change the entry, or have its owner change the guardrail. Guardrails of several
files all hold, so a file apart, with owners of its own, cannot be loosened by another.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field, replace
from datetime import datetime
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING

from reconciler.core.action import Action, Kind
from reconciler.core.budget import Budget
from reconciler.core.directory import User
from reconciler.core.gate.breach import Breach
from reconciler.core.gate.rules import check_entries, is_kept
from reconciler.core.policy import Entry, GroupBudgetEntry, Guardrail, GuardrailName, UserOverrideEntry
from reconciler.dataclass import dataclass
from reconciler.money import format_usd
from reconciler.words import count, count_people, spoken

if TYPE_CHECKING:  # `validate` needs none of them
    from reconciler.core.desired import ResolvedPolicy
    from reconciler.core.people.effects import Effects
    from reconciler.core.people.sums import Exposure


@dataclass(frozen=True, slots=True, kw_only=True)
class Blame:
    """What tells a breach that this change causes from one that stands."""

    actions: Mapping[str, Action] = field(default_factory=lambda: MappingProxyType({}))
    """Of the plan, by address."""
    base: Mapping[str, Entry] | None = None
    """The entries of the policy before, by address; None if it is not known."""

    def is_standing(self, address: str, entry: Entry, *, now: datetime) -> bool:
        """Whether this change is not to blame for what an entry breaks."""
        action = self.actions.get(address)
        if action is not None and action.is_raise:
            return False
        return self.base is None or is_kept(entry, self.base.get(address), now=now)

    @property
    def only_lowers(self) -> bool:
        return all(action.kind is Kind.UPDATE and not action.is_raise for action in self.actions.values())


def check_guardrails(
    policies: Iterable[ResolvedPolicy], effects: Effects, *, now: datetime, blame: Blame
) -> tuple[Breach, ...]:
    """Return every breach: in the order of policies, guardrails and entries. `now` (UTC) is the real time."""
    return tuple(
        breach
        for policy in policies
        for guardrail in policy.guardrails
        for breach in (
            _max_exposure(guardrail, policy, effects, blame)
            if guardrail.name is GuardrailName.MAX_EXPOSURE
            else check_entries(guardrail, _listed(policy), now=now, is_standing=partial(blame.is_standing, now=now))
        )
    )


def check_actions(
    policies: Iterable[ResolvedPolicy], actions: Iterable[Action], effects: Effects, *, now: datetime
) -> tuple[Breach, ...]:
    """Return what actions break that follow from no policy (those of `revert`), as warnings; `now` (UTC).

    An action is held against the guardrails as an entry would be: with the policy's own reason and dates where the
    policy wants the same, and with none where it does not.
    """
    planned = tuple(actions)
    return tuple(
        replace(breach, is_standing=True)
        for policy in policies
        for guardrail in policy.guardrails
        for breach in (
            _max_exposure(guardrail, policy, effects, Blame())
            if guardrail.name is GuardrailName.MAX_EXPOSURE
            else check_entries(guardrail, _as_entries(policy, planned), now=now, is_standing=lambda *_: True)
        )
    )


def _listed(policy: ResolvedPolicy) -> Iterator[tuple[str, Entry]]:
    yield from ((listed.address, listed.entry) for listed in policy.listed)


def _as_entries(policy: ResolvedPolicy, actions: Iterable[Action]) -> Iterator[tuple[str, Entry]]:
    """Yield what actions set in the organization of a policy, as entries."""
    entries = {listed.address: listed.entry for listed in policy.listed}
    for action in actions:
        after = action.after
        if not isinstance(after, Budget) or after.group.organization != policy.organization.name:
            continue
        entry = entries.get(action.address)
        if entry is not None and entry.limit == after.limit_micros:
            yield action.address, entry
        elif isinstance(action.subject, User):
            username, group = action.subject.username, after.group.name
            yield (
                action.address,
                UserOverrideEntry(user=username, group=group, limit=after.limit_micros, place=policy.place),
            )
        else:
            name = action.subject.name
            yield action.address, GroupBudgetEntry(group=name, limit=after.limit_micros, place=policy.place)


def entries_of(policies: Iterable[ResolvedPolicy]) -> Mapping[str, Entry]:
    """Return the entries of policies by address."""
    return {listed.address: listed.entry for policy in policies for listed in policy.listed}


def limits_exposure(policies: Iterable[ResolvedPolicy]) -> bool:
    """Whether the limits of everybody in the organizations must be read, because a guardrail bounds their sum."""
    return any(guardrail.name is GuardrailName.MAX_EXPOSURE for policy in policies for guardrail in policy.guardrails)


def _max_exposure(guardrail: Guardrail, policy: ResolvedPolicy, effects: Effects, blame: Blame) -> Iterator[Breach]:
    """Yield a breach where the sum is too high after the plan, or is not known."""
    exposure = _exposure_of(policy, effects)
    limit = f"max_exposure is {format_usd(guardrail.value)}"
    is_standing = blame.only_lowers
    if exposure is None:
        message, hint = (
            f"{limit}, and the exposure of {spoken(policy.organization.name)} is not known",
            "use a token that may read it",
        )
    elif exposure.after_micros > guardrail.value:
        unlimited = count(exposure.unlimited_after, "unlimited person", "unlimited people")
        apart = f", not counting {unlimited}" if exposure.unlimited_after else ""
        total = format_usd(exposure.after_micros)
        message = f"the exposure of {spoken(policy.organization.name)} would be {total}{apart}; {limit}"
        hint = "lower limits of groups with many members"
        is_standing = exposure.after_micros <= exposure.before_micros
    elif exposure.unknown:
        people = count_people(exposure.unknown)
        known = f"; those that are known add up to {format_usd(exposure.after_micros)}" if exposure.people else ""
        message = f"{limit}, and the limits of {people} of {spoken(policy.organization.name)} are not known{known}"
        hint = "use a token that may read them, or try again when Coder answers"
    else:
        return
    yield Breach(
        guardrail=guardrail.name,
        address=None,
        place=guardrail.place,
        message=message,
        guardrail_place=guardrail.place,
        hint=hint,
        is_standing=is_standing,
    )


def _exposure_of(policy: ResolvedPolicy, effects: Effects) -> Exposure | None:
    by_id = {organization.organization_id: organization.exposure for organization in effects.organizations}
    return by_id.get(policy.organization.id)
