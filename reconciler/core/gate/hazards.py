"""The hazards, as a table: a hazard is one name in `Hazard` (core/policy.py) and one row here.

A row says what is counted, and has the sentences about it. Everything that treats hazards walks the table: the gate,
the text of a plan, what is held back when its date has come, and a saved plan on the day on which it is applied. There
all hazards are counted again, so that none can be dropped.

A hazard is about what happens to people and objects, never about verbs: a delete that leaves everybody a lower group
budget endangers nobody, an update to $0 stops a team.

Not knowing counts against the plan where the worst case is a removal or a $0: a person about whom nothing can be
claimed (effects.py, `Unclear`) counts as endangered by a delete and by a $0 that reaches them. A person whose spend
could not be read, and whom their new limit may stop, counts where the server offers spend: a read that failed must not
switch a danger off. On a server without any spend they do not, since otherwise every lowering there would need consent
for everybody; the plan says that it is not known.

What was reviewed to end, ends. An override that ends on its reviewed date (`Action.is_due_end`) blocks its own person
with the consent of its entry, and its delete does not count for a mass change. That somebody becomes unlimited by an
end needs consent twice: when the plan puts the ending override on them, and, since budgets move meanwhile, when it
ends. Consent in the policy covers both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from reconciler.core.action import Action, Kind, organization_of
from reconciler.core.gate.danger import Danger
from reconciler.core.policy import Hazard
from reconciler.dataclass import dataclass
from reconciler.words import count

if TYPE_CHECKING:  # `validate` needs none of them
    from reconciler.core.directory import Directory
    from reconciler.core.people.effects import Effects, EndEffect, PersonEffect, Unclear

MASS_PERCENT = 30
"""Deletes of more than this part of what is managed are a mass change ..."""
MASS_LEAST = 3
"""... if there are at least this many of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grounds:
    """What hazards are counted from."""

    effects: Effects
    actions: tuple[Action, ...]
    directory: Directory
    offers_spend: bool
    """Whether the server says what people spent; where it does, spend that was not read counts."""
    managed: Mapping[str | None, int]
    """Per organization (None: unknown), live budgets and overrides in the managed scope before (`count_managed`)."""
    emptied: tuple[str, ...] = ()
    """Addresses of deletes that come from a section without entries (`emptied_sections`)."""
    is_whole: bool = True
    """Whether every file that looks like a policy was read."""

    @property
    def ends(self) -> frozenset[tuple[str, ...]]:
        """The causes of people whose override ends as reviewed."""
        return frozenset((action.address,) for action in self.actions if action.is_due_end)


@dataclass(frozen=True, slots=True, kw_only=True)
class HazardRow:
    """One hazard: what it counts, and its sentences."""

    hazard: Hazard
    about: str
    """One sentence for editors; published in the schema of policies."""
    title: str
    """Begins the line of a plan that names what is counted."""
    would: str
    """Follows the number in a refusal: `2 people would be blocked now`."""
    count: Callable[[Grounds], Iterable[Danger]]
    """Yields the dangers, at most one for each organization."""
    behind: Callable[[Grounds], Iterable[str]] = lambda grounds: ()
    """Yields addresses of the actions that are to blame; nothing where no single action is."""
    unit: tuple[str, str] = ("person", "people")
    """What is counted: for one and for many."""
    needs_policy: bool = False
    """Whether the count depends on the policy, so that without it a saved plan's own count is a lower bound."""

    def refusal(self, number: int) -> str:
        """Return the sentence of a refusal, without its names."""
        return f"{count(number, *self.unit)} {self.would}"


def count_dangers(grounds: Grounds) -> tuple[Danger, ...]:
    """Count every hazard of a plan, in the order of the table; dangers that count nothing are left out."""
    return tuple(danger for row in HAZARDS.values() for danger in row.count(grounds) if danger.count)


def _removes_limit(grounds: Grounds) -> Iterator[Danger]:
    effects = grounds.effects
    unclear = [person for person in effects.unclear if person.may_become_unlimited]
    return _per_organization(Hazard.REMOVES_LIMIT, [*effects.unlimited, *effects.later_unlimited], unclear)


def _behind_removes_limit(grounds: Grounds) -> Iterator[str]:
    effects = grounds.effects
    yield from (end.address for end in effects.later_unlimited)
    yield from _causes(effects.unlimited, [person for person in effects.unclear if person.may_become_unlimited])


def _blocks_users(grounds: Grounds) -> Iterator[Danger]:
    effects, ends = grounds.effects, grounds.ends
    uncertain: list[PersonEffect | Unclear] = [person for person in effects.unclear if person.may_become_blocked]
    if grounds.offers_spend:
        uncertain += [person for person in effects.maybe_blocked if person.causes not in ends]
    blocked = [person for person in effects.blocked if person.causes not in ends]
    return _per_organization(Hazard.BLOCKS_USERS, blocked, uncertain)


