"""What a plan does to people and money, as lines of a plan's text. Pure: data in, text out.

The default fits a screen for any number of people: equal effects are folded, names end after a few. A line that
counts a hazard ends with the consent that covers it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from heapq import nsmallest

from reconciler.core.action import Action, Kind
from reconciler.core.budget import Unknown
from reconciler.core.describe import NameGroup, names_for
from reconciler.core.directory import User
from reconciler.core.gate.verdict import Verdict
from reconciler.core.people.effects import ActionEffect, Effects, PersonEffect, Transition
from reconciler.core.people.standing import Spend
from reconciler.core.snapshot import Effective, Unlimited
from reconciler.money import Micros, format_usd, format_usd_short
from reconciler.render.dangers import amount, danger_lines, named, overspent, reviewed_lines
from reconciler.render.detail import Detail
from reconciler.render.notices import notice_lines
from reconciler.render.text import Line, Role, columns, harmless, spend_text
from reconciler.words import NAMES_SHOWN, NO_LIMIT, count, count_people, spoken

TRANSITIONS_SHOWN = 10


def action_notes(actions: Iterable[Action], effects: Effects) -> Mapping[str, str]:
    """Return per address what follows an action on its line: `3 people fall back to Everyone ($50.00)`; never empty."""
    by_action, names = effects.by_action, _group_names(effects)
    notes = {action.address: _note(action, by_action.get(action.address), effects, names) for action in actions}
    for end in effects.ends:
        then = f"then {_say(end.after, names)}"
        notes[end.address] = "; ".join(filter(None, (then, notes.get(end.address, ""))))
    return {address: note for address, note in notes.items() if note}


def effects_lines(effects: Effects, verdict: Verdict, *, at: datetime, detail: Detail = Detail.SUMMARY) -> list[str]:
    """Return the block between the actions and the end of a plan; empty where there is nothing to say."""
    if detail is Detail.NONE:
        return []
    names = _group_names(effects)
    return [
        *_exposure(effects),
        *(_everybody(effects, names) if detail is Detail.PEOPLE else _folded(effects.transitions, names)),
        *danger_lines(effects, verdict.dangers),
        *reviewed_lines(effects, verdict.dangers),
        *_nearing(effects),
        *_unblocked(effects),
        *_moved(effects),
        *_not_known(effects, names),
        *notice_lines(effects.notices, at, detail),
    ]


def to_know(effects: Effects, *, has_nearest: bool = False) -> Iterator[str]:
    """Yield what a reviewer should know beside the changes: whom Coder will mail, spend that no longer counts, and what
    is not known. A sentence each, the same in every format; with `has_nearest` a table tells who is near the limit.
    """
    if not has_nearest:
        yield from _nearing(effects)
    yield from _moved(effects)
    if not effects.exposure.people:
        yield from _exposure(effects)
    yield from _not_known(effects, _group_names(effects))


def changes_nobody(action: Action, effect: ActionEffect | None, effects: Effects) -> bool:
    """Whether it is known that an action changes nobody's limit; `effect` is its own, None where it has none."""
    return effect is None and not effects.unclear and action.address not in {row.address for row in effects.unseen}


def _note(action: Action, effect: ActionEffect | None, effects: Effects, names: NameGroup) -> str:
    if effect is None:
        return "changes nobody's limit" if changes_nobody(action, effect, effects) else ""
    is_user = isinstance(action.subject, User)
    if action.kind is Kind.DELETE:
        people = "" if is_user else f"{count_people(effect.people)} "
        return f"{people}{_fall_back(effect, names, is_plural=effect.people > 1)}"
    if not is_user:
        return count_people(effect.people)
    before = effect.transitions[0].before
    return "" if before.by_override else f"instead of {_say(before, names)}"


