"""Which claims of the identity provider become organizations, groups and roles: stored and told, and applied to nobody.

*Source*: Coder's own client and handler of these routes; its Terraform provider writes them with an organization.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ..answers import Answer, Validation, as_json, forbidden, json_answer, refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..calls import Call
    from ..gojson import Kind

_GROUPS: dict[str, Kind] = {
    "field": "string", "mapping": "uuid_lists", "regex_filter": "string?", "auto_create_missing_groups": "bool",
}  # fmt: skip
_ROLES: dict[str, Kind] = {"field": "string", "mapping": "string_lists"}
_ORGANIZATIONS: dict[str, Kind] = {"field": "string", "mapping": "uuid_lists", "organization_assign_default": "bool"}
_ALL_ORGANIZATIONS = ""


def get_groups(call: Call) -> Answer:
    """Answer with the sync of an organization's groups."""
    unset = {"field": "", "mapping": None, "regex_filter": None, "auto_create_missing_groups": False}
    return _get(call, "groups", unset, organization=call.organization["id"])


def change_groups(call: Call) -> Answer:
    """Replace the sync of an organization's groups."""
    _require_right(call, "update", organization=call.organization["id"])
    body = call.json("GroupSyncSettings", _GROUPS | {"legacy_group_name_mapping": "objects"})
    if body.pop("legacy_group_name_mapping"):
        raise refusal(
            400,
            "Unexpected field 'legacy_group_name_mapping'. Field not allowed, set to null or remove it.",
            Validation("legacy_group_name_mapping", "field is not allowed"),
            detail="legacy_group_name_mapping is deprecated, use mapping instead",
        )
    return _store(call, "groups", body, organization=call.organization["id"])


def get_roles(call: Call) -> Answer:
    """Answer with the sync of an organization's roles."""
    return _get(call, "roles", {"field": "", "mapping": None}, organization=call.organization["id"])


def change_roles(call: Call) -> Answer:
    """Replace the sync of an organization's roles."""
    _require_right(call, "update", organization=call.organization["id"])
    return _store(call, "roles", call.json("RoleSyncSettings", _ROLES), organization=call.organization["id"])


def get_organizations(call: Call) -> Answer:
    """Answer with the sync of organizations."""
    unset = {"field": "", "mapping": {}, "organization_assign_default": True}
    return _get(call, "organizations", unset, organization=_ALL_ORGANIZATIONS)


def change_organizations(call: Call) -> Answer:
    """Replace the sync of organizations; whether those of the mapping exist is not checked."""
    _require_right(call, "update", organization=_ALL_ORGANIZATIONS)
    body = call.json("OrganizationSyncSettings", _ORGANIZATIONS)
    return _store(call, "organizations", body, organization=_ALL_ORGANIZATIONS)


def _require_right(call: Call, action: str, *, organization: str) -> None:
    if not call.caller.may(action, "idpsync_settings", organization=organization or None):
        raise forbidden()


def _get(call: Call, kind: str, unset: Mapping[str, Any], *, organization: str) -> Answer:
    _require_right(call, "read", organization=organization)
    sql = "SELECT settings FROM idp_sync_settings WHERE kind = ? AND organization_id = ?"
    stored = call.database.value(sql, kind, organization)
    return json_answer(unset if stored is None else json.loads(stored))


def _store(call: Call, kind: str, settings: dict[str, Any], *, organization: str) -> Answer:
    call.database.run(
        "INSERT OR REPLACE INTO idp_sync_settings (kind, organization_id, settings) VALUES (?, ?, ?)",
        kind, organization, as_json(settings),
    )  # fmt: skip
    return json_answer(settings)
