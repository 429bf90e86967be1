"""Spend by user of an organization, as servers of late 2026 serve it.

*Source*: coder-api.md section 13.1, and Coder's own query and dashboard of September 2026; no such server was ever
asked. Inferred, and to be asked of a real server: the messages of the refusals here, and `count` beyond the last page.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from ..answers import Answer, forbidden, json_answer, refusal
from ..clock import as_text, shown
from ..people import Conditions
from ..shapes import without_empty
from .deployment import RETENTION_DAYS
from .export import read_period

if TYPE_CHECKING:
    import sqlite3

    from ..calls import Call

_MAXIMUM_PAGE, _DEFAULT_PAGE = 100, 10

_SPENDERS = """
SELECT s.user_id, u.username, u.name, sum(s.cost_micros) AS cost_micros,
       sum(s.unpriced_usage_count) AS unpriced_usage_count,
       json_group_array(DISTINCT s.provider) AS providers, json_group_array(DISTINCT s.client) AS clients,
       json_group_array(DISTINCT s.model) AS models
FROM ai_daily_spend s JOIN groups g ON g.id = s.group_id JOIN users u ON u.id = s.user_id
WHERE {conditions} GROUP BY s.user_id ORDER BY 4 DESC, lower(u.username), s.user_id
"""


def spend_by_user(call: Call) -> Answer:
    """Answer with what each person spent in groups of the organization, by cost descending."""
    if not call.caller.may("read", "group_member", organization=call.organization["id"]):
        raise forbidden()
    query = call.query()
    limit, offset = query.number("limit") or _DEFAULT_PAGE, query.number("offset")
    filters = {key: query.text(key) for key in ("provider_name", "model", "client")}
    query.check()
    start, end = read_period(query, call.world.clock)
    if limit > _MAXIMUM_PAGE:
        detail = f"Pagination limit must be in range (0, {_MAXIMUM_PAGE}]"
        raise refusal(400, "Invalid pagination limit value.", detail=detail)
    conditions = Conditions()
    conditions.add("g.organization_id = ?", call.organization["id"])
    conditions.add(
        "s.day || 'T00:00:00.000000Z' >= ? AND s.day || 'T00:00:00.000000Z' < ?", as_text(start), as_text(end)
    )
    for key, value in filters.items():
        if value:
            conditions.add(f"s.{key} = ?", value)
    rows = call.database.rows(_SPENDERS.format(conditions=conditions.sql), *conditions.parameters)
    oldest = call.world.clock.now() - timedelta(days=RETENTION_DAYS)
    totals = {name: sum(row[name] for row in rows) for name in ("cost_micros", "unpriced_usage_count")}
    return json_answer(
        {
            "period_start": shown(as_text(start)),
            "period_end": shown(as_text(end)),
            "retention_start": shown(as_text(oldest)),
            "count": len(rows),
            "totals": totals,
            "users": [_spender(row) for row in rows[offset : offset + limit]],
        }
    )


def _spender(row: sqlite3.Row) -> dict[str, Any]:
    shape = {
        "user_id": row["user_id"],
        "username": row["username"],
        "name": row["name"],
        "cost_micros": row["cost_micros"],
        "unpriced_usage_count": row["unpriced_usage_count"],
        "providers": sorted(json.loads(row["providers"])),
        "clients": sorted(json.loads(row["clients"])),
        "models": sorted(json.loads(row["models"])),
    }
    return without_empty(shape, "name")
