"""Seeded people: tokens by role, deterministic and plainly not real, in Coder's format; and the system user."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..database import Database

SECRET = "SandboxTokenNotASecret"  # noqa: S105  # says so itself
SYSTEM_USER = "c42fdf75-3097-471c-8c33-fb52454d81c0"
FOREVER = "2999-01-01T00:00:00.000000Z"
JOINED = "2026-01-05T09:00:00.000000Z"
_TOKEN_NAME = "sandbox: "  # noqa: S105  # begins the names of the tokens handed out

_KEY_IDS = {"organization-admin": "orgadmin00", "organization-user-admin": "orguseradm"}


def give_token(database: Database, role: str, user_id: str) -> None:
    """Give a user the token that is handed out for a role; it does not expire."""
    key_id = _KEY_IDS.get(role) or f"{role.replace('-', ''):0<10}"[:10]
    database.run(
        "INSERT INTO api_keys (id, secret, user_id, token_name, expires_at, created_at) VALUES (?, ?, ?, ?, ?, ?)",
        key_id, SECRET, user_id, _TOKEN_NAME + role, FOREVER, JOINED,
    )  # fmt: skip


def tokens_of(database: Database) -> dict[str, str]:
    """Return the tokens handed out, by role."""
    rows = database.rows("SELECT id, secret, token_name FROM api_keys ORDER BY rowid")
    return {
        row["token_name"].removeprefix(_TOKEN_NAME): f"{row['id']}-{row['secret']}"
        for row in rows
        if row["token_name"].startswith(_TOKEN_NAME)
    }


def add_system_user(database: Database) -> None:
    """Add the user in whose name Coder prebuilds workspaces: a member of the default organization, in no list."""
    database.run(
        "INSERT INTO users (id, username, name, email, status, login_type, is_system, created_at, updated_at) "
        "VALUES (?, 'prebuilds', 'Prebuilds Owner', 'prebuilds@system', 'active', 'none', 1, ?, ?)",
        SYSTEM_USER, JOINED, JOINED,
    )  # fmt: skip
    database.run(
        "INSERT INTO organization_members (user_id, organization_id, created_at, updated_at) "
        "SELECT ?, id, ?, ? FROM organizations WHERE is_default",
        SYSTEM_USER, JOINED, JOINED,
    )  # fmt: skip
