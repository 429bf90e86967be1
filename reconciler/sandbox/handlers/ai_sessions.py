"""AI sessions, their threads, and the models and clients seen. Coder's interceptions are left out: it deprecated
and removed them itself. Owners and auditors read all sessions, everybody else their own.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ..answers import Answer, Validation, json_answer, refusal
from ..clock import parse_moment
from ..identifiers import parse_uuid
from ..query import Search, parse

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from ..calls import Call

_KEYS = ("initiator", "provider", "provider_name", "model", "client", "session_id", "started_after", "started_before")
_SESSION_LIMITS = (100, 1000)
_THREAD_LIMITS = (50, 200)

_SESSIONS = """
SELECT s.*, u.username, u.name AS user_name, count(t.id) AS threads,
       json_group_array(DISTINCT t.provider) FILTER (WHERE t.id IS NOT NULL) AS providers,
       json_group_array(DISTINCT t.model) FILTER (WHERE t.id IS NOT NULL) AS models,
       coalesce(sum(t.input_tokens), 0) AS input_tokens, coalesce(sum(t.output_tokens), 0) AS output_tokens,
       coalesce(sum(t.cache_read_tokens), 0) AS cache_read_tokens,
       coalesce(sum(t.cache_write_tokens), 0) AS cache_write_tokens,
       coalesce(max(coalesce(t.ended_at, t.started_at)), s.started_at) AS last_active_at,
       (SELECT prompt FROM ai_session_threads p WHERE p.session_id = s.id ORDER BY p.started_at DESC, p.id DESC
        LIMIT 1) AS last_prompt
