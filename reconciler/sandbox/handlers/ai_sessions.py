"""AI sessions with their threads, the interceptions that they are made of, and the models and clients seen.

Owners and auditors read all of them, everybody else their own. An interception that has not ended is in no list.
*Source*: coder-api.md sections 9, 13.3 and 13.5. Inferred, and to be asked of a real server: the message of a wrong
search of interceptions and of an unknown initiator, and how `q` narrows the models and clients.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..answers import INVALID_QUERY, Answer, json_answer, refusal
from ..clock import shown
from ..guards import find_user
from ..identifiers import NIL, derived_uuid, parse_uuid, uuid_fault
from ..people import Conditions
from ..query import read_search
from ..shapes import minimal_user_shape, without_empty

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from ..calls import Call
    from ..query import Parameters

_SESSIONS = """
SELECT s.*, u.username, u.name AS user_name, count(t.id) AS threads,
       json_group_array(DISTINCT t.provider) FILTER (WHERE t.id IS NOT NULL) AS providers,
       json_group_array(DISTINCT t.model) FILTER (WHERE t.id IS NOT NULL) AS models,
       coalesce(sum(t.input_tokens), 0) AS input_tokens, coalesce(sum(t.output_tokens), 0) AS output_tokens,
       coalesce(sum(t.cache_read_tokens), 0) AS cache_read_tokens,
       coalesce(sum(t.cache_write_tokens), 0) AS cache_write_tokens,
       coalesce(max(t.ended_at), s.started_at) AS last_active_at,
       (SELECT prompt FROM ai_session_threads p WHERE p.session_id = s.id AND p.ended_at IS NOT NULL
        ORDER BY p.started_at DESC, p.id DESC LIMIT 1) AS last_prompt
FROM ai_sessions s JOIN users u ON u.id = s.initiator_id
LEFT JOIN ai_session_threads t ON t.session_id = s.id AND t.ended_at IS NOT NULL
"""
_INTERCEPTIONS = """
SELECT t.*, s.client, s.initiator_id, u.username, u.name AS user_name
FROM ai_session_threads t JOIN ai_sessions s ON s.id = t.session_id JOIN users u ON u.id = s.initiator_id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bounds:
    default: int
    maximum: int


_INTEGER = re.compile(r"[+-]?[0-9]{1,10}", re.ASCII)
_LIST, _THREADS = _Bounds(default=100, maximum=1000), _Bounds(default=50, maximum=200)


def list_sessions(call: Call) -> Answer:
    """Answer with a page of sessions, newest first, by offset or after a cursor but not both."""
    query = call.query()
    limit, offset, after = _limit_of_list(query), query.number("offset"), query.text("after_session_id")
    query.check()
    if after and offset:
        detail = "Cannot use both after_session_id and offset pagination in the same request."
        raise refusal(400, INVALID_QUERY, detail=detail)
    conditions = _conditions(call, query.text("q"), "Invalid session search query.", of_sessions=True)
    rows = call.database.rows(
        f"{_SESSIONS} WHERE {conditions.sql} GROUP BY s.id ORDER BY s.started_at DESC, s.id", *conditions.parameters
    )
    detail = f'after_session_id: session "{after}" not found'
    start = _after(rows, after, "Query parameter has invalid value.", detail=detail) if after else offset
    sessions = [_listed_session(call, row) for row in rows[start : start + limit]]
    return json_answer({"count": len(rows), "sessions": sessions})


def get_session(call: Call) -> Answer:
    """Answer with the threads of a session, oldest first, after or before a cursor but not both.

    Faults are told in Coder's order: the cursors, both of them, the limit, the session, a cursor that is not in it.
    """
    session_id, query = call.parameters["session"], call.query()
    after, before = _cursor(query, "after_id"), _cursor(query, "before_id")
    if after and before:
        raise refusal(400, "Cannot use both after_id and before_id in the same request.")
    limit = _limit_of_threads(query)
    session = call.database.row(f"{_SESSIONS} WHERE s.id = ? GROUP BY s.id", session_id)
    if session is None or not call.caller.may("read", "aibridge_interception", owner=session["initiator_id"]):
        raise refusal(404, "Session not found.")
    threads = call.database.rows(
        "SELECT * FROM ai_session_threads WHERE session_id = ? AND ended_at IS NOT NULL ORDER BY started_at, id",
        session_id,
    )
    if after:
        threads = threads[_position_of_thread(threads, "after_id", after) + 1 :]
    if before:
        threads = threads[: _position_of_thread(threads, "before_id", before)]
    return json_answer(_session_with_threads(session, threads[:limit]))


