"""Reading organizations and their members."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..answers import Answer, as_json, json_answer
from ..identifiers import NIL, parse_uuid
from ..query import PageRequest, page_of_people, parse, parse_bool, read_page_request
from ..shapes import MEMBER_ROWS, member_with_user_shape, organization_shape

if TYPE_CHECKING:
    from ..calls import Call


def list_organizations(call: Call) -> Answer:
    """Answer with the organizations that the caller may read, without pages."""
    rows = call.database.rows("SELECT * FROM organizations WHERE NOT deleted ORDER BY lower(name)")
    may = call.caller.may
    readable = [row for row in rows if may("read", "organization", organization=row["id"])]
    return json_answer([organization_shape(row) for row in readable])


def get_organization(call: Call) -> Answer:
    """Answer with one organization."""
    return json_answer(organization_shape(call.organization))


def list_members(call: Call) -> Answer:
    """Answer with all members; `q` takes user_id and include_system."""
    rows, _ = _members(call, PageRequest(0, 0))
    return json_answer(rows)


def page_of_members(call: Call) -> Answer:
    """Answer with a page of members."""
    rows, count = _members(call, read_page_request(call, cursor=False))
    return json_answer({"members": rows, "count": count})


def get_member(call: Call) -> Answer:
    """Answer with one member."""
    return json_answer(member_with_user_shape(call.member))


def _members(call: Call, page: PageRequest) -> tuple[list[dict[str, Any]], int]:
    wanted, with_system = _search(call)
    ids, count = page_of_people(
        call,
        page,
        "FROM organization_members m JOIN users u ON u.id = m.user_id "
        "WHERE m.organization_id = ?1 AND (?2 OR NOT u.is_system) AND (?3 IS NULL OR u.id = ?3)",
        (call.organization["id"], with_system, wanted),
    )
    rows = call.database.rows(
        f"{MEMBER_ROWS} AND m.user_id IN (SELECT value FROM json_each(?2)) ORDER BY lower(u.username)",
        call.organization["id"],
        as_json(ids),
    )
    return [member_with_user_shape(row) for row in rows], count


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
