"""`GET /audit`: searching the trail of budget writes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ..answers import Answer, as_json, forbidden, json_answer
from ..clock import parse_day
from ..identifiers import NIL, parse_uuid
from ..query import Search, parse

if TYPE_CHECKING:
    import sqlite3

    from ..calls import Call

_KEYS = (
    "resource_type", "resource_id", "resource_target", "action", "username", "email", "organization",
    "date_from", "date_to", "request_id", "build_reason",
)  # fmt: skip
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
       CASE a.resource_type
           WHEN 'group_ai_budget' THEN NOT EXISTS (SELECT 1 FROM group_ai_budgets b WHERE b.group_id = a.resource_id)
           ELSE NOT EXISTS (SELECT 1 FROM user_ai_budget_overrides b WHERE b.user_id = a.resource_id)
       END AS is_deleted
FROM audit_logs a
LEFT JOIN organizations o ON o.id = a.organization_id
LEFT JOIN users u ON u.id = a.user_id
"""


def list_entries(call: Call) -> Answer:
    """Answer with a page of entries, newest first; organization readers see their own organizations'."""
    if not call.caller.may_anywhere("read", "audit_log"):
        raise forbidden()
    query = call.query()
    search = parse(query.text("q"), "Invalid audit search query.", _KEYS, bare="resource_type")
    clauses, parameters = _where(call, search)
    search.check()
    limit, offset = query.number("limit"), query.number("offset")
    query.check()
    if not call.caller.may("read", "audit_log"):
        readable = [o for o in call.caller.memberships if call.caller.may("read", "audit_log", organization=o)]
        clauses.append("a.organization_id IN (SELECT value FROM json_each(?))")
        parameters.append(as_json(readable))
    where = f"WHERE {' AND '.join(clauses)}" if clauses else ""
    rows = call.database.rows(
        f"{_ROWS} {where} ORDER BY a.time DESC LIMIT ? OFFSET ?", *parameters, limit or _DEFAULT_LIMIT, offset
    )
    count = call.database.value(
        "SELECT count(*) FROM (SELECT 1 FROM audit_logs a LEFT JOIN users u ON u.id = a.user_id "
        f"LEFT JOIN organizations o ON o.id = a.organization_id {where} LIMIT {COUNT_CAP + 1})",
        *parameters,
    )
    body: dict[str, Any] = {"audit_logs": [_shape(row) for row in rows], "count": count}
    if call.generation.audit_count_cap:
        body["count_cap"] = COUNT_CAP
    return json_answer(body)


def _where(call: Call, search: Search) -> tuple[list[str], list[object]]:
    clauses: list[str] = []
    parameters: list[object] = []

    def add(clause: str, value: object) -> None:
        clauses.append(clause)
        parameters.append(value)

    newer = ("user_ai_budget_override",) if call.generation.override_audit else ()
    types = ("group_ai_budget", *newer, *_OTHER_TYPES)
    for key, allowed in (("resource_type", types), ("action", _ACTIONS)):
        if values := search.one_of(key, allowed):
            add(f"a.{key} IN (SELECT value FROM json_each(?))", as_json(values))
    search.one_of("build_reason", _BUILD_REASONS)
    for key in ("resource_id", "request_id"):
        if text := search.text(key):
            parsed = parse_uuid(text)
            if parsed is None:
                search.fault(key, f'Query param "{key}" must be a valid uuid')
            add(f"a.{key} = ?", parsed)
    for key, column in (("resource_target", "a.resource_target"), ("username", "u.username"), ("email", "u.email")):
        if text := search.text(key):
            add(f"lower({column}) = ?", text)
    if text := search.text("organization"):
        add("?1 IN (a.organization_id, lower(o.name))".replace("?1", "?"), parse_uuid(text) or text)
    for key, sign in (("date_from", ">="), ("date_to", "<=")):
        if text := search.text(key):
            day = parse_day(text)
            if day is None:
                search.fault(key, f'Query param "{key}" must be a valid date (YYYY-MM-DD): "{text}"')
            add(f"substr(a.time, 1, 10) {sign} ?", day)
    return clauses, parameters


def _shape(row: sqlite3.Row) -> dict[str, Any]:
    organization = None
    if row["organization_id"] != NIL:
        organization = {
            "id": row["organization_id"],
            "name": row["organization_name"] or "",
            "display_name": row["organization_display_name"] or "",
            "icon": row["organization_icon"] or "",
        }
    verb = {"write": "updated", "delete": "deleted"}[row["action"]]
    infinitive = {"write": "write", "delete": "delete"}[row["action"]]
    failed = row["status_code"] >= 400
    return {
        "id": row["id"],
        "request_id": row["request_id"],
        "time": row["time"],
        "ip": row["ip"],
        "user_agent": row["user_agent"],
        "resource_type": row["resource_type"],
        "resource_id": row["resource_id"],
        "resource_target": row["resource_target"],
        "resource_icon": "",
        "resource_link": "",
        "action": row["action"],
        "diff": json.loads(row["diff"]),
        "status_code": row["status_code"],
        "additional_fields": {},
        "description": f"{{user}} {f'unsuccessfully attempted to {infinitive}' if failed else verb} "
        f"{row['resource_type'].replace('_', ' ')} {{target}}",
        "is_deleted": bool(row["is_deleted"]),
        "organization_id": row["organization_id"],
        "organization": organization,
        "user": _author(row),
    }


def _author(row: sqlite3.Row) -> dict[str, Any] | None:
    if row["username"] is None:
        return None
    texts = ("username", "name", "email", "status", "login_type", "created_at", "updated_at", "last_seen_at")
    return {"id": row["user_id"]} | {key: row[key] for key in texts} | {"avatar_url": ""}
