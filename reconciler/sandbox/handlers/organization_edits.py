"""Setting up organizations: create, delete, members and their roles."""

from __future__ import annotations

import json
import sqlite3
from typing import TYPE_CHECKING

from ..answers import (
    Answer,
    Validation,
    as_json,
    forbidden,
    json_answer,
    message,
    not_found,
    refusal,
    server_error,
)  # fmt: skip
from ..audit import Change, record_change
from ..guards import find_user
from ..identifiers import check_display_name, check_username, new_uuid
from ..roles import ASSIGNABLE_BY_USER_ADMIN, ORGANIZATION_ROLES, SITE_ROLES
from ..shapes import membership_shape, organization_shape, role_shape

if TYPE_CHECKING:
    from ..calls import Call


def create_organization(call: Call) -> Answer:
    """Create an organization; the creator becomes a plain member, the database adds Everyone."""
    body = call.json(
        "CreateOrganizationRequest",
        {"name": "string", "display_name": "string", "description": "string", "icon": "string"},
    )
    if faults := (*check_username(body["name"], "name"), *check_display_name(body)):
        raise refusal(400, "Validation failed.", *faults)
    if body["name"] == "default":
        fault = Validation("name", 'Organization name "default" is reserved.')
        raise refusal(400, 'Organization name "default" is reserved.', fault)
    if not call.caller.may("create", "organization"):
        raise server_error("unauthorized: rbac: forbidden", "Internal error inserting organization member.")
    id_, now = new_uuid(), call.world.clock.tick()
    try:
        with call.database.transaction():
            call.database.run(
                "INSERT INTO organizations (id, name, display_name, description, icon, created_at, updated_at) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                id_, body["name"], body["display_name"] or body["name"], body["description"], body["icon"], now, now,
            )  # fmt: skip
            _insert_member(call, id_, call.caller.id)
    except sqlite3.IntegrityError:
        raise refusal(409, "Organization already exists with that name.") from None
    return _organization(call, id_, 201)


def change_organization(call: Call) -> Answer:
    """Change names, description and icon; what is left out stays."""
    body = call.json(
        "UpdateOrganizationRequest",
        {"name": "string", "display_name": "string", "description": "string?", "icon": "string?"},
    )
    faults = (*(check_username(body["name"], "name") if body["name"] else ()), *check_display_name(body))
    if faults:
        raise refusal(400, "Validation failed.", *faults)
    if body["name"] == "default":
        raise refusal(400, 'Organization name "default" is reserved.')
    if not call.caller.may("update", "organization", organization=call.organization["id"]):
        raise not_found()
    try:
        call.database.run(
            "UPDATE organizations SET name = ?, display_name = ?, description = coalesce(?, description), "
            "icon = coalesce(?, icon), updated_at = ? WHERE id = ?",
            body["name"] or call.organization["name"], body["display_name"] or call.organization["display_name"],
            body["description"], body["icon"], call.world.clock.tick(), call.organization["id"],
        )  # fmt: skip
    except sqlite3.IntegrityError:
        raise refusal(409, f'Organization already exists with the name "{body["name"]}".') from None
    return _organization(call, call.organization["id"], 200)


def delete_organization(call: Call) -> Answer:
    """Delete softly an organization that has at most one member and no group of its own; the rows stay."""
    if call.organization["is_default"]:
        raise refusal(400, "Default organization cannot be deleted.")
    id_ = call.organization["id"]
    members = call.database.value("SELECT count(*) FROM organization_members WHERE organization_id = ?", id_)
    groups = call.database.value("SELECT count(*) FROM groups WHERE organization_id = ?1 AND id <> ?1", id_)
    if members > 1 or groups:
        parts = [f"{members} {'member' if members == 1 else 'members'}"] if members > 1 else []
        parts += [f"{groups} {'group' if groups == 1 else 'groups'}"] if groups else []
        text = f"This organization has {', '.join(parts)} that must be deleted first."
        raise server_error(text, "Error deleting organization.")
    if not call.caller.may("delete", "organization", organization=id_):
        raise server_error("unauthorized: rbac: forbidden", "Error deleting organization.")
    now = call.world.clock.tick()
    call.database.run("UPDATE organizations SET deleted = 1, updated_at = ? WHERE id = ?", now, id_)
    return message("Organization has been deleted.")


def add_member(call: Call) -> Answer:
    """Make somebody a member."""
    user_id, organization = _target(call, "create")
    try:
        _insert_member(call, organization, user_id)
    except sqlite3.IntegrityError:
        raise refusal(400, "User is already an organization member") from None
    _record(call, user_id, organization, action="create", status=200)
    return _membership(call, user_id)


