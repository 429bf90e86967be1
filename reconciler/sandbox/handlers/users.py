"""Reading users: the searchable list, and one by id, name or `me`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ..answers import Answer, as_json, forbidden, json_answer, not_found
from ..clock import parse_moment
from ..query import Search, page_of_people, parse, parse_bool, read_page_request
from ..shapes import IN_LIST, organization_ids, user_shape

if TYPE_CHECKING:
    from ..calls import Call

_KEYS = (
    "search", "name", "status", "service_account", "role", "login_type", "last_seen_after", "last_seen_before",
    "created_after", "created_before", "github_com_user_id",
)  # fmt: skip
_STATUSES = ("active", "dormant", "suspended")
_LOGIN_TYPES = ("password", "github", "oidc", "token", "none")


def list_users(call: Call) -> Answer:
    """Answer with a page of users, deleted and system ones left out; `limit` 0 means all of them.

    `count` comes from the rows: 0 on an empty page, and with `after_id` only what follows the cursor.
    """
    search = parse(call.query().text("q"), "Invalid user search query.", _KEYS, bare="search")
    clauses, parameters = _where(search)
    search.check()
    page = read_page_request(call)
    if not call.caller.may("read", "user"):
        raise forbidden()
    where = "".join(f" AND {clause}" for clause in clauses)
    ids, count = page_of_people(call, page, f"FROM users u WHERE NOT u.deleted AND NOT u.is_system{where}", parameters)
    rows = call.database.rows(
        "SELECT u.*, (SELECT json_group_array(organization_id) FROM (SELECT organization_id "
        "FROM organization_members WHERE user_id = u.id ORDER BY created_at)) AS organizations "
        f"FROM users u WHERE u.id IN {IN_LIST} ORDER BY lower(u.username)",
        as_json(ids),
    )
    return json_answer({"users": [user_shape(row, json.loads(row["organizations"])) for row in rows], "count": count})


def get_user(call: Call) -> Answer:
    """Answer with one user; nothing in the body says that they are deleted."""
    return user_answer(call, call.user["id"])


def user_answer(call: Call, user_id: str, status: int = 200) -> Answer:
    """Answer with a user as they are now."""
    row = call.database.row("SELECT * FROM users WHERE id = ?", user_id)
    if row is None:
        raise not_found()
    return json_answer(user_shape(row, organization_ids(call.database, user_id)), status)


def _where(search: Search) -> tuple[list[str], list[object]]:
    clauses: list[str] = []
    parameters: list[object] = []

    def add(clause: str, *values: object) -> None:
        clauses.append(clause)
        parameters.extend(values)

    if text := search.text("search"):
        add("(instr(lower(u.username), ?) OR instr(lower(u.email), ?))", text, text)
    if text := search.text("name"):
        add("instr(lower(u.name), ?)", text)
    if statuses := search.one_of("status", _STATUSES):
        add(f"u.status IN {IN_LIST}", as_json(statuses))
    if types := search.one_of("login_type", _LOGIN_TYPES):
        add(f"u.login_type IN {IN_LIST}", as_json(types))
    if text := search.text("role"):
        add("(? = 'member' OR ? IN (SELECT value FROM json_each(u.roles)))", text, text)
    if text := search.text("service_account"):
        flag = parse_bool(text)
        if flag is None:
            search.fault("service_account", 'Query param "service_account" must be a valid boolean')
        add("u.is_service_account = ?", bool(flag))
    if search.text("github_com_user_id"):
        add("0")  # nobody here has ever signed in with GitHub
    for key in ("last_seen_after", "last_seen_before", "created_after", "created_before"):
        if text := search.text(key):
            moment = parse_moment(text)
            if moment is None:
                search.fault(key, f'Query param "{key}" must be a valid date format (RFC 3339): "{text}"')
            column, _, side = key.rpartition("_")
            add(f"u.{column}_at {'>=' if side == 'after' else '<='} ?", moment)
    return clauses, parameters
