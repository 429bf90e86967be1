"""What servers of late 2026 add: spend by user, model prices, and shares of Agent Hours.

*Source*: coder-api.md section 13.1, from pull requests and client code; no such server was ever asked. Inferred, and
to be asked of a real server: the keys inside `period`, the shape and status of a model price and of its POST, the
messages of all refusals here, and whether an unknown filter value is an error.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from ..answers import INVALID_QUERY, Answer, Validation, forbidden, json_answer, not_found, refusal
from ..clock import as_text, shown
from ..people import Conditions
from ..shapes import without_empty
from .deployment import RETENTION_DAYS
from .export import read_period

if TYPE_CHECKING:
    import sqlite3

    from ..calls import Call

_MAXIMUM_PAGE, _DEFAULT_PAGE = 100, 10
_ALL_BPS = 10_000
_PRICES = ("input_price_micros", "output_price_micros", "cache_read_price_micros", "cache_write_price_micros")

_SPENDERS = """
SELECT s.user_id, coalesce(u.username, '') AS username, coalesce(u.name, '') AS name,
       sum(s.cost_micros) AS cost_micros, sum(s.unpriced_usage_count) AS unpriced_usage_count,
       json_group_array(DISTINCT s.provider_name) AS providers, json_group_array(DISTINCT s.client) AS clients,
       json_group_array(DISTINCT s.model) AS models
FROM ai_daily_spend s JOIN groups g ON g.id = s.group_id LEFT JOIN users u ON u.id = s.user_id
WHERE {conditions} GROUP BY s.user_id ORDER BY 4 DESC, s.user_id
"""


def spend_by_user(call: Call) -> Answer:
    """Answer with what each person spent in groups of the organization, by cost descending."""
    if not call.caller.may("read", "group_member", organization=call.organization["id"]):
        raise forbidden()
    query = call.query()
    start, end = read_period(call)
    limit, offset = query.number("limit") or _DEFAULT_PAGE, query.number("offset")
    filters = {key: query.text(key) for key in ("provider_name", "model", "client")}
    query.check()
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
            "period": {"period_start": shown(as_text(start)), "period_end": shown(as_text(end))},
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


def list_prices(call: Call) -> Answer:
    """Answer with all prices, in micro-dollars for a million tokens; null is unknown, 0 is free."""
    _require_owner(call)
    rows = call.database.rows("SELECT * FROM ai_model_prices ORDER BY provider, model")
    return json_answer([_price(row) for row in rows])


def put_price(call: Call) -> Answer:
    """Create or replace the price of a model. It is not retroactive and not in the audit log, and cannot be deleted."""
    body = call.json(
        "UpsertAIModelPriceRequest", {"provider": "string", "model": "string", **dict.fromkeys(_PRICES, "int?")}
    )
    _require_owner(call)
    faults = [
        Validation(key, f'Validation failed for tag "required" with value: "{body[key]}"')
        for key in ("provider", "model")
        if not body[key]
    ]
    faults += [
        Validation(key, f'Validation failed for tag "gte" with value: "{body[key]}"')
        for key in _PRICES
        if body[key] is not None and body[key] < 0
    ]
    if faults:
        raise refusal(400, "Validation failed.", *faults)
    now = call.world.clock.tick()
    call.database.run(
        f"INSERT INTO ai_model_prices (provider, model, {', '.join(_PRICES)}, created_at, updated_at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET updated_at = excluded.updated_at, "
        + ", ".join(f"{name} = excluded.{name}" for name in _PRICES),
        body["provider"], body["model"], *(body[name] for name in _PRICES), now, now,
    )  # fmt: skip
    row = call.database.row(
        "SELECT * FROM ai_model_prices WHERE provider = ? AND model = ?", body["provider"], body["model"]
    )
    assert row is not None  # noqa: S101  # written just now
    return json_answer(_price(row))


def _require_owner(call: Call) -> None:
    if "owner" not in call.caller.roles or not call.caller.covers("read", "ai_model_price"):
        raise forbidden()


def _price(row: sqlite3.Row) -> dict[str, Any]:
    times = {name: shown(row[name]) for name in ("created_at", "updated_at")}
    return {name: row[name] for name in ("provider", "model", *_PRICES)} | times


def list_allotments(call: Call) -> Answer:
    """Answer with the shares of an organization's Agent Hours."""
    rows = call.database.rows(
        "SELECT a.* FROM agent_hours_allotments a JOIN groups g ON g.id = a.group_id WHERE g.organization_id = ? "
        "ORDER BY a.group_id",
        call.organization["id"],
    )
    return json_answer({"allotments": [_allotment(row) for row in rows]})


def put_allotment(call: Call) -> Answer:
    """Give a group a share; all shares of an organization are at most 100 %, so the order of writes matters."""
    wanted: int = call.json("UpsertAllotmentRequest", {"allotment_bps": "int"})["allotment_bps"]
    if not 1 <= wanted <= _ALL_BPS:
        tag = "gte" if wanted < 1 else "lte"
        fault = Validation("allotment_bps", f'Validation failed for tag "{tag}" with value: "{wanted}"')
        raise refusal(400, "Validation failed.", fault)
    _require_allotment_rights(call)
    given = call.database.value(
        "SELECT coalesce(sum(a.allotment_bps), 0) FROM agent_hours_allotments a JOIN groups g ON g.id = a.group_id "
        "WHERE g.organization_id = ? AND g.id <> ?",
        call.group["organization_id"], call.group["id"],
    )  # fmt: skip
    if given + wanted > _ALL_BPS:
        detail = f"{given} basis points are given to other groups, and {wanted} more exceed {_ALL_BPS}."
        raise refusal(409, "Allotments exceed the organization's Agent Hours.", detail=detail)
    now = call.world.clock.tick()
    call.database.run(
        "INSERT INTO agent_hours_allotments (group_id, allotment_bps, created_at, updated_at) VALUES (?, ?, ?, ?) "
        "ON CONFLICT DO UPDATE SET allotment_bps = excluded.allotment_bps, updated_at = excluded.updated_at",
        call.group["id"], wanted, now, now,
    )  # fmt: skip
    return json_answer(_allotment(_stored_allotment(call)))


def delete_allotment(call: Call) -> Answer:
    """Take a share back."""
    _require_allotment_rights(call)
    _stored_allotment(call)
    call.database.run("DELETE FROM agent_hours_allotments WHERE group_id = ?", call.group["id"])
    return Answer(204)


def _require_allotment_rights(call: Call) -> None:
    """Refuse Everyone, and callers without the right: with 403, unlike budgets."""
    if call.group["id"] == call.group["organization_id"]:
        fault = Validation("group", 'The "Everyone" group cannot have an allotment.')
        raise refusal(400, INVALID_QUERY, fault)
    if not call.caller.may("update", "group", organization=call.group["organization_id"]):
        raise forbidden()


def _stored_allotment(call: Call) -> sqlite3.Row:
    row = call.database.row("SELECT * FROM agent_hours_allotments WHERE group_id = ?", call.group["id"])
    if row is None:
        raise not_found()
    return row


def _allotment(row: sqlite3.Row) -> dict[str, Any]:
    return {
        "group_id": row["group_id"],
        "allotment_bps": row["allotment_bps"],
        "created_at": shown(row["created_at"]),
        "updated_at": shown(row["updated_at"]),
    }
