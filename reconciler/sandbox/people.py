"""Lists of people: the search and the pages that users, group members and organization members share."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

from .answers import as_json
from .query import read_search
from .shapes import IN_LIST

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .calls import Call
    from .query import PageRequest, Parameters

_STATUSES = ("active", "dormant", "suspended")
_LOGIN_TYPES = ("password", "github", "oidc", "token", "none")


class Conditions:
    """Collect conditions of SQL and their parameters, all of which must hold."""

    def __init__(self) -> None:
        self._clauses: list[str] = []
        self.parameters: list[object] = []

    def add(self, clause: str, *parameters: object) -> None:
        """Add a condition; `?` stands for each parameter."""
        self._clauses.append(clause)
        self.parameters.extend(parameters)

    @property
    def sql(self) -> str:
        """Return the conditions joined by AND; 1 without any."""
        return " AND ".join(self._clauses) or "1"


def people_conditions(text: str, message: str) -> Conditions:
    """Return the conditions of a search for users `u`, in the grammar of `GET /users`. *Raises* Refused 400."""
    search = read_search(text, message, bare="search")
    conditions = Conditions()
    if words := search.text("search"):
        conditions.add("(instr(lower(u.username), ?) OR instr(lower(u.email), ?))", words, words)
    if name := search.text("name"):
        conditions.add("instr(lower(u.name), ?)", name)
    if statuses := search.choices("status", _STATUSES):
        conditions.add(f"u.status IN {IN_LIST}", as_json(statuses))
    if types := search.choices("login_type", _LOGIN_TYPES):
        conditions.add(f"u.login_type IN {IN_LIST}", as_json(types))
    if role := search.text("role"):
        conditions.add("(? = 'member' OR ? IN (SELECT value FROM json_each(u.roles)))", role, role)
    flag = search.boolean("service_account")
    if flag is not None:
        conditions.add("u.is_service_account = ?", flag)
    if search.text("github_com_user_id"):
        conditions.add("0")  # nobody here has ever signed in with GitHub
    _add_times(search, conditions)
    search.check(unknown_keys=True)
    return conditions


def _add_times(search: Parameters, conditions: Conditions) -> None:
    for key in ("last_seen_after", "last_seen_before", "created_after", "created_before"):
        moment = search.moment(key)
        if moment is not None:
            column, _, side = key.rpartition("_")
            conditions.add(f"u.{column}_at {'>=' if side == 'after' else '<='} ?", moment)


def page_of_people(
    call: Call, page: PageRequest, *, source: str, parameters: Sequence[object]
) -> tuple[list[str], int]:
    """Return the ids on a page, ordered by username, and the count. As in Coder the count of an empty page is 0, and
    behind a cursor only what follows it is counted.

    `source` is SQL from its FROM on, over users `u`. The order of the whole list is kept; a page is a slice of it.
    """
    sql = f"SELECT lower(u.username), u.id {source} ORDER BY 1"
    people = call.world.memo.get(
        (sql, *parameters), lambda: [(row[0], row[1]) for row in call.database.rows(sql, *parameters)]
    )
    start = 0
    if page.after is not None:
        name = call.database.value("SELECT lower(username) FROM users WHERE id = ?", page.after)
        start = len(people) if name is None else bisect_right(people, (name, "\U0010ffff"))
    first = start + page.offset
    ids = [id_ for _, id_ in (people[first : first + page.limit] if page.limit else people[first:])]
    return ids, len(people) - start if ids else 0
