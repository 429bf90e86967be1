"""Reading groups: lists with their members inlined, single groups, pages of groups and of members."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..answers import (
    INVALID_QUERY,
    Answer,
    Validation,
    as_json,
    json_answer,
    list_texts,
    long_answer,
    not_found,
    refusal,
)
from ..guards import find_organization, find_user
from ..people import page_of_people, people_conditions
from ..query import parse_bool, read_page_request
from ..shapes import GROUP_ROWS, IN_LIST, REDUCED_USER, group_shape

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from ..calls import Call
    from ..query import Parameters


_PEOPLE = f"SELECT u.id, {REDUCED_USER} FROM users u WHERE NOT u.is_system"
_MEMBERS = (
    f"SELECT group_id, group_concat(user_id) FROM group_memberships WHERE group_id IN {IN_LIST} GROUP BY group_id"
)


def list_groups(call: Call) -> Answer:
    """Answer with every readable group of the site, members inlined; unknown query keys are refused."""
    query = call.query()
    organization = query.text("organization")
    filters = _filters(call, query)
    if organization:
        row = find_organization(call, organization)
        if row is None:
            fault = Validation("organization", f'Query param "organization" has invalid value "{organization}"')
            raise refusal(400, INVALID_QUERY, fault)
        filters.append(("g.organization_id = ?", row["id"]))
    return _listed(call, filters)


def list_organization_groups(call: Call) -> Answer:
    """Answer with the readable groups of one organization, members inlined."""
    query = call.query()
    query.text("organization")
    return _listed(call, [*_filters(call, query), ("g.organization_id = ?", call.organization["id"])])


def get_group(call: Call) -> Answer:
    """Answer with one group, its members left out on request."""
    query = call.query()
    without_members = parse_bool(query.text("exclude_members")) or False
    return group_answer(call, call.group["id"], without_members=without_members)


def group_answer(call: Call, group_id: str, *, without_members: bool = False, status: int = 200) -> Answer:
    """Answer with a group as it is now."""
    rows = call.database.rows(f"{GROUP_ROWS} WHERE g.id = ?", group_id)
    members_of = _without_members if without_members else _members_of(call, rows)
    return Answer(status, "".join((*_group_texts(rows[0], members_of), "\n")).encode())


def page_of_members(call: Call) -> Answer:
    """Answer with a page of the members that the caller may see; `users` is null when it is empty."""
    query = call.query()
    conditions = people_conditions(query.text("q"), "Invalid member search query.")
    conditions.add("m.group_id = ? AND NOT u.is_system", call.group["id"])
    visible = _visible_member(call, call.group)
    if visible is not None:
        conditions.add("u.id = ?", visible)
    source = f"FROM group_memberships m JOIN users u ON u.id = m.user_id WHERE {conditions.sql}"
    ids, count = page_of_people(call, read_page_request(query), source=source, parameters=conditions.parameters)
    sql = f"SELECT u.id, {REDUCED_USER} FROM users u WHERE u.id IN {IN_LIST}"
    texts = dict(map(tuple, call.database.rows(sql, as_json(ids))))
    users = f"[{','.join(texts[id_] for id_ in ids)}]" if ids else "null"
    return Answer(200, f'{{"users":{users},"count":{count}}}\n'.encode())


def page_of_groups(call: Call) -> Answer:
    """Answer with a page of an organization's groups, ordered by name; needs the right to read them all."""
    query = call.query()
    page, search = read_page_request(query), query.text("q").lower()
    if not call.caller.may("read", "group", organization=call.organization["id"]):
        raise not_found()
    where = (
        "WHERE g.organization_id = ?1 "
        "AND (?2 = '' OR instr(lower(g.name), ?2) OR instr(lower(g.display_name), ?2)) "
        "AND (?3 IS NULL OR (lower(g.name), g.id) > (SELECT lower(name), id FROM groups WHERE id = ?3))"
    )
    parameters = (call.organization["id"], search, page.after)
    rows = call.database.rows(
        f"{GROUP_ROWS} {where} ORDER BY lower(g.name), g.id LIMIT ?4 OFFSET ?5",
        *parameters,
        page.limit or -1,
        page.offset,
    )
    count = call.database.value(f"SELECT count(*) FROM groups g {where}", *parameters) if rows else 0
    return json_answer({"groups": [group_shape(row) for row in rows], "count": count})


