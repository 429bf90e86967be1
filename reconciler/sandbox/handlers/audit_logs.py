"""`GET /audit`: searching the trail of budget writes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ..answers import Answer, as_json, forbidden, json_answer
from ..clock import shown
from ..guards import find_organization
from ..identifiers import NIL
from ..people import Conditions
from ..query import read_search
from ..shapes import IN_LIST, user_shape

if TYPE_CHECKING:
    import sqlite3

    from ..calls import Call, World
    from ..query import Parameters

_OTHER_TYPES = (
    "api_key", "convert_login", "custom_role", "git_ssh_key", "group", "health_settings", "license",
    "notifications_settings", "oauth2_provider_app", "organization", "organization_member", "template",
    "template_version", "user", "workspace", "workspace_agent", "workspace_app", "workspace_build",
    "workspace_proxy",
)  # fmt: skip
_ACTIONS = (
    "close", "connect", "create", "delete", "disconnect", "login", "logout", "open", "register",
    "request_password_reset", "start", "stop", "write",
)  # fmt: skip
_BUILD_REASONS = ("initiator", "autostart", "autostop")
COUNT_CAP = 2000
_DEFAULT_LIMIT = 25

_ROWS = """
SELECT a.*, o.name AS organization_name, o.display_name AS organization_display_name, o.icon AS organization_icon,
       u.username, u.email, u.name, u.status, u.login_type, u.roles,
       u.created_at, u.updated_at, u.last_seen_at,
       u.is_service_account,
       (SELECT json_group_array(m.organization_id) FROM organization_members m WHERE m.user_id = u.id) AS organizations
FROM audit_logs a
LEFT JOIN organizations o ON o.id = a.organization_id
LEFT JOIN users u ON u.id = a.user_id
"""


def list_entries(call: Call) -> Answer:
    """Answer with a page of entries, newest first; organization readers see those of their own organizations.

    The right is checked before the query, so a plain member with a bad `q` gets 403.
    """
    if not call.caller.may_anywhere("read", "audit_log"):
        raise forbidden()
    query = call.query()
    conditions = _conditions(call, query.text("q"))
    limit, offset = query.number("limit"), query.number("offset")
    query.check()
    if not call.caller.may("read", "audit_log"):
        readable = [o for o in call.caller.memberships if call.caller.may("read", "audit_log", organization=o)]
        conditions.add(f"a.organization_id IN {IN_LIST}", as_json(readable))
    where, parameters = f"WHERE {conditions.sql}", conditions.parameters
    rows = call.database.rows(
        f"{_ROWS} {where} ORDER BY a.time DESC LIMIT ? OFFSET ?", *parameters, limit or _DEFAULT_LIMIT, offset
    )
    count = call.database.value(
        "SELECT count(*) FROM (SELECT 1 FROM audit_logs a LEFT JOIN users u ON u.id = a.user_id "
        f"LEFT JOIN organizations o ON o.id = a.organization_id {where} LIMIT {COUNT_CAP + 1})",
        *parameters,
    )
    body: dict[str, Any] = {"audit_logs": [_shape(call.world, row) for row in rows], "count": count}
    if call.generation.audit_count_cap:
        body["count_cap"] = COUNT_CAP
    return json_answer(body)


def _conditions(call: Call, text: str) -> Conditions:
    message = "Invalid audit search query."
    search, conditions = read_search(text, message, bare="resource_type"), Conditions()
    newer = ("user_ai_budget_override",) if call.generation.override_audit else ()
    for key, allowed in (("resource_type", ("group_ai_budget", *newer, *_OTHER_TYPES)), ("action", _ACTIONS)):
        if values := search.choices(key, allowed):
            conditions.add(f"a.{key} IN {IN_LIST}", as_json(values))
    search.choices("build_reason", _BUILD_REASONS)
    for key in ("resource_id", "request_id"):
        if (id_ := search.uuid(key)) is not None:
            conditions.add(f"a.{key} = ?", id_)
    if (username := search.text("username")) == "me":
        username = call.caller.username.lower()
    columns = {
        "a.resource_target": search.text("resource_target"),
        "u.username": username,
        "u.email": search.text("email"),
    }
    for column, value in columns.items():
        if value:
            conditions.add(f"lower({column}) = ?", value)
    if name := search.text("organization"):
        organization = find_organization(call, name)
        if organization is None:
            search.fault("organization", f'organization "{name}" not found')
        else:
            conditions.add("a.organization_id = ?", organization["id"])
    _add_days(search, conditions)
    search.check(unknown_keys=True)
    return conditions


def _add_days(search: Parameters, conditions: Conditions) -> None:
    for key, sign in (("date_from", ">="), ("date_to", "<=")):
        if (day := search.day(key)) is not None:
            conditions.add(f"substr(a.time, 1, 10) {sign} ?", day)


def _shape(world: World, row: sqlite3.Row) -> dict[str, Any]:
    organization = None
    if row["organization_id"] != NIL:
        organization = {
            "id": row["organization_id"],
            "name": row["organization_name"] or "",
            "display_name": row["organization_display_name"] or "",
            "icon": row["organization_icon"] or "",
        }
    verb = {"create": "created", "write": "updated", "delete": "deleted"}[row["action"]]
    infinitive = row["action"]
    failed = row["status_code"] >= 400
    return {
        "id": row["id"],
        "request_id": row["request_id"],
        "time": shown(row["time"]),
        "ip": row["ip"],
        "user_agent": row["user_agent"],
        "resource_type": row["resource_type"],
        "resource_id": row["resource_id"],
        "resource_target": row["resource_target"],
        "resource_icon": "",
        "resource_link": _link(row),
        "action": row["action"],
        "diff": json.loads(row["diff"]),
        "status_code": row["status_code"],
        "additional_fields": {},
        "description": f"{{user}} {f'unsuccessfully attempted to {infinitive}' if failed else verb} "
        f"{row['resource_type'].replace('_', ' ')} {{target}}",
        "is_deleted": False,
        "organization_id": row["organization_id"],
        "organization": organization,
        "user": _author(world, row),
    }


def _link(row: sqlite3.Row) -> str:
    """Return the page of a group; an override has none."""
    if row["resource_type"] != "group_ai_budget":
        return ""
    return f"/organizations/{row['organization_name'] or ''}/groups/{row['resource_target']}"


def _author(world: World, row: sqlite3.Row) -> dict[str, Any] | None:
    if row["username"] is None:
        return None
    fields = {key: row[key] for key in row.keys()} | {"id": row["user_id"]}  # noqa: SIM118  # a Row is not a mapping
    return user_shape(world, fields, json.loads(row["organizations"]))