def _fall_back(effect: ActionEffect, names: NameGroup, *, is_plural: bool) -> str:
    """`fall back to Everyone ($50.00)`, `become unlimited`, or both with their numbers."""
    landings: dict[Effective, int] = {}
    for transition in effect.transitions:
        landings[transition.after] = landings.get(transition.after, 0) + transition.people
    if len(landings) == 1:
        (landing,) = landings
        if isinstance(landing.limit_micros, Unlimited):
            return "become unlimited" if is_plural else "becomes unlimited"
        return f"fall{'' if is_plural else 's'} back to {_landing(landing, names)}"
    first = sorted(landings.items(), key=lambda item: -item[1])[:NAMES_SHOWN]
    parts = [f"{number:,} to {_landing(landing, names)}" for landing, number in first]
    elsewhere = sum(landings.values()) - sum(number for _, number in first)
    return f"fall back: {', '.join(parts)}{f', {elsewhere:,} elsewhere' if elsewhere else ''}"


def _landing(effective: Effective, names: NameGroup) -> str:
    if isinstance(effective.limit_micros, Unlimited):
        return NO_LIMIT
    return f"{names(effective.group)} ({format_usd(effective.limit_micros)})"


def _exposure(effects: Effects) -> Iterator[str]:
    exposure = effects.exposure
    if not exposure.people and not exposure.unknown:
        return
    if not exposure.people:
        yield f"Exposure: not known ({count_people(exposure.unknown)})."
        return
    whose = "" if effects.is_total else f" of the {count_people(exposure.people)} concerned"
    apart = "".join(f"; {part}" for part in _apart(effects))
    before, after = exposure.before_micros, exposure.after_micros
    if before == after:
        yield f"Exposure{whose}: {format_usd_short(after)} a month, unchanged{apart}."
        return
    sign = "+" if after > before else ""
    change = (
        f"{format_usd_short(before)} -> {format_usd_short(after)} a month ({sign}{format_usd_short(after - before)})"
    )
    yield f"Exposure{whose}: {change}{apart}."


def _apart(effects: Effects) -> Iterator[str]:
    exposure = effects.exposure
    before, after = exposure.unlimited_before, exposure.unlimited_after
    if before != after or any(person.before.is_unlimited != person.after.is_unlimited for person in effects.people):
        yield f"unlimited people {before:,} -> {after:,}"
    elif after:
        yield f"{count_people(after)} without a limit before and after"
    if exposure.unknown:
        yield f"{count_people(exposure.unknown)} not known"


def _folded(transitions: tuple[Transition, ...], names: NameGroup) -> list[str]:
    """Equal effects of several people; a change of one override is on its action's line already."""
    shown = [transition for transition in transitions if not transition.cause.startswith("user/")]
    rows = [
        (
            f"  {count_people(transition.people)}  ",
            *_from_to(transition.before, transition.after, names),
            f"  by {harmless(transition.cause)}",
        )
        for transition in shown[:TRANSITIONS_SHOWN]
    ]
    lines = columns(rows) if rows else []
    hidden = shown[TRANSITIONS_SHOWN:]
    if hidden:
        people = count_people(sum(transition.people for transition in hidden))
        lines.append(f"  {people} more in {count(len(hidden), 'other way')}: --effects people")
    return lines


def _everybody(effects: Effects, names: NameGroup) -> list[str]:
    rows = [
        (
            f"  {harmless(person.username)}  ",
            *_from_to(person.before, person.after, names),
            f"  {_spent(person)}",
            f"  by {harmless(person.causes[0])}",
        )
        for person in effects.people
    ]
    return columns(rows) if rows else []


def _from_to(before: Effective, after: Effective, names: NameGroup) -> tuple[str, str, str]:
    """Name the groups where the group changes: spend is booked anew, even if the amount stays."""
    if before.group == after.group:
        return amount(before), " -> ", amount(after)
    return _say(before, names), " -> ", _say(after, names)


def _spent(person: PersonEffect) -> str:
    if isinstance(person.after.limit_micros, Unlimited):
        return ""
    if isinstance(person.spend_after_micros, Unknown):
        return "spend unknown"
    return f"spent {spend_text(person.spend_after_micros)}"


