"""Reading users: the searchable list, and one by id, name or `me`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ..answers import Answer, as_json, json_answer, not_found
from ..people import page_of_people, people_conditions
from ..query import read_page_request
from ..shapes import IN_LIST, organization_ids, user_shape

if TYPE_CHECKING:
    from ..calls import Call


def list_users(call: Call) -> Answer:
    """Answer with a page of users, deleted and system users left out; `limit` 0 means all of them.

    `count` comes from the rows: 0 on an empty page, and with `after_id` only what follows the cursor. A caller
    without the right to read users gets the own row alone.
    """
    query = call.query()
    conditions = people_conditions(query.text("q"), "Invalid user search query.")
    page = read_page_request(query)
    if not call.caller.may("read", "user"):
        conditions.add("u.id = ?", call.caller.id)
    source = f"FROM users u WHERE NOT u.deleted AND NOT u.is_system AND {conditions.sql}"
    ids, count = page_of_people(call, page, source=source, parameters=conditions.parameters)
    rows = call.database.rows(
        "SELECT u.*, (SELECT json_group_array(organization_id) FROM (SELECT organization_id "
        "FROM organization_members WHERE user_id = u.id ORDER BY created_at)) AS organizations "
        f"FROM users u WHERE u.id IN {IN_LIST} ORDER BY lower(u.username)",
        as_json(ids),
    )
    users = [user_shape(call.world, row, json.loads(row["organizations"])) for row in rows]
    return json_answer({"users": users, "count": count})


def get_user(call: Call) -> Answer:
    """Answer with one user; nothing in the body says that they are deleted."""
    return user_answer(call, call.user["id"])


def user_answer(call: Call, user_id: str, status: int = 200) -> Answer:
    """Answer with a user as they are now."""
    row = call.database.row("SELECT * FROM users WHERE id = ?", user_id)
    if row is None:
        raise not_found()
    return json_answer(user_shape(call.world, row, organization_ids(call.database, user_id)), status)
