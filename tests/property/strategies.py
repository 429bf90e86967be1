"""Small worlds to plan in: live state and policies over a handful of names.

Ids are names, as in tests/effects/worlds.py. A world is drawn whole, unreadable budgets and hidden names included, so
that a law need not ask where its world comes from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import strategies as st

from reconciler.core.budget import ABSENT, GroupId, Unknown, UserId
from reconciler.core.moment import present
from reconciler.core.plan.plan import Plan
from reconciler.core.policy import GroupBudgetEntry, Manage, NotRead, Policy, UserOverrideEntry
from reconciler.core.scope import EVERYTHING, Scope
from reconciler.core.snapshot import Snapshot
from reconciler.errors import Place
from reconciler.operations.plan import PlanRequest, make_plan
from tests.effects.reader import SnapshotReader
from tests.effects.worlds import NOW, WORLDS, World, limits_of, lists_of, usd

UNREADABLE = Unknown("the server is tired today")


def plan_of(
    policies: Sequence[Policy],
    snapshot: Snapshot,
    *,
    at: datetime = NOW,
    scope: Scope = EVERYTHING,
    not_read: tuple[NotRead, ...] = (),
) -> Plan:
    request = PlanRequest(policies=tuple(policies), sources=(), moment=present(at), scope=scope, not_read=not_read)
    return make_plan(request, SnapshotReader(snapshot)).plan


_LIMITS = st.none() | st.sampled_from([0, 10, 20, 30])
_MANAGE = st.sampled_from(Manage)
_OF_FOUR = st.integers(0, 3)


@st.composite
def policies(draw: st.DrawFn, world: World) -> tuple[Policy, ...]:
    """A policy for some organizations of a world, that names only what exists there."""
    organizations = tuple(sorted(name for name in world.members if "/" not in name))
    chosen = draw(lists_of(organizations, at_least=1))
    taken: set[str] = set()
    return tuple(draw(_policy(world, organization, taken)) for organization in chosen)


@st.composite
def _policy(draw: st.DrawFn, world: World, organization: str, taken: set[str]) -> Policy:
    groups = tuple(sorted(name for name in world.members if name.partition("/")[0] == organization))
    budgets = draw(limits_of(groups, _LIMITS))
    overrides = []
    for group in groups:
        for person in sorted(world.members[group]):
            if person not in taken and draw(_OF_FOUR) == 0:
                taken.add(person)
                overrides.append(_override_entry(person, group, draw(_LIMITS), draw(_spans)))
    return Policy(
        organization=organization,
        place=Place(f"{organization}.yaml", 2, 15),
        group_budgets_managed=draw(_MANAGE),
        user_overrides_managed=draw(_MANAGE),
        group_budgets=tuple(
            GroupBudgetEntry(
                group=_short(name),
                limit=ABSENT if limit is None else usd(limit),
                reason="",
                place=Place("a.yaml", line, 1),
            )
            for line, (name, limit) in enumerate(budgets.items(), start=1)
        ),
        user_overrides=tuple(overrides),
        guardrails=(),
        allow=(),
    )


_days = st.integers(-2, 2)
_spans = st.one_of(st.just((None, None)), st.tuples(st.none() | _days, st.none() | _days))


def _override_entry(
    person: str, group: str, limit: int | None, span: tuple[int | None, int | None]
) -> UserOverrideEntry:
    starts, expires = (None if days is None else NOW + timedelta(days=days) for days in span)
    state = ABSENT if limit is None else usd(limit)
    return UserOverrideEntry(
        user=person,
        group=_short(group),
        limit=state,
        reason="why not",
        starts=starts,
        expires=expires,
        place=Place("b.yaml", 1, 1),
    )


def _short(name: str) -> str:
    return name.partition("/")[2] or "Everyone"


@st.composite
def situations(draw: st.DrawFn, *, unreadable: bool = False) -> tuple[World, Snapshot, tuple[Policy, ...]]:
    """A world, its live state (with some of it unreadable), and policies for it."""
    world = draw(WORLDS)
    snapshot = world.snapshot()
    if unreadable:
        lost_groups = [GroupId(name) for name in draw(lists_of(tuple(sorted(snapshot.group_budgets))))]
        people = tuple(sorted(snapshot.user_overrides))
        lost_users = [UserId(name) for name in draw(lists_of(people))] if people else []
        snapshot = replace(
            snapshot,
            group_budgets={**snapshot.group_budgets, **dict.fromkeys(lost_groups, UNREADABLE)},
            user_overrides={**snapshot.user_overrides, **dict.fromkeys(lost_users, UNREADABLE)},
        )
    return world, snapshot, draw(policies(world))
