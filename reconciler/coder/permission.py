"""What this token may do, by Coder's authcheck: a POST that writes nothing. Its answer holds when it is asked."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from reconciler.coder import paths
from reconciler.coder.exchange import Request
from reconciler.coder.transport import Transport
from reconciler.coder.wire import load_object
from reconciler.core.budget import OrganizationId


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
