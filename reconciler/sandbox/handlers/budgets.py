"""Group budgets: GET, PUT and DELETE of `/groups/{group}/ai/budget`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..answers import Answer, Validation, json_answer, not_found, refusal
from ..audit import BudgetWrite, record
from ..clock import shown

if TYPE_CHECKING:
    import sqlite3

    from ..calls import Call


def get_budget(call: Call) -> Answer:
    """Answer with the budget, 404 without one."""
    row = _stored(call)
    if row is None:
        raise not_found()
    return json_answer(_shape(row))


def put_budget(call: Call) -> Answer:
    """Create or update; what is wrong with the body is said before who may write."""
    body = call.json("UpsertGroupAIBudgetRequest", {"spend_limit_micros": "int64"})
    limit: int = body["spend_limit_micros"]
    check_not_negative(limit)
    check_maximum(call, limit)
    old = _stored(call)
    if not _may_write(call):
        if old is not None:
            record(
                call, _change(call, old["spend_limit_micros"], old["spend_limit_micros"]), action="write", status=404
            )
        raise not_found()
    now = call.world.clock.tick()
    call.database.run(
        "INSERT INTO group_ai_budgets (group_id, spend_limit_micros, created_at, updated_at) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (group_id) DO UPDATE SET spend_limit_micros = excluded.spend_limit_micros, "
        "updated_at = excluded.updated_at",
        call.group["id"], limit, now, now,
    )  # fmt: skip
    record(call, _change(call, old["spend_limit_micros"] if old else 0, limit), action="write", status=200)
    new = _stored(call)
    assert new is not None  # noqa: S101  # written just now
    return json_answer(_shape(new))


def delete_budget(call: Call) -> Answer:
    """Delete; a second time it is 404, and no entry is written."""
    old = _stored(call)
    if old is None or not _may_write(call):
        raise not_found()
    call.database.run("DELETE FROM group_ai_budgets WHERE group_id = ?", call.group["id"])
    record(call, _change(call, old["spend_limit_micros"], None), action="delete", status=204)
    return Answer(204)


def check_not_negative(limit: int, *more_faults: Validation) -> None:
    """Refuse a negative limit, together with what else is wrong."""
    faults = list(more_faults)
    if limit < 0:
        faults.append(Validation("spend_limit_micros", f'Validation failed for tag "gte" with value: "{limit}"'))
    if faults:
        raise refusal(400, "Validation failed.", *faults)


def check_maximum(call: Call, limit: int) -> None:
    """Refuse more than this generation accepts."""
    maximum = call.generation.maximum_micros
    if maximum is not None and limit > maximum:
        fault = Validation("spend_limit_micros", f"Must not exceed {maximum}.")
        raise refusal(400, "Invalid AI spend limit.", fault)


def _stored(call: Call) -> sqlite3.Row | None:
    return call.database.row("SELECT * FROM group_ai_budgets WHERE group_id = ?", call.group["id"])


def _may_write(call: Call) -> bool:
    return call.caller.may("update", "group", organization=call.group["organization_id"])


def _change(call: Call, old: int | None, new: int | None) -> BudgetWrite:
    return BudgetWrite(
        kind="group_ai_budget",
        id=call.group["id"],
        target=call.group["name"],
        organization=call.group["organization_id"],
        limit=(old, new),
    )


def _shape(row: sqlite3.Row) -> dict[str, object]:
    return {
        "group_id": row["group_id"],
        "spend_limit_micros": row["spend_limit_micros"],
        "created_at": shown(row["created_at"]),
        "updated_at": shown(row["updated_at"]),
    }
