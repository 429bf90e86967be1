"""Setting up groups: create, change with their members, delete."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

from ..answers import Answer, Validation, message, refusal, server_error
from ..audit import Change, record_change
from ..identifiers import check_display_name, check_group_name, new_uuid, parse_uuid
from .groups import group_answer

if TYPE_CHECKING:
    from ..calls import Call
    from ..gojson import Kind

EVERYONE = "Everyone"
_CHANGE: dict[str, Kind] = {
    "add_users": "strings", "remove_users": "strings", "name": "string",
    "display_name": "string?", "avatar_url": "string?", "quota_allowance": "int?",
}  # fmt: skip


def create_group(call: Call) -> Answer:
    """Create an empty group; missing rights surface as a 500 here."""
    body = call.json(
        "CreateGroupRequest",
        {"name": "string", "display_name": "string", "avatar_url": "string", "quota_allowance": "int"},
    )
    if body["name"] == EVERYONE:
        fault = Validation("name", f'"{EVERYONE}" is a reserved group name')
        raise refusal(400, "Invalid group name.", fault)
    if faults := (*check_group_name(body["name"]), *check_display_name(body)):
        raise refusal(400, "Validation failed.", *faults)
    organization = call.organization["id"]
    if not call.caller.may("create", "group", organization=organization):
        raise server_error("insert group: unauthorized: rbac: forbidden")
    group_id = new_uuid()
    try:
        call.database.run(
            "INSERT INTO groups (id, organization_id, name, display_name, avatar_url, quota_allowance) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            group_id, organization, body["name"], body["display_name"], body["avatar_url"], body["quota_allowance"],
        )  # fmt: skip
    except sqlite3.IntegrityError:
        fault = Validation("name", "Group names must be unique")
        raise refusal(409, f'A group named "{body["name"]}" already exists.', fault) from None
    change = Change(kind="group", id=group_id, target=body["name"], organization=organization)
    record_change(call, change, action="create", status=201)
    return group_answer(call, group_id, status=201)


def change_group(call: Call) -> Answer:
    """Change a group's members and names, all or nothing."""
    body = call.json("PatchGroupRequest", _CHANGE)
    _check_change(call, body)
    if not call.caller.may("update", "group", organization=call.group["organization_id"]):
        raise refusal(400, "Failed to add or remove non-existent group member")
    group_id, members = call.group["id"], _members(call)
    try:
        with call.database.transaction():
            _write_members(call, body)
            call.database.run(
                "UPDATE groups SET name = ?, display_name = coalesce(?, display_name), "
                "avatar_url = coalesce(?, avatar_url), quota_allowance = coalesce(?, quota_allowance) WHERE id = ?",
                body["name"] or call.group["name"], body["display_name"], body["avatar_url"],
                body["quota_allowance"], group_id,
            )  # fmt: skip
    except sqlite3.IntegrityError as error:
        if "groups.name" in str(error):
            raise refusal(409, f'A group with name "{body["name"]}" already exists.') from None
        raise refusal(400, "Cannot add the same user to a group twice!") from None
    name = body["name"] or call.group["name"]
    change = Change(
        kind="group", id=group_id, target=name, organization=call.group["organization_id"],
        fields={"name": (call.group["name"], name), "members": (members, _members(call))},
    )  # fmt: skip
    record_change(call, change, action="write", status=200)
    return group_answer(call, group_id)


def delete_group(call: Call) -> Answer:
    """Delete a group; its budget and the overrides attributed to it go with it."""
    if call.group["id"] == call.group["organization_id"]:
        raise refusal(400, f'"{EVERYONE}" is a reserved group and cannot be deleted!')
    if not call.caller.may("delete", "group", organization=call.group["organization_id"]):
        raise server_error("delete group: unauthorized: rbac: forbidden")
    call.database.run("DELETE FROM groups WHERE id = ?", call.group["id"])
    change = Change(
        kind="group", id=call.group["id"], target=call.group["name"], organization=call.group["organization_id"]
    )
    record_change(call, change, action="delete", status=200)
    return message("Successfully deleted group!")


def _check_change(call: Call, body: dict[str, Any]) -> None:
    if call.group["id"] == call.group["organization_id"]:
        _check_change_of_everyone(body)
    elif body["name"] == EVERYONE:
        raise refusal(400, f'"{EVERYONE}" is a reserved group name!')
    elif faults := (*(check_group_name(body["name"]) if body["name"] else ()), *check_display_name(body)):
        raise refusal(400, "Validation failed.", *faults)
    for text in (*body["add_users"], *body["remove_users"]):
        if parse_uuid(text) is None:
            raise refusal(400, f'ID "{text}" must be a valid user UUID.')
        membership = call.database.row(
            "SELECT 1 FROM organization_members WHERE user_id = ? AND organization_id = ?",
            parse_uuid(text),
            call.group["organization_id"],
        )
        if membership is None:
            raise refusal(400, f'User must be a member of organization "{call.group["name"]}"')


def _check_change_of_everyone(body: dict[str, Any]) -> None:
    if body["add_users"] or body["remove_users"]:
        raise refusal(403, f'Cannot add or remove users from the "{EVERYONE}" group!')
    if body["name"] not in ("", EVERYONE):
        raise refusal(400, f'Cannot rename the "{EVERYONE}" group!')
    if body["display_name"]:
        raise refusal(400, f'Cannot update the Display Name for the "{EVERYONE}" group!')


def _members(call: Call) -> list[dict[str, str]]:
    """Return the members as the audit log has them."""
    rows = call.database.rows("SELECT user_id FROM group_members WHERE group_id = ? ORDER BY user_id", call.group["id"])
    return [{"user_id": row["user_id"], "group_id": call.group["id"]} for row in rows]


def _write_members(call: Call, body: dict[str, Any]) -> None:
    for text in body["add_users"]:
        call.database.run(
            "INSERT INTO group_members (user_id, group_id) VALUES (?, ?)", parse_uuid(text), call.group["id"]
        )
    for text in body["remove_users"]:
        call.database.run(
            "DELETE FROM group_members WHERE user_id = ? AND group_id = ?", parse_uuid(text), call.group["id"]
        )
