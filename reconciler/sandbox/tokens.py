"""Session tokens: finds one in a request and the person behind it; decides nothing about rights."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from .answers import SIGNED_OUT, Refusal, refusal
from .clock import as_text
from .roles import ORGANIZATION_ROLES, SITE_ROLES, Caller, Membership

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

    from .calls import World

COOKIE = "coder_session_token"
HEADER = "coder-session-token"


def find_token(headers: Mapping[str, str], query_text: str) -> str:
    """Return the token in the order in which Coder looks for it; empty when there is none."""
    for cookie in headers.get("cookie", "").split(";"):
        name, _, value = cookie.strip().partition("=")
        if name == COOKIE and value:
            return value
    query = parse_qs(query_text) if "_token=" in query_text else {}
    scheme, _, credentials = headers.get("authorization", "").partition(" ")
    bearer = credentials.strip() if scheme.lower() == "bearer" else ""
    return query.get(COOKIE, [""])[0] or headers.get(HEADER, "") or bearer or query.get("access_token", [""])[0]


class Identities:
    """Know the person behind each token; nothing is looked up twice while nothing changes."""

    def __init__(self, world: World) -> None:
        self._world = world

    def of(self, token: str) -> Caller | Refusal:
        """Return who sent the token, or the 401 that Coder answers. A dormant person becomes active by it."""
        caller = self._world.memo.get(("caller", token), lambda: self._look_up(token))
        if isinstance(caller, Refusal):
            return caller
        if caller.expires_at <= as_text(self._world.clock.now()):
            return refusal(401, SIGNED_OUT, detail="API key expired.")
        return caller

    def _look_up(self, token: str) -> Caller | Refusal:
        key_id, _, secret = token.partition("-")
        database = self._world.database
        row = database.one(
            "SELECT k.secret, k.expires_at, u.id, u.username, u.status, u.roles "
            "FROM api_keys k JOIN users u ON u.id = k.user_id WHERE k.id = ?",
            key_id,
        )
        if row is None or row["secret"] != secret:
            return refusal(401, SIGNED_OUT, detail="API key is invalid.")
        if row["status"] == "suspended":
            text = 'User is not active (status = "suspended"). Contact an admin to reactivate your account.'
            return refusal(401, text)
        if row["status"] == "dormant":
            database.run(
                "UPDATE users SET status = 'active', last_seen_at = ? WHERE id = ?",
                self._world.clock.tick(),
                row["id"],
            )
        return Caller(
            id=row["id"],
            username=row["username"],
            key_id=key_id,
            expires_at=row["expires_at"],
            roles=frozenset(json.loads(row["roles"])) & SITE_ROLES.keys(),
            memberships=self._memberships(row),
        )

    def _memberships(self, user: sqlite3.Row) -> dict[str, Membership]:
        rows = self._world.database.rows(
            "SELECT m.organization_id, m.roles, o.workspace_sharing FROM organization_members m "
            "JOIN organizations o ON o.id = m.organization_id WHERE m.user_id = ?",
            user["id"],
        )
        return {
            row["organization_id"]: Membership(
                frozenset(json.loads(row["roles"])) & ORGANIZATION_ROLES.keys(), row["workspace_sharing"]
            )
            for row in rows
        }
