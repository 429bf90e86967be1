"""Hazards and refusals, as lines of a plan's text. Pure: data in, text out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from reconciler.core.budget import Unknown
from reconciler.core.gate.danger import Danger
from reconciler.core.gate.hazards import HAZARDS
from reconciler.core.gate.verdict import Verdict
from reconciler.core.moment import instant
from reconciler.core.policy import Hazard
from reconciler.money import format_usd
from reconciler.render.breaches import breach_lines
from reconciler.render.text import Line, Role, harmless, spend_text
from reconciler.words import NAMES_SHOWN, NO_LIMIT, count_people, listed, spoken

if TYPE_CHECKING:  # `validate` needs none of them
    from reconciler.core.people.effects import Effects, PersonEffect
    from reconciler.core.snapshot import Effective

_STANDING = "Broken before this change, so this plan is not refused for it:"
_BY_REVERT = "Guardrails that the revert breaks; it is not refused for them:"


def refusal_lines(verdict: Verdict, *, is_revert: bool = False) -> list[str]:
    """Return what stands after a plan that may not be applied, and which consents let a plan through."""
    lines = [f"Consent: {grant} by {harmless(grant.source)}." for grant in verdict.used]
    lines += breach_lines(verdict.standing, _BY_REVERT if is_revert else _STANDING, Role.UNKNOWN, most=1)
    if verdict.is_refused:
        lines.append(Line("Refused:", Role.DANGER))
    for refusal in map(verdict.refusal_of, verdict.refused_hazards):
        lines += [Line(f"  {harmless(refusal.message)}", Role.DANGER), f"    {harmless(refusal.hint)}"]
    return lines + breach_lines([breach for breach in verdict.breaches if not breach.is_standing], "", Role.DANGER)


def danger_lines(effects: Effects, dangers: Sequence[Danger]) -> Iterator[str]:
    """Yield a line a hazard and organization; the last of each hazard ends with the consent to paste."""
    hazards = Counter(danger.hazard for danger in dangers)
    people: Counter[Hazard] = Counter()
    for danger in dangers:
        people[danger.hazard] += danger.count
    for danger in dangers:
        title = HAZARDS[danger.hazard].title
        details = _DETAILS.get(danger.hazard, _counted)(effects, danger)
        if hazards[danger.hazard] > 1 and danger.organization:
            title = f"{title} by {harmless(spoken(danger.organization))}"
        perhaps = (
            f", perhaps {named(tuple(map(spoken, danger.uncertain)), len(danger.uncertain))}"
            if danger.uncertain
            else ""
        )
        known = named(details, len(danger.counted)) if danger.counted else "0"
        if danger.unnamed:
            known = f"{count_people(danger.unnamed)} ({', '.join(details)})"
        is_last = danger is [row for row in dangers if row.hazard is danger.hazard][-1]
        paste = f"{danger.hazard}={people[danger.hazard]}" if is_last else ""
        yield Line(f"{title}: {known}{perhaps}.   {paste}".rstrip(), Role.DANGER)


def _counted(effects: Effects, danger: Danger) -> list[str]:
    """Return what is shown in brackets of a hazard that has nothing more to say about what it counts."""
    return list(map(spoken, danger.counted[:NAMES_SHOWN]))


def _stopped(effects: Effects, danger: Danger) -> list[str]:
    people = [person for person in effects.blocked if _is_counted(person, danger)]
    return [overspent(person) for person in people[:NAMES_SHOWN]]


def reviewed_lines(effects: Effects, dangers: Sequence[Danger]) -> Iterator[str]:
    """Say who is blocked by the end of their own override: nobody has to consent again, and everybody should know."""
    blocks = [danger for danger in dangers if danger.hazard is Hazard.BLOCKS_USERS]
    people = [person for person in effects.blocked if not any(_is_counted(person, danger) for danger in blocks)]
    if people:
        details = [overspent(person) for person in people[:NAMES_SHOWN]]
        known = named(details, len(people))
        yield Line(f"Would be blocked now by the end of an override: {known}; `expires` is the consent.", Role.DANGER)


def _is_counted(person: PersonEffect, danger: Danger) -> bool:
    return person.organization == danger.organization and person.username in danger.counted


def _freed(effects: Effects, danger: Danger) -> list[str]:
    organization = danger.organization
    now = {person.username for person in effects.unlimited if person.organization == organization}
    ends = [end for end in effects.later_unlimited if end.organization == organization and end.username not in now]
    return [
        *map(spoken, sorted(now)),
        *(f"{spoken(end.username)} when the override ends, {instant(end.at)}" for end in ends),
    ]


def _unseen_groups(effects: Effects, danger: Danger) -> list[str]:
    rows = [row for row in effects.unseen if not row.is_raise and row.organization == danger.organization]
    return [f"{harmless(spoken(row.address))} {row.members:,}" for row in rows]


_DETAILS: Mapping[Hazard, Callable[[Effects, Danger], list[str]]] = {
    Hazard.REMOVES_LIMIT: _freed,
    Hazard.BLOCKS_USERS: _stopped,
    Hazard.UNSEEN_PEOPLE: _unseen_groups,
}
"""What is said in brackets, where it is more than names."""


def overspent(person: PersonEffect) -> str:
    """`bob spent $120.00 of $100.00`."""
    limit = amount(person.after)
    if isinstance(person.spend_after_micros, Unknown):
        return f"{spoken(person.username)} gets {limit}"
    return f"{spoken(person.username)} spent {spend_text(person.spend_after_micros)} of {limit}"


def amount(effective: Effective) -> str:
    """`$200.00`, `no limit`."""
    return format_usd(effective.limit_micros) if isinstance(effective.limit_micros, int) else NO_LIMIT


def named(shown: Sequence[str], total: int) -> str:
    """`2 (bob, eve)`, `7 (ana, bob, eve, kim, lee and 2 more)`; of many, the first names are enough."""
    return f"{total:,} ({listed([harmless(name) for name in shown[:NAMES_SHOWN]], total=total)})"
