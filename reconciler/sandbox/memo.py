"""Results that are kept until the database changes, among them the sums over everybody.

Without them, reading a large company page by page would compute the same sums for each page.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from .calls import World
    from .database import Database

Result = TypeVar("Result")

_COMBINED_LIMITS = """
SELECT e.effective_group_id, sum(e.spend_limit_micros >> 32), sum(e.spend_limit_micros & 0xFFFFFFFF)
FROM effective_budgets e JOIN users u ON u.id = e.user_id
WHERE e.limit_source IS NOT NULL AND NOT (u.is_system AND ?)
GROUP BY e.effective_group_id
"""
_SPENT = "SELECT group_id, sum(cost_micros) FROM ai_daily_spend WHERE day >= ? AND day < ? GROUP BY group_id"


class Memo:
    """Keep results by key; the first question after any write finds it empty."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._results: dict[Hashable, Any] = {}
        self._changes = -1

    def get(self, key: Hashable, compute: Callable[[], Result]) -> Result:
        """Return the result kept under the key, computed when there is none. The key must name its type."""
        if self._changes != self._database.changes:
            self._results.clear()
            self._changes = self._database.changes
        if key not in self._results:
            self._results[key] = compute()
        result: Result = self._results[key]
        return result


def combined_limit_micros(world: World, group_id: str) -> int:
    """Return what all people attributed to a group may spend, 0 when there is nobody.

    Newer servers leave system users out. The sum may be larger than a bigint; the caller then fails as Coder does.
    """
    guarded = world.generation.system_users_guarded
    sums: dict[str, int] = world.memo.get(
        "combined limits",
        lambda: {row[0]: (row[1] << 32) + row[2] for row in world.database.rows(_COMBINED_LIMITS, guarded)},
    )
    return sums.get(group_id, 0)


def spent_micros(world: World, group_id: str) -> int:
    """Return what was booked to a group in the present period."""
    days = tuple(moment.date().isoformat() for moment in world.clock.period())
    sums: dict[str, int] = world.memo.get(("spent", days), lambda: dict(map(tuple, world.database.rows(_SPENT, *days))))
    return sums.get(group_id, 0)
