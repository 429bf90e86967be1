"""The role matrix as data: who may do what to which kind of thing, site-wide or in an organization.

A site role counts everywhere, an organization role in that organization; on top, every person has rights over
themself and every organization member the floor that the organization's workspace sharing leaves them.
*Source*: coder-api.md, sections 7 and 12.5 (Coder's roles.go).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

Rights = dict[str, frozenset[str]]


def _rights(**words: str) -> Rights:
    return {kind: frozenset(actions.split()) for kind, actions in words.items()}


_EVERYTHING = "create read update delete"

SITE_ROLES: Mapping[str, Rights] = {
    "owner": {},  # may everything, see Caller.may
    "user-admin": _rights(
        user=_EVERYTHING + " read_personal update_personal",
        organization="read",
        organization_member=_EVERYTHING,
        group=_EVERYTHING,
        group_member=_EVERYTHING,
        assign_org_role="read assign unassign",
        idpsync_settings="read update",
    ),
    "auditor": _rights(
        audit_log="read",
        deployment_config="read",
        user="read",
        group="read",
        group_member="read",
        organization="read",
        organization_member="read",
        aibridge_interception="read",
    ),
    "template-admin": _rights(
        user="read", group="read", group_member="read", organization="read", organization_member="read"
    ),
}

# Rights inside the organization; the two administrators may also read every user of the site.
ORGANIZATION_ROLES: Mapping[str, Rights] = {
    "organization-admin": _rights(
        organization="read update delete",
        organization_member=_EVERYTHING,
        group=_EVERYTHING,
        group_member=_EVERYTHING,
        assign_org_role=_EVERYTHING + " assign unassign",
        audit_log="read",
        idpsync_settings="read update",
    ),
    "organization-user-admin": _rights(
        organization="read",
        organization_member=_EVERYTHING,
        group=_EVERYTHING,
        group_member=_EVERYTHING,
        assign_org_role="read assign unassign",
        idpsync_settings="read update",
    ),
    "organization-auditor": _rights(
        organization="read", organization_member="read", group="read", group_member="read", audit_log="read"
    ),
    "organization-template-admin": _rights(
        organization="read", organization_member="read", group="read", group_member="read"
    ),
    "organization-workspace-access": {},
    "organization-workspace-creation-ban": {},
}
_READS_EVERY_USER = frozenset({"organization-admin", "organization-user-admin"})

OWN_RIGHTS = _rights(
    user="read read_personal update_personal",
    organization_member="read",
    group_member="read",
    api_key=_EVERYTHING,
    aibridge_interception="read",
)

_FLOOR: Mapping[str, Rights] = {
    "everyone": _rights(organization="read", organization_member="read", group="read"),
    "service_accounts": _rights(organization="read", organization_member="read"),
    "none": _rights(organization="read"),
}

# All kinds that a check may name; a kind that is not here is allowed to nobody.
KINDS = frozenset(
    {
        "ai_model_price", "aibridge_interception", "api_key", "assign_org_role", "assign_role", "audit_log", "chat",
        "connection_log", "crypto_key", "debug_info", "deployment_config", "deployment_stats", "file", "group",
        "group_member", "idpsync_settings", "inbox_notification", "license", "notification_message",
        "notification_preference", "notification_template", "oauth2_app", "organization", "organization_member",
        "prebuilt_workspace", "provisioner_daemon", "provisioner_jobs", "replicas", "system", "task", "template",
        "usage_event", "user", "user_secret", "webpush_subscription", "workspace", "workspace_dormant",
        "workspace_proxy",
    }
)  # fmt: skip

# Which roles an administrator may hand out; an owner may hand out all.
ASSIGNABLE_BY_USER_ADMIN = frozenset({"organization-workspace-access"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """Say what somebody is in one organization."""

    roles: frozenset[str]
    workspace_sharing: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Be the person behind a token. `scopes` is None for a token that may do everything that its owner may."""

    id: str
    username: str
    key_id: str
    expires_at: str
    roles: frozenset[str]
    memberships: Mapping[str, Membership]
    scopes: frozenset[str] | None = None

    def may(self, action: str, kind: str, *, organization: str | None = None, owner: str | None = None) -> bool:
        """Tell whether the caller may do `action` to a thing of a `kind` in an organization, owned by somebody."""
        if kind not in KINDS or not self.covers(action, kind):
            return False
        if "owner" in self.roles or any(action in SITE_ROLES[r].get(kind, ()) for r in self.roles):
            return True
        if owner == self.id and action in OWN_RIGHTS.get(kind, ()):
            return True
        if kind == "user" and action == "read":
            return any(_READS_EVERY_USER & m.roles for m in self.memberships.values())
        return organization is not None and self._may_inside(action, kind, organization)

    def covers(self, action: str, kind: str) -> bool:
        """Tell whether the scopes of the token cover this; the rights of its owner are another question."""
        return self.scopes is None or bool({f"{kind}:{action}", f"{kind}:*"} & self.scopes)

    def _may_inside(self, action: str, kind: str, organization: str) -> bool:
        membership = self.memberships.get(organization)
        if membership is None:
            return False
        if action in _FLOOR[membership.workspace_sharing].get(kind, ()):
            return True
        return any(action in ORGANIZATION_ROLES[r].get(kind, ()) for r in membership.roles)

    def may_anywhere(self, action: str, kind: str) -> bool:
        """Tell whether the caller may do so site-wide or in at least one organization."""
        return self.may(action, kind) or any(self.may(action, kind, organization=id_) for id_ in self.memberships)