FROM ai_sessions s JOIN users u ON u.id = s.initiator_id LEFT JOIN ai_session_threads t ON t.session_id = s.id
"""


def list_sessions(call: Call) -> Answer:
    """Answer with a page of sessions, newest first, by offset or after a cursor but not both."""
    query = call.query()
    limit = _limit(query.text("limit"), *_SESSION_LIMITS)
    offset, after = query.number("offset"), query.text("after_session_id")
    query.check()
    if after and query.has("offset"):
        raise refusal(
            400, "Query parameters have invalid values.", detail="offset and after_session_id exclude each other"
        )
    message = "Invalid AI session search query."
    search = parse(query.text("q"), message, (*_KEYS, "sponsor"), bare=None, lower=False)
    clauses, parameters = _where(call, search)
    search.check()
    if not call.caller.may("read", "aibridge_interception"):
        clauses.append("s.initiator_id = ?")
        parameters.append(call.caller.id)
    where = f"WHERE {' AND '.join(clauses)}" if clauses else ""
    rows = call.database.rows(f"{_SESSIONS} {where} GROUP BY s.id ORDER BY s.started_at DESC, s.id", *parameters)
    start = _after(rows, after, "Invalid pagination cursor.") if after else offset
    return json_answer({"count": len(rows), "sessions": [_shape(call, row) for row in rows[start : start + limit]]})


def get_session(call: Call) -> Answer:
    """Answer with the threads of a session, oldest first, after or before a cursor but not both."""
    session_id = call.parameters["session"]
    rows = call.database.rows(f"{_SESSIONS} WHERE s.id = ? GROUP BY s.id", session_id)
    if not rows or not call.caller.may("read", "aibridge_interception", owner=rows[0]["initiator_id"]):
        raise refusal(404, "Session not found.")
    query = call.query()
    limit = _limit(query.text("limit"), *_THREAD_LIMITS)
    after, before = query.text("after_id"), query.text("before_id")
    if after and before:
        raise refusal(400, "Query parameters have invalid values.", detail="after_id and before_id exclude each other")
    threads = call.database.rows(
        "SELECT * FROM ai_session_threads WHERE session_id = ? ORDER BY started_at, id", session_id
    )
    if after:
        threads = threads[_after(threads, after, "Invalid pagination cursor.") :]
    if before:
        threads = threads[: _after(threads, before, "Invalid pagination cursor.") - 1]
    return json_answer(_shape(call, rows[0]) | {"threads": [_thread(row) for row in threads[:limit]]})


def list_models(call: Call) -> Answer:
    """Answer with the names of the models used."""
    return _names(call, "SELECT DISTINCT t.model FROM ai_session_threads t JOIN ai_sessions s ON s.id = t.session_id")


def list_clients(call: Call) -> Answer:
    """Answer with the names of the clients used."""
    return _names(call, "SELECT DISTINCT s.client FROM ai_sessions s")


def _names(call: Call, sql: str) -> Answer:
    sees_all = call.caller.may("read", "aibridge_interception")
    rows = call.database.rows(f"{sql} WHERE ? OR s.initiator_id = ? ORDER BY 1", sees_all, call.caller.id)
    return json_answer([row[0] for row in rows])


def _where(call: Call, search: Search) -> tuple[list[str], list[object]]:
    clauses: list[str] = []
    parameters: list[object] = []

    def add(clause: str, *values: object) -> None:
        clauses.append(clause)
        parameters.extend(values)

    if text := search.text("initiator"):
        add(
            "(u.id = ? OR lower(u.username) = ?)",
            call.caller.id if text == "me" else parse_uuid(text),
            text.lower(),
        )
    if search.text("sponsor"):
        add("0")  # no session here has a sponsor
    if text := search.text("client"):
        add("s.client = ?", text)
    if text := search.text("session_id"):
        add("s.id = ?", text)
    for key in ("provider", "provider_name", "model"):
        if text := search.text(key):
            add(f"EXISTS (SELECT 1 FROM ai_session_threads x WHERE x.session_id = s.id AND x.{key} = ?)", text)
    for key, sign in (("started_after", ">="), ("started_before", "<=")):
        if text := search.text(key):
            moment = parse_moment(text)
            if moment is None:
                search.fault(key, f'Query param "{key}" must be a valid RFC 3339 time: "{text}"')
            add(f"s.started_at {sign} ?", moment)
    return clauses, parameters


def _limit(text: str, default: int, maximum: int) -> int:
    if not text or text == "0":
        return default
    if not text.isascii() or not text.isdigit() or int(text) > maximum:
        fault = Validation("limit", f"must be between 1 and {maximum}")
        raise refusal(400, "Invalid pagination limit value.", fault)
    return int(text)


def _after(rows: Sequence[sqlite3.Row], cursor: str, message: str) -> int:
    """Return the position behind the row with this id. *Raises* Refused 400 when there is none."""
    for position, row in enumerate(rows):
        if row["id"] == cursor:
            return position + 1
    raise refusal(400, message)


def _tokens(row: sqlite3.Row) -> dict[str, int]:
    return {
        "input_tokens": row["input_tokens"],
        "output_tokens": row["output_tokens"],
        "cache_read_input_tokens": row["cache_read_tokens"],
        "cache_write_input_tokens": row["cache_write_tokens"],
    }


def _shape(call: Call, row: sqlite3.Row) -> dict[str, Any]:
    shape: dict[str, Any] = {
        "id": row["id"],
        "initiator": {
            "id": row["initiator_id"],
            "username": row["username"],
            "name": row["user_name"],
            "avatar_url": "",
        },
        "providers": sorted(json.loads(row["providers"])),
        "models": sorted(json.loads(row["models"])),
        "client": row["client"],
        "metadata": {},
        "started_at": row["started_at"],
        "threads": row["threads"],
        "token_usage_summary": _tokens(row),
        "last_active_at": row["last_active_at"],
    }
    if row["ended_at"]:
        shape["ended_at"] = row["ended_at"]
    if row["last_prompt"]:
        shape["last_prompt"] = row["last_prompt"]
    if call.generation.bulk_reads:
        shape["network_calls"] = 0
    return shape


def _thread(row: sqlite3.Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "prompt": row["prompt"],
        "model": row["model"],
        "provider": row["provider"],
        "credential_kind": "centralized",
        "credential_hint": "",
        "started_at": row["started_at"],
        "ended_at": row["ended_at"],
        "token_usage": _tokens(row),
        "agentic_actions": [],
    }
