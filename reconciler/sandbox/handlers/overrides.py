"""User overrides: GET, PUT and DELETE below `/users/{user}/ai`; the path depends on the generation."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from ..answers import NOT_FOUND, Answer, Refused, Validation, json_answer, not_found, refusal, server_error
from ..audit import BudgetWrite, record
from ..clock import shown
from ..guards import may_read_group
from ..identifiers import NIL
from .budgets import check_maximum, check_not_negative

if TYPE_CHECKING:
    from ..calls import Call


def get_override(call: Call) -> Answer:
    """Answer with the override, 404 without one."""
    row = _stored(call)
    if row is None:
        raise not_found()
    return json_answer(_shape(row))


def put_override(call: Call) -> Answer:
    """Create or update, re-attributing in place. Only the new group is checked for the right to write.

    A refusal leaves an audit entry if an override exists and its new group may be read.
    """
    fields = call.json("UpsertUserAIBudgetOverrideRequest", {"group_id": "uuid", "spend_limit_micros": "int64"})
    group_id, limit = fields["group_id"], fields["spend_limit_micros"]
    missing = (Validation("group_id", f'Validation failed for tag "required" with value: "{NIL}"'),)
    check_not_negative(limit, *(missing if group_id == NIL else ()))
    check_maximum(call, limit)
    if call.generation.system_users_guarded and call.user["is_system"]:
        raise refusal(403, "Forbidden", detail="Cannot set an AI budget override for a system user.")
    group = call.database.row("SELECT * FROM groups WHERE id = ?", group_id)
    if group is None or not may_read_group(call, call.caller, group):
        raise not_found()
    old = _stored(call)
    try:
        _write(call, group, limit)
    except Refused as refused:
        if old is not None:
            _record(call, old, old, action="write", status=refused.answer.status_code)
        raise
    new = _stored(call)
    assert new is not None  # noqa: S101  # written just now
    _record(call, old, new, action="write", status=200)
    return json_answer(_shape(new))


def delete_override(call: Call) -> Answer:
    """Delete; the right to write is checked on the group that is stored."""
    old = _stored(call)
    if old is None:
        raise not_found()
    group = call.database.row("SELECT * FROM groups WHERE id = ?", old["group_id"])
    if group is None or not may_read_group(call, call.caller, group):
        raise server_error(f"fetch group: {NOT_FOUND}")
    if not _may_write(call, group):
        raise not_found()
    call.database.run("DELETE FROM user_ai_budget_overrides WHERE user_id = ?", call.user["id"])
    _record(call, old, None, action="delete", status=204)
    return Answer(204)


def _write(call: Call, group: sqlite3.Row, limit: int) -> None:
    if not _may_write(call, group):
        raise not_found()
    now = call.world.clock.tick()
    try:
        call.database.run(
            "INSERT INTO user_ai_budget_overrides (user_id, group_id, spend_limit_micros, created_at, updated_at) "
            "VALUES (?, ?, ?, ?, ?) ON CONFLICT (user_id) DO UPDATE SET group_id = excluded.group_id, "
            "spend_limit_micros = excluded.spend_limit_micros, updated_at = excluded.updated_at",
            call.user["id"], group["id"], limit, now, now,
        )  # fmt: skip
    except sqlite3.IntegrityError as error:
        if "must_be_group_member" not in str(error):
            raise
        fault = Validation("group_id", "user must be a member of this group")
        raise refusal(400, "User is not a member of the referenced group.", fault) from None


def _may_write(call: Call, group: sqlite3.Row) -> bool:
    caller = call.caller
    return caller.may("update", "user", owner=call.user["id"]) and caller.may(
        "update", "group", organization=group["organization_id"]
    )


def _stored(call: Call) -> sqlite3.Row | None:
    return call.database.row(
        "SELECT o.*, g.name AS group_name, g.organization_id "
        "FROM user_ai_budget_overrides o JOIN groups g ON g.id = o.group_id WHERE o.user_id = ?",
        call.user["id"],
    )


def _record(call: Call, old: sqlite3.Row | None, new: sqlite3.Row | None, *, action: str, status: int) -> None:
    """Write the audit entry of a change, or of a refusal when `old` and `new` are the same."""
    stored = new or old
    if not call.generation.override_audit or stored is None:
        return
    change = BudgetWrite(
        kind="user_ai_budget_override",
        id=call.user["id"],
        target=call.user["username"],
        organization=stored["organization_id"],
        limit=(old["spend_limit_micros"] if old else 0, new["spend_limit_micros"] if new else None),
        group_name=(old["group_name"] if old else "", new["group_name"] if new else ""),
        group_id=(old["group_id"] if old else "", new["group_id"] if new else ""),
    )
    record(call, change, action=action, status=status)


def _shape(row: sqlite3.Row) -> dict[str, object]:
    return {
        "user_id": row["user_id"],
        "group_id": row["group_id"],
        "spend_limit_micros": row["spend_limit_micros"],
        "created_at": shown(row["created_at"]),
        "updated_at": shown(row["updated_at"]),
    }
