"""Shares of Agent Hours, a second kind of limit: an organization's of the deployment, a group's of its organization.

They are not enforced yet. All shares of a tier are at most 100 %, so the order of writes matters.

*Source*: coder-api.md section 13.1, and Coder's own client, handler and tests of October 2026; no such server was ever
asked. Inferred: that Everyone is refused with 400. Known and left out: Coder asks for a licence of Agent Hours, here
that of the AI Gateway is enough, and Coder records these writes in the audit log.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..answers import INVALID_QUERY, Answer, Refused, Validation, forbidden, json_answer, not_found, refusal
from ..clock import shown

if TYPE_CHECKING:
    import sqlite3

    from ..calls import Call

_ALL_BPS = 10_000
_ORGANIZATIONS = """
SELECT a.*, o.name AS organization_name, o.display_name AS organization_display_name
FROM agent_hours_organization_allotments a JOIN organizations o ON o.id = a.organization_id
"""
_GROUPS = """
SELECT a.*, g.name AS group_name, g.display_name AS group_display_name
FROM agent_hours_group_allotments a JOIN groups g ON g.id = a.group_id
"""
_TABLE_OF = {"organization": "agent_hours_organization_allotments", "group": "agent_hours_group_allotments"}


def list_organizations(call: Call) -> Answer:
    """Answer with the shares of all organizations that are not deleted."""
    if not call.caller.may("read", "deployment_config"):
        raise forbidden()
    rows = call.database.rows(_ORGANIZATIONS + "WHERE NOT o.deleted ORDER BY o.name")
    return json_answer([_shape("organization", row) for row in rows])


def put_organization(call: Call) -> Answer:
    """Give an organization a share of the deployment's Agent Hours."""
    _require_deployment_right(call)
    return _put(
        call, "organization", call.organization["id"], siblings="SELECT id FROM organizations WHERE NOT deleted"
    )


def delete_organization(call: Call) -> Answer:
    """Take an organization's share back; it draws from the shared pool then."""
    _require_deployment_right(call)
    return _delete(call, "organization", call.organization["id"])


def list_groups(call: Call) -> Answer:
    """Answer with an organization's own share, null without one, and those of its groups."""
    id_ = call.organization["id"]
    if not call.caller.may("read", "group", organization=id_):
        raise forbidden()
    if call.organization["deleted"]:
        raise not_found()
    own = "SELECT allotment_bps FROM agent_hours_organization_allotments WHERE organization_id = ?"
    rows = call.database.rows(_GROUPS + "WHERE g.organization_id = ? ORDER BY g.name", id_)
    return json_answer(
        {
            "organization_allotment_bps": call.database.value(own, id_),
            "groups": [_shape("group", row) for row in rows],
        }
    )


def put_group(call: Call) -> Answer:
    """Give a group a share of its organization's Agent Hours."""
    _require_group_right(call)
    siblings = "SELECT id FROM groups WHERE organization_id = ?"
    return _put(call, "group", call.group["id"], siblings, call.group["organization_id"])


def delete_group(call: Call) -> Answer:
    """Take a group's share back."""
    _require_group_right(call)
    return _delete(call, "group", call.group["id"])


def _require_deployment_right(call: Call) -> None:
    if not call.caller.may("update", "deployment_config"):
        raise forbidden()
    if call.organization["deleted"]:
        raise not_found()


def _require_group_right(call: Call) -> None:
    """Refuse callers without the right with 403, unlike budgets; then deleted organizations and Everyone."""
    id_ = call.group["organization_id"]
    if not call.caller.may("update", "group", organization=id_):
        raise forbidden()
    if call.database.value("SELECT deleted FROM organizations WHERE id = ?", id_):
        raise not_found()
    if call.group["id"] == id_ and call.method == "PUT":
        fault = Validation("group", 'The "Everyone" group cannot have an allotment.')
        raise refusal(400, INVALID_QUERY, fault)


def _put(call: Call, tier: str, id_: str, siblings: str, *parameters: object) -> Answer:
    wanted = _wanted(call)
    table, key = _TABLE_OF[tier], f"{tier}_id"
    own = call.database.value(f"SELECT allotment_bps FROM {table} WHERE {key} = ?", id_) or 0
    total = call.database.value(
        f"SELECT coalesce(sum(allotment_bps), 0) FROM {table} WHERE {key} IN ({siblings})", *parameters
    )
    available = max(_ALL_BPS - (total - own), 0)
    if wanted > available:
        raise _overgrant(available, unallotted=max(available - own, 0))
    if wanted != own:
        now = call.world.clock.tick()
        call.database.run(
            f"INSERT INTO {table} ({key}, allotment_bps, created_at, updated_at) VALUES (?, ?, ?, ?) "
            "ON CONFLICT DO UPDATE SET allotment_bps = excluded.allotment_bps, updated_at = excluded.updated_at",
            id_, wanted, now, now,
        )  # fmt: skip
    row = call.database.row((_GROUPS if tier == "group" else _ORGANIZATIONS) + f"WHERE a.{key} = ?", id_)
    assert row is not None  # noqa: S101  # written just now
    return json_answer(_shape(tier, row))


def _wanted(call: Call) -> int:
    """Read the share. A body of another shape is a bad share, as long as it is JSON."""
    wanted = call.whole_number("allotment_bps")
    if wanted is None or not 1 <= wanted <= _ALL_BPS:
        fault = Validation("allotment_bps", f"Must be an integer between 1 and {_ALL_BPS}.")
        raise refusal(400, "Invalid Agent Hours allotment.", fault)
    return wanted


def _overgrant(available: int, *, unallotted: int) -> Refused:
    detail = f"Only {_percent(unallotted)} is unallotted"
    detail += "." if available == unallotted else f", so this allotment can be at most {_percent(available)}."
    fault = Validation("allotment_bps", f"Must not exceed {available}.")
    return refusal(409, "Agent Hours allotments cannot exceed 100% in total.", fault, detail=detail)


def _percent(bps: int) -> str:
    return f"{bps / 100:.2f}".rstrip("0").rstrip(".") + "%"


def _delete(call: Call, tier: str, id_: str) -> Answer:
    if not call.database.run(f"DELETE FROM {_TABLE_OF[tier]} WHERE {tier}_id = ?", id_):
        raise not_found()
    return Answer(204)


def _shape(tier: str, row: sqlite3.Row) -> dict[str, Any]:
    names = (f"{tier}_id", f"{tier}_name", f"{tier}_display_name", "allotment_bps")
    return {name: row[name] for name in names} | {name: shown(row[name]) for name in ("created_at", "updated_at")}
