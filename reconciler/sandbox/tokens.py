"""Session tokens: make a token, find it in a request, and look up its owner; decides nothing about rights."""

from __future__ import annotations

import hashlib
import json
import secrets
import string
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from .answers import SIGNED_OUT, Refused, as_json, refusal
from .clock import as_text, shown
from .roles import ORGANIZATION_ROLES, SITE_ROLES, Caller, Membership

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping, Sequence

    from .calls import World
    from .clock import Clock
    from .database import Database

COOKIE = "coder_session_token"
HEADER = "coder-session-token"
SESSION_LIFETIME = timedelta(days=30)
ALL = "coder:all"
UNSCOPED = frozenset({ALL, "all"})
# What a token can be narrowed to: no scope covers groups, so a scoped token cannot manage budgets.
SCOPES = (
    "api_key:*", "api_key:create", "api_key:delete", "api_key:read", "api_key:update", "chat_model_config:read",
    "coder:all", "coder:apikeys.manage_self", "coder:application_connect", "coder:templates.author",
    "coder:templates.build", "coder:workspaces.access", "coder:workspaces.create", "coder:workspaces.delete",
    "coder:workspaces.operate", "file:*", "file:create", "file:read", "organization:*", "organization:delete",
    "organization:read", "organization:update", "task:*", "task:create", "task:delete", "task:read", "task:update",
    "template:*", "template:create", "template:delete", "template:read", "template:update", "template:use", "user:*",
    "user:read", "user:read_personal", "user:update_personal", "user_secret:*", "user_secret:create",
    "user_secret:delete", "user_secret:read", "user_secret:update", "workspace:*", "workspace:application_connect",
    "workspace:create", "workspace:delete", "workspace:read", "workspace:ssh", "workspace:start", "workspace:stop",
    "workspace:update",
)  # fmt: skip
_ALPHABET = string.ascii_letters + string.digits


def _as_go_prints(text: str) -> str:
    """Return a moment of the database as Go's `String` writes it."""
    return shown(text)[:-1].replace("T", " ") + " +0000 UTC"


def token_in_cookie(headers: Mapping[str, str]) -> str:
    """Return the token that a browser sends; empty without one."""
    for cookie in headers.get("cookie", "").split(";"):
        name, _, value = cookie.strip().partition("=")
        if name == COOKIE and value:
            return value
    return ""


def find_token(headers: Mapping[str, str], query_text: str) -> str:
    """Return the token in the order in which Coder looks for it; empty when there is none."""
    if token := token_in_cookie(headers):
        return token
    query = parse_qs(query_text) if "_token=" in query_text else {}
    scheme, _, credentials = headers.get("authorization", "").partition(" ")
    bearer = credentials.strip() if scheme.lower() == "bearer" else ""
    return query.get(COOKIE, [""])[0] or headers.get(HEADER, "") or bearer or query.get("access_token", [""])[0]


class Identities:
    """Know the person behind each token; nothing is looked up twice while nothing changes."""

    def __init__(self, world: World) -> None:
        self._world = world

    def of(self, token: str) -> Caller | Refused:
        """Return who sent the token, or the 401 that Coder answers. A dormant person becomes active by it."""
        caller = self._world.memo.get(("caller", token), lambda: self._look_up(token))
        if isinstance(caller, Refused):
            return caller
        if caller.expires_at <= as_text(self._world.clock.now()):
            return refusal(401, SIGNED_OUT, detail=f'API key expired at "{_as_go_prints(caller.expires_at)}".')
        return caller

    def _look_up(self, token: str) -> Caller | Refused:
        if not token:
            detail = f'Cookie "{COOKIE}" or query parameter must be provided.'
            return refusal(401, SIGNED_OUT, detail=detail)
        parts = token.split("-")
        if len(parts) != 2:
            detail = f"Invalid API key format: incorrect amount of API key parts, expected 2 got {len(parts)}"
            return refusal(401, SIGNED_OUT, detail=detail)
        key_id, secret = parts
        database = self._world.database
        row = database.row(
            "SELECT k.secret, k.expires_at, k.scopes, u.id, u.username, u.status, u.roles "
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
        scopes = json.loads(row["scopes"])
        return Caller(
            id=row["id"],
            username=row["username"],
            key_id=key_id,
            expires_at=row["expires_at"],
            roles=frozenset(json.loads(row["roles"])) & SITE_ROLES.keys(),
            memberships=self._memberships(row),
            scopes=None if UNSCOPED & set(scopes) else frozenset(scopes),
        )

    def _memberships(self, user: sqlite3.Row) -> dict[str, Membership]:
        rows = self._world.database.rows(
            "SELECT m.organization_id, m.roles, o.workspace_sharing FROM organization_members m "
            "JOIN organizations o ON o.id = m.organization_id WHERE m.user_id = ?",
            user["id"],
        )
        return {
            row["organization_id"]: Membership(
                roles=frozenset(json.loads(row["roles"])) & ORGANIZATION_ROLES.keys(),
                workspace_sharing=row["workspace_sharing"],
            )
            for row in rows
        }


def issue_key(
    database: Database,
    clock: Clock,
    user_id: str,
    *,
    token_name: str = "",
    lifetime: timedelta = SESSION_LIFETIME,
    scopes: Sequence[str] = (ALL,),
) -> str:
    """Store a new key and return its text, `<10 characters>-<22 characters>`."""
    key_id, secret, created = _random(10), _random(22), clock.tick()
    expires = as_text(datetime.fromisoformat(created) + lifetime)
    database.run(
        "INSERT INTO api_keys (id, secret, user_id, token_name, scopes, expires_at, created_at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        key_id, secret, user_id, token_name, as_json(list(scopes)), expires, created,
    )  # fmt: skip
    return f"{key_id}-{secret}"


def hash_password(password: str) -> str:
    """Return what is stored of a password: enough for a stand-in, not for a real server."""
    return hashlib.sha256(password.encode("utf-8", "replace")).hexdigest()


def _random(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))
