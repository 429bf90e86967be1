"""What one person spent and did: for explaining only. Never reads a prompt or a message.

Prompts are in some answers of Coder; they are dropped while the JSON is parsed and exist nowhere else in this program.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from reconciler.coder import paths
from reconciler.coder.answers import error_of, is_experiment_missing, is_not_found, is_route_missing
from reconciler.coder.exchange import Answer, Request
from reconciler.coder.search import Page, page_of, read_pages
from reconciler.coder.transport import Transport
from reconciler.coder.wire import Fields, NameGroup, load_object, own_id
from reconciler.core.activity import Session, Tokens, UserSpend
from reconciler.core.budget import GroupId, GroupRef, UserId
from reconciler.core.snapshot import Effective, Unlimited
from reconciler.errors import ServerError

_TOKENS = {
    "input": "input_tokens",
    "output": "output_tokens",
    "cache_read": "cache_read_input_tokens",
    "cache_write": "cache_write_input_tokens",
}
_PROMPT_KEYS = ("last_prompt", "threads", "metadata", "prompt")
"""Keys whose values are, or may be, what a person wrote to a model."""


def read_user_spend(transport: Transport, user: UserId, *, ref: NameGroup = GroupRef) -> UserSpend | None:
    """Read one person's spend; None where the server has no such route (2.35 and older) or does not show it.

    Source: coder-api section 3.4; early builds of 2.36 put the limit flat beside the spend.
    """
    return load_user_spend(transport.send(Request("GET", paths.user_spend(user))), ref=ref)


def load_user_spend(answer: Answer, *, ref: NameGroup = GroupRef) -> UserSpend | None:
    """Decode `/users/{u}/ai/spend`, in either shape."""
    if is_route_missing(answer) or is_not_found(answer) or is_experiment_missing(answer):
        return None
    if answer.status == 403:  # of this route alone, where a DeniedError would end the run
        raise ServerError(error_of(answer).message)
    fields = load_object(answer)
    if (about := fields.optional_id("user_id")) is not None:
        own_id(answer, about)
    id_ = fields.optional_id("effective_group_id")
    return UserSpend(
        spend=fields.micros("current_spend_micros"),
        effective=_effective(fields, ref(GroupId(id_))) if id_ is not None else None,
        period_start=fields.time("period_start"),
        period_end=fields.time("period_end"),
    )


def read_sessions(transport: Transport, user: UserId, since: datetime) -> tuple[Session, ...] | None:
    """Read a person's AI sessions since then, oldest first; None where the server does not show them to us.

    Source: coder-api section 9; newer servers have two names for the route, the oldest only one.
    """
    query = f'initiator:"{user}" started_after:"{since.astimezone(UTC).isoformat()}"'
    for route in ("/ai-gateway/sessions", "/aibridge/sessions"):
        result = read_pages(transport, route, query, load_sessions)
        if not isinstance(result, Answer):
            return tuple(sorted(result.items, key=lambda session: (session.started_at, session.id)))
        if not is_route_missing(result):
            break
    return None


def load_sessions(answer: Answer) -> Page[Session]:
    """Decode a page of AI sessions, without prompts."""
    return page_of(load_object(answer, hook=_drop_prompts), "sessions", _session)


def _drop_prompts(value: dict[str, Any]) -> object:
    for key in _PROMPT_KEYS:
        value.pop(key, None)
    return value


def _session(row: Fields) -> Session:
    used = row.optional_object("token_usage_summary")
    tokens = {name: used.count(key) for name, key in _TOKENS.items() if used.has(key)} if used else {}
    return Session(
        id=row.text("id"),
        started_at=row.time("started_at"),
        client=row.text("client"),
        providers=row.texts("providers"),
        models=row.texts("models"),
        tokens=Tokens(**tokens),
    )


def _effective(fields: Fields, group: GroupRef) -> Effective:
    """Read the limit in either shape: an object, or flat beside the spend."""
    limit = fields.optional_object("effective_budget") if fields.has("effective_budget") else fields
    if limit is None or limit.value.get("spend_limit_micros") is None:
        return Effective(limit_micros=Unlimited(), group=group)
    return Effective(
        limit_micros=limit.micros("spend_limit_micros"),
        group=group,
        by_override=limit.text("limit_source") == "user_override",
    )
