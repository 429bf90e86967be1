"""What this token may do, by Coder's authcheck: a POST that writes nothing. Its answer holds when it is asked."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from reconciler.coder import paths
from reconciler.coder.exchange import Request
from reconciler.coder.transport import Transport
from reconciler.coder.wire import load_object
from reconciler.core.budget import OrganizationId
from reconciler.core.directory import Organization
from reconciler.core.snapshot import Deployment

GROUP_WRITERS = "an Owner, a User Admin or an Organization Admin"
OVERRIDE_WRITERS = "only an Owner or a User Admin"


def check(action: str, kind: str, *, organization: str = "") -> dict[str, Any]:
    """Return one question of an authcheck; without an organization it is about the whole deployment."""
    return {
        "action": action,
        "object": {"resource_type": kind} | ({"organization_id": organization} if organization else {}),
    }


def ask_permission(transport: Transport, checks: dict[str, dict[str, Any]]) -> dict[str, bool]:
    """Ask in one request what this token may do. Writes nothing. Source: coder-api section 7."""
    body = json.dumps({"checks": checks}).encode()
    answer = load_object(transport.send(Request("POST", paths.AUTHCHECK, body=body)))
    return {name: answer.flag(name) for name in checks}


def organizations_with(transport: Transport, kind: str, among: Iterable[OrganizationId]) -> frozenset[OrganizationId]:
    """Return those organizations in which this token may read everything of a kind; one request, none for none."""
    organizations = sorted(set(among))
    checks = {str(id_): check("read", kind, organization=id_) for id_ in organizations}
    may = ask_permission(transport, checks) if checks else {}
    return frozenset(id_ for id_ in organizations if may[id_])


def forbidden_writes(
    transport: Transport,
    deployment: Deployment,
    organizations: Mapping[OrganizationId, Organization],
    *,
    among: Iterable[OrganizationId],
    overrides: bool,
) -> tuple[str, ...]:
    """Return what this token may not write, a sentence each, by one request: group budgets of `among`, and overrides.

    `organizations` are those that it may read; their names are told.
    """
    ids = sorted(among)
    checks = {str(id_): check("update", "group", organization=id_) for id_ in ids}
    if overrides:
        checks["overrides"] = check("update", "user")
    may = ask_permission(transport, checks) if checks else {}
    names = sorted(organizations[id_].name if id_ in organizations else id_ for id_ in ids if not may[id_])
    groups = _who_may(GROUP_WRITERS, deployment)
    sentences = [f"This token may not write group budgets in {name}; {groups}." for name in names]
    if overrides and not deployment.offers.overrides:
        sentences.append(deployment.offers.overrides_missing)
    elif overrides and not may["overrides"]:
        sentences.append(f"This token may not write user overrides; {_who_may(OVERRIDE_WRITERS, deployment)}.")
    return tuple(sentences)


def _who_may(roles: str, deployment: Deployment) -> str:
    """Say who may write; somebody with the right role has the wrong token, and needs no other role."""
    writing_roles = sorted({"owner", "user-admin"}.intersection(deployment.roles))
    if writing_roles:
        why = f"its user {deployment.user} has the role {writing_roles[0]}, so the token has scopes"
        return f"{why}, unless that role was just taken away: make a token without `--scope`"
    return f"{roles} may"
