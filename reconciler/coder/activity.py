"""What people spent and did, and who changed a budget: for explaining only. Never reads a prompt or a message.

Prompts are in some answers of Coder; they are dropped while the JSON is parsed and exist nowhere else in this program.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import Any, TypeVar

from reconciler.coder import paths
from reconciler.coder.answers import is_experiment_missing, is_not_found, is_route_missing
from reconciler.coder.exchange import Answer, Request
from reconciler.coder.transport import Transport
from reconciler.coder.wire import Fields, NameGroup, load_object, load_rows, require_uuid
from reconciler.core.activity import Session, Tokens, UserSpend
from reconciler.core.audit import AuditedChange, AuditEntry, AuditQuestion, Changes, History, RecentChanges
from reconciler.core.budget import GroupId, GroupRef, OrganizationId, UserId
from reconciler.core.directory import Group, Subject
from reconciler.core.grant_records import GrantRecord, GrantRecords
from reconciler.core.snapshot import Effective, Unlimited
from reconciler.core.spend import Window
from reconciler.errors import ServerError
from reconciler.money import Micros, parse_usd

T = TypeVar("T")

PAGE = 100
SHORT_PAGE = 25
"""For entries about groups, each of which holds all members twice."""
NEWEST_PAGES = 4
"""Short pages of the newest entries about nobody in particular: a name that was lost lately is in them."""
RECENT_PAGES = 20
MAX_PAGES = 200
"""A list that goes on longer repeats itself, or is too long to explain anything by."""
ANY_AMOUNT = Micros(1 << 63)
"""More than Coder can store."""
_TOKENS = {
    "input": "input_tokens",
    "output": "output_tokens",
    "cache_read": "cache_read_input_tokens",
    "cache_write": "cache_write_input_tokens",
}
_USERNAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
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
    fields = load_object(answer)
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
        result = _read_pages(transport, route, query, load_sessions)
        if not isinstance(result, Answer):
            sessions = {session.id: session for session in result}.values()
            return tuple(sorted(sessions, key=lambda session: (session.started_at, session.id)))
        if not is_route_missing(result):
            break
    return None


def kind_of(subject: Subject) -> str:
    """Return what the audit log calls a subject's budget."""
    return "group_ai_budget" if isinstance(subject, Group) else "user_ai_budget_override"


def read_changes(transport: Transport, subject: Subject, since: datetime) -> Changes:
    """Read from the audit log who changed a subject's budget, oldest first. Source: coder-api section 8."""
    query = f"resource_type:{kind_of(subject)} resource_id:{subject.id} date_from:{since.astimezone(UTC):%Y-%m-%d}"
    entries = _read_pages(transport, "/audit", query, load_changes)
    if isinstance(entries, Answer):
        return Changes(reason=_why_no_audit(entries))
    recent = {entry for entry in entries if entry.at >= since}
    return Changes(entries=tuple(sorted(recent, key=lambda entry: (entry.at, entry.by, entry.action))))


def read_grant_records(transport: Transport, names: Collection[str], since: datetime) -> GrantRecords:
    """Read which overrides were written under these usernames, whatever the users are called now.

    Source: coder-api section 8: `resource_target` is the username at the time of the write, `resource_id` the person.
    A name that the query language could not hold is the name of nobody.
    """
    records: list[GrantRecord] = []
    for name in sorted(name for name in set(names) if _USERNAME.fullmatch(name)):
        query = (
            f"resource_type:user_ai_budget_override resource_target:{name} date_from:{since.astimezone(UTC):%Y-%m-%d}"
        )
        rows = _read_pages(transport, "/audit", query, load_grant_records)
        if isinstance(rows, Answer):
            return GrantRecords(records=tuple(records), reason=_why_no_audit(rows))
        records += rows
    return GrantRecords(records=tuple(sorted(set(records), key=lambda record: (record.username, record.user_id))))


def read_history(transport: Transport, question: AuditQuestion) -> History:
    """Read what the audit log says of a person, a group or a membership, oldest first.

    Source: Coder's audit table; `resource_target` is the name after the change, a group's diff has all its members.
    """
    most = None
    if question.id:
        what = f"resource_id:{require_uuid(question.id)}"
    elif not question.name:
        what, most = "action:write", NEWEST_PAGES
    elif _USERNAME.fullmatch(question.name):
        what = f"resource_target:{question.name}"
    else:
        return History()
    query = f"resource_type:{question.kind} {what} date_from:{question.since.astimezone(UTC):%Y-%m-%d}"
    rows = _read_pages(transport, "/audit", query, load_history, page_size=SHORT_PAGE, most=most)
    if isinstance(rows, Answer):
        return History(reason=_why_no_audit(rows))
    return History(changes=tuple(sorted({row for row in rows if row.at >= question.since}, key=lambda row: row.at)))


