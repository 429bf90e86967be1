"""Reading organizations and their members."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..answers import Answer, as_json, json_answer, list_texts, long_answer, not_found
from ..people import Conditions, page_of_people
from ..query import read_page_request, read_search
from ..shapes import IN_LIST, member_with_user_sql, organization_shape

if TYPE_CHECKING:
    from ..calls import Call


_OF_USER = """
SELECT o.* FROM organizations o JOIN organization_members m ON m.organization_id = o.id
WHERE m.user_id = ?
"""
_FROM = "FROM organization_members m JOIN users u ON u.id = m.user_id WHERE "


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
    """Answer with all members; `q` takes user_id, github_user_id and include_system."""
    conditions = _member_conditions(call)
    if call.query().text("q"):
        return long_answer(list_texts(_members(call, conditions)))
    key = ("members", conditions.sql, *conditions.parameters)
    members: list[str] = call.world.memo.get(key, lambda: _members(call, conditions))
    return long_answer(list_texts(members))  # 50 MB for 100,000 people


def page_of_members(call: Call) -> Answer:
    """Answer with a page of members."""
    conditions, page = _member_conditions(call), read_page_request(call.query(), cursor=False)
    ids, count = page_of_people(call, page, source=_FROM + conditions.sql, parameters=conditions.parameters)
    conditions.add(f"m.user_id IN {IN_LIST}", as_json(ids))
    members = _members(call, conditions)
    return _text_answer(f'{{"members":[{",".join(members)}],"count":{count}}}')


def get_member(call: Call) -> Answer:
    """Answer with one member."""
    conditions = Conditions()
    conditions.add("m.user_id = ? AND m.organization_id = ?", call.member["user_id"], call.member["organization_id"])
    return _text_answer(*_members(call, conditions))


def list_organizations_of_user(call: Call) -> Answer:
    """Answer with the organizations of a person, as far as the caller may read them."""
    rows = call.database.rows(_OF_USER + " AND NOT o.deleted ORDER BY lower(o.name)", call.user["id"])
    may = call.caller.may
    return json_answer([organization_shape(row) for row in rows if may("read", "organization", organization=row["id"])])


def get_organization_of_user(call: Call) -> Answer:
    """Answer with one organization of a person, by its name."""
    row = call.database.row(
        _OF_USER + " AND lower(o.name) = lower(?)", call.user["id"], call.parameters["organization_name"]
    )
    if row is None or not call.caller.may("read", "organization", organization=row["id"]):
        raise not_found()
    return json_answer(organization_shape(row))


def _members(call: Call, conditions: Conditions) -> list[str]:
    """Return members as JSON texts, ordered by username."""
    sql = f"SELECT {member_with_user_sql(call.world)} {_FROM} {conditions.sql} ORDER BY lower(u.username)"
    return [text for (text,) in call.database.rows(sql, *conditions.parameters)]


def _text_answer(text: str) -> Answer:
    return Answer(200, (text + "\n").encode())


def _member_conditions(call: Call) -> Conditions:
    search = read_search(call.query().text("q"), "Invalid organization member search query.", bare=None)
    user_id, github_id = search.uuid("user_id"), search.text("github_user_id")
    with_system = search.boolean("include_system")
    search.check(unknown_keys=True)
    conditions = Conditions()
    conditions.add("m.organization_id = ?", call.organization["id"])
    if not with_system:
        conditions.add("NOT u.is_system")
    if user_id is not None:
        conditions.add("u.id = ?", user_id)
    if github_id:
        conditions.add("0")  # nobody here has ever signed in with GitHub
    if not call.caller.may("read", "organization_member", organization=call.organization["id"]):
        conditions.add("u.id = ?", call.caller.id)
    return conditions