def _nearing(effects: Effects) -> Iterator[str]:
    """Say whom Coder is about to mail."""
    nearing = frozenset(effects.nearing)
    people = [person for person in effects.people if person.username in nearing]
    if people:
        details = [overspent(person) for person in people[:NAMES_SHOWN]]
        mails = "Coder mails them and every administrator at 85 % and at 100 %"
        yield f"Close to their limit: {named(details, len(people))}; {mails}."


def _unblocked(effects: Effects) -> Iterator[str]:
    names = [spoken(person.username) for person in effects.unblocked]
    if names:
        yield Line(f"Can work again: {named(names, len(names))}.", Role.GOOD)


def _moved(effects: Effects) -> Iterator[str]:
    """Say who moves to another group's budget, how much of their spend no longer counts, and how much counts instead.

    Each where it is known.
    """
    moved = effects.moved
    if not moved:
        return
    ends = [(person.username, person.spend_before_micros) for person in moved]
    begins = [(person.username, person.spend_after_micros) for person in moved]
    verb = "moves" if len(moved) == 1 else "move"
    parts = [f"{count_people(len(moved))} {verb} to the budget of another group, where spend is counted anew"]
    known = _known(ends)
    if any(spend for _, spend in known):
        parts.append(f"{_spenders(known)[0]} of this month no longer counts{_spenders(known)[1]}")
    if len(known) < len(moved):
        parts.append(f"spend of {count_people(len(moved) - len(known))} not known")
    if booked := [(name, spend) for name, spend in _known(begins) if spend]:
        parts.append(f"{_spenders(booked)[0]} that was booked there earlier counts again{_spenders(booked)[1]}")
    yield "; ".join(parts) + "."


def _known(spends: Iterable[tuple[str, Spend]]) -> list[tuple[str, Micros]]:
    return [(name, spend) for name, spend in spends if not isinstance(spend, Unknown)]


def _spenders(known: Sequence[tuple[str, Micros]]) -> tuple[str, str]:
    """Return the sum, and who spent most of it, in brackets."""
    shown = nsmallest(NAMES_SHOWN, known, key=lambda item: (-item[1], item[0]))
    whose = ", ".join(f"{harmless(spoken(name))} {spend_text(spend)}" for name, spend in shown if spend)
    return spend_text(Micros(sum(spend for _, spend in known))), f" ({whose})" if whose else ""


def _not_known(effects: Effects, names: NameGroup) -> Iterator[str]:
    yield from map(harmless, effects.unknown)
    reasons: dict[str, list[str]] = {}
    for person in effects.unclear:
        reasons.setdefault(person.reason, []).append(spoken(person.username))
    for reason, people in sorted(reasons.items()):
        yield f"Effect not known for {named(people, len(people))}: {harmless(reason)}."
    for disagreement in effects.disagreements[:NAMES_SHOWN]:
        reported, ours = _say(disagreement.reported, names), _say(disagreement.ours, names)
        yield f"Coder reports {reported} for {harmless(spoken(disagreement.username))}, and we compute {ours}."
    hidden = len(effects.disagreements) - NAMES_SHOWN
    if hidden > 0:
        yield f"For {count(hidden, 'more person', 'more people')} Coder reports a different limit than we compute."
    if effects.disagreements:
        yield "Plan again: this is also said of people who changed groups while the plan was read."


def _say(effective: Effective, names: NameGroup) -> str:
    """`$200.00 (eng)`, `no limit`."""
    if isinstance(effective.limit_micros, Unlimited):
        return NO_LIMIT
    return f"{amount(effective)} ({names(effective.group)})"


def _group_names(effects: Effects) -> NameGroup:
    """Return what the groups that limit somebody before or after are called."""
    limits = [limit for person in effects.people for limit in (person.before, person.after)]
    limits += [end.after for end in effects.ends]
    limits += [limit for disagreement in effects.disagreements for limit in (disagreement.ours, disagreement.reported)]
    names = names_for(limit.group for limit in limits)
    return lambda group: harmless(spoken(names(group)))
