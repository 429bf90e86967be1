"""Reading organizations and their members."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..answers import Answer, json_answer
from ..query import parse_bool
from ..search import parse
from ..shapes import MEMBER_ROWS, member_with_user_shape, organization_shape
from ..uuids import NIL, parse_uuid

if TYPE_CHECKING:
    from ..calls import Call


def list_organizations(call: Call) -> Answer:
    """Answer with the organizations that the caller may read, without pages."""
    rows = call.database.rows("SELECT * FROM organizations ORDER BY lower(name)")
    may = call.caller.may
    readable = [row for row in rows if may("read", "organization", organization=row["id"])]
    return json_answer([organization_shape(row) for row in readable])


def get_organization(call: Call) -> Answer:
    """Answer with one organization."""
    return json_answer(organization_shape(call.organization))


def list_members(call: Call) -> Answer:
    """Answer with all members; `q` takes user_id and include_system."""
    wanted, with_system = _search(call)
    rows = call.database.rows(f"{MEMBER_ROWS} ORDER BY lower(u.username)", call.organization["id"], with_system, wanted)
    return json_answer([member_with_user_shape(row) for row in rows])


def page_of_members(call: Call) -> Answer:
    """Answer with a page of members."""
    query = call.query()
    limit, offset = query.number("limit"), query.number("offset")
    query.check()
    wanted, with_system = _search(call)
    rows = call.database.rows(
        f"{MEMBER_ROWS} ORDER BY lower(u.username) LIMIT ?4 OFFSET ?5",
        call.organization["id"], with_system, wanted, limit or -1, offset,
    )  # fmt: skip
    count = rows[0]["total"] if rows else 0
    return json_answer({"members": [member_with_user_shape(row) for row in rows], "count": count})


def get_member(call: Call) -> Answer:
    """Answer with one member."""
    return json_answer(member_with_user_shape(call.member))


def _search(call: Call) -> tuple[str | None, bool]:
    """Return the one member to look for, if any, and whether system users are wanted."""
    search = parse(
        call.query().text("q"), "Invalid organization member search query.",
        ("user_id", "github_user_id", "include_system"), bare=None,
    )  # fmt: skip
    wanted: str | None = None
    if search.text("user_id"):
        wanted = parse_uuid(search.text("user_id"))
        if wanted is None:
            search.fault("user_id", 'Query param "user_id" must be a valid uuid')
    with_system = parse_bool(search.text("include_system") or "false")
    if with_system is None:
        search.fault("include_system", 'Query param "include_system" must be a valid boolean')
    search.check()
    if search.text("github_user_id"):
        wanted = NIL  # nobody here has ever signed in with GitHub
    if not call.caller.may("read", "organization_member", organization=call.organization["id"]):
        wanted = call.caller.id if wanted in (None, call.caller.id) else NIL
    return wanted, bool(with_system)
