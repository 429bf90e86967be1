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
    """Return SQL that writes a moment as `shown` does; nearly all are whole seconds."""
    fraction = f"rtrim(substr({column}, 1, 26), '0')"
    return f"iif(substr({column}, 20, 7) = '.000000', substr({column}, 1, 19), {fraction}) || 'Z'"


def _without_nulls_sql(sql: str) -> str:
    """Return SQL that cuts the two fields out of JSON that Go omits when they are empty, and that are null there."""
    return f"""replace(replace({sql}, '"name":null,', ''), '"is_service_account":null,', '')"""


# Coder's ReducedUser as SQL over an alias `u`: lists of members are large, SQLite writes them faster than Python.
REDUCED_USER = _without_nulls_sql(f"""json_object(
    'id', u.id, 'username', u.username, 'name', nullif(u.name, ''), 'email', u.email,
    'created_at', {_shown_sql("u.created_at")}, 'updated_at', {_shown_sql("u.updated_at")},
    'last_seen_at', {_shown_sql("u.last_seen_at")}, 'status', u.status,
    'is_service_account', iif(u.is_service_account, json('true'), NULL), 'login_type', u.login_type)""")

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


def _role_list_sql(column: str) -> str:
    """Return SQL that writes roles as `role_list` does."""
    names = " ".join(f"WHEN '{name}' THEN '{display_name}'" for name, display_name in _DISPLAY_NAMES.items())
    role = f"json_object('name', value, 'display_name', CASE value {names} END)"
    return f"json(iif({column} = '[]', '[]', (SELECT json_group_array({role}) FROM json_each({column}))))"


def member_with_user_sql(world: World) -> str:
    """Return SQL that writes Coder's OrganizationMemberWithUserData: `m` is the membership, `u` the user."""
    seat = "iif(u.status = 'active', 'true', 'false')" if has_ai_seat(world, "active") else "'false'"
    return _without_nulls_sql(f"""json_object(
        'user_id', m.user_id, 'organization_id', m.organization_id,
        'created_at', {_shown_sql("m.created_at")}, 'updated_at', {_shown_sql("m.updated_at")},
        'roles', {_role_list_sql("m.roles")}, 'username', u.username, 'name', nullif(u.name, ''), 'email', u.email,
        'status', u.status, 'login_type', u.login_type,
        'is_service_account', iif(u.is_service_account, json('true'), NULL), 'has_ai_seat', json({seat}),
        'last_seen_at', {_shown_sql("u.last_seen_at")}, 'user_created_at', {_shown_sql("u.created_at")},
        'user_updated_at', {_shown_sql("u.updated_at")}, 'global_roles', {_role_list_sql("u.roles")})""")


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

_OF_SYSTEM = "(SELECT id FROM users WHERE is_system)"

# Groups with what their shape needs besides their own columns; system users are not counted.
GROUP_ROWS = f"""
SELECT g.*, o.name AS organization_name, o.display_name AS organization_display_name,
       (SELECT count(*) FROM group_members WHERE group_id = g.id AND user_id NOT IN {_OF_SYSTEM})
     + (SELECT count(*) FROM organization_members WHERE organization_id = g.id AND user_id NOT IN {_OF_SYSTEM})
     AS total_member_count
FROM groups g JOIN organizations o ON o.id = g.organization_id
"""
