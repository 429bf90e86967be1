"""Which limit applies to each person now, as SQL: the view `effective_budgets`.

An override wins in both directions, also after its membership has ended and in a deleted organization. Otherwise the
highest budget counts among the groups of the person, in every organization that is not deleted and that the person is
in. A row in a group of another organization does not count. Equal budgets: 2.36 and later take the earliest
organization membership, then the lowest group id; older servers take the group name, then the id, and PostgreSQL sorts
names by its locale, in which neither capital letters nor hyphens come first.

Without a budget nothing limits. 2.36 and later then book spend to Everyone of the default organization, else of the
earliest; older servers have no group to book it to. *Source*: coder-api.md sections 2.3 and 13.4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .database import Database

_NEWER_ORDER = "c.spend_limit_micros DESC, c.created_at, c.group_id"
_OLDER_ORDER = (
    "c.spend_limit_micros DESC, lower(replace(c.name, '-', '')), replace(c.name, '-', '') DESC, c.name, c.group_id"
)
_NEWER_FALLBACK = """(
        SELECT m.organization_id
        FROM organization_members m JOIN organizations org ON org.id = m.organization_id AND NOT org.deleted
        WHERE m.user_id = u.id
        ORDER BY org.is_default DESC, m.created_at, m.organization_id
        LIMIT 1
    )"""
_VIEW = """
CREATE TEMP VIEW IF NOT EXISTS effective_budgets (user_id, effective_group_id, spend_limit_micros, limit_source) AS
SELECT
    u.id,
    coalesce(o.group_id, b.group_id, {fallback}),
    coalesce(o.spend_limit_micros, b.spend_limit_micros),
    CASE WHEN o.user_id IS NOT NULL THEN 'user_override' WHEN b.group_id IS NOT NULL THEN 'group' END
FROM main.users u
LEFT JOIN main.user_ai_budget_overrides o ON o.user_id = u.id
LEFT JOIN main.group_ai_budgets b ON b.group_id = iif(o.user_id IS NOT NULL, NULL, (
    SELECT c.group_id FROM (
        SELECT gb.group_id, gb.spend_limit_micros, om.created_at, 'Everyone' AS name
        FROM organization_members om
        JOIN group_ai_budgets gb ON gb.group_id = om.organization_id
        JOIN organizations org ON org.id = om.organization_id AND NOT org.deleted
        WHERE om.user_id = u.id
        UNION ALL
        SELECT gb.group_id, gb.spend_limit_micros, om.created_at, g.name
        FROM group_members gm
        JOIN group_ai_budgets gb ON gb.group_id = gm.group_id
        JOIN groups g ON g.id = gm.group_id
        JOIN organization_members om ON om.user_id = gm.user_id AND om.organization_id = g.organization_id
        JOIN organizations org ON org.id = g.organization_id AND NOT org.deleted
        WHERE gm.user_id = u.id
    ) c
    ORDER BY {order}
    LIMIT 1
))
"""

Effective = tuple[str, str, int | None, str | None, str | None]

_EVERYBODY = """
SELECT e.user_id, u.username, e.spend_limit_micros, e.limit_source, e.effective_group_id
FROM effective_budgets e JOIN users u ON u.id = e.user_id
WHERE NOT u.deleted AND NOT u.is_system ORDER BY u.username
"""


def create_view(database: Database, *, is_older: bool) -> None:
    """Add the view to this connection, unless it has it; `is_older` is for servers before 2.36."""
    order, fallback = (_OLDER_ORDER, "NULL") if is_older else (_NEWER_ORDER, _NEWER_FALLBACK)
    database.run(_VIEW.format(order=order, fallback=fallback))


def effective(database: Database) -> list[Effective]:
    """Return user id, username, limit, source and effective group of everybody, by the sandbox's own SQL."""
    return [(row[0], row[1], row[2], row[3], row[4]) for row in database.rows(_EVERYBODY)]
