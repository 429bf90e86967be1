"""What rows look like as Coder's JSON: users, organizations, members, groups; decides nothing about rights."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from .roles import ORGANIZATION_ROLES, SITE_ROLES

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from .database import Database

# Coder's ReducedUser as SQL over an alias `u`: lists of members are large, SQLite writes them faster than Python.
REDUCED_USER = """json_object(
    'id', u.id, 'username', u.username, 'name', u.name, 'email', u.email, 'avatar_url', '',
    'status', u.status, 'login_type', u.login_type,
    'is_service_account', json(iif(u.is_service_account, 'true', 'false')),
    'created_at', u.created_at, 'updated_at', u.updated_at, 'last_seen_at', u.last_seen_at,
    'theme_preference', '')"""

_DISPLAY_NAMES = {name: name.replace("-", " ").title() for name in (*SITE_ROLES, *ORGANIZATION_ROLES)}


def role_list(roles_json: str) -> list[dict[str, str]]:
    """Return roles as Coder's SlimRole."""
    return [{"name": name, "display_name": _DISPLAY_NAMES[name]} for name in json.loads(roles_json)]


def user_shape(row: sqlite3.Row, organization_ids: Iterable[str]) -> dict[str, Any]:
    """Return Coder's User."""
    return {
        "id": row["id"],
        "username": row["username"],
        "name": row["name"],
        "avatar_url": "",
        "email": row["email"],
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
        "last_seen_at": row["last_seen_at"],
        "status": row["status"],
        "login_type": row["login_type"],
        "is_service_account": bool(row["is_service_account"]),
        "theme_preference": "",
        "organization_ids": list(organization_ids),
        "roles": role_list(row["roles"]),
        "has_ai_seat": row["status"] == "active",
    }


def organization_ids(database: Database, user_id: str) -> list[str]:
    """Return the organizations of a user, earliest membership first."""
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
        "description": row["description"],
        "icon": row["icon"],
        "is_default": bool(row["is_default"]),
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
    }


def membership_shape(row: sqlite3.Row) -> dict[str, Any]:
    """Return Coder's OrganizationMember."""
    return {
        "user_id": row["user_id"],
        "organization_id": row["organization_id"],
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
        "roles": role_list(row["roles"]),
    }


def member_with_user_shape(row: sqlite3.Row) -> dict[str, Any]:
    """Return Coder's OrganizationMemberWithUserData."""
    return membership_shape(row) | {
        "username": row["username"],
        "name": row["name"],
        "avatar_url": "",
        "email": row["email"],
        "status": row["status"],
        "login_type": row["login_type"],
        "is_service_account": bool(row["is_service_account"]),
        "has_ai_seat": row["status"] == "active",
        "last_seen_at": row["last_seen_at"],
        "user_created_at": row["user_created_at"],
        "user_updated_at": row["user_updated_at"],
        "global_roles": role_list(row["global_roles"]),
    }


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

# Groups with what their shape needs besides their own columns; everybody counts who is not a system user.
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