def _filters(call: Call, query: Parameters) -> list[tuple[str, object]]:
    """Return what the query keys of both lists select, after refusing what is wrong with them."""
    group_ids = query.uuids("group_ids")
    member = query.text("has_member")
    query.text("organization")
    query.check(unknown_keys=True)
    filters: list[tuple[str, object]] = []
    if member:
        row = find_user(call, member)
        if row is None:
            fault = Validation("has_member", f'Query param "has_member" has invalid value "{member}"')
            raise refusal(400, INVALID_QUERY, fault)
        filters.append(("g.id IN (SELECT group_id FROM group_memberships WHERE user_id = ?)", row["id"]))
    if group_ids:
        filters.append((f"g.id IN {IN_LIST}", as_json(group_ids)))
    return filters


def _listed(call: Call, filters: Iterable[tuple[str, object]]) -> Answer:
    clauses, parameters = ["1"], list[object]()
    for clause, parameter in filters:
        clauses.append(clause)
        parameters.append(parameter)
    if not call.caller.may("read", "group"):
        readable = [o for o in call.caller.memberships if call.caller.may("read", "group", organization=o)]
        clauses.append(
            "(g.organization_id IN (SELECT value FROM json_each(?)) "
            "OR (? AND g.id IN (SELECT group_id FROM group_memberships WHERE user_id = ?)))"
        )
        parameters += [as_json(readable), call.caller.covers("read", "group"), call.caller.id]
    rows = call.database.rows(f"{GROUP_ROWS} WHERE {' AND '.join(clauses)} ORDER BY g.rowid", *parameters)
    members_of = _members_of(call, rows)
    return long_answer(list_texts("".join(_group_texts(row, members_of)) for row in rows))  # with members 100 MB


def _members_of(call: Call, groups: Sequence[sqlite3.Row]) -> Callable[[str], str]:
    """Read the visible members of groups; return what gives those of a group as JSON text without brackets."""
    if len(groups) > 1 and all(_visible_member(call, group) is None for group in groups):
        # once for each person, in however many groups
        text_of = call.world.memo.get("people in groups", lambda: dict(map(tuple, call.database.rows(_PEOPLE)))).get
        ids_in = dict(map(tuple, call.database.rows(_MEMBERS, as_json([group["id"] for group in groups])))).get
        return lambda group: ",".join(filter(None, map(text_of, ids_in(group, "").split(","))))
    members: dict[str, str] = {}
    for group in groups:
        texts = call.database.value(
            f"SELECT group_concat({REDUCED_USER}) FROM group_memberships m JOIN users u ON u.id = m.user_id "
            "WHERE m.group_id = ?1 AND NOT u.is_system AND (?2 IS NULL OR u.id = ?2)",
            group["id"],
            _visible_member(call, group),
        )
        members[group["id"]] = texts or ""
    return lambda group: members.get(group, "")


def _visible_member(call: Call, group: sqlite3.Row) -> str | None:
    """Return None when the caller may see all members of the group, else the one member to see: the caller."""
    if call.caller.may("read", "group_member", organization=group["organization_id"]):
        return None
    return call.caller.id


def _without_members(_: str) -> str:
    return ""


def _group_texts(group: sqlite3.Row, members_of: Callable[[str], str]) -> Iterator[str]:
    """Return the parts of a group as JSON, members inlined."""
    yield as_json(group_shape(group))[:-1]
    yield ',"members":['
    yield members_of(group["id"])
    yield "]}"
