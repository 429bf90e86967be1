"""`POST /authcheck`: asks the role matrix about named checks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..answers import Answer, Validation, json_answer, refusal
from ..gojson import plain
from ..guards import find_user, may_read_group

if TYPE_CHECKING:
    from ..calls import Call

_WITH_RESOURCE_ID = ("workspace", "template", "user", "group")
MAXIMUM_RESOURCE_IDS = 10


def authcheck(call: Call) -> Answer:
    """Answer each check with true or false; an unknown or unreadable resource_id is false."""
    checks = call.json("AuthorizationRequest", {"checks": "objects"})["checks"]
    objects = {name: plain(check) for name, check in checks.items()}
    with_id = sum(1 for check in objects.values() if _text(check, "resource_id"))
    if with_id > MAXIMUM_RESOURCE_IDS:
        raise refusal(
            400,
            f'Endpoint only supports using "resource_id" field up to {MAXIMUM_RESOURCE_IDS} times.',
            Validation("checks", "Too many checks with resource_id"),
        )
    return json_answer({name: _allowed(call, check) for name, check in objects.items()})


def _allowed(call: Call, check: Any) -> bool:
    kind, resource_id = _text(check, "resource_type"), _text(check, "resource_id")
    if not kind:
        raise refusal(400, 'Object\'s "resource_type" field must be defined for key.')
    action = check.get("action") if isinstance(check.get("action"), str) else ""
    if resource_id:
        return _allowed_on(call, action, kind, resource_id)
    if check["object"].get("any_org") is True:
        return call.caller.may_anywhere(action, kind)
    owner = _text(check, "owner_id")
    return call.caller.may(
        action,
        kind,
        organization=_text(check, "organization_id") or None,
        owner=call.caller.id if owner == "me" else owner or None,
    )


def _allowed_on(call: Call, action: str, kind: str, resource_id: str) -> bool:
    if kind not in _WITH_RESOURCE_ID:
        raise refusal(400, f'Object\'s "resource_type" field "{kind}" does not support "resource_id".')
    if kind == "user":
        user = find_user(call, resource_id)
        return user is not None and all(
            call.caller.may(wanted, "user", owner=user["id"]) for wanted in ("read", action)
        )
    group = call.database.one("SELECT * FROM groups WHERE id = ?", resource_id) if kind == "group" else None
    if group is None or not may_read_group(call, call.caller, group):
        return False
    return action == "read" or call.caller.may(action, kind, organization=group["organization_id"])


def _text(check: Any, key: str) -> str:
    thing = check.get("object") if isinstance(check, dict) else None
    value = thing.get(key) if isinstance(thing, dict) else None
    return value if isinstance(value, str) else ""
