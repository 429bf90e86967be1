"""Seeded people: one token for each role, deterministic and plainly not real, in Coder's format."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..answers import as_json

if TYPE_CHECKING:
    from ..database import Database

SECRET = "SandboxTokenNotASecret"  # noqa: S105  # says so itself
FOREVER = "2999-01-01T00:00:00.000000Z"
JOINED = "2026-01-05T09:00:00.000000Z"

# Whose key has which id, and how to find a first holder of the role.
_KEY_IDS = {
    "owner": "owner00000",
    "user-admin": "useradmin0",
    "organization-admin": "orgadmin00",
    "organization-user-admin": "orguseradm",
    "auditor": "auditor000",
    "member": "member0000",
}

_HOLDER = """
SELECT u.id FROM users u
WHERE u.status = 'active' AND NOT u.is_system AND CASE ?1
    WHEN 'member' THEN u.roles = '[]' AND EXISTS (
            SELECT 1 FROM organization_members m JOIN organizations o ON o.id = m.organization_id AND o.is_default
            WHERE m.user_id = u.id)
        AND NOT EXISTS (SELECT 1 FROM organization_members m WHERE m.user_id = u.id AND m.roles <> '[]')
    WHEN 'organization-admin' THEN ?2
    WHEN 'organization-user-admin' THEN ?2
    ELSE ?1 IN (SELECT value FROM json_each(u.roles)) END
    AND (NOT ?2 OR u.id IN (
        SELECT m.user_id FROM organization_members m, json_each(m.roles) r WHERE r.value = ?1))
ORDER BY u.rowid LIMIT 1
"""


def give_tokens(database: Database) -> None:
    """Give the first active holder of each role a key that does not expire."""
    for role, key_id in _KEY_IDS.items():
        holder = database.value(_HOLDER, role, role.startswith("organization-"))
        if holder is not None:
            database.run(
                "INSERT INTO api_keys (id, secret, user_id, token_name, expires_at, created_at) "
                "VALUES (?, ?, ?, 'sandbox', ?, ?)",
                key_id, SECRET, holder, FOREVER, JOINED,
            )  # fmt: skip


def tokens_of(database: Database) -> dict[str, str]:
    """Return the tokens given, by role."""
    rows = database.rows(
        "SELECT id, secret FROM api_keys WHERE id IN (SELECT value FROM json_each(?))",
        as_json(list(_KEY_IDS.values())),
    )
    by_id = {row["id"]: f"{row['id']}-{row['secret']}" for row in rows}
    return {role: by_id[key_id] for role, key_id in _KEY_IDS.items() if key_id in by_id}
