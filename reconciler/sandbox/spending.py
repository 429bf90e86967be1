"""Moves time forward, and lets people go on spending as they did: for trying out status, forecasts and replays.

A person's habit is what they spent in the last 31 days, by provider, model and client, spread over 22 working days.
On each new working day they spend between half and one and a half times that, booked to the group that is effective
for them now. A person at their limit is blocked until the next month, as in Coder. All of it is deterministic.
"""

from __future__ import annotations

import zlib
from datetime import date, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

    from .calls import World
    from .database import Database

MAXIMUM_DAYS = 400
_WORKING_DAYS = 22
_SATURDAY = 5
_AMOUNTS = (
    "input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "cost_micros", "unpriced_usage_count",
)  # fmt: skip

_HABITS = f"""
SELECT s.user_id, s.provider, s.provider_name, s.model, s.client, e.effective_group_id, e.spend_limit_micros,
       {", ".join(f"sum(s.{name}) AS {name}" for name in _AMOUNTS)}
FROM ai_daily_spend s JOIN effective_budgets e ON e.user_id = s.user_id JOIN users u ON u.id = s.user_id
WHERE s.day > date(?1, '-31 days') AND s.day <= ?1 AND u.status <> 'suspended' AND NOT u.deleted
      AND e.effective_group_id IS NOT NULL
GROUP BY s.user_id, s.provider, s.provider_name, s.model, s.client
ORDER BY s.user_id, s.provider, s.model, s.client
"""
_SPENT = """
SELECT s.user_id, sum(s.cost_micros)
FROM ai_daily_spend s JOIN effective_budgets e ON e.user_id = s.user_id AND e.effective_group_id = s.group_id
WHERE s.day >= ? AND s.day < ?
GROUP BY s.user_id
"""
_BOOK = f"""
INSERT INTO ai_daily_spend (user_id, provider, provider_name, model, client, group_id, day, {", ".join(_AMOUNTS)})
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET {", ".join(f"{name} = {name} + excluded.{name}" for name in _AMOUNTS)}
"""


_CROSSINGS = """
INSERT OR IGNORE INTO ai_budget_crossings (user_id, period_start, percent, day)
SELECT e.user_id, ?1, p.value, ?3
FROM effective_budgets e
JOIN (SELECT user_id, group_id, sum(cost_micros) AS spent FROM ai_daily_spend WHERE day >= ?1 AND day < ?2
      GROUP BY user_id, group_id) s ON s.user_id = e.user_id AND s.group_id = e.effective_group_id
JOIN json_each('[85, 100]') p
WHERE e.spend_limit_micros > 0 AND s.spent * 100 >= e.spend_limit_micros * p.value
"""


def note_crossings(database: Database, day: date) -> None:
    """Record who has crossed 85 % or 100 % of their limit in the month of this day, and had not before."""
    start = day.replace(day=1)
    end = (start + timedelta(days=32)).replace(day=1)
    database.run(_CROSSINGS, start.isoformat(), end.isoformat(), day.isoformat())


def advance(world: World, days: int) -> None:
    """Move the clock forward by whole days, and the spend with it. *Raises* ValueError for fewer than 1 or more than
    400 days.
    """
    if not 0 < days <= MAXIMUM_DAYS:
        raise ValueError(f"days must be between 1 and {MAXIMUM_DAYS}, not {days}")
    now = world.clock.now()
    today = now.date()
    habits = world.database.rows(_HABITS, today.isoformat())
    with world.database.transaction():
        for passed in range(1, days + 1):
            day = today + timedelta(days=passed)
            if day.weekday() < _SATURDAY:
                world.database.run_many(_BOOK, list(_bookings(world, habits, day)))
                note_crossings(world.database, day)
    world.clock.set(now + timedelta(days=days), stopped=world.clock.is_stopped)


def _bookings(world: World, habits: list[sqlite3.Row], day: date) -> Iterator[tuple[object, ...]]:
    """Yield what people spend on a day, until each of them reaches their limit."""
    start = day.replace(day=1)
    end = (start + timedelta(days=32)).replace(day=1)
    spent: dict[str, int] = dict(map(tuple, world.database.rows(_SPENT, start.isoformat(), end.isoformat())))
    for habit in habits:
        user_id, limit = habit["user_id"], habit["spend_limit_micros"]
        if limit is not None and spent.get(user_id, 0) >= limit:
            continue
        percent = 50 + zlib.crc32(f"{user_id} {habit['model']} {day}".encode()) % 101
        amounts = {name: habit[name] * percent // (100 * _WORKING_DAYS) for name in _AMOUNTS}
        if habit["unpriced_usage_count"]:
            amounts["unpriced_usage_count"] = max(1, amounts["unpriced_usage_count"])
        spent[user_id] = spent.get(user_id, 0) + amounts["cost_micros"]
        labels = (user_id, habit["provider"], habit["provider_name"], habit["model"], habit["client"])
        yield (*labels, habit["effective_group_id"], day.isoformat(), *amounts.values())
