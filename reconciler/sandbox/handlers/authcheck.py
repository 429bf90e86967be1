"""`POST /authcheck`: asks the role matrix about named checks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..answers import Answer, json_answer, refusal
from ..gojson import fields_of
from ..guards import find_user, may_read_group
from ..identifiers import parse_uuid

if TYPE_CHECKING:
    from ..calls import Call
    from ..gojson import Kind

_WITH_RESOURCE_ID = ("workspace", "template", "user", "group")
MAXIMUM_RESOURCE_IDS = 10
_OBJECT: dict[str, Kind] = {
    "resource_type": "string", "organization_id": "string", "owner_id": "string", "resource_id": "string",
    "any_org": "bool",
}  # fmt: skip


def authcheck(call: Call) -> Answer:
    """Answer each check with true or false; an unknown or unreadable resource_id is false."""
    checks = call.json("AuthorizationRequest", {"checks": "objects"})["checks"]
    named = {name: _read(check) for name, check in checks.items()}
    with_id = sum(1 for _, asked in named.values() if asked["resource_id"])
    if with_id > MAXIMUM_RESOURCE_IDS:
        raise refusal(
            400,
            f'Endpoint only supports using "resource_id" field {MAXIMUM_RESOURCE_IDS} times, found {with_id} usages. '
            f"Remove {with_id - MAXIMUM_RESOURCE_IDS} objects with this field set.",
        )
    return json_answer({name: _allowed(call, action, asked) for name, (action, asked) in named.items()})


def _read(check: object) -> tuple[str, dict[str, Any]]:
    fields = fields_of(check, "AuthorizationCheck", {"action": "string", "object": "object"})
    return fields["action"], fields_of(fields["object"], "AuthorizationObject", _OBJECT)


def _allowed(call: Call, action: str, asked: dict[str, Any]) -> bool:
    kind = asked["resource_type"]
    if not kind:
        raise refusal(400, 'Object\'s "resource_type" field must be defined for key.')
    if asked["resource_id"]:
        return _allowed_on(call, action, kind=kind, resource_id=asked["resource_id"])
    if asked["any_org"]:
        return call.caller.may_anywhere(action, kind)
    return call.caller.may(
        action,
        kind,
        organization=asked["organization_id"] or None,
        owner=call.caller.id if asked["owner_id"] == "me" else asked["owner_id"] or None,
    )


def _allowed_on(call: Call, action: str, *, kind: str, resource_id: str) -> bool:
    if kind not in _WITH_RESOURCE_ID:
        raise refusal(400, f'Object type "{kind}" does not support "resource_id" field.')
    if parse_uuid(resource_id) is None:
        raise refusal(400, f'Object "{resource_id}" id is not a valid uuid.')
    if kind == "user":
        user = find_user(call, resource_id)
        return user is not None and all(
            call.caller.may(wanted, "user", owner=user["id"]) for wanted in ("read", action)
        )
    group = call.database.row("SELECT * FROM groups WHERE id = ?", resource_id) if kind == "group" else None
    if group is None or not may_read_group(call, call.caller, group):
        return False
    return action == "read" or call.caller.may(action, kind, organization=group["organization_id"])
