"""A random company: who is in what, what is live, what the policies want, and other people who edit meanwhile."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from reconciler.core.budget import ABSENT, Absent
from reconciler.core.policy import GroupBudgetEntry, Manage, Policy, UserOverrideEntry
from reconciler.errors import Place
from reconciler.money import Micros
from tests.simulation.coder import Coder
from tests.simulation.hub import Hub

DOLLARS = (0, 10, 20, 20, 30, 300)
USD = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What kind of world this is."""

    fault_rate: float
    """Share of requests that meet a fault."""
    edits: int
    """How often somebody else changes something while a run goes on."""
    crashes: bool
    """Whether runs are dropped at random steps."""
    full_disk: float
    """Share of journal calls that find the disk full."""
    width: int
    """How many writes may be in flight."""


def draw_kind(rng: Random) -> Kind:
    """A third of the worlds is free of faults, half is free of other people: laws are strictest there."""
    return Kind(
        fault_rate=rng.choice((0.0, 0.05, 0.2)),
        edits=rng.choice((0, 0, 2, 6)),
        crashes=rng.random() < 0.3,
        full_disk=rng.choice((0.0, 0.0, 0.0, 0.02)),
        width=rng.choice((1, 2, 4)),
    )


def draw_coder(rng: Random, hub: Hub) -> Coder:
    """One or two organizations, up to four groups, up to five people; half of what can be set is set."""
    organizations = ["acme", "labs"][: rng.choice((1, 1, 2))]
    people = [f"p{number}" for number in range(rng.randint(1, 5))]
    members: dict[str, set[str]] = {}
    for organization in organizations:
        members[organization] = {person for person in people if rng.random() < 0.8}
        for name in ("eng", "ops")[: rng.randint(0, 2)]:
            inside = sorted(members[organization])
            members[f"{organization}/{name}"] = {person for person in inside if rng.random() < 0.6}
    budgets = {name: rng.choice(DOLLARS) * USD for name in members if rng.random() < 0.5}
    overrides = {}
    for person in people:
        theirs = [name for name, inside in members.items() if person in inside]
        if theirs and rng.random() < 0.4:
            overrides[person] = (rng.choice(theirs), rng.choice(DOLLARS) * USD)
    return Coder(members=members, budgets=budgets, overrides=overrides, now=lambda: hub.now)


def draw_policies(rng: Random, coder: Coder) -> tuple[Policy, ...]:
    """Policies for some organizations; some name an orphan."""
    organizations = [name for name in coder.members if "/" not in name]
    taken: set[str] = set()
    return tuple(_policy(rng, coder, name, taken) for name in organizations if rng.random() < 0.8)


def _policy(rng: Random, coder: Coder, organization: str, taken: set[str]) -> Policy:
    groups = [name for name in coder.members if name.partition("/")[0] == organization]
    budgets = [_budget_entry(rng, name) for name in groups if rng.random() < 0.6]
    overrides = []
    for group in groups:
        for person in sorted(coder.members[group]):
            if person not in taken and rng.random() < 0.3:
                taken.add(person)
                overrides.append(_override_entry(person, group, _limit(rng)))
    if rng.random() < 0.1:
        overrides.append(_override_entry("gone", organization, Micros(10 * USD)))
    return Policy(
        organization=organization,
        place=Place(f"{organization}.yaml", 2, 15),
        group_budgets_managed=rng.choice((Manage.EXACT, Manage.LISTED)),
        user_overrides_managed=rng.choice((Manage.EXACT, Manage.LISTED)),
        group_budgets=tuple(budgets),
        user_overrides=tuple(overrides),
        guardrails=(),
        allow=(),
    )


def _budget_entry(rng: Random, name: str) -> GroupBudgetEntry:
    place = Place("x.yaml", 5, 5)
    return GroupBudgetEntry(group=_short(name), limit=_limit(rng), reason="", place=place)


def _override_entry(person: str, group: str, limit: Micros | Absent) -> UserOverrideEntry:
    return UserOverrideEntry(
        user=person,
        group=_short(group),
        limit=limit,
        reason="",
        starts=None,
        expires=None,
        place=Place("x.yaml", 9, 5),
    )


def _limit(rng: Random) -> Micros | Absent:
    return ABSENT if rng.random() < 0.15 else Micros(rng.choice(DOLLARS) * USD)


def _short(name: str) -> str:
    return name.partition("/")[2] or "Everyone"


def edit_by_others(rng: Random, coder: Coder) -> None:
    """Somebody changes a budget, an override or a membership."""
    group = rng.choice(sorted(coder.members))
    person = rng.choice(sorted({name for inside in coder.members.values() for name in inside} or {"p0"}))
    micros = rng.choice(DOLLARS) * USD
    match rng.randrange(6):
        case 0:
            coder.put_budget(group, micros, author="others")
        case 1:
            coder.delete_budget(group, author="others")
        case 2:
            coder.put_override(person, group, micros, author="others")
        case 3:
            coder.delete_override(person, author="others")
        case 4:
            coder.remove_member(group, person)
        case _:
            coder.add_member(group, person)