def load_history(answer: Answer) -> list[AuditedChange]:
    """Decode a page of the audit log about people, groups and memberships."""
    rows = [row for row in load_object(answer).rows("audit_logs") if row.count("status_code") < 400]
    return [_audited(row) for row in rows]


def _audited(row: Fields) -> AuditedChange:
    user, diff = row.optional_object("user"), row.value.get("diff")
    diff = diff if isinstance(diff, dict) else {}
    before, after = (_members_in(diff.get("members"), side) for side in ("old", "new"))
    renamed = diff.get("username") or diff.get("name")
    old = renamed.get("old") if isinstance(renamed, dict) else ""
    return AuditedChange(
        at=row.time("time"),
        by=user.text("username") if user else "",
        action=row.text("action"),
        id=row.text("resource_id"),
        name=row.text("resource_target"),
        name_before=old if isinstance(old, str) else "",
        organization_id=row.text("organization_id"),
        joined=after - before,
        left=before - after,
    )


def _members_in(change: object, side: str) -> frozenset[UserId]:
    rows = change.get(side) if isinstance(change, dict) else None
    ids = (row.get("user_id") for row in rows if isinstance(row, dict)) if isinstance(rows, list) else ()
    return frozenset(UserId(id_) for id_ in ids if isinstance(id_, str))


def read_recent_changes(transport: Transport, kinds: Collection[str], since: datetime) -> RecentChanges:
    """Read the newest entries about all budgets, a few pages of each kind; for more subjects than are asked singly."""
    newest: dict[str, AuditEntry] = {}
    is_whole = True
    for kind in sorted(kinds):
        query = f"resource_type:{kind} date_from:{since.astimezone(UTC):%Y-%m-%d}"
        rows = _read_pages(transport, "/audit", query, _load_changes_by_id, most=RECENT_PAGES)
        if isinstance(rows, Answer):
            return RecentChanges(newest=newest, is_whole=False, reason=_why_no_audit(rows))
        is_whole = is_whole and len(rows) < RECENT_PAGES * PAGE
        for id_, entry in rows:
            if entry.at >= since and (id_ not in newest or newest[id_].at < entry.at):
                newest[id_] = entry
    return RecentChanges(newest=newest, is_whole=is_whole)


def _load_changes_by_id(answer: Answer) -> list[tuple[str, AuditEntry]]:
    rows = [row for row in load_object(answer).rows("audit_logs") if row.count("status_code") < 400]
    return [(row.text("resource_id"), _change(row)) for row in rows]


def load_grant_records(answer: Answer) -> list[GrantRecord]:
    """Decode the writes in a page of the audit log; those of requests that failed wrote nothing."""
    rows = [row for row in load_object(answer).rows("audit_logs") if row.count("status_code") < 400]
    return [record for row in rows if (record := _grant_record(row)) is not None]


def _grant_record(row: Fields) -> GrantRecord | None:
    _, after = _limits_of(row)
    if row.text("action") != "write" or after is None:
        return None
    diff = row.value["diff"]
    group_id = _new_text(diff, "group_id")
    return GrantRecord(
        username=row.text("resource_target"),
        user_id=UserId(row.id("resource_id")),
        limit_micros=after,
        group_name=_new_text(diff, "group_name"),
        group_id=GroupId(group_id) if group_id else None,
        source="the audit log",
    )


def _new_text(diff: dict[str, Any], key: str) -> str:
    change = diff.get(key)
    new = change.get("new") if isinstance(change, dict) else None
    return new if isinstance(new, str) else ""


def read_free_models(transport: Transport) -> frozenset[str]:
    """Read which models the price list calls free: every price is 0, none is unknown; empty where it says nothing.

    The route is experimental, so an answer in another shape counts for nothing, too.
    """
    answer = transport.send(Request("GET", paths.MODEL_PRICES))
    try:
        return load_free_models(answer) if answer.status == 200 else frozenset()
    except ServerError:
        return frozenset()