def list_interceptions(call: Call) -> Answer:
    """Answer with a page of interceptions, newest first, after a cursor."""
    query = call.query()
    limit, after = _limit_of_list(query), query.text("after_id")
    query.check()
    conditions = _conditions(call, query.text("q"), "Invalid interception search query.", of_sessions=False)
    conditions.add("t.ended_at IS NOT NULL")
    rows = call.database.rows(
        f"{_INTERCEPTIONS} WHERE {conditions.sql} ORDER BY t.started_at DESC, t.id", *conditions.parameters
    )
    start = _after(rows, after, INVALID_QUERY) if after else 0
    return json_answer({"count": len(rows), "results": [_interception(row) for row in rows[start : start + limit]]})


def list_models(call: Call) -> Answer:
    """Answer with the names of the models used, null without any."""
    return _names(call, "model", column="t.model")


def list_clients(call: Call) -> Answer:
    """Answer with the names of the clients used, null without any."""
    return _names(call, "client", column="s.client")


def not_mounted(_: Call) -> Answer:
    """Answer as the catch-all below these prefixes, where no AI Gateway runs inside the server."""
    raise refusal(404, "aibridged handler not mounted")


def _names(call: Call, key: str, *, column: str) -> Answer:
    """Answer with a page of names; `q` is the beginning of a name, with or without its key."""
    query = call.query()
    limit, offset = _limit_of_list(query), query.number("offset")
    query.check()
    search = read_search(query.first("q"), f"Invalid AI Gateway {key}s search query.", bare=key)
    prefix = search.text(key)
    search.check(unknown_keys=True)
    rows = call.database.rows(
        f"SELECT DISTINCT {column} FROM ai_session_threads t JOIN ai_sessions s ON s.id = t.session_id "
        f"WHERE {column} IS NOT NULL AND t.ended_at IS NOT NULL AND (? OR s.initiator_id = ?) "
        f"AND substr({column}, 1, ?) = ? ORDER BY 1 LIMIT ? OFFSET ?",
        call.caller.may("read", "aibridge_interception"), call.caller.id, len(prefix), prefix, limit, offset,
    )  # fmt: skip
    return json_answer([row[0] for row in rows] or None)


def _conditions(call: Call, text: str, message: str, *, of_sessions: bool) -> Conditions:
    """Return what a search selects: of sessions those that have a matching thread, of interceptions themselves."""
    search, conditions = read_search(text, message, bare=None, lower=False), Conditions()
    if name := search.text("initiator"):
        user = find_user(call, name)
        if user is None:
            search.fault("initiator", f'Query param "initiator" has invalid value: user "{name}" not found')
        else:
            conditions.add("s.initiator_id = ?", user["id"])
    if search.text("sponsor"):
        conditions.add("0")  # no session here has a sponsor
    if client := search.text("client"):
        conditions.add("s.client = ?", client)
    if session_id := search.text("session_id"):
        conditions.add("s.id = ?", session_id)
    for key in ("provider", "provider_name", "model"):
        if value := search.text(key):
            exists = f"EXISTS (SELECT 1 FROM ai_session_threads x WHERE x.session_id = s.id AND x.{key} = ?)"
            conditions.add(exists if of_sessions else f"t.{key} = ?", value)
    for key, sign in (("started_after", ">="), ("started_before", "<=")):
        if (moment := search.moment(key)) is not None:
            conditions.add(f"{'s' if of_sessions else 't'}.started_at {sign} ?", moment)
    search.check(unknown_keys=True)
    if not call.caller.may("read", "aibridge_interception"):
        conditions.add("s.initiator_id = ?", call.caller.id)
    return conditions


def _limit_of_list(query: Parameters) -> int:
    is_negative = query.text("limit").startswith("-")
    limit = _LIST.default if is_negative else query.number("limit") or _LIST.default
    if is_negative or limit > _LIST.maximum:
        detail = f"Pagination limit must be in range (0, {_LIST.maximum}]"
        raise refusal(400, "Invalid pagination limit value.", detail=detail)
    return limit


def _limit_of_threads(query: Parameters) -> int:
    text = query.first("limit") or str(_THREADS.default)
    if not _INTEGER.fullmatch(text) or not 1 <= int(text) <= _THREADS.maximum:
        detail = f"Limit must be between 1 and {_THREADS.maximum}."
        raise refusal(400, "Invalid limit query parameter.", detail=detail)
    return int(text)


def _cursor(query: Parameters, key: str) -> str | None:
    """Return an id, None without a value and for the nil UUID."""
    text = query.first(key)
    parsed = parse_uuid(text)
    if text and parsed is None:
        raise refusal(400, f"Invalid {key} query parameter.", detail=uuid_fault(text))
    return None if parsed == NIL else parsed


def _position_of_thread(threads: Sequence[sqlite3.Row], key: str, cursor: str) -> int:
    detail = f"{key}: interception {cursor} not found: invalid cursor"
    return _after(threads, cursor, "Invalid pagination cursor.", detail=detail) - 1


