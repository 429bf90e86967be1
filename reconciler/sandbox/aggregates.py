"""Sums over everybody: combined limits and spend of all groups at once, kept until something changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .calls import World

_COMBINED_LIMITS = """
SELECT e.effective_group_id, sum(e.spend_limit_micros)
FROM effective_budgets e JOIN users u ON u.id = e.user_id
WHERE e.limit_source IS NOT NULL AND NOT (u.is_system AND ?)
GROUP BY e.effective_group_id
"""
_SPENT = "SELECT group_id, sum(cost_micros) FROM ai_daily_spend WHERE day >= ? AND day < ? GROUP BY group_id"


def combined_limit_micros(world: World, group_id: str) -> int:
    """Return what all people attributed to a group may spend, 0 when there is nobody.

    Newer servers leave system users out.
    """
    guarded = world.generation.system_users_guarded
    sums: dict[str, int] = world.memo.get(
        "combined limits", lambda: dict(map(tuple, world.database.rows(_COMBINED_LIMITS, guarded)))
    )
    return sums.get(group_id, 0)


def spent_micros(world: World, group_id: str) -> int:
    """Return what was booked to a group in the present period."""
    days = tuple(moment.date().isoformat() for moment in world.clock.period())
    sums: dict[str, int] = world.memo.get(("spent", days), lambda: dict(map(tuple, world.database.rows(_SPENT, *days))))
    return sums.get(group_id, 0)