def remove_member(call: Call) -> Answer:
    """End a membership; groups and overrides inside go with it."""
    user_id, organization = _target(call, "delete")
    if user_id == call.caller.id:
        raise refusal(400, "cannot remove self from an organization")
    sql = "DELETE FROM organization_members WHERE user_id = ? AND organization_id = ?"
    if not call.database.run(sql, user_id, organization):
        raise not_found()
    _record(call, user_id, organization, action="delete", status=204)
    return Answer(204)


def _record(call: Call, user_id: str, organization: str, *, action: str, status: int) -> None:
    username = call.database.value("SELECT username FROM users WHERE id = ?", user_id)
    change = Change(kind="organization_member", id=user_id, target=username, organization=organization)
    record_change(call, change, action=action, status=status)


def list_member_roles(call: Call) -> Answer:
    """Answer with the roles of this organization, and which of them the caller may assign."""
    organization = call.organization["id"]
    if not call.caller.may("read", "assign_org_role", organization=organization) and not call.caller.may(
        "read", "organization_member", organization=organization
    ):
        raise forbidden()
    all_of_them = call.caller.may("update", "assign_org_role", organization=organization)
    some_of_them = ASSIGNABLE_BY_USER_ADMIN if "user-admin" in call.caller.roles else frozenset()
    return json_answer(
        [
            role_shape(name, organization_id=organization, is_assignable=all_of_them or name in some_of_them)
            for name in sorted(ORGANIZATION_ROLES)
        ]
    )


def list_site_roles(call: Call) -> Answer:
    """Answer with the roles of the site, and which of them the caller may assign."""
    is_owner = "owner" in call.caller.roles
    return json_answer([role_shape(name, organization_id="", is_assignable=is_owner) for name in sorted(SITE_ROLES)])


def put_member_roles(call: Call) -> Answer:
    """Replace the roles of a member; only owners and organization admins may give more than the floor."""
    wanted = call.json("UpdateRoles", {"roles": "strings"})["roles"]
    member, caller, organization = call.member, call.caller, call.organization["id"]
    if member["user_id"] == caller.id:
        raise refusal(400, "You cannot change your own organization roles.")
    for name in wanted:
        if name != "organization-member" and name not in ORGANIZATION_ROLES:
            raise refusal(400, f'"{name}" is not a valid organization role.')
    kept = {name for name in wanted if name != "organization-member"}
    changed = kept ^ set(json.loads(member["roles"]))
    if not caller.may("assign", "assign_org_role", organization=organization):
        raise forbidden()
    if changed and not caller.may("update", "assign_org_role", organization=organization):
        allowed = ASSIGNABLE_BY_USER_ADMIN if "user-admin" in caller.roles else frozenset()
        if changed - allowed:
            raise forbidden()
    call.database.run(
        "UPDATE organization_members SET roles = ?, updated_at = ? WHERE user_id = ? AND organization_id = ?",
        as_json(sorted(kept)), call.world.clock.tick(), member["user_id"], organization,
    )  # fmt: skip
    return _membership(call, member["user_id"])


def _organization(call: Call, id_: str, status: int) -> Answer:
    row = call.database.row("SELECT * FROM organizations WHERE id = ?", id_)
    assert row is not None  # noqa: S101  # the caller found or wrote it
    return json_answer(organization_shape(row), status)


def _target(call: Call, action: str) -> tuple[str, str]:
    user = find_user(call, call.parameters["user"])
    organization = call.organization["id"]
    may = call.caller.may
    if user is None or user["deleted"] or not may("read", "user", owner=user["id"]):
        raise not_found()
    if not may(action, "organization_member", organization=organization):
        raise not_found()
    return user["id"], organization


def _insert_member(call: Call, organization: str, user_id: str) -> None:
    now = call.world.clock.tick()
    call.database.run(
        "INSERT INTO organization_members (user_id, organization_id, created_at, updated_at) VALUES (?, ?, ?, ?)",
        user_id, organization, now, now,
    )  # fmt: skip


def _membership(call: Call, user_id: str) -> Answer:
    row = call.database.row(
        "SELECT * FROM organization_members WHERE user_id = ? AND organization_id = ?",
        user_id,
        call.organization["id"],
    )
    assert row is not None  # noqa: S101  # found or written just now
    return json_answer(membership_shape(row))
