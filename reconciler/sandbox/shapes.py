"""What rows look like as Coder's JSON: users, organizations, members, groups; decides nothing about rights.

Fields that Go omits when they are empty are left out; the lists are coder-api.md section 13.3.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from .clock import shown
from .roles import ORGANIZATION_ROLES, SITE_ROLES

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping

    from .calls import World
    from .database import Database


def _shown_sql(column: str) -> str:
    """Return SQL that writes a moment as `shown` does."""
    return f"rtrim(rtrim(substr({column}, 1, 26), '0'), '.') || 'Z'"


# Coder's ReducedUser as SQL over an alias `u`: lists of members are large, SQLite writes them faster than Python.
# The two fields that Go omits when empty are null here, and are then cut out of the text.
REDUCED_USER = f"""replace(replace(json_object(
    'id', u.id, 'username', u.username, 'name', nullif(u.name, ''), 'email', u.email,
    'created_at', {_shown_sql("u.created_at")}, 'updated_at', {_shown_sql("u.updated_at")},
    'last_seen_at', {_shown_sql("u.last_seen_at")}, 'status', u.status,
    'is_service_account', iif(u.is_service_account, json('true'), NULL), 'login_type', u.login_type),
    '"name":null,', ''), '"is_service_account":null,', '')"""

_DISPLAY_NAMES = {name: name.replace("-", " ").title() for name in (*SITE_ROLES, *ORGANIZATION_ROLES)}


def without_empty(shape: dict[str, Any], *names: str) -> dict[str, Any]:
    """Leave out the named fields when they are empty, as Go does with `omitempty`."""
    return {name: value for name, value in shape.items() if value or name not in names}


def role_list(roles_json: str) -> list[dict[str, str]]:
    """Return roles as Coder's SlimRole."""
    if roles_json == "[]":
        return []
    return [{"name": name, "display_name": _DISPLAY_NAMES[name]} for name in json.loads(roles_json)]


def role_shape(name: str, *, organization_id: str, is_assignable: bool) -> dict[str, Any]:
    """Return Coder's AssignableRoles; its permissions are not modelled here."""
    shape = {
        "name": name,
        "organization_id": organization_id,
        "display_name": _DISPLAY_NAMES[name],
        "site_permissions": [],
        "user_permissions": [],
        "organization_permissions": [],
        "organization_member_permissions": [],
        "assignable": is_assignable,
        "built_in": True,
    }
    return without_empty(shape, "organization_id")


def minimal_user_shape(*, id_: str, username: str, name: str) -> dict[str, Any]:
    """Return Coder's MinimalUser."""
    shape = {"id": id_, "username": username}
    if name:
        shape["name"] = name
    return shape


def user_shape(world: World, row: sqlite3.Row | Mapping[str, Any], organization_ids: Iterable[str]) -> dict[str, Any]:
    """Return Coder's User."""
    shape = minimal_user_shape(id_=row["id"], username=row["username"], name=row["name"])
    shape["email"] = row["email"]
    shape["created_at"] = shown(row["created_at"])
    shape["updated_at"] = shown(row["updated_at"])
    shape["last_seen_at"] = shown(row["last_seen_at"])
    shape["status"] = row["status"]
    shape["login_type"] = row["login_type"]
    if row["is_service_account"]:
        shape["is_service_account"] = True
    shape["organization_ids"] = list(organization_ids)
    shape["roles"] = role_list(row["roles"])
    shape["has_ai_seat"] = has_ai_seat(world, row["status"])
    return shape


def has_ai_seat(world: World, status: str) -> bool:
    """Tell whether a person has an AI seat: nobody has without the licence for AI governance."""
    return status == "active" and world.enabled("ai_governance_user_limit")


def organization_ids(database: Database, user_id: str) -> list[str]:
    """Return the organizations of a user, earliest membership first; a deleted organization stays in the list."""
    rows = database.rows(
        "SELECT organization_id FROM organization_members WHERE user_id = ? ORDER BY created_at, organization_id",
        user_id,
    )
    return [row[0] for row in rows]


def organization_shape(row: sqlite3.Row) -> dict[str, Any]:
    """Return Coder's Organization."""
    return {
        "id": row["id"],
        "name": row["name"],
        "display_name": row["display_name"],
        "icon": row["icon"],
        "description": row["description"],
        "created_at": shown(row["created_at"]),
        "updated_at": shown(row["updated_at"]),
        "is_default": bool(row["is_default"]),
        "default_org_member_roles": json.loads(row["default_org_member_roles"]),
    }


def membership_shape(row: sqlite3.Row) -> dict[str, Any]:
    """Return Coder's OrganizationMember."""
    return {
        "user_id": row["user_id"],
        "organization_id": row["organization_id"],
        "created_at": shown(row["created_at"]),
        "updated_at": shown(row["updated_at"]),
        "roles": role_list(row["roles"]),
    }


def member_with_user_shape(world: World, row: sqlite3.Row) -> dict[str, Any]:
    """Return Coder's OrganizationMemberWithUserData."""
    shape = membership_shape(row) | {
        "username": row["username"],
        "name": row["name"],
        "email": row["email"],
        "status": row["status"],
        "login_type": row["login_type"],
        "is_service_account": bool(row["is_service_account"]),
        "has_ai_seat": has_ai_seat(world, row["status"]),
        "last_seen_at": shown(row["last_seen_at"]),
        "user_created_at": shown(row["user_created_at"]),
        "user_updated_at": shown(row["user_updated_at"]),
        "global_roles": role_list(row["global_roles"]),
    }
    return without_empty(shape, "name", "is_service_account")


def group_shape(row: sqlite3.Row) -> dict[str, Any]:
    """Return Coder's Group up to `members`; the row is one of GROUP_ROWS."""
    return {
        "id": row["id"],
        "name": row["name"],
        "display_name": row["display_name"],
        "organization_id": row["organization_id"],
        "organization_name": row["organization_name"],
        "organization_display_name": row["organization_display_name"],
        "avatar_url": row["avatar_url"],
        "quota_allowance": row["quota_allowance"],
        "source": row["source"],
        "total_member_count": row["total_member_count"],
    }


# A list of ids as one parameter, its JSON text.
IN_LIST = "(SELECT value FROM json_each(?))"

# Groups with what their shape needs besides their own columns; system users are not counted.
GROUP_ROWS = """
SELECT g.*, o.name AS organization_name, o.display_name AS organization_display_name,
       (SELECT count(*) FROM group_members m JOIN users u ON u.id = m.user_id
        WHERE m.group_id = g.id AND NOT u.is_system)
     + (SELECT count(*) FROM organization_members m JOIN users u ON u.id = m.user_id
        WHERE m.organization_id = g.id AND NOT u.is_system) AS total_member_count
FROM groups g JOIN organizations o ON o.id = g.organization_id
"""

# Members of an organization with what their shape needs: ?1 names the organization.
MEMBER_ROWS = """
SELECT m.*, u.username, u.name, u.email, u.status, u.login_type, u.is_service_account, u.last_seen_at,
       u.created_at AS user_created_at, u.updated_at AS user_updated_at, u.roles AS global_roles
FROM organization_members m JOIN users u ON u.id = m.user_id
WHERE m.organization_id = ?1
"""
