"""Small worlds to plan in: live state and policies over a handful of names.

Ids are names, as in tests/effects/worlds.py. A world is drawn whole, unreadable budgets and hidden names included, so
that a law need not ask where its world comes from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import product

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
from tests.effects.worlds import DOLLARS_OR_NONE, NOW, WORLDS, World, limits_of, lists_of, many_of, usd

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


_MANAGE = tuple(Manage)
_ENDS = (*[None] * 5, -2, -1, 0, 1, 2)
_SPANS = (*[(None, None)] * 100, *product(_ENDS, _ENDS))
"""The first and the last day of half of the overrides, counted from now; the other half has none."""


@st.composite
def policies(draw: st.DrawFn, world: World) -> tuple[Policy, ...]:
    """A policy for some organizations of a world, that names only what exists there."""
    organizations = sorted(name for name in world.members if "/" not in name)
    chosen = lists_of(draw, organizations, at_least=1)
    taken: set[str] = set()
    return tuple(draw(_policy(world, organization, taken)) for organization in chosen)


@st.composite
def _policy(draw: st.DrawFn, world: World, organization: str, taken: set[str]) -> Policy:
    groups = sorted(name for name in world.members if name.partition("/")[0] == organization)
    budgets = limits_of(draw, groups, DOLLARS_OR_NONE)
    overrides = []
    places = [(group, person) for group in groups for person in sorted(world.members[group])]
    for (group, person), quarter in zip(places, many_of(draw, range(4), len(places)), strict=True):
        if quarter == 0 and person not in taken:
            taken.add(person)
            (limit,), (span,) = many_of(draw, DOLLARS_OR_NONE, 1), many_of(draw, _SPANS, 1)
            overrides.append(_override_entry(person, group, limit, span))
    budgets_managed, overrides_managed = many_of(draw, _MANAGE, 2)
    return Policy(
        organization=organization,
        place=Place(f"{organization}.yaml", 2, 15),
        group_budgets_managed=budgets_managed,
        user_overrides_managed=overrides_managed,
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
        lost_groups = [GroupId(name) for name in lists_of(draw, sorted(snapshot.group_budgets))]
        lost_users = [UserId(name) for name in lists_of(draw, sorted(snapshot.user_overrides))]
        snapshot = replace(
            snapshot,
            group_budgets={**snapshot.group_budgets, **dict.fromkeys(lost_groups, UNREADABLE)},
            user_overrides={**snapshot.user_overrides, **dict.fromkeys(lost_users, UNREADABLE)},
        )
    return world, snapshot, draw(policies(world))
