"""Combined limits of groups, computed for all groups at once and kept until anything in the database changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .database import Database
    from .generations import Generation

_TOTALS = """
SELECT e.effective_group_id, sum(e.spend_limit_micros)
FROM effective_budgets e JOIN users u ON u.id = e.user_id
WHERE e.limit_source IS NOT NULL AND NOT (u.is_system AND ?)
GROUP BY e.effective_group_id
"""


class Totals:
    """Sum what the people attributed to each group may spend; newer servers leave system users out."""

    def __init__(self, database: Database, generation: Generation) -> None:
        self._database = database
        self._without_system_users = generation.system_users_guarded
        self._sums: dict[str, int] = {}
        self._changes = -1

    def of(self, group_id: str) -> int:
        """Return the combined limit of a group with a budget: 0 if nobody is attributed to it."""
        if self._changes != self._database.changes:
            self._sums = dict(map(tuple, self._database.rows(_TOTALS, self._without_system_users)))
            self._changes = self._database.changes
        return self._sums.get(group_id, 0)
