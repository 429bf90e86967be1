"""The middleware of Coder as guards: each lets a call pass, after looking something up for it, or refuses.

The order in which a route lists its guards decides which error wins.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .answers import Refused, not_found, refusal
from .generations import COST_CONTROL_EXPERIMENT
from .identifiers import NIL, parse_uuid

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

    from .calls import Call
    from .roles import Caller


def signed_in(call: Call) -> None:
    """Refuse with 401 without a valid token."""
    if isinstance(call.identity, Refused):
        raise Refused(call.identity.answer)  # a new one: the identity is kept, and would keep every traceback
    call.caller = call.identity


def ai_gateway(call: Call) -> None:
    """Refuse with 403 without the licence for the AI Gateway."""
    _require_licence(call, "aibridge", call.generation.ai_feature_name)


def template_rbac(call: Call) -> None:
    """Refuse with 403 without the licence for groups."""
    _require_licence(call, "template_rbac", "Template RBAC")


def multiple_organizations(call: Call) -> None:
    """Refuse with 403 without the licence for more than one organization."""
    _require_licence(call, "multiple_organizations", "Multiple Organizations")


def _require_licence(call: Call, feature: str, name: str) -> None:
    if not call.world.enabled(feature):
        raise refusal(403, f"{name} is a Premium feature. Contact sales!")


def cost_control(call: Call) -> None:
    """Refuse with 403 where budgets of people are still an experiment that is not enabled."""
    if call.generation.override_experiment and COST_CONTROL_EXPERIMENT not in call.world.options.experiments:
        raise refusal(
            403,
            f"AI Gateway Cost Control functionality requires enabling the '{COST_CONTROL_EXPERIMENT}' experiment.",
        )


def organization(call: Call) -> None:
    """Find the organization of the path, by id, name or as `default`."""
    text = call.parameters["organization"]
    row = find_organization(call, text)
    if row is None or not call.caller.may("read", "organization", organization=row["id"]):
        raise not_found()
    call.organization = row


def find_organization(call: Call, text: str) -> sqlite3.Row | None:
    """Return an organization by id, name, the word `default` or the nil UUID, readable or not.

    A deleted organization still answers to its id.
    """
    parsed = parse_uuid(text)
    if text == "default" or parsed == NIL:
        return call.database.row("SELECT * FROM organizations WHERE is_default")
    if parsed is not None:
        return call.database.row("SELECT * FROM organizations WHERE id = ?", parsed)
    return call.database.row("SELECT * FROM organizations WHERE lower(name) = lower(?) AND NOT deleted", text)


def group(call: Call) -> None:
    """Find the group of the path, by its id only."""
    text = call.parameters["group"]
    parsed = parse_uuid(text)
    if parsed is None:
        raise refusal(400, f'Invalid UUID "{text}".', detail=f"invalid UUID length: {len(text)}")
    row = call.database.row("SELECT * FROM groups WHERE id = ?", parsed)
    if row is None or not may_read_group(call, call.caller, row):
        raise not_found()
    call.group = row


def group_by_name(call: Call) -> None:
    """Find the group of the path by its name in the organization found before."""
    row = call.database.row(
        "SELECT * FROM groups WHERE organization_id = ? AND name = ?",
        call.organization["id"],
        call.parameters["group_name"],
    )
    if row is None or not may_read_group(call, call.caller, row):
        raise not_found()
    call.group = row


def may_read_group(call: Call, caller: Caller, row: sqlite3.Row | Mapping[str, Any]) -> bool:
    """Tell whether a group may be read: by right, or because the caller is in it."""
    if caller.may("read", "group", organization=row["organization_id"]):
        return True
    if not caller.covers("read", "group"):
        return False
    sql = "SELECT 1 FROM group_memberships WHERE user_id = ? AND group_id = ?"
    return call.database.row(sql, caller.id, row["id"]) is not None


def user(call: Call) -> None:
    """Find the user of the path, by id, username or `me`; somebody deleted still answers to their id."""
    row = find_user(call, call.parameters["user"])
    if row is None or not call.caller.may("read", "user", owner=row["id"]):
        raise not_found()
    call.user = row


def find_user(call: Call, text: str) -> sqlite3.Row | None:
    """Return a user by id, username or `me`, readable or not."""
    if text == "me":
        return call.database.row("SELECT * FROM users WHERE id = ?", call.caller.id)
    parsed = parse_uuid(text)
    if parsed is not None:
        return call.database.row("SELECT * FROM users WHERE id = ?", parsed)
    return call.database.row("SELECT * FROM users WHERE lower(username) = lower(?) AND NOT deleted", text)


def member(call: Call) -> None:
    """Find the member of the path in the organization found before."""
    person = find_user(call, call.parameters["user"])
    if person is None or not call.caller.may(
        "read", "organization_member", organization=call.organization["id"], owner=person["id"]
    ):
        raise not_found()
    row = call.database.row(
        "SELECT * FROM organization_members WHERE organization_id = ? AND user_id = ?",
        call.organization["id"],
        person["id"],
    )
    if row is None:
        raise not_found()
    call.member = row
