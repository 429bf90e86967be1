"""Spend of groups, of a group's members and of a user: the bulk way to read limits.

Ids that are unknown or unreadable are left out without a word; a group of another organization is masked. Coder's rows
have no order, so their order here is not one that a client could expect.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..answers import Answer, as_json, json_answer, server_error
from ..guards import may_read_group
from ..query import bounded_ids

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterable, Sequence

    from ..calls import Call, World

MAXIMUM_BIGINT = 2**63 - 1

_GROUP_ROWS = """
SELECT g.id, g.organization_id, b.spend_limit_micros
FROM groups g LEFT JOIN group_ai_budgets b ON b.group_id = g.id
WHERE g.id IN (SELECT value FROM json_each(?)) ORDER BY substr(g.id, 10)
"""

_MEMBER_ROWS = """
SELECT e.user_id, e.effective_group_id, e.spend_limit_micros, e.limit_source,
       g.organization_id AS effective_organization_id,
       coalesce((SELECT sum(cost_micros) FROM ai_daily_spend s
                 WHERE s.group_id = ?3 AND s.user_id = e.user_id AND s.day >= ?1 AND s.day < ?2), 0)
           AS group_spend_micros
FROM effective_budgets e LEFT JOIN groups g ON g.id = e.effective_group_id
WHERE e.user_id IN (SELECT value FROM json_each(?4))
  AND EXISTS (SELECT 1 FROM group_memberships m WHERE m.user_id = e.user_id AND m.group_id = ?3)
ORDER BY substr(e.user_id, 10)
"""

_COMBINED_LIMITS = """
SELECT e.effective_group_id, sum(e.spend_limit_micros >> 32), sum(e.spend_limit_micros & 0xFFFFFFFF)
FROM effective_budgets e JOIN users u ON u.id = e.user_id
WHERE e.limit_source IS NOT NULL AND NOT (u.is_system AND ?)
GROUP BY e.effective_group_id
"""
_SPENT = "SELECT group_id, sum(cost_micros) FROM ai_daily_spend WHERE day >= ? AND day < ? GROUP BY group_id"


def groups_spend(call: Call) -> Answer:
    """Answer with the rows of up to 100 groups of an organization."""
    ids = bounded_ids(call.query(), "group_ids")
    rows = [
        row
        for row in _group_rows(call, ids)
        if row["organization_id"] == call.organization["id"] and may_read_group(call, call.caller, row)
    ]
    return json_answer(_period(call) | {"groups": [_group_row(call, row) for row in rows]})


def group_spend(call: Call) -> Answer:
    """Answer with the row of one group."""
    (row,) = _group_rows(call, [call.group["id"]])
    return json_answer(_period(call) | _group_row(call, row))


def members_spend(call: Call) -> Answer:
    """Answer with the rows of up to 100 members of a group, as far as the caller may see them."""
    ids = bounded_ids(call.query(), "user_ids")
    if not call.caller.may("read", "group_member", organization=call.group["organization_id"]):
        ids = [user_id for user_id in ids if user_id == call.caller.id]
    rows = call.database.rows(_MEMBER_ROWS, *_days(call), call.group["id"], as_json(ids))
    readable = _readable(call, rows)
    members = ",".join(_member_text(call, row, readable) for row in rows)
    return Answer(200, f'{as_json(_period(call))[:-1]},"members":[{members}]}}\n'.encode())


def user_spend(call: Call) -> Answer:
    """Answer with what applies to a user and what they spent under it; not masked across organizations."""
    row = call.database.row("SELECT * FROM effective_budgets WHERE user_id = ?", call.user["id"])
    assert row is not None  # noqa: S101  # the guard found the user
    spent = call.database.value(
        "SELECT coalesce(sum(cost_micros), 0) FROM ai_daily_spend WHERE user_id = ? AND group_id = ? "
        "AND day >= ? AND day < ?",
        call.user["id"], row["effective_group_id"], *_days(call),
    )  # fmt: skip
    ids = {"user_id": row["user_id"], "effective_group_id": row["effective_group_id"]}
    budget = {"effective_budget": _budget(row)}
    return json_answer(ids | budget | _period(call) | {"current_spend_micros": spent})


def _group_rows(call: Call, ids: Sequence[str]) -> list[sqlite3.Row]:
    return call.database.rows(_GROUP_ROWS, as_json(ids))


def _group_row(call: Call, row: sqlite3.Row) -> dict[str, Any]:
    limit = row["spend_limit_micros"]
    combined = None if limit is None else _combined_limit_micros(call.world, row["id"])
    if combined is not None and combined > MAXIMUM_BIGINT:
        raise server_error("pq: bigint out of range")
    return {
        "group_id": row["id"],
        "spend_limit_micros": limit,
        "total_spend_limit_micros": combined,
        "current_spend_micros": _spent_micros(call.world, row["id"]),
    }


def _member_text(call: Call, row: sqlite3.Row, readable: Collection[str]) -> str:
    """Return what is said of a member, as JSON: it is written a hundred times for each request."""
    user, group, limit, source, _, spent = row
    says_group = group in readable
    says_budget = says_group and source is not None
    budget = f'{{"spend_limit_micros":{limit},"limit_source":"{source}"}}' if says_budget else "null"
    effective_budget = f'"effective_budget":{budget},' if call.generation.effective_budget else ""
    return (
        f'{{"user_id":"{user}","effective_group_id":{as_json(group if says_group else None)},{effective_budget}'
        f'"group_budget":{budget if group == call.group["id"] else "null"},"group_spend_micros":{spent}}}'
    )


def _readable(call: Call, rows: Iterable[sqlite3.Row]) -> set[str]:
    """Return the effective groups that are not masked: in the organization asked for, and readable on newer servers."""
    organization = call.group["organization_id"]
    groups = {row["effective_group_id"] for row in rows if row["effective_organization_id"] == organization}
    if not call.generation.effective_budget or call.caller.may("read", "group", organization=organization):
        return groups
    return {id_ for id_ in groups if may_read_group(call, call.caller, {"id": id_, "organization_id": organization})}


def _budget(row: sqlite3.Row) -> dict[str, Any] | None:
    if row["limit_source"] is None:
        return None
    return {"spend_limit_micros": row["spend_limit_micros"], "limit_source": row["limit_source"]}


def _days(call: Call) -> tuple[str, str]:
    start, end = call.world.clock.period()
    return start.date().isoformat(), end.date().isoformat()


def _period(call: Call) -> dict[str, Any]:
    start, end = call.world.clock.period()
    return {
        "period_start": start.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "period_end": end.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def _combined_limit_micros(world: World, group_id: str) -> int:
    """Return what all people attributed to a group may spend, 0 when there is nobody.

    Newer servers leave system users out. The sum may be larger than a bigint; the caller then fails as Coder does.
    """
    guarded = world.generation.system_users_guarded
    sums: dict[str, int] = world.memo.get(
        "combined limits",
        lambda: {row[0]: (row[1] << 32) + row[2] for row in world.database.rows(_COMBINED_LIMITS, guarded)},
    )
    return sums.get(group_id, 0)


def _spent_micros(world: World, group_id: str) -> int:
    """Return what was booked to a group in the present period."""
    days = tuple(moment.date().isoformat() for moment in world.clock.period())
    sums: dict[str, int] = world.memo.get(("spent", days), lambda: dict(map(tuple, world.database.rows(_SPENT, *days))))
    return sums.get(group_id, 0)