def _after(rows: Sequence[sqlite3.Row], cursor: str, message: str, *, detail: str = "") -> int:
    """Return the position behind the row with this id. *Raises* Refused 400 when there is none."""
    for position, row in enumerate(rows):
        if row["id"] == cursor:
            return position + 1
    raise refusal(400, message, detail=detail)


def _tokens(row: sqlite3.Row) -> dict[str, int]:
    return {
        "input_tokens": row["input_tokens"],
        "output_tokens": row["output_tokens"],
        "cache_read_input_tokens": row["cache_read_tokens"],
        "cache_write_input_tokens": row["cache_write_tokens"],
    }


def _session(row: sqlite3.Row) -> dict[str, Any]:
    """Return what the list and the single session have in common."""
    initiator = minimal_user_shape(id_=row["initiator_id"], username=row["username"], name=row["user_name"])
    shape: dict[str, Any] = {
        "id": row["id"],
        "initiator": initiator,
        "providers": sorted(json.loads(row["providers"])),
        "models": sorted(json.loads(row["models"])),
        "metadata": {},
        "started_at": shown(row["started_at"]),
    }
    if row["ended_at"]:
        shape["ended_at"] = shown(row["ended_at"])
    return shape


def _listed_session(call: Call, row: sqlite3.Row) -> dict[str, Any]:
    shape = _session(row) | {
        "client": row["client"],
        "threads": row["threads"],
        "token_usage_summary": _tokens(row),
        "last_active_at": shown(row["last_active_at"]),
    }
    if row["last_prompt"]:
        shape["last_prompt"] = row["last_prompt"]
    if call.generation.network_calls and row["network_total"] is not None:
        shape["network_calls"] = {"blocked": row["network_blocked"], "total": row["network_total"]}
    return shape


def _session_with_threads(row: sqlite3.Row, threads: Sequence[sqlite3.Row]) -> dict[str, Any]:
    shape = _session(row) | {
        "token_usage_summary": _tokens(row) | {"metadata": {}},
        "threads": [_thread(thread) for thread in threads],
    }
    if row["client"]:
        shape["client"] = row["client"]
    if threads:
        shape["page_started_at"] = shown(threads[0]["started_at"])
        shape["page_ended_at"] = shown(threads[-1]["ended_at"])
    return shape


def _thread(row: sqlite3.Row) -> dict[str, Any]:
    usage: dict[str, Any] = _tokens(row) | {"metadata": {}}
    tools = json.loads(row["tools"])
    actions = [{"model": row["model"], "token_usage": usage, "thinking": [], "tool_calls": _tool_calls(row)}]
    shape = {
        "id": row["id"],
        "prompt": row["prompt"],
        "model": row["model"],
        "provider": row["provider"],
        "credential_kind": "centralized",
        "credential_hint": "",
        "started_at": shown(row["started_at"]),
        "ended_at": shown(row["ended_at"]),
        "token_usage": usage,
        "agentic_actions": actions if tools else [],
    }
    return without_empty(shape, "prompt")


def _tool_calls(row: sqlite3.Row) -> list[dict[str, Any]]:
    return [
        {
            "id": derived_uuid("tool", row["id"], str(number)),
            "interception_id": row["id"],
            "provider_response_id": f"msg_{row['id'][:8]}",
            "server_url": "",
            "tool": tool,
            "input": "{}",
            "injected": False,
            "metadata": {},
            "created_at": shown(row["started_at"]),
        }
        for number, tool in enumerate(json.loads(row["tools"]))
    ]


def _interception(row: sqlite3.Row) -> dict[str, Any]:
    """Return Coder's AIBridgeInterception."""
    part = {
        "interception_id": row["id"],
        "provider_response_id": f"msg_{row['id'][:8]}",
        "metadata": {},
        "created_at": shown(row["started_at"]),
    }
    usage: dict[str, Any] = {"input_tokens": row["input_tokens"], "output_tokens": row["output_tokens"]}
    prompts = [row["prompt"]] if row["prompt"] else []
    return {
        "id": row["id"],
        "api_key_id": None,
        "initiator": minimal_user_shape(id_=row["initiator_id"], username=row["username"], name=row["user_name"]),
        "provider": row["provider"],
        "model": row["model"],
        "client": row["client"],
        "metadata": {},
        "started_at": shown(row["started_at"]),
        "ended_at": shown(row["ended_at"]),
        "token_usages": [part | usage | {"id": derived_uuid("usage", row["id"])}],
        "user_prompts": [part | {"id": derived_uuid("prompt", row["id"]), "prompt": prompt} for prompt in prompts],
        "tool_usages": [call | {"invocation_error": ""} for call in _tool_calls(row)],
    }