def load_free_models(answer: Answer) -> frozenset[str]:
    """Decode the price list; a model that a second provider sells is free only if both say so.

    Source: coder-api section 13.1; micro-dollars for a million tokens, null is unknown. Tokens of the cache may be.
    """
    prices: dict[str, bool] = {}
    for row in load_rows(answer):
        used = [row.value.get(key) for key in ("input_price", "output_price")]
        cached = [row.value.get(key) for key in ("cache_read_price", "cache_write_price")]
        is_free = all(price == 0 for price in used) and all(price in (0, None) for price in cached)
        prices[row.text("model")] = is_free and prices.get(row.text("model"), True)
    return frozenset(model for model, is_free in prices.items() if is_free)


def read_unpriced_requests(
    transport: Transport, organizations: Collection[OrganizationId], window: Window
) -> int | None:
    """Read how many requests had no price; None where no server says it of all organizations.

    The route is new and may stand below either prefix, so an answer in another shape counts for nothing, too.
    """
    for prefix in (paths.API, paths.EXPERIMENTAL):
        counts: list[int | None] = []
        for organization in sorted(organizations):
            path = paths.spend_by_user(prefix, organization, window.start, window.end)
            counts.append(_unpriced_in(transport.send(Request("GET", path))))
            if counts[-1] is None:
                break
        known = [number for number in counts if number is not None]
        if counts and len(known) == len(counts):
            return sum(known)
    return None


def _unpriced_in(answer: Answer) -> int | None:
    if answer.status != 200:
        return None
    try:
        totals = load_object(answer).optional_object("totals")
        return totals.count("unpriced_usage_count") if totals and totals.has("unpriced_usage_count") else None
    except ServerError:
        return None


def _read_pages(
    transport: Transport,
    route: str,
    query: str,
    load: Callable[[Answer], list[T]],
    *,
    page_size: int | None = None,
    most: int | None = None,
) -> list[T] | Answer:
    """Read every page of a search; return the answer itself when the server refuses it.

    Ends at a short page, at one that says nothing new and at the last page that is allowed: `count` may lie.
    """
    items: list[T] = []
    size = page_size or PAGE
    for number in range(most or MAX_PAGES):
        path = paths.search(route, query, limit=size, offset=number * size)
        answer = transport.send(Request("GET", path))
        if answer.status in (400, 403, 404):
            return answer
        page = load(answer)
        new = [item for item in page if item not in items[-size:]]
        items += new
        if len(page) < size or not new:
            break
    return items


def load_sessions(answer: Answer) -> list[Session]:
    """Decode a page of AI sessions, without prompts."""
    return [_session(row) for row in load_object(answer, hook=_drop_prompts).rows("sessions")]


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


def load_changes(answer: Answer) -> list[AuditEntry]:
    """Decode a page of the audit log; entries of requests that failed changed nothing."""
    rows = [row for row in load_object(answer).rows("audit_logs") if row.count("status_code") < 400]
    return [_change(row) for row in rows]


def _change(row: Fields) -> AuditEntry:
    user = row.optional_object("user")
    by = user.text("username") if user else ""
    before, after = _limits_of(row)
    return AuditEntry(
        at=row.time("time"),
        by=by,
        action=row.text("action"),
        before_micros=before,
        after_micros=after,
        user_agent=row.text("user_agent"),
    )


def _limits_of(row: Fields) -> tuple[int | None, int | None]:
    """Return the limits before and after in micros, to the cent; None where the log does not say an amount.

    Source: coder-api section 8: `{"spend_limit": {"old": "$0.00", "new": "$500.00"}}`; a removal has an empty `new`.
    """
    diff = row.value.get("diff")
    change = diff.get("spend_limit") if isinstance(diff, dict) else None
    sides = (change.get("old"), change.get("new")) if isinstance(change, dict) else (None, None)
    before, after = (_amount(side) for side in sides)
    return before, after


def _amount(text: object) -> int | None:
    try:
        return parse_usd(text, maximum=ANY_AMOUNT) if isinstance(text, str) and text else None
    except ValueError:
        return None


def _why_no_audit(answer: Answer) -> str:
    if answer.status == 400:
        return "this Coder does not record changes of these budgets"
    return "this token may not read the audit log; an Owner or an Auditor may"


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
