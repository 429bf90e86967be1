"""Law 5 from what really happened: every change of the database, one after the other, and everybody's limit after each.

The sandbox's database records its changes by triggers of its own; limits are computed here, by the rule alone: an
override, else the highest budget among one's groups, else no limit.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from reconciler.sandbox import Sandbox
from tests.chaos.company import Company, State, id_of

_TABLES = {"group_ai_budgets": ("group_id", "group_id"), "user_ai_budget_overrides": ("user_id", "group_id")}


def record_changes(sandbox: Sandbox) -> None:
    """Have the database write down every change of a limit from now on."""
    sandbox.execute("CREATE TABLE changes (number INTEGER PRIMARY KEY, id TEXT, group_id TEXT, micros INTEGER)")
    for table, (id_, group) in _TABLES.items():
        for event, row, micros in (
            ("INSERT", "NEW", "NEW.spend_limit_micros"),
            ("UPDATE", "NEW", "NEW.spend_limit_micros"),
            ("DELETE", "OLD", "NULL"),
        ):
            sandbox.execute(
                f"CREATE TRIGGER changes_{table}_{event} AFTER {event} ON {table} BEGIN "
                f"INSERT INTO changes (id, group_id, micros) VALUES ({row}.{id_}, {row}.{group}, {micros}); END"
            )


def changes(sandbox: Sandbox) -> list[tuple[str, str, int | None]]:
    """Return id, group and dollars (None: removed) of every change so far, in order."""
    rows = sandbox.execute("SELECT id, group_id, micros FROM changes ORDER BY number")
    return [(id_, group, None if micros is None else micros // 1_000_000) for id_, group, micros in rows]


def limits(company: Company, state: State) -> dict[str, float]:
    """Return everybody's effective limit in dollars; infinite for who has none."""
    found: dict[str, float] = {}
    for person in company.people:
        own = state.overrides.get(id_of(person))
        theirs = (state.budgets.get(id_of(group)) for group in company.groups_of(person))
        found[person] = own[1] if own else max((usd for usd in theirs if usd is not None), default=math.inf)
    return found


def after_plan(before: State, actions: list[dict[str, Any]]) -> State:
    """Return what a plan wants, from the actions that its journal lists."""
    after = State(dict(before.budgets), dict(before.overrides))
    for action in actions:
        state = action["after"]
        usd = state["limit_micros"] // 1_000_000 if state["type"] == "budget" else None
        put(after, action["subject"]["id"], state.get("group", {}).get("id", ""), usd)
    return after


def harmed(company: Company, before: State, done: list[tuple[str, str, int | None]], wanted: State) -> Iterator[str]:
    """Yield who is at some moment under the lower of their limits before and after."""
    least = _lower(limits(company, before), limits(company, wanted))
    now = State(dict(before.budgets), dict(before.overrides))
    for number, change in enumerate(done, start=1):
        put(now, *change)
        for person, usd in limits(company, now).items():
            if usd < least[person]:
                yield f"law 5: {person} has ${usd} after {number} of {len(done)} writes: under ${least[person]}"


def _lower(one: Mapping[str, float], other: Mapping[str, float]) -> dict[str, float]:
    return {person: min(one[person], other[person]) for person in one}


def put(state: State, id_: str, group: str, usd: int | None) -> None:
    is_group = id_ == group or (usd is None and id_ in state.budgets)
    if usd is None and is_group:
        del state.budgets[id_]
    elif usd is None:
        del state.overrides[id_]
    elif is_group:
        state.budgets[id_] = usd
    else:
        state.overrides[id_] = (group, usd)