def _behind_blocks_users(grounds: Grounds) -> Iterator[str]:
    effects, ends = grounds.effects, grounds.ends
    people = [person for person in (*effects.blocked, *effects.maybe_blocked) if person.causes not in ends]
    return _causes(people, [person for person in effects.unclear if person.may_become_blocked])


def _unseen_people(grounds: Grounds) -> Iterator[Danger]:
    hidden: dict[str, int] = {}
    for row in grounds.effects.unseen:
        if row.is_raise:
            continue
        hidden[row.organization] = hidden.get(row.organization, 0) + row.members
    for organization, people in sorted(hidden.items()):
        yield Danger(hazard=Hazard.UNSEEN_PEOPLE, counted=(), unnamed=people, organization=organization)


def _mass_change(grounds: Grounds) -> Iterator[Danger]:
    """Count the deletes per organization where they are more than `MASS_PERCENT`, or their section was emptied.

    Many small changes are one: if the deletes are a mass change of the whole plan, they count everywhere.
    """
    deletes: dict[str | None, list[str]] = {}
    for action in grounds.actions:
        if action.kind is Kind.DELETE and not action.is_due_end:
            deletes.setdefault(organization_of(action, grounds.directory), []).append(action.address)
    is_whole = _is_mass(sum(map(len, deletes.values())), sum(grounds.managed.values()))
    for organization, addresses in sorted(deletes.items(), key=lambda item: item[0] or ""):
        is_mass = is_whole or _is_mass(len(addresses), grounds.managed.get(organization, 0))
        if is_mass or not set(grounds.emptied).isdisjoint(addresses):
            yield Danger(hazard=Hazard.MASS_CHANGE, counted=tuple(sorted(addresses)), organization=organization)


def _unread_policy(grounds: Grounds) -> Iterator[Danger]:
    addresses = tuple(sorted(_behind_unread_policy(grounds)))
    yield Danger(hazard=Hazard.UNREAD_POLICY, counted=addresses, organization=None)


def _behind_unread_policy(grounds: Grounds) -> Iterator[str]:
    """Yield what guardrails would be held against: whose guardrails were not read, nobody knows."""
    if not grounds.is_whole:
        yield from (action.address for action in grounds.actions if action.is_raise)


def _is_mass(deletes: int, managed: int) -> bool:
    return deletes >= MASS_LEAST and deletes * 100 > managed * MASS_PERCENT


def _per_organization(
    hazard: Hazard, certain: Sequence[PersonEffect | EndEffect], uncertain: Sequence[PersonEffect | Unclear]
) -> Iterator[Danger]:
    for organization in sorted({person.organization for person in (*certain, *uncertain)}, key=lambda name: name or ""):
        yield Danger(
            hazard=hazard,
            counted=tuple(sorted({person.username for person in certain if person.organization == organization})),
            uncertain=tuple(sorted(person.username for person in uncertain if person.organization == organization)),
            organization=organization,
        )


def _causes(people: Iterable[PersonEffect], unclear: Iterable[Unclear]) -> Iterator[str]:
    for person in people:
        yield from person.causes
    yield from (f"user/{person.username}" for person in unclear)


HAZARDS: Mapping[Hazard, HazardRow] = {
    row.hazard: row
    for row in (
        HazardRow(
            hazard=Hazard.REMOVES_LIMIT,
            about="Somebody becomes unlimited.",
            title="Would become unlimited",
            would="would become unlimited",
            count=_removes_limit,
            behind=_behind_removes_limit,
        ),
        HazardRow(
            hazard=Hazard.BLOCKS_USERS,
            about="Somebody has spent at least their new limit.",
            title="Would be blocked now",
            would="would be blocked now",
            count=_blocks_users,
            behind=_behind_blocks_users,
        ),
        HazardRow(
            hazard=Hazard.UNSEEN_PEOPLE,
            about="A group's budget changes, and the token may not read all of its members.",
            title="Not seen by this token",
            would="whom this token may not read may get less, be blocked or become unlimited",
            count=_unseen_people,
        ),
        HazardRow(
            hazard=Hazard.MASS_CHANGE,
            about="A large part of what is managed is deleted.",
            title="Mass change, deletes",
            would="would be deleted",
            count=_mass_change,
            unit=("live budget", "live budgets"),
            needs_policy=True,
        ),
        HazardRow(
            hazard=Hazard.UNREAD_POLICY,
            about="A limit is set or raised, and what looks like a policy was not read.",
            title="Set or raised, while a policy was not read",
            would="would be set or raised, and what was not read may hold guardrails",
            count=_unread_policy,
            behind=_behind_unread_policy,
            unit=("limit", "limits"),
            needs_policy=True,
        ),
    )
}
"""In the order in which they are shown."""
